"""Backpressure comes before matching, and nothing is ever dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import parbook.reference
from parbook.codes import CommandKind, Side
from parbook.errors import BackpressureError, MisuseError
from parbook.feeds import Outbox, Publisher
from parbook.instrument import Instrument
from parbook.messages import Advance, MassCancel, NewOrder
from parbook.records import EVENT, Records, command_records
from tests.parity.profiles import EVERYTHING, instrument_of
from tests.parity.streams import Stream


def market() -> parbook.reference.Market:
    return parbook.reference.Market(Instrument(symbol="X"))


def buys(count: int, **terms: Any) -> Records:
    return command_records(
        [NewOrder(account=1, side=Side.BUY, price_ticks=10 + n, qty_lots=5, ts_ns=n + 1, **terms) for n in range(count)]
    )


def test_a_full_outbox_refuses_before_anything_is_matched():
    outbox = Outbox(market(), high_water=2)
    assert outbox.submit(buys(2)) == 2
    assert not outbox.is_full
    assert outbox.submit(Advance(ts_ns=9)) == 1
    assert outbox.is_full
    before = outbox.market.state_bytes()
    with pytest.raises(BackpressureError, match="holds 3 events, more than its high-water mark 2") as caught:
        outbox.submit(buys(1))
    assert (caught.value.queued, caught.value.high_water) == (3, 2)
    with pytest.raises(BackpressureError, match="nothing of these commands was matched"):
        outbox.submit(Advance(ts_ns=99))
    assert outbox.submit_chunks(buys(3)) == 0
    assert outbox.market.state_bytes() == before
    assert len(outbox) == 3


def test_taking_events_makes_room():
    outbox = Outbox(market(), high_water=0)
    outbox.submit(buys(1))
    with pytest.raises(BackpressureError):
        outbox.submit(Advance(ts_ns=5))
    assert outbox.take()["seq"].tolist() == [1]
    assert outbox.submit(Advance(ts_ns=5)) == 1
    assert outbox.take()["seq"].tolist() == [2]
    assert outbox.take().tolist() == []
    assert outbox.take().dtype == EVENT


def test_chunks_stop_at_the_mark_and_go_on_where_they_stopped():
    outbox, plain = Outbox(market(), high_water=9), market()
    commands = buys(50)
    got = []
    start = 0
    while start < len(commands):
        taken = outbox.submit_chunks(commands[start:], chunk=4)
        assert taken == min(12, len(commands) - start)
        start += taken
        got.append(outbox.take())
    assert np.concatenate(got).tobytes() == plain.apply_batch(commands).tobytes()
    assert outbox.market.state_bytes() == plain.state_bytes()


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_a_special_command_and_its_terms_are_not_parted(chunk: int):
    commands = np.concatenate([buys(4, display_lots=1), buys(3), buys(3, hidden=True), buys(1)])
    outbox, plain = Outbox(market(), high_water=0), market()
    got = []
    start = 0
    while start < len(commands):
        taken = outbox.submit_chunks(commands[start:], chunk)
        assert commands["kind"][start] != CommandKind.TERMS
        start += taken
        got.append(outbox.take())
    assert np.concatenate(got).tobytes() == plain.apply_batch(commands).tobytes()


@pytest.mark.parametrize("limit", [1, 5, 64, 2**31 - 1])
def test_events_come_out_as_they_went_in_whole_command_by_whole_command(limit: int):
    outbox, plain = (
        Outbox(parbook.reference.Market(instrument_of(EVERYTHING[0], 1)), 10**6),
        parbook.reference.Market(instrument_of(EVERYTHING[0], 1)),
    )
    stream = Stream(EVERYTHING[0], 1)
    expected = []
    for _ in range(4):
        commands = stream.next(plain, 40)[-1]
        expected.append(plain.apply_batch(commands))
        outbox.submit(commands)
    everything = np.concatenate(expected)
    assert len(outbox) == len(everything)
    publisher = Publisher(initial_state=plain.instrument.initial_state)
    got = []
    while len(outbox):
        events = outbox.take(limit)
        commands_in = len(set(events["command"].tolist()))
        assert commands_in == 1 or len(events) <= limit
        if got:
            assert events["command"][0] != got[-1]["command"][-1]
        publisher.publish(events)
        got.append(events)
    assert np.concatenate(got).tobytes() == everything.tobytes()


def test_one_command_may_overshoot_the_mark_and_nothing_is_lost():
    outbox = Outbox(market(), high_water=40)
    outbox.submit(buys(40))
    assert outbox.submit(MassCancel()) == 41
    assert len(outbox) == 81
    assert outbox.take(limit=60)["seq"].tolist() == list(range(1, 41))
    assert outbox.take(limit=1)["seq"].tolist() == list(range(41, 82))


def test_misuse():
    outbox = Outbox(market(), high_water=5)
    bad: Any
    for bad in (-1, 1.5, None):
        with pytest.raises(MisuseError):
            Outbox(market(), high_water=bad)
    for bad in (0, -1, 2.0):
        with pytest.raises(MisuseError):
            outbox.take(bad)
        with pytest.raises(MisuseError):
            outbox.submit_chunks(buys(1), bad)
    for bad in ([1], np.zeros(3), None):
        with pytest.raises(MisuseError):
            outbox.submit_chunks(bad)
