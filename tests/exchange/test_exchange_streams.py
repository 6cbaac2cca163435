"""Random streams over whole exchanges: sound after every batch, one by one or together, and nothing left out."""

from __future__ import annotations

from parbook.records import EVENT
from tests.exchange.streams import Coverage, ExchangeStream, found
from tests.parity.lockstep import apply, singles

SEEDS = range(6)
INSTRUMENTS = 4


def test_streams_are_sound_and_reach_every_refusal_and_event_of_an_exchange(exchange_class):
    coverage = Coverage()
    for seed in SEEDS:
        exchange = exchange_class(outcome_window=20)
        found(exchange, seed, INSTRUMENTS)
        stream = ExchangeStream(seed, INSTRUMENTS)
        for _ in range(12):
            for operation in stream.next(exchange, 150):
                coverage.count(apply(exchange, operation))
            exchange.check()
    assert coverage.missing() == []


def test_how_commands_are_batched_changes_nothing(exchange_class):
    one, other = exchange_class(), exchange_class()
    for exchange in (one, other):
        found(exchange, 9)
    stream = ExchangeStream(9)
    for _ in range(4):
        operations = stream.next(one, 150)
        together = b"".join(apply(one, operation).tobytes() for operation in operations)
        assert together == b"".join(apply(other, operation).tobytes() for operation in singles(operations))
        assert one.state_bytes() == other.state_bytes()
    assert len(together) % EVENT.itemsize == 0
