"""Numbers that cross the border never change. A red test here means: append a new number instead."""

from __future__ import annotations

import msgspec
import pytest

from parbook import codes
from parbook.codes import DocumentedEnum, RejectCode
from parbook.reference.market import Placed

PINNED = {
    "Side": "BUY=0 SELL=1",
    "OrderType": "LIMIT=0 MARKET=1 POST_ONLY=2 POST_SLIDE=3 MARKET_TO_LIMIT=4 PEGGED=5",
    "TimeInForce": "GTC=0 IOC=1 FOK=2 GTD=3 DAY=4 AUCTION=5",
    "StpMode": "DEFAULT=0 OFF=1 CANCEL_NEWEST=2 CANCEL_OLDEST=3 CANCEL_BOTH=4 DECREMENT=5",
    "Peg": "NONE=0 ANCHOR=1 MID=2 PRIMARY=3",
    "Trigger": "TRADE=0 ANCHOR=1",
    "Place": "BOOK=0 ICEBERG=1 HIDDEN=2 ARMED=3 ELECTED=4 PARKED=5 CALL=6",
    "SessionState": "CONTINUOUS=0 PRE_OPEN=1 AUCTION=2 HALTED=3 CLOSING=4 CLOSED=5 DELISTED=6",
    "Allocation": "PRICE_TIME=0 PRO_RATA=1",
    "AccountField": "STP_GROUP=1 POSITION_LOTS=2 MAX_LONG_LOTS=3 MAX_SHORT_LOTS=4 MAX_OPEN_ORDERS=5 MAX_ORDER_LOTS=6 "
    "MAX_ORDER_NOTIONAL=7 RATE_PER_SECOND=8 RATE_BURST=9 ALLOWED_TYPES=10 ALLOWED_TIFS=11 DENIED=12 "
    "PROTECTION_LOTS=13 PROTECTION_WINDOW_NS=14 KILLED=15",
    "AccountStatus": "ACTIVE=0 REDUCE_ONLY=1 SUSPENDED=2",
    "Denial": "RESTING=1 AMEND=2 CANCEL=4 QUOTE=8 BUY=16 SELL=32",
    "CommandKind": "NEW=1 CANCEL=2 AMEND=3 REDUCE=4 ADVANCE=5 PROPOSE_ANCHOR=6 WITHDRAW_ANCHORS=7 WITHDRAW_CURVE=8 "
    "SET_CURVE=9 NEW_SPECIAL=10 AMEND_SPECIAL=11 TERMS=12 MASS_CANCEL=13 KILL=14 DEADMAN=15 QUOTE=16 "
    "RESET_PROTECTION=17 SET_ACCOUNT=18 SET_STATE=19 BUST=20 DEPOSIT=21 WITHDRAW=22 "
    "TRANSFER=23 SET_FEES=24 SET_TIER=25 SET_STATUS=26 FUND_CURVE=27",
    "EventKind": "ACCEPTED=1 REJECTED=2 TRADE=3 CANCELLED=4 AMENDED=5 ADVANCED=6 ANCHOR_PROPOSED=7 ANCHOR_ACTIVATED=8 "
    "ANCHORS_WITHDRAWN=9 CURVE_SET=10 CURVE_WITHDRAWN=11 PREVENTED=12 TRIGGERED=13 SHOWN=14 REPRICED=15 "
    "STATE_CHANGED=16 INDICATIVE=17 UNCROSSED=18 MASS_CANCELLED=19 ACCOUNT_SET=20 QUOTED=21 PROTECTED=22 "
    "BUSTED=23 UNSPENT=24 BREACHED=25 DEADMAN_SET=26 DEPOSITED=27 WITHDRAWN=28 "
    "TRANSFERRED=29 FEES_SET=30 TIER_SET=31 STATUS_SET=32 REPEATED=33 CURVE_FUNDED=34",
    "Source": "BOOK=0 CURVE=1 LIFT=2 HIDDEN=3 UNCROSS=4 UNCROSS_CURVE=5",
    "CancelReason": "REQUESTED=0 REMAINDER=1 AMENDED_TO_FILLED=2 SELF_TRADE=3 EXPIRED=4 OCO=5 MASS=6 DISCONNECTED=7 "
    "KILLED=8 DEADMAN=9 PROTECTION=10 QUOTE_REPLACED=11 REDUCE_ONLY=12 DELISTED=13 COLLAR=14 "
    "NO_REFERENCE=15 UNTRADED=16 NOTIONAL=17 FUNDS=18",
    "Priority": "KEPT=0 LOST=1",
    "CurveShape": "PMM=1 LINEAR=2 REDEMPTION=3",
    "AnchorMove": "CLIP=0 LIFT=1",
    "CurveResale": "ALONG=0 ABOVE_HIGH=1",
    "RejectCode": "UNKNOWN_COMMAND=1 INVALID_SIDE=2 INVALID_ORDER_TYPE=3 INVALID_TIF=4 INVALID_COMBINATION=5 "
    "INVALID_ACCOUNT=6 TIME_REVERSED=7 MISSING_TERMS=8 INVALID_TERMS=9 DUPLICATE_CLIENT_ID=10 "
    "UNKNOWN_ORDER=11 NOT_OWNER=12 UNKNOWN_ACCOUNT=13 UNKNOWN_TRADE=14 ALREADY_BUSTED=15 "
    "QTY_OUT_OF_RANGE=20 PRICE_OUT_OF_RANGE=21 NOTIONAL_OVERFLOW=22 DISPLAY_OUT_OF_RANGE=23 "
    "MIN_QTY_OUT_OF_RANGE=24 STOP_OUT_OF_RANGE=25 AMOUNT_OUT_OF_RANGE=26 EXPIRY_OUT_OF_RANGE=27 "
    "OFFSET_OUT_OF_RANGE=28 BOOK_FULL=30 PEGS_FULL=31 TRAILING_FULL=32 ACCOUNTS_FULL=33 "
    "POST_ONLY_WOULD_TRADE=40 FOK_UNFILLABLE=41 NO_REFERENCE_PRICE=42 MIN_QTY_UNFILLABLE=43 "
    "NOTHING_TO_TRADE=44 STOP_THROUGH=45 NO_CURVE=50 ANCHOR_OUT_OF_RANGE=51 ANCHOR_INVERTED=52 "
    "ANCHOR_QUEUE_FULL=53 CURVE_PARAMETER=54 STATE_FORBIDS=60 INVALID_TRANSITION=61 TYPE_NOT_ALLOWED=70 "
    "TIF_NOT_ALLOWED=71 RESTING_DENIED=72 AMEND_DENIED=73 CANCEL_DENIED=74 QUOTE_DENIED=75 "
    "ACCOUNT_KILLED=76 SIDE_DENIED=77 ORDER_TOO_LARGE=80 NOTIONAL_TOO_LARGE=81 PRICE_TOO_FAR=82 POSITION_LIMIT=83 "
    "OPEN_ORDER_LIMIT=84 RATE_LIMITED=85 REDUCE_ONLY_EXCEEDED=86 PROTECTION_ACTIVE=87 INVALID_OCO=90 "
    "INVALID_SLOT=91 QUOTE_CROSSED=92 LIMIT_OUT_OF_RANGE=93 UNKNOWN_ASSET=100 "
    "UNKNOWN_INSTRUMENT=101 INSUFFICIENT_QUOTE=102 INSUFFICIENT_FEE=103 INSUFFICIENT_BASE=104 "
    "INSUFFICIENT_AVAILABLE=105 DUPLICATE_TXN=106 BALANCE_OVERFLOW=107 CURVE_UNFUNDED=108 FEE_OUT_OF_RANGE=109 "
    "ACCOUNT_SUSPENDED=110 ACCOUNT_REDUCE_ONLY=111 UNKNOWN_TIER=112 UNKNOWN_STATUS=113 INVALID_SESSION_REF=114 "
    "OUTCOME_FORGOTTEN=115",
}
ENUMS = {
    name: kind for name, kind in vars(codes).items() if isinstance(kind, type) and issubclass(kind, DocumentedEnum)
}
del ENUMS["DocumentedEnum"]


