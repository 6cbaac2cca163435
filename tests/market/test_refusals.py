"""Every reject code is reached, changes nothing but counters and clock, and the order of reasons is fixed."""

import numpy as np
import pytest

from parbook.codes import CommandKind, RejectCode
from parbook.instrument import Instrument
from parbook.messages import SetCurve
from parbook.records import COMMAND, EVENT
from parbook.state import HEADER
from parbook.units import CURVE_PRICE_TICKS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.support.scenario import curve_params, state_but_counters

NEW = {"kind": CommandKind.NEW, "account": 1, "side": 0, "qty_lots": 1, "price_ticks": 90}
MARKET = {**NEW, "order_type": 1, "tif": 1}
FULL, QUIET, QUEUED = "full", "quiet", "queued"


def records(**fields):
    out = np.zeros(1, COMMAND)
    for name, value in fields.items():
        out[name] = value
    return out


def prepared(market_class, state=""):
    """Return a market at time 100 with order #1 of account 1 (client 7) at 95 and #2 of account 2 at 105.

    Unless QUIET it has a curve quoting 99 and 101; QUEUED adds as many waiting anchors as it holds.
    """
    market = market_class(Instrument(symbol="TEST", max_orders=2 if state == FULL else 9))
    market.place(1, 0, 5, 95, client_id=7, ts_ns=100)
    market.place(2, 1, 5, 105)
    if state != QUIET:
        set_curve(market, "pmm depth=4 base=6 min=-5" + (" delay=50" if state == QUEUED else ""))
        for _ in range(16 if state == QUEUED else 1):
            market.apply_batch(records(kind=CommandKind.PROPOSE_ANCHOR, price_ticks=100, high_ticks=100))
    return market


def set_curve(market, text):
    return market.apply(SetCurve(params=curve_params(text)))


