"""Every enumerated value that crosses parbook's border. Numbers are stable: append only, never reuse.

Each member carries a one-line `doc`.
"""

from __future__ import annotations

from enum import IntEnum


class DocumentedEnum(IntEnum):
    """An IntEnum whose members are declared as `NAME = number, "what it means"`."""

    doc: str

    def __new__(cls, number: int, doc: str = "") -> DocumentedEnum:
        """Make the member `number`, with its `doc` beside it."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.doc = doc
        return member


class Side(DocumentedEnum):
    """Which way an order trades."""

    BUY = 0, "pays quote, receives base"
    SELL = 1, "pays base, receives quote"


class OrderType(DocumentedEnum):
    """What the price of a new order means."""

    LIMIT = 0, "trades at price_ticks or better"
    MARKET = 1, "trades inside the collar around the reference price; price_ticks is ignored"
    POST_ONLY = 2, "a limit order that is refused if any of it would trade on entry"
    POST_SLIDE = 3, "a limit order that moves one tick behind what it would trade with"
    MARKET_TO_LIMIT = 4, "a market order whose remainder rests at the price of its last fill"
    PEGGED = 5, "rests at a distance from a reference and follows it; price_ticks is the worst price it may reach"


class TimeInForce(DocumentedEnum):
    """What happens to the part of a new order that does not trade at once."""

    GTC = 0, "rests until filled or cancelled"
    IOC = 1, "is cancelled"
    FOK = 2, "the order is refused unless all of it can trade at once"
    GTD = 3, "rests until expire_ns has passed"
    DAY = 4, "rests until the market closes"
    AUCTION = 5, "takes part in the next uncross, which cancels what it leaves"


class StpMode(DocumentedEnum):
    """What happens when an aggressor meets a resting order of its own group. The aggressor's mode decides."""

    DEFAULT = 0, "as the instrument says"
    OFF = 1, "they trade"
    CANCEL_NEWEST = 2, "what is left of the aggressor is cancelled"
    CANCEL_OLDEST = 3, "the resting order is cancelled and the aggressor goes on"
    CANCEL_BOTH = 4, "both are cancelled"
    DECREMENT = 5, "both shrink by the smaller of the two; no trade"


class Peg(DocumentedEnum):
    """What a PEGGED order follows."""

    NONE = 0, "nothing: not a pegged order"
    ANCHOR = 1, "the active anchor: its low price for bids, its high price for asks"
    MID = 2, "the middle of the displayed touch, bids rounded down, asks up"
    PRIMARY = 3, "the displayed touch of its own side"


class Trigger(DocumentedEnum):
    """Whose price elects a stop."""

    TRADE = 0, "a trade of this market"
    ANCHOR = 1, "the middle of an anchor that activates, rounded down"


class Place(DocumentedEnum):
    """Where a live order stands. Stands in the code field of ACCEPTED, and in every ORDER record of a state."""

    BOOK = 0, "displayed in full"
    ICEBERG = 1, "displayed slice by slice; each slice is announced by SHOWN"
    HIDDEN = 2, "in the book, never in depth; trades after everything displayed at its price"
    ARMED = 3, "a stop that waits for its trigger"
    ELECTED = 4, "a triggered stop that waits for its turn"
    PARKED = 5, "a peg without a reference; outside the book"
    CALL = 6, "a market order that waits for the uncross"


class SessionState(DocumentedEnum):
    """What the market is doing. What each state refuses: `parbook.sessions`."""

    CONTINUOUS = 0, "orders match as they arrive"
    PRE_OPEN = 1, "orders gather, nothing matches"
    AUCTION = 2, "orders gather, the price of the uncross is indicated"
    HALTED = 3, "orders can only leave or shrink"
    CLOSING = 4, "as AUCTION, before the close"
    CLOSED = 5, "orders can only leave or shrink; the phase beneath is kept"
    DELISTED = 6, "nothing rests and nothing enters; outranks every other state"


class Allocation(DocumentedEnum):
    """How an aggressor is split among the orders of one price."""

    PRICE_TIME = 0, "first come, first served"
    PRO_RATA = 1, "in proportion to what each displays, rounded down; the leftover lots by time"


