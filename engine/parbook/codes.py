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


class TimeInForce(DocumentedEnum):
    """What happens to the part of a new order that does not trade at once."""

    GTC = 0, "rests until filled or cancelled"
    IOC = 1, "is cancelled"
    FOK = 2, "the order is refused unless all of it can trade at once"


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


class Source(DocumentedEnum):
    """Who made the liquidity of a trade. Stands in the code field of a TRADE."""

    BOOK = 0, "a resting order"
    CURVE = 1, "the protocol's curve"
    LIFT = 2, "a resting ask, taken by the protocol's curve after its anchor rose"


class CancelReason(DocumentedEnum):
    """Why an order left. Stands in the code field of CANCELLED."""

    REQUESTED = 0, "its owner cancelled or reduced it to nothing"
    REMAINDER = 1, "an IOC or market order could trade no further"
    AMENDED_TO_FILLED = 2, "amended to a total at or below what had already traded"


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


class RejectCode(DocumentedEnum):
    """Why a command was refused. Stands in the code field of REJECTED."""

    UNKNOWN_COMMAND = 1, "kind is not a command that a batch can carry"
    INVALID_SIDE = 2, "side is neither BUY nor SELL"
    INVALID_ORDER_TYPE = 3, "order_type is not known"
    INVALID_TIF = 4, "tif is not known"
    INVALID_COMBINATION = 5, "POST_ONLY needs GTC; MARKET needs IOC or FOK"
    INVALID_ACCOUNT = 6, "account must be 1 or more; 0 is the curve"
    TIME_REVERSED = 7, "ts_ns lies before the market's current time"
    DUPLICATE_CLIENT_ID = 10, "this account used this client id for a live or recent order"
    UNKNOWN_ORDER = 11, "no resting order has this id"
    NOT_OWNER = 12, "the order belongs to another account"
    QTY_OUT_OF_RANGE = 20, "qty_lots is outside 1..QTY_LOTS_MAX"
    PRICE_OUT_OF_RANGE = 21, "price_ticks is outside 1..PRICE_TICKS_MAX"
    NOTIONAL_OVERFLOW = 22, "price_ticks * qty_lots exceeds 63 bits"
    BOOK_FULL = 30, "the book holds max_orders resting orders"
    POST_ONLY_WOULD_TRADE = 40, "book or curve stands at or inside the order's price"
    FOK_UNFILLABLE = 41, "not all of the order can trade at once within its limit"
    NO_REFERENCE_PRICE = 42, "a market order needs an active anchor or an earlier trade"
    NO_CURVE = 50, "no curve has been set"
    ANCHOR_OUT_OF_RANGE = 51, "an anchor price is outside 1..CURVE_PRICE_TICKS_MAX"
    ANCHOR_INVERTED = 52, "the low anchor is above the high one"
    ANCHOR_QUEUE_FULL = 53, "too many anchors are waiting to activate"
    CURVE_PARAMETER = 54, "a curve parameter is out of its range"