REFUSALS = [
    # Each row refuses for every reason from its own on; mending one reason after the other walks down the list.
    ("", {**NEW, "kind": 0}, RejectCode.UNKNOWN_COMMAND),
    ("", {**NEW, "kind": 9}, RejectCode.UNKNOWN_COMMAND),
    ("", {**NEW, "kind": 255, "ts_ns": 1, "account": 0}, RejectCode.UNKNOWN_COMMAND),
    ("", {**NEW, "ts_ns": 99, "account": 0, "side": 2}, RejectCode.TIME_REVERSED),
    ("", {**NEW, "account": 0, "side": 2, "order_type": 6}, RejectCode.INVALID_ACCOUNT),
    ("", {**NEW, "side": 2, "order_type": 6, "tif": 6}, RejectCode.INVALID_SIDE),
    ("", {**NEW, "side": 255}, RejectCode.INVALID_SIDE),
    ("", {**NEW, "order_type": 6, "tif": 6, "client_id": 7}, RejectCode.INVALID_ORDER_TYPE),
    ("", {**NEW, "tif": 6, "client_id": 7, "qty_lots": 0}, RejectCode.INVALID_TIF),
    ("", {**NEW, "order_type": 2, "tif": 1, "client_id": 7, "qty_lots": 0}, RejectCode.INVALID_COMBINATION),
    ("", {**NEW, "order_type": 2, "tif": 2}, RejectCode.INVALID_COMBINATION),
    ("", {**NEW, "order_type": 1, "tif": 0}, RejectCode.INVALID_COMBINATION),
    ("", {**NEW, "client_id": 7, "qty_lots": 0, "price_ticks": 0}, RejectCode.DUPLICATE_CLIENT_ID),
    (FULL, {**NEW, "qty_lots": 0, "price_ticks": 0}, RejectCode.QTY_OUT_OF_RANGE),
    ("", {**NEW, "qty_lots": -1}, RejectCode.QTY_OUT_OF_RANGE),
    ("", {**NEW, "qty_lots": QTY_LOTS_MAX + 1, "price_ticks": PRICE_TICKS_MAX}, RejectCode.QTY_OUT_OF_RANGE),
    (QUIET, {**MARKET, "qty_lots": 0}, RejectCode.QTY_OUT_OF_RANGE),
    (QUIET, {**MARKET, "tif": 2}, RejectCode.NO_REFERENCE_PRICE),
    (FULL, {**NEW, "price_ticks": 0}, RejectCode.PRICE_OUT_OF_RANGE),
    (FULL, {**NEW, "price_ticks": PRICE_TICKS_MAX + 1, "qty_lots": QTY_LOTS_MAX}, RejectCode.PRICE_OUT_OF_RANGE),
    (FULL, {**NEW, "price_ticks": PRICE_TICKS_MAX, "qty_lots": 9}, RejectCode.NOTIONAL_OVERFLOW),
    (FULL, {**NEW, "order_type": 2, "price_ticks": 101}, RejectCode.BOOK_FULL),
    ("", {**NEW, "order_type": 2, "price_ticks": 101}, RejectCode.POST_ONLY_WOULD_TRADE),
    ("", {**NEW, "tif": 2}, RejectCode.FOK_UNFILLABLE),
    (FULL, {**NEW, "tif": 2, "price_ticks": 101, "qty_lots": 6}, RejectCode.FOK_UNFILLABLE),
    *[
        row
        for kind in (CommandKind.CANCEL, CommandKind.AMEND, CommandKind.REDUCE)
        for row in (
            ("", {"kind": kind, "account": 0, "order_id": 99, "qty_lots": -1}, RejectCode.INVALID_ACCOUNT),
            ("", {"kind": kind, "account": 1, "order_id": 99, "qty_lots": -1}, RejectCode.UNKNOWN_ORDER),
            ("", {"kind": kind, "account": 1, "order_id": 99, "client_id": 7}, RejectCode.UNKNOWN_ORDER),
            ("", {"kind": kind, "account": 1, "order_id": 2**64 - 1}, RejectCode.UNKNOWN_ORDER),
            ("", {"kind": kind, "account": 1}, RejectCode.UNKNOWN_ORDER),
            ("", {"kind": kind, "account": 2, "client_id": 7}, RejectCode.UNKNOWN_ORDER),
            ("", {"kind": kind, "account": 2, "order_id": 1, "qty_lots": -1}, RejectCode.NOT_OWNER),
        )
    ],
    ("", {"kind": CommandKind.REDUCE, "account": 1, "order_id": 1}, RejectCode.QTY_OUT_OF_RANGE),
    (
        "",
        {"kind": CommandKind.AMEND, "account": 1, "order_id": 1, "qty_lots": -1, "price_ticks": -1},
        RejectCode.QTY_OUT_OF_RANGE,
    ),
    ("", {"kind": CommandKind.AMEND, "account": 1, "order_id": 1, "price_ticks": -1}, RejectCode.PRICE_OUT_OF_RANGE),
    (
        "",
        {"kind": CommandKind.AMEND, "account": 1, "order_id": 1, "price_ticks": PRICE_TICKS_MAX, "qty_lots": 9},
        RejectCode.NOTIONAL_OVERFLOW,
    ),
    (QUIET, {"kind": CommandKind.PROPOSE_ANCHOR, "price_ticks": 0, "high_ticks": -1}, RejectCode.NO_CURVE),
    (QUIET, {"kind": CommandKind.WITHDRAW_ANCHORS}, RejectCode.NO_CURVE),
    (QUIET, {"kind": CommandKind.WITHDRAW_CURVE}, RejectCode.NO_CURVE),
    (QUIET, {"kind": CommandKind.FUND_CURVE, "qty_lots": -1}, RejectCode.NO_CURVE),
    (QUEUED, {"kind": CommandKind.FUND_CURVE, "qty_lots": -1}, RejectCode.CURVE_PARAMETER),
    (QUEUED, {"kind": CommandKind.FUND_CURVE, "qty_lots": 2**62 + 1}, RejectCode.CURVE_PARAMETER),
    (QUEUED, {"kind": CommandKind.PROPOSE_ANCHOR, "price_ticks": 5, "high_ticks": 0}, RejectCode.ANCHOR_OUT_OF_RANGE),
    (QUEUED, {"kind": CommandKind.PROPOSE_ANCHOR, "price_ticks": 0, "high_ticks": 5}, RejectCode.ANCHOR_OUT_OF_RANGE),
    (
        "",
        {"kind": CommandKind.PROPOSE_ANCHOR, "price_ticks": 5, "high_ticks": CURVE_PRICE_TICKS_MAX + 1},
        RejectCode.ANCHOR_OUT_OF_RANGE,
    ),
    (QUEUED, {"kind": CommandKind.PROPOSE_ANCHOR, "price_ticks": 5, "high_ticks": 4}, RejectCode.ANCHOR_INVERTED),
    (QUEUED, {"kind": CommandKind.PROPOSE_ANCHOR, "price_ticks": 5, "high_ticks": 5}, RejectCode.ANCHOR_QUEUE_FULL),
]


