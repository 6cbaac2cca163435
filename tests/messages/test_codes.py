"""Numbers that cross the border never change. A red test here means: append a new number instead."""

from __future__ import annotations

import msgspec
import pytest

from parbook import codes
from parbook.codes import DocumentedEnum, RejectCode
from parbook.reference.market import Placed

PINNED = {
    "Side": "BUY=0 SELL=1",
    "OrderType": "LIMIT=0 MARKET=1 POST_ONLY=2",
    "TimeInForce": "GTC=0 IOC=1 FOK=2",
    "CommandKind": "NEW=1 CANCEL=2 AMEND=3 REDUCE=4 ADVANCE=5 PROPOSE_ANCHOR=6 WITHDRAW_ANCHORS=7 WITHDRAW_CURVE=8 "
    "SET_CURVE=9",
    "EventKind": "ACCEPTED=1 REJECTED=2 TRADE=3 CANCELLED=4 AMENDED=5 ADVANCED=6 ANCHOR_PROPOSED=7 ANCHOR_ACTIVATED=8 "
    "ANCHORS_WITHDRAWN=9 CURVE_SET=10 CURVE_WITHDRAWN=11",
    "Source": "BOOK=0 CURVE=1 LIFT=2",
    "CancelReason": "REQUESTED=0 REMAINDER=1 AMENDED_TO_FILLED=2",
    "Priority": "KEPT=0 LOST=1",
    "CurveShape": "PMM=1 LINEAR=2 REDEMPTION=3",
    "AnchorMove": "CLIP=0 LIFT=1",
    "RejectCode": "UNKNOWN_COMMAND=1 INVALID_SIDE=2 INVALID_ORDER_TYPE=3 INVALID_TIF=4 INVALID_COMBINATION=5 "
    "INVALID_ACCOUNT=6 TIME_REVERSED=7 DUPLICATE_CLIENT_ID=10 UNKNOWN_ORDER=11 NOT_OWNER=12 QTY_OUT_OF_RANGE=20 "
    "PRICE_OUT_OF_RANGE=21 NOTIONAL_OVERFLOW=22 BOOK_FULL=30 POST_ONLY_WOULD_TRADE=40 FOK_UNFILLABLE=41 "
    "NO_REFERENCE_PRICE=42 NO_CURVE=50 ANCHOR_OUT_OF_RANGE=51 ANCHOR_INVERTED=52 ANCHOR_QUEUE_FULL=53 "
    "CURVE_PARAMETER=54",
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
