"""What can be wrong with a record of a serialised state, and the error that says so.

Numbers are for the compiled core, which finds the same flaws in the same order; they cross no border.
"""

from __future__ import annotations

from parbook.codes import DocumentedEnum
from parbook.errors import CorruptionError

REMEDY = "Nothing of it may be used: load an older state and replay the commands after it, or replay them all."


class Flaw(DocumentedEnum):
    """Why a record cannot be part of any state."""

    ID_OUT_OF_RANGE = 1, "an order id that was never given"
    NO_ACCOUNT = 2, "an account that nobody has"
    UNKNOWN_NUMBER = 3, "a number that its enumeration does not have, or a reserved field that is not 0"
    LOTS_OUT_OF_RANGE = 4, "lots outside their range"
    PRICE_OUT_OF_RANGE = 5, "a price, a trigger or a distance outside its range"
    DISPLAY_OUT_OF_RANGE = 6, "a slice that no iceberg of this size shows, or one without an iceberg"
    TIME_OUT_OF_RANGE = 7, "a time before 0, one that has passed already, or one that is still to come"
    TERMS_CONTRADICT = 8, "terms that no order can have together"
    WRONG_PLACE = 9, "an order of such terms cannot stand in this place"
    NOTIONAL_OVERFLOW = 10, "price_ticks * qty_lots, or what it is worth, exceeds 63 bits"
    OUT_OF_ORDER = 11, "it comes too early or too late in its section, or stands there twice"
    ORDER_ID_TWICE = 12, "another order has the same id"
    CLIENT_ID_TWICE = 13, "another order of the account, or a dead one still remembered, has the same client id"
    QUOTE_TWICE = 14, "another order stands on the same side of the same quote"
    NOT_REGISTERED = 15, "a reduce-only order of an account that is not registered"
    TOO_MANY = 16, "more of its kind than the instrument allows"
    NO_PARTNER = 17, "its OCO partner is not live, does not name it, or belongs to another account"
    LIMIT_OUT_OF_RANGE = 18, "a field of the account is outside its range"
    BUCKET_OUT_OF_RANGE = 19, "the bucket holds more tokens than it can, or fewer than none"
    SEQUENCE_OUT_OF_RANGE = 20, "a sequence number that was not given yet, or 0"
    ACCOUNTS_CONTRADICT = 21, "a source in which these two accounts cannot have traded"
    FEES_OUT_OF_RANGE = 22, "fees that no rate of this market comes to"
    CLIENT_ID_MISSING = 23, "a dead client id that is 0"
    CURVE_PARAMETERS = 24, "parameters that SET_CURVE refuses"
    CURVE_STATE = 25, "a cursor, cash or an anchor that a curve of these parameters cannot have"
    CURVE_UNFUNDED = 26, "a curve in a market that has no treasury"
    BOOK_CROSSED = 27, "book and curve are locked or crossed while orders match"
    UNKNOWN_ASSET = 28, "an asset that the exchange does not have"
    ATOMS_OUT_OF_RANGE = 29, "atoms outside their range"
    DOES_NOT_ADD_UP = 30, "balances, fees and suspense are not what came in"
    HELD_TWICE = 31, "orders and curves of the account hold more than its balance"
    RATE_OUT_OF_RANGE = 32, "rates above what a market reckons with, or a rebate that no taker pays"
    UNKNOWN_TIER = 33, "a fee tier that was not set"
    UNKNOWN_STATUS = 34, "a status that nobody can have, or one that needs no record"
    TXN_TWICE = 35, "a transaction id that is 0, or stands there twice"
    REFERENCE_OUT_OF_RANGE = 36, "a session, or a reference of one, that was never given"
    UNKNOWN_INSTRUMENT = 37, "an instrument that the exchange does not have"
    REDUCES_TOO_MUCH = 38, "reduce-only orders that would turn the account's position round"
    PEG_ELSEWHERE = 39, "a peg that does not stand where it belongs"
    INDICATION_STALE = 40, "an uncross would do something else than is indicated"


def corruption(where: str, reason: str) -> CorruptionError:
    """Return the error for bytes that are no state: what is wrong, where, and what to do."""
    return CorruptionError(f"{where}: {reason}. {REMEDY}")


def flawed(symbol: str, part: str, index: int, flaw: Flaw) -> CorruptionError:
    """Return the error for one record, counted from 0, of a part of a market's or an exchange's state."""
    return corruption(f"state of {symbol}, {part} {index}", flaw.doc)
