"""A client that sees only the feed holds the engine's displayed book, at full depth, at every step."""

from __future__ import annotations

import pytest

import parbook
import parbook.reference
from parbook.codes import EventKind
from parbook.feeds import MessageKind
from tests.feeds.special_streams import SpecialStream
from tests.feeds.special_streams import instrument_of as special_instrument_of
from tests.feeds.witness import Witness, pieces
from tests.parity.streams import PROFILES, Profile, Stream, instrument_of


def follow(witness: Witness, stream, batches: int, size: int, commands: int) -> Witness:
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
def test_plain_orders_one_command_at_a_time(profile: Profile):
    market = parbook.reference.Market(instrument_of(profile))
    witness = follow(Witness(market), Stream(profile, seed=11), batches=4, size=60, commands=1)
    assert MessageKind.ADD in witness.kinds


@pytest.mark.parametrize("seed", range(8))
def test_special_orders_one_command_at_a_time(seed: int):
    market = parbook.reference.Market(special_instrument_of(seed))
    follow(Witness(market), SpecialStream(seed), batches=6, size=60, commands=1)


@pytest.mark.parametrize("seed", range(100, 104))
def test_special_orders_in_batches(seed: int):
    market = parbook.reference.Market(special_instrument_of(seed))
    follow(Witness(market), SpecialStream(seed), batches=12, size=50, commands=17)


def test_the_special_streams_reach_every_event_and_message():
    events: set[int] = set()
    kinds: set[int] = set()
    for seed in range(200, 212):
        market = parbook.reference.Market(special_instrument_of(seed))
        witness = follow(Witness(market), SpecialStream(seed), batches=5, size=80, commands=40)
        events |= witness.events
        kinds |= witness.kinds
    assert {EventKind(kind) for kind in EventKind if kind not in events} <= {EventKind.ANCHORS_WITHDRAWN}
    assert kinds == set(MessageKind)