class AccountField(DocumentedEnum):
    """What SET_ACCOUNT sets. One field a command, so that raising one limit cannot zero another."""

    STP_GROUP = 1, "accounts of one group do not trade with each other; at first the account's own number"
    POSITION_LOTS = 2, "net position in this market, may be negative"
    MAX_LONG_LOTS = 3, "largest position all open buys could lead to"
    MAX_SHORT_LOTS = 4, "largest short position all open sells could lead to"
    MAX_OPEN_ORDERS = 5, "live orders, wherever they stand"
    MAX_ORDER_LOTS = 6, "size of one order"
    MAX_ORDER_NOTIONAL = 7, "price_ticks * qty_lots of one order"
    RATE_PER_SECOND = 8, "orders, amendments and quotes a second, 0: no limit"
    RATE_BURST = 9, "how many of them may come at once"
    ALLOWED_TYPES = 10, "bit n allows order type n"
    ALLOWED_TIFS = 11, "bit n allows time in force n"
    DENIED = 12, "bits of Denial"
    PROTECTION_LOTS = 13, "quote fills inside the window that pull the account's quotes, 0: off"
    PROTECTION_WINDOW_NS = 14, "length of that window"
    KILLED = 15, "1: nothing new is accepted; 0 lifts a KILL"


class AccountStatus(DocumentedEnum):
    """What an account may do in the whole exchange. Its live orders stay where they are."""

    ACTIVE = 0, "everything that its limits allow"
    REDUCE_ONLY = 1, "sell, shrink, cancel, deposit, withdraw; not buy, nor amend what buys"
    SUSPENDED = 2, "shrink, cancel, be paid; nothing new, no amendment, no withdrawal, no transfer"


class Denial(DocumentedEnum):
    """What an account may be denied; bits of AccountField.DENIED."""

    RESTING = 1, "every order that could rest"
    AMEND = 2, "AMEND, but not REDUCE"
    CANCEL = 4, "CANCEL and REDUCE by itself"
    QUOTE = 8, "QUOTE"
    BUY = 16, "orders and quotes that buy, and amending them: it may only leave"
    SELL = 32, "orders and quotes that sell, and amending them"


class CommandKind(DocumentedEnum):
    """What a command asks for."""

    NEW = 1, "enter an order"
    CANCEL = 2, "cancel a resting order"
    AMEND = 3, "change total quantity and price of a resting order"
    REDUCE = 4, "take lots off a resting order; keeps its priority"
    ADVANCE = 5, "move the clock; due anchors activate"
    PROPOSE_ANCHOR = 6, "propose the fair price the curve quotes around"
    WITHDRAW_ANCHORS = 7, "cancel every proposed anchor that is not yet active"
    WITHDRAW_CURVE = 8, "stop quoting the curve until the next anchor activates"
    SET_CURVE = 9, "replace shape and parameters of the curve (a record of its own)"
    NEW_SPECIAL = 10, "enter an order with terms; the TERMS record behind it holds them"
    AMEND_SPECIAL = 11, "amend an order and its terms; the TERMS record behind it holds them"
    TERMS = 12, "second record of a special command; never a command of its own"
    MASS_CANCEL = 13, "cancel every live order of an account, a session, a side, or all"
    KILL = 14, "cancel an account's orders and refuse its next ones"
    DEADMAN = 15, "cancel the account's orders unless this comes again in time"
    QUOTE = 16, "replace a two-sided quote"
    RESET_PROTECTION = 17, "let an account quote again after its protection fired"
    SET_ACCOUNT = 18, "set one limit or property of an account"
    SET_STATE = 19, "move to another session state"
    BUST = 20, "declare a trade void"
    DEPOSIT = 21, "credit an account with what came from outside (exchange)"
    WITHDRAW = 22, "debit an account with what leaves for the outside (exchange)"
    TRANSFER = 23, "move atoms between accounts (exchange)"
    SET_FEES = 24, "set what a fee tier pays (exchange)"
    SET_TIER = 25, "put an account in a fee tier (exchange)"
    SET_STATUS = 26, "set what an account may do everywhere (exchange)"
    FUND_CURVE = 27, "set the cash the curve has left; its target and cursor stay"