@pytest.mark.parametrize(("state", "fields", "code"), REFUSALS)
def test_refused_and_nothing_changed(market_class, state, fields, code):
    market = prepared(market_class, state)
    before, header = state_but_counters(market), np.frombuffer(market.state_bytes(), HEADER, count=1)[0]
    (event,) = market.apply_batch(records(**fields))
    after = np.frombuffer(market.state_bytes(), HEADER, count=1)[0]

    expected = np.zeros(1, EVENT)
    for name, value in {"kind": 2, "code": code, "seq": header["next_seq"], "command": header["next_command"]}.items():
        expected[name] = value
    expected["account"] = fields.get("account", 0)
    expected["order_id"] = fields.get("order_id", 0)
    expected["other_id"] = fields.get("client_id", 0)
    assert event == expected[0]
    assert state_but_counters(market) == before
    assert after["next_seq"] == header["next_seq"] + 1
    assert after["next_command"] == header["next_command"] + 1
    assert after["now_ns"] == 100
    market.check()


@pytest.mark.parametrize(
    "text", ["pmm base=0", "pmm budget=-1", "linear drop=0", "pmm min=1", "pmm rung=0", "pmm k=1000001"]
)
def test_bad_curve_parameters(play, text):
    play(f"""
    curve: pmm depth=4 base=6 min=-5
    anchor: 100..100
    > set {text}
    rejected curve parameter
    > set {text} at 7
    rejected curve parameter
    > buy 101 x 1 by 1
    accepted #1 leaves 0 ; trade 101 x 1 curve net -1
    curve: net -1 cash 1000000101
    """)


# Refusals that need terms, a session, an account or a quote. Random streams reach each of them (tests/parity).
OF_THE_FULL_PATH = {
    code
    for code in RejectCode
    if code in range(8, 10) or code in range(13, 16) or code in range(23, 30) or code in range(31, 40) or code >= 60
} | {RejectCode.MIN_QTY_UNFILLABLE, RejectCode.NOTHING_TO_TRADE, RejectCode.STOP_THROUGH}


def test_every_code_of_plain_commands_is_reached():
    reached = {code for _, _, code in REFUSALS} | {RejectCode.CURVE_PARAMETER}
    assert reached == set(RejectCode) - OF_THE_FULL_PATH


def test_placed_names_the_refusal(market):
    placed = market.place(0, 0, 1, 1)
    assert (placed.ok, placed.code, placed.refusal) == (False, 6, RejectCode.INVALID_ACCOUNT)
    assert (placed.order_id, placed.filled_lots, placed.notional, placed.leaves_lots, placed.first_seq) == (
        0,
        0,
        0,
        0,
        1,
    )
    amended = market.amend(1, order_id=5)
    assert (amended.order_id, amended.refusal, amended.first_seq) == (5, RejectCode.UNKNOWN_ORDER, 2)
    assert market.cancel(1, order_id=5) == RejectCode.UNKNOWN_ORDER
    accepted = market.place(1, 0, 3, 9)
    assert (accepted.ok, accepted.refusal, accepted.order_id, accepted.leaves_lots) == (True, None, 1, 3)