def test_every_enumeration_is_pinned():
    assert set(ENUMS) == set(PINNED)


@pytest.mark.parametrize("name", PINNED)
def test_numbers_are_pinned(name):
    # A later release may append; what stands in the table must stay as it is.
    assert " ".join(f"{key}={int(member)}" for key, member in ENUMS[name].__members__.items()) == PINNED[name]


@pytest.mark.parametrize("kind", ENUMS.values(), ids=ENUMS)
def test_members_are_distinct_documented_and_fit_their_record_field(kind):
    assert len(kind.__members__) == len(set(kind)), "two names share a number"
    assert all(member.doc for member in kind)
    assert len({member.doc for member in kind}) == len(kind)
    assert all(0 <= member <= (0xFFFF if kind is RejectCode else 0xFF) for member in kind)


def test_members_survive_json_as_numbers():
    assert msgspec.json.encode(RejectCode.NOT_OWNER) == b"12"
    assert msgspec.json.decode(b"12", type=RejectCode) is RejectCode.NOT_OWNER
    assert RejectCode.NOT_OWNER.doc == "the order belongs to another account"


def test_zero_stays_free_for_accepted():
    assert 0 not in set(RejectCode)
    fine = Placed(code=0, order_id=1, filled_lots=0, notional=0, leaves_lots=5, first_seq=1)
    refused = Placed(code=12, order_id=0, filled_lots=0, notional=0, leaves_lots=0, first_seq=1)
    assert (fine.ok, fine.refusal) == (True, None)
    assert (refused.ok, refused.refusal) == (False, RejectCode.NOT_OWNER)