class EventKind(DocumentedEnum):
    """What happened."""

    ACCEPTED = 1, "a new order was accepted; leaves_lots rests once this command's events are applied"
    REJECTED = 2, "a command was refused; nothing but the clock moved"
    TRADE = 3, "a fill, at the resting side's price"
    CANCELLED = 4, "qty_lots of an order left the market without trading"
    AMENDED = 5, "an order changed; leaves_lots rests once this command's events are applied"
    ADVANCED = 6, "the clock was moved by an ADVANCE command"
    ANCHOR_PROPOSED = 7, "an anchor will activate at the given time"
    ANCHOR_ACTIVATED = 8, "the curve quotes around a new anchor"
    ANCHORS_WITHDRAWN = 9, "qty_lots proposed anchors were cancelled"
    CURVE_SET = 10, "the curve has new parameters, target and budget"
    CURVE_WITHDRAWN = 11, "the curve stopped quoting"
    PREVENTED = 12, "two orders of one group met and did not trade"
    TRIGGERED = 13, "a stop was elected and enters the market now"
    SHOWN = 14, "depth shows qty_lots of an iceberg from now on, at the back of its price's queue"
    REPRICED = 15, "a peg moved to price_ticks, at the back of the queue; 0: it is parked"
    STATE_CHANGED = 16, "the session state changed"
    INDICATIVE = 17, "what an uncross would do now"
    UNCROSSED = 18, "an auction cleared at one price"
    MASS_CANCELLED = 19, "qty_lots orders were cancelled together"
    ACCOUNT_SET = 20, "an account's limit or property has a new value"
    QUOTED = 21, "a quote stands as its owner asked"
    PROTECTED = 22, "an account's quotes were pulled after too many fills"
    BUSTED = 23, "a trade was declared void; no order comes back"
    UNSPENT = 24, "part of a market order's amount was not spent"
    BREACHED = 25, "a sweep stopped at the collar; what came next would have printed outside it"
    DEADMAN_SET = 26, "an account's orders are cancelled at the given time unless it reports again"
    DEPOSITED = 27, "an account was credited with what came from outside"
    WITHDRAWN = 28, "an account was debited with what left for the outside"
    TRANSFERRED = 29, "atoms moved between accounts"
    FEES_SET = 30, "a fee tier pays new rates"
    TIER_SET = 31, "an account is in another fee tier"
    STATUS_SET = 32, "an account may do more or less than before, everywhere"
    REPEATED = 33, "a session's reference had come before; the first outcome is said again"
    CURVE_FUNDED = 34, "the curve has another amount of cash left"


class Source(DocumentedEnum):
    """Who made the liquidity of a trade. Stands in the code field of a TRADE."""

    BOOK = 0, "a resting order"
    CURVE = 1, "the protocol's curve"
    LIFT = 2, "a resting ask, taken by the protocol's curve after its anchor rose"
    HIDDEN = 3, "a resting order that depth never showed"
    UNCROSS = 4, "two orders that met in an auction; the taker fields hold the buyer"
    UNCROSS_CURVE = 5, "an order that met the curve in an auction"


class CancelReason(DocumentedEnum):
    """Why an order left. Stands in the code field of CANCELLED."""

    REQUESTED = 0, "its owner cancelled or reduced it to nothing"
    REMAINDER = 1, "an IOC or market order could trade no further"
    AMENDED_TO_FILLED = 2, "amended to a total at or below what had already traded"
    SELF_TRADE = 3, "it met an order of its own group"
    EXPIRED = 4, "its time was over"
    OCO = 5, "its partner traded, was triggered or left"
    MASS = 6, "a mass cancel"
    DISCONNECTED = 7, "a mass cancel because its session went away"
    KILLED = 8, "its account was killed"
    DEADMAN = 9, "its account did not report in time"
    PROTECTION = 10, "market-maker protection pulled its quote"
    QUOTE_REPLACED = 11, "a later quote took its place"
    REDUCE_ONLY = 12, "it would have increased the position it may only reduce"
    DELISTED = 13, "its instrument was delisted"
    COLLAR = 14, "the next fill would have printed outside the collar"
    NO_REFERENCE = 15, "a triggered market order found no reference price"
    UNTRADED = 16, "the uncross left it over"
    NOTIONAL = 17, "a triggered market order's lots times its protected limit exceed 63 bits"
    FUNDS = 18, "it could not hold what it might cost at its new price"


