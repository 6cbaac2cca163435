"""A client that sees only the feed holds the engine's displayed book, at full depth, at every step."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import parbook
import parbook.reference
from parbook.codes import EventKind, Place, Priority, SessionState, Source, StpMode
from parbook.errors import CorruptionError
from parbook.feeds import MessageKind, Publisher
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.records import Records
from tests.feeds.witness import ALL_LEVELS, Witness, pieces
from tests.parity.lockstep import apply
from tests.parity.profiles import EVERYTHING, PLAIN, PROFILES, SPECIAL, Profile, instrument_of
from tests.parity.streams import Stream

# What is too rare to be left to chance stands in test_messages: LIFT, UNCROSS_CURVE, CALL, ELECTED.
CODES_THAT_MATTER: dict[EventKind, set[Any]] = {
    EventKind.TRADE: {Source.BOOK, Source.CURVE, Source.HIDDEN, Source.UNCROSS},
    EventKind.PREVENTED: set(StpMode) - {StpMode.DEFAULT, StpMode.OFF},
    EventKind.ACCEPTED: {Place.BOOK, Place.ICEBERG, Place.HIDDEN, Place.ARMED, Place.PARKED},
    EventKind.TRIGGERED: {Place.BOOK},
    EventKind.STATE_CHANGED: {SessionState.CONTINUOUS, SessionState.AUCTION, SessionState.HALTED},
    EventKind.AMENDED: set(Priority),
    EventKind.SHOWN: {0},
    EventKind.REPRICED: {0},
}


def follow(witness: Witness, stream: Any, batches: int, size: int, commands: int) -> Witness:
    """Let the client follow a stream in batches of `commands`; now and then another joins."""
    for number in range(batches):
        for operation in stream.next(witness.market, size):
            for piece in pieces(operation, commands):
                witness.step(piece)
        if number % 3 == 0:
            witness.join()
        witness.compare_late()
    return witness


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_one_command_at_a_time(profile: Profile):
    market = parbook.reference.Market(instrument_of(profile, seed=11))
    witness = follow(Witness(market), Stream(profile, seed=11), batches=4, size=50, commands=1)
    assert witness.publisher.next_event_seq == market.next_seq > 1


def test_in_batches_the_streams_go_where_the_rules_are():
    events: Counter[tuple[int, int]] = Counter()
    kinds: set[int] = set()
    for number, profile in enumerate(PROFILES):
        market = parbook.reference.Market(instrument_of(profile, number))
        witness = follow(Witness(market), Stream(profile, number), batches=5, size=80, commands=17)
        events += witness.events
        kinds |= witness.kinds
    assert kinds == set(MessageKind)
    for kind, codes in CODES_THAT_MATTER.items():
        assert {code for code in codes if (kind, code) not in events} == set()


class LosingWitness(Witness):
    """Its publisher never hears of one kind of events; the numbers close up."""

    def __init__(self, market: MarketProtocol, kind: EventKind) -> None:
        super().__init__(market)
        self._kind = kind

    def heard(self, events: Records) -> Records:
        events = events[events["kind"] != self._kind]
        first = self.publisher.next_event_seq
        events["seq"] = np.arange(first, first + len(events))
        return events


@pytest.mark.parametrize(
    "kind",
    [EventKind.ACCEPTED, EventKind.AMENDED, EventKind.CANCELLED, EventKind.SHOWN, EventKind.TRADE, EventKind.REPRICED],
)
def test_a_feed_that_lost_events_is_found_out(kind: EventKind):
    witness = LosingWitness(parbook.reference.Market(Instrument(symbol="LOST", stp=StpMode.DECREMENT)), kind)
    with pytest.raises((AssertionError, CorruptionError)):
        follow(witness, Stream(EVERYTHING[0], 3), batches=8, size=60, commands=1)


@pytest.mark.parametrize("profile", PLAIN[:10:3] + SPECIAL[::3] + EVERYTHING[:2], ids=lambda profile: profile.name)
def test_the_compiled_market_feeds_the_same_messages(profile: Profile):
    instrument = instrument_of(profile, 5)
    reference: MarketProtocol = parbook.reference.Market(instrument)
    core: MarketProtocol = parbook.Market(instrument)
    publishers = (Publisher(), Publisher())
    stream = Stream(profile, seed=5)
    for _ in range(5):
        for operation in stream.next(reference, 80):
            expected, got = (
                publisher.publish(apply(market, operation), market.depth(ALL_LEVELS))
                for publisher, market in zip(publishers, (reference, core), strict=True)
            )
            assert got.tobytes() == expected.tobytes()
    assert publishers[0].last_seq > 50
