"""Retained events, readers that wait, one thread."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

import parbook as pb
from parbook._exchange import Exchange as Core
from parbook.errors import GapError, MisuseError
from parbook.protocol.exchange import BackedExchange
from tests.venue.conftest import Place, opened


def everything(ex: pb.Exchange, since: int = 0) -> list[pb.Event]:
    """Return the events from a position on as Structs."""
    return [event for batch in ex.events(since) for event in pb.events_from_records(batch)]


def test_every_call_is_a_batch_and_none_is_lost(place: Place):
    ex, mkt = place.ex, place.mkt
    before = ex.next_event
    done = ex.place(mkt, 7, "buy", 5, 1)
    failed = ex.place(mkt, 7, "buy", 10**6, 1)
    commands = pb.command_records([pb.CancelOrder(account=7, order_id=1), pb.Advance(ts_ns=5)])
    answer = ex.apply_batch(commands)
    raw = ex.apply(pb.Advance(ts_ns=6))
    batches = list(ex.events(before))
    assert [len(batch) for batch in batches] == [1, 1, 2, 1]
    assert everything(ex, before) == [*done.events, *failed.events, *pb.events_from_records(answer), *raw]
    assert ex.apply_batch(commands[:0]).tolist() == []
    assert ex.next_event == before + 5
    assert len(everything(ex)) == ex.next_event


def test_reading_on_starts_inside_a_batch(place: Place):
    ex = place.ex
    before = ex.next_event
    ex.apply_batch(pb.command_records([pb.Advance(ts_ns=ts) for ts in (1, 2, 3)]))
    (rest,) = ex.events(before + 1)
    assert [event.ts_ns for event in pb.events_from_records(rest) if isinstance(event, pb.messages.Advanced)] == [2, 3]
    assert list(ex.events(ex.next_event)) == []


def test_a_reader_sees_what_comes_while_it_reads(place: Place):
    ex = place.ex
    start = ex.next_event
    ex.advance(ts=1)
    reader = ex.events(start)
    next(reader)
    ex.advance(ts=2)
    assert len(next(reader)) == 1
    assert next(reader, None) is None


def test_retained_events_cannot_be_changed(place: Place):
    answer = place.ex.apply_batch(pb.command_records([pb.Advance(ts_ns=1)]))
    for batch in (answer, next(place.ex.events(0))):
        with pytest.raises(ValueError, match="read-only"):
            batch["seq"] = 7


def test_an_exchange_that_forgot_names_the_oldest_it_has():
    place = opened(None, retain_events=10)
    ex = place.ex
    start = ex.next_event
    for ts in range(1, 31):
        ex.advance(ts=ts)
    oldest = ex.next_event - 10
    assert len(everything(ex, oldest)) == 10
    with pytest.raises(
        GapError, match=rf"{start} to {oldest - 1} are missing. The oldest available is {oldest}"
    ) as gap:
        ex.events(start)
    assert (gap.value.first, gap.value.last) == (start, oldest - 1)
    with pytest.raises(MisuseError, match=f"the next event will be {ex.next_event}"):
        ex.events(ex.next_event + 1)


def test_a_reader_that_is_overtaken_is_told():
    place = opened(None, retain_events=3)
    reader = place.ex.events(place.ex.next_event - 3)
    next(reader)
    for ts in range(1, 9):
        place.ex.advance(ts=ts)
    with pytest.raises(GapError, match="oldest available"):
        next(reader)


def test_a_batch_that_is_larger_than_the_limit_is_there_until_the_next_one():
    place = opened(None, retain_events=4)
    before = place.ex.next_event
    place.ex.apply_batch(pb.command_records([pb.Advance(ts_ns=ts) for ts in range(1, 10)]))
    assert len(everything(place.ex, before)) == 9
    place.ex.advance(ts=20)
    assert len(everything(place.ex, before + 9)) == 1
    with pytest.raises(GapError):
        place.ex.events(before)


def test_positions_follow_from_the_state(with_curve: Place):
    """A facade over a core that has a past counts on where the first one stood."""
    with_curve.ex.place(with_curve.mkt, 8, "sell", 5000, "0.95", tif="ioc")
    again = pb.Exchange(core=with_curve.ex.core)
    assert again.next_event == with_curve.ex.next_event
    assert (again.assets, again.instruments) == (with_curve.ex.assets, with_curve.ex.instruments)
    assert again.place(with_curve.mkt, 8, "sell", 5, "0.95", tif="ioc").filled == 5
    with pytest.raises(GapError, match="oldest available"):
        again.events(0)


def test_a_snapshot_says_where_to_read_on(with_curve: Place):
    ex = with_curve.ex
    ex.place(with_curve.mkt, 7, "buy", 5, "0.95")
    snapshot = ex.snapshot()
    assert (snapshot.next_event, snapshot.now_ns, snapshot.state_hash) == (ex.next_event, ex.now_ns, ex.state_hash())
    (market,) = snapshot.markets
    assert (market.instrument, market.open_orders, market.best_bid_ticks) == (with_curve.mkt, 1, 9500)
    assert market.last_seq == max(int(batch["seq"][-1]) for batch in ex.events(0) if batch["instrument"][-1] == 0)
    ex.advance(ts=9_999)
    assert [batch.tolist() for batch in ex.events(snapshot.next_event)] != []


# --- readers that wait --------------------------------------------------------------------------


def test_a_reader_that_waits_wakes_for_every_batch(place: Place):
    ex, seen = place.ex, []

    async def follow(since: int | None) -> None:
        async for batch in ex.aevents(since):
            seen.append(int(batch["qty_lots"][0]))

    async def run() -> None:
        start = ex.next_event
        ex.advance(ts=1)
        readers = [asyncio.create_task(follow(start)), asyncio.create_task(follow(None))]
        await asyncio.sleep(0)
        for ts in (2, 3):
            ex.advance(ts=ts)
            await asyncio.sleep(0.001)
        ex.advance(ts=4)
        ex.advance(ts=5)
        await asyncio.sleep(0.001)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    asyncio.run(run())
    assert sorted(seen) == [1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert ex.advance(ts=6).ok  # nobody is left to be woken


def test_a_reader_that_fell_behind_is_told():
    place = opened(None, retain_events=2)

    async def run() -> None:
        reader = place.ex.aevents()
        waiting = asyncio.ensure_future(anext(reader))
        await asyncio.sleep(0)
        for ts in range(1, 8):
            place.ex.advance(ts=ts)
        await waiting

    with pytest.raises(GapError, match="oldest available"):
        asyncio.run(run())


def test_waiting_for_what_is_forgotten_is_refused_at_once():
    place = opened(None, retain_events=2)
    with pytest.raises(GapError, match="oldest available"):
        place.ex.aevents(0)


# --- one thread ---------------------------------------------------------------------------------


def in_a_thread(call: object) -> list[object]:
    """Return what a call gives in another thread, or its exception."""
    answer: list[object] = []

    def run() -> None:
        try:
            answer.append(call())  # type: ignore[operator]
        except Exception as error:
            answer.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer


def calls(place: Place) -> dict[str, object]:
    """Return one call of every kind."""
    ex, mkt = place.ex, place.mkt
    commands, reader = pb.command_records([pb.Advance(ts_ns=1)]), ex.events(0)
    return {
        "place": lambda: ex.place(mkt, 7, "buy", 1, 1),
        "deposit": lambda: ex.deposit(7, place.usd, 1),
        "add_asset": lambda: ex.add_asset("EURx"),
        "add_instrument": lambda: ex.add_instrument("B", base=place.loan, quote=place.usd),
        "apply": lambda: ex.apply(pb.Advance(ts_ns=1)),
        "apply_batch": lambda: ex.apply_batch(commands),
        "depth": lambda: ex.depth(mkt),
        "preview": lambda: ex.preview(mkt, 7, "buy", 1),
        "balances": lambda: ex.balances(7),
        "snapshot": ex.snapshot,
        "state_hash": ex.state_hash,
        "check": ex.check,
        "events": lambda: ex.events(0),
        "aevents": ex.aevents,
        "a reader": lambda: list(reader),
    }


@pytest.mark.parametrize("name", list(calls(opened(None))))
def test_another_thread_is_refused_and_nothing_happens(place: Place, name: str):
    call = calls(place)[name]
    before = place.ex.state_hash(), place.ex.next_event
    (error,) = in_a_thread(call)
    assert isinstance(error, MisuseError)
    assert "belongs to another thread" in str(error)
    assert (place.ex.state_hash(), place.ex.next_event) == before


def test_an_exchange_can_be_handed_over(place: Place):
    def use() -> bool:
        place.ex.take_over()
        return place.ex.place(place.mkt, 7, "buy", 1, 1).ok

    assert in_a_thread(use) == [True]
    with pytest.raises(MisuseError, match="take_over"):
        place.ex.advance(ts=1)
    place.ex.take_over()
    assert place.ex.advance(ts=1).ok


def test_a_python_without_its_lock_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with pytest.raises(MisuseError, match=r"does not support free-threaded Python.*PYTHON_GIL=1"):
        pb.Exchange()
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert pb.Exchange().next_event == 0


def test_the_core_may_be_given():
    core = Core(outcome_window=1)
    backed = BackedExchange.over(core)
    assert pb.Exchange(core=backed).core is backed
    ex = pb.Exchange(core=Core(outcome_window=1))
    assert ex.state_hash() == core.state_hash()
    assert isinstance(pb.Exchange().core, BackedExchange)