class Priority(DocumentedEnum):
    """What an amendment did to time priority. Stands in the code field of AMENDED."""

    KEPT = 0, "the order stands where it stood"
    LOST = 1, "the order went to the back of its price's queue, after trading what crossed"


class CurveShape(DocumentedEnum):
    """Which formula compiles to the curve's rungs."""

    PMM = 1, "proactive market maker: k=1 is constant product, k=0 constant price"
    LINEAR = 2, "buyback: par, then a straight slope, then a hard stop; resells along the PMM"
    REDEMPTION = 3, "par, then a slope, then everything else at the floor; never sells"


class AnchorMove(DocumentedEnum):
    """What the curve does about resting orders that a moved anchor crosses."""

    CLIP = 0, "quotes one tick behind them; never takes"
    LIFT = 1, "first buys the resting asks at or below its own bid, at their price, then clips"


class CurveResale(DocumentedEnum):
    """From which price on the curve sells."""

    ALONG = 0, "what was bought is sold back along the curve, from just above the bid"
    ABOVE_HIGH = 1, "nothing is sold below the high anchor"


class RejectCode(DocumentedEnum):
    """Why a command was refused. Stands in the code field of REJECTED."""

    UNKNOWN_COMMAND = 1, "kind is not a command that a batch can carry"
    INVALID_SIDE = 2, "side is neither BUY nor SELL"
    INVALID_ORDER_TYPE = 3, "order_type is not known"
    INVALID_TIF = 4, "tif is not known"
    INVALID_COMBINATION = 5, "POST_ONLY needs GTC; MARKET needs IOC or FOK"
    INVALID_ACCOUNT = 6, "account must be 1 or more; 0 is the curve"
    TIME_REVERSED = 7, "ts_ns lies before the market's current time"
    MISSING_TERMS = 8, "the record behind a special command is not its TERMS"
    INVALID_TERMS = 9, "a term contradicts order type, time in force or another term"
    DUPLICATE_CLIENT_ID = 10, "this account used this client id for a live or recent order"
    UNKNOWN_ORDER = 11, "no resting order has this id"
    NOT_OWNER = 12, "the order belongs to another account"
    UNKNOWN_ACCOUNT = 13, "the account is not registered here"
    UNKNOWN_TRADE = 14, "no trade with this id is inside the bust window"
    ALREADY_BUSTED = 15, "the trade has been declared void before"
    QTY_OUT_OF_RANGE = 20, "qty_lots is outside 1..QTY_LOTS_MAX"
    PRICE_OUT_OF_RANGE = 21, "price_ticks is outside 1..PRICE_TICKS_MAX"
    NOTIONAL_OVERFLOW = 22, "price_ticks * qty_lots exceeds 63 bits"
    DISPLAY_OUT_OF_RANGE = (
        23,
        "display_lots is outside 1..qty_lots, or qty_lots is more than ICEBERG_SLICES_MAX of them",
    )
    MIN_QTY_OUT_OF_RANGE = 24, "min_lots is outside 0..qty_lots"
    STOP_OUT_OF_RANGE = 25, "a stop or trailing distance is outside its range"
    AMOUNT_OUT_OF_RANGE = 26, "amount_notional is negative"
    EXPIRY_OUT_OF_RANGE = 27, "expire_ns lies before the market's current time"
    OFFSET_OUT_OF_RANGE = 28, "a peg's offset is beyond PRICE_TICKS_MAX either way"
    BOOK_FULL = 30, "max_orders orders are live"
    PEGS_FULL = 31, "too many pegged orders"
    TRAILING_FULL = 32, "too many trailing stops"
    ACCOUNTS_FULL = 33, "too many registered accounts"
    POST_ONLY_WOULD_TRADE = 40, "book or curve stands at or inside the order's price"
    FOK_UNFILLABLE = 41, "not all of the order can trade at once within its limit"
    NO_REFERENCE_PRICE = 42, "a market order needs an active anchor or an earlier trade"
    MIN_QTY_UNFILLABLE = 43, "less than min_lots can trade at once"
    NOTHING_TO_TRADE = 44, "a market-to-limit order found nothing to set its limit by"
    STOP_THROUGH = 45, "the stop's price has been reached already"
    NO_CURVE = 50, "no curve has been set"
    ANCHOR_OUT_OF_RANGE = 51, "an anchor price is outside 1..CURVE_PRICE_TICKS_MAX"
    ANCHOR_INVERTED = 52, "the low anchor is above the high one"
    ANCHOR_QUEUE_FULL = 53, "too many anchors are waiting to activate"
    CURVE_PARAMETER = 54, "a curve parameter, or the cash of FUND_CURVE, is out of its range"
    STATE_FORBIDS = 60, "the session state does not allow this"
    INVALID_TRANSITION = 61, "the session cannot go from its state to that one"
    TYPE_NOT_ALLOWED = 70, "the account may not use this order type"
    TIF_NOT_ALLOWED = 71, "the account may not use this time in force"
    RESTING_DENIED = 72, "the account may not leave orders resting"
    AMEND_DENIED = 73, "the account may not amend"
    CANCEL_DENIED = 74, "the account may not cancel"
    QUOTE_DENIED = 75, "the account may not quote"
    ACCOUNT_KILLED = 76, "the account was killed; SET_ACCOUNT KILLED 0 lifts it"
    SIDE_DENIED = 77, "the account may not buy, or not sell, this instrument"
    ORDER_TOO_LARGE = 80, "more lots than one order may have"
    NOTIONAL_TOO_LARGE = 81, "more ticks x lots than one order may have"
    PRICE_TOO_FAR = 82, "the price is too far from the reference price"
    POSITION_LIMIT = 83, "all open orders together could take the position beyond its limit"
    OPEN_ORDER_LIMIT = 84, "the account has as many live orders as it may have"
    RATE_LIMITED = 85, "too many commands at once; time refills the bucket"
    REDUCE_ONLY_EXCEEDED = 86, "the order could increase the position it may only reduce"
    PROTECTION_ACTIVE = 87, "protection pulled the account's quotes; RESET_PROTECTION lets it quote again"
    INVALID_OCO = 90, "the partner is not a live, single order of the account that this order may be paired with"
    INVALID_SLOT = 91, "a quote's slot is outside 0..MAX_QUOTE_SLOTS-1"
    QUOTE_CROSSED = 92, "a quote's bid is at or above its ask"
    LIMIT_OUT_OF_RANGE = 93, "an account field does not exist or its value is out of range"
    UNKNOWN_ASSET = 100, "the exchange has no such asset"
    UNKNOWN_INSTRUMENT = 101, "the exchange has no such instrument"
    INSUFFICIENT_QUOTE = 102, "less of the quote asset is available than the order could cost before fees"
    INSUFFICIENT_FEE = 103, "enough of the quote asset is available for the price, but not for the largest fee as well"
    INSUFFICIENT_BASE = 104, "less of the base asset is available than the order sells"
    INSUFFICIENT_AVAILABLE = 105, "less is available than should leave the account"
    DUPLICATE_TXN = 106, "a deposit, withdrawal or transfer with this id has been done before"
    BALANCE_OVERFLOW = 107, "the asset's atoms inside the exchange would exceed 63 bits"
    CURVE_UNFUNDED = 108, "the treasury has less available than the curve's budget or the lots it may sell"
    FEE_OUT_OF_RANGE = 109, "a rate above what holds reckon with, or a rebate that some taker's fee does not cover"
    ACCOUNT_SUSPENDED = 110, "the account is suspended everywhere; SET_STATUS lifts it"
    ACCOUNT_REDUCE_ONLY = 111, "the account may only sell, shrink and leave; SET_STATUS lifts it"
    UNKNOWN_TIER = 112, "the fee tier has no rates yet: SET_FEES comes first"
    UNKNOWN_STATUS = 113, "no account status has this number"
    INVALID_SESSION_REF = 114, "a session reference needs a session and must be positive"
    OUTCOME_FORGOTTEN = 115, "the reference came before, too long ago to say what came of it"
