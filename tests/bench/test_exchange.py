"""What is measured of an exchange is an exchange that tests money, charges fees and prevents; each check can fail."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

from bench import calls, exchange, funded, memory, threads
from bench.build import empty_class
from bench.core import same_but_numbered
from bench.measure import QUICK
from bench.workloads import COMPARED, INSTRUMENT, batches, events_of, flow
from parbook import Market
from parbook._exchange import Exchange
from parbook.codes import EventKind, RejectCode, Side
from parbook.listing import Fees
from parbook.records import COMMAND, EVENT
from parbook.reference import Exchange as ReferenceExchange


def _kinds(events):
    return dict(zip(*np.unique(events["kind"], return_counts=True), strict=True))


# --- B5 -----------------------------------------------------------------------------------------


def test_every_account_of_the_flows_pays_fees_and_can_pay():
    venue = funded.funded()
    assert venue.fees_of(1) == Fees(maker_ppm=funded.MAKER_PPM, taker_ppm=funded.TAKER_PPM)
    named = {int(account) for shape in COMPARED for account in flow(shape, 5_000)["account"]}
    assert named <= set(funded.TRADERS)
    for account in (min(funded.TRADERS), max(funded.TRADERS)):
        assert venue.available(account, funded.QUOTE) > 2**50
        assert venue.available(account, 1) > 2**39
    venue.check()


@pytest.mark.parametrize("shape", COMPARED)
def test_money_is_tested_held_and_moved_but_changes_no_event(shape):
    commands = flow(shape, 5_000)
    parts = batches(commands)
    events = exchange.checked(parts)
    assert same_but_numbered(events, events_of(Market(funded.GUARDED), parts))
    assert _kinds(events).keys() >= {EventKind.ACCEPTED, EventKind.TRADE, EventKind.CANCELLED}
    venue = funded.funded()
    venue.apply_batch(commands)
    held = [venue.held(account, asset) for account in funded.TRADERS for asset in (funded.QUOTE, 1)]
    assert sum(amount > 0 for amount in held) > 100
    assert venue.fees_taken(funded.QUOTE) > 0


def test_the_accounts_need_their_money():
    events = funded.listed(1).apply_batch(flow("own", 100))
    refused = events["code"][events["kind"] == EventKind.REJECTED]
    assert {RejectCode.INSUFFICIENT_BASE, RejectCode.INSUFFICIENT_QUOTE} <= set(refused.tolist())


def test_the_touch_flow_prevents_and_the_comparison_ends_there():
    parts = batches(flow("touch", 20_000))
    events = exchange.checked(parts)
    same = exchange.before_prevention(events)
    assert 0 < same < len(events)
    assert EventKind.PREVENTED not in events["kind"][:same]
    # The next command is the one that prevents.
    command = events["command"][same]
    assert command != events["command"][same - 1]
    rest = events[same:]
    assert EventKind.PREVENTED in rest["kind"][rest["command"] == command]
    bare = events_of(Market(INSTRUMENT), parts)
    assert same_but_numbered(events[:same], bare[:same])
    assert EventKind.PREVENTED not in bare["kind"]


def test_the_comparison_ends_before_the_command_that_prevents():
    events = np.zeros(4, EVENT)
    events["kind"] = [EventKind.ACCEPTED, EventKind.ACCEPTED, EventKind.TRADE, EventKind.PREVENTED]
    events["command"] = [0xFFFF, 0, 0, 0]
    assert exchange.before_prevention(events) == 1
    assert exchange.before_prevention(events[1:]) == 0
    assert exchange.before_prevention(events[:3]) == 3


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda patch: patch.setattr(exchange, "GUARDED", INSTRUMENT), "money changed what matches"),
        (lambda patch: patch.setattr(exchange, "before_prevention", len), "otherwise than a bare market"),
        (lambda patch: patch.setattr(exchange, "fees_due", lambda events: 0), "fees"),
        (lambda patch: patch.setattr(exchange, "funded", lambda: funded.listed(1)), "money changed what matches"),
    ],
)
def test_a_difference_stops_the_measurement(plant, said, monkeypatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        exchange.checked(batches(flow("touch", 20_000)))


def test_fees_are_rounded_up_for_each_fill_and_side():
    venue = funded.funded((1, 2))
    assert venue.place(0, 1, Side.BUY, 3, 7).leaves_lots == 3
    sell = np.zeros(3, COMMAND)
    sell["kind"], sell["side"], sell["account"], sell["price_ticks"], sell["qty_lots"] = 1, Side.SELL, 2, 7, 1
    events = venue.apply_batch(sell)
    assert venue.fees_taken(funded.QUOTE) == funded.fees_due(events) == 3 * 2


# --- B6 -----------------------------------------------------------------------------------------


def test_the_empty_methods_take_what_the_exchanges_methods_take():
    empty = empty_class("EmptyExchange")()
    venue = funded.funded((7,))
    order = {"instrument": 0, "account": 7, "side": 0, "qty_lots": 10, "price_ticks": 9_900}
    order |= {"order_type": 0, "tif": 0, "client_id": 0, "ts_ns": 0}
    assert empty.place(*order.values()) is empty.place(**order) is None
    assert venue.place(*order.values()).order_id == 1
    named = {"instrument": 0, "account": 7, "order_id": 1, "client_id": 0, "ts_ns": 0}
    assert empty.cancel(*named.values()) is empty.cancel(**named) is None
    assert venue.cancel(**named) == 0


def test_calls_place_and_cancel_every_order_with_money_held():
    venue = funded.funded(funded.SOLE)
    assert not any(calls.EXCHANGE.place(venue.place, [9_900, 9_901, 9_902]))
    assert venue.market(0).open_orders == 3
    assert venue.held(7, funded.QUOTE) > 10 * (9_900 + 9_901 + 9_902)
    assert not any(calls.EXCHANGE.cancel(venue.cancel, range(1, 4)))
    assert venue.market(0).open_orders == venue.held(7, funded.QUOTE) == 0


# --- B9 -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the resident set is read from /proc")
def test_memory_counts_orders_and_instruments_of_an_exchange():
    found = memory.exchange_resting(20_000)
    assert found["reserved"] >= 64 * 20_000
    few, many = (memory.exchange_idle(count)["reserved"] for count in (10, 110))
    # A market reserves some KiB before its first order.
    assert many - few >= 100 * 1024


# --- B10 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("instruments", [1, 3, 20])
def test_the_spread_flow_is_the_steady_flow_in_every_instrument(instruments):
    spread = exchange.SpreadFlow(instruments, 64, 16)
    core, reference = funded.funded((1, 2), instruments), _reference(instruments)
    filled = spread.prefill()
    assert core.apply_batch(filled).tobytes() == reference.apply_batch(filled).tobytes()
    before = [core.market(number).depth(16).tobytes() for number in range(instruments)]
    for _ in range(2):
        mix = spread.messages(80)
        assert np.bincount(mix["instrument"]).tolist() == [80] * instruments
        events = core.apply_batch(mix)
        assert events.tobytes() == reference.apply_batch(mix).tobytes()
        assert _kinds(events) == {
            EventKind.ACCEPTED: 50 * instruments,
            EventKind.TRADE: 10 * instruments,
            EventKind.CANCELLED: 30 * instruments,
        }
        assert [core.market(number).depth(16).tobytes() for number in range(instruments)] == before
        assert [core.market(number).open_orders for number in range(instruments)] == [64] * instruments
    if instruments > 1:
        turns = np.count_nonzero(np.diff(mix["instrument"]))
        assert turns > len(mix) // 2, "the instruments take turns, they do not come one after the other"
    core.check()


def _reference(instruments):
    venue = ReferenceExchange()
    source = funded.listed(instruments)
    for asset in source.assets:
        venue.add_asset(asset)
    for listing in source.listings:
        venue.add_instrument(listing)
    venue.apply_batch(funded.payments((1, 2), instruments))
    return venue


# --- B11 ----------------------------------------------------------------------------------------


def test_each_thread_has_an_exchange_of_its_own():
    first, second = (threads.MADE["exchange"]() for _ in range(2))
    assert isinstance(first, Exchange)
    assert first is not second
    assert isinstance(second, Exchange)
    first.place(0, 1, Side.BUY, 1, 100)
    assert (first.market(0).open_orders, second.market(0).open_orders) == (1, 0)


def test_both_kinds_are_measured_against_one(monkeypatch):
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores")
    made = []

    def counted(kind, make):
        made.append(kind)
        return make()

    for kind, make in list(threads.MADE.items()):
        monkeypatch.setitem(threads.MADE, kind, partial(counted, kind, make))
    rows = threads.thread_rows(QUICK)
    assert [row.what.split(":")[0] for row in rows] == ["markets", "exchanges"]
    # A round makes for the one thread and for each of the two what all laps need.
    each = 3 * threads.LAPS * QUICK.rounds
    assert made == ["market"] * each + ["exchange"] * each
