"""States that were damaged: either both implementations say the same of them, or both take them and are sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import parbook
import parbook._exchange
import parbook.reference
from parbook import state
from parbook.errors import CorruptionError
from tests.exchange.streams import ExchangeStream, found
from tests.parity.lockstep import apply
from tests.parity.profiles import PROFILES, Profile, instrument_of
from tests.parity.streams import Stream
from tests.restore.damage import change, cut, flip


def verdict(kind: Any, *arguments: Any) -> Any:
    """Return what is made of a state, or what is said of it."""
    try:
        return kind.from_state(*arguments)
    except CorruptionError as error:
        return str(error)


def agree(kinds: tuple[Any, Any], data: bytes, *arguments: Any) -> tuple[Any, Any] | None:
    """Return both that took a damaged state, whose bytes must be theirs, or None where both turned it down alike."""
    reference, core = (verdict(kind, *arguments) for kind in kinds)
    if isinstance(reference, str) or isinstance(core, str):
        assert reference == core
        return None
    assert reference.state_bytes() == core.state_bytes() == data
    reference.check()
    core.check()
    return reference, core


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_markets_of_damaged_states(profile: Profile):
    """Those that are taken go on alike, whatever they hold."""
    kinds = (parbook.reference.Market, parbook.Market)
    instrument = instrument_of(profile, 1)
    market, stream = parbook.Market(instrument), Stream(profile, 1)
    draw = np.random.Generator(np.random.PCG64([1, len(profile.name)]))
    taken = 0
    for batch in range(3):
        for operation in stream.next(market, 60):
            apply(market, operation)
        data = market.state_bytes()
        for number in range(24):
            damaged = change(draw, data) if number % 2 else flip(draw, data, 1 + number % 3)
            both = agree(kinds, damaged, instrument, damaged)
            if both is None or number % 4 == 0:
                continue
            taken += 1
            onward = Stream(profile, 100 + batch)
            onward.now_ns = both[0].now_ns
            for operation in onward.next(both[1], 30):
                assert apply(both[0], operation).tobytes() == apply(both[1], operation).tobytes()
            both[1].check()
            assert both[0].state_bytes() == both[1].state_bytes()
    assert taken


@pytest.mark.parametrize("seed", range(4))
def test_exchanges_of_damaged_states(seed: int):
    """Those that are taken go on alike, whatever they hold."""
    kinds = (parbook.reference.Exchange, parbook._exchange.Exchange)
    exchange = parbook._exchange.Exchange(outcome_window=20)
    found(exchange, seed, instruments=3)
    stream = ExchangeStream(seed, instruments=3)
    draw = np.random.Generator(np.random.PCG64([2, seed]))
    for _ in range(3):
        for operation in stream.next(exchange, 90):
            apply(exchange, operation)
        data = exchange.state_bytes()
        for number in range(40):
            damaged = (flip(draw, data, 1 + number % 4), change(draw, data), in_a_market(draw, data))[number % 3]
            both = agree(kinds, damaged, damaged, exchange.assets, exchange.listings)
            if both is None:
                continue
            onward = ExchangeStream(100 + seed, instruments=3)
            onward.now_ns = both[0].now_ns
            for operation in onward.next(both[1], 30):
                assert apply(both[0], operation).tobytes() == apply(both[1], operation).tobytes()
            both[1].check()
            assert both[0].state_bytes() == both[1].state_bytes()


def in_a_market(draw: np.random.Generator, data: bytes) -> bytes:
    """Return the state of an exchange of which one market's has been changed, its size with it."""
    parts = cut(data)
    count = int(parts.header["instruments"][0])
    chosen = int(draw.integers(0, count))
    at, out = 0, []
    for number in range(count):
        size = int.from_bytes(parts.tail[at : at + 8], "little")
        market = parts.tail[at + 8 : at + 8 + size]
        at += 8 + size
        market = change(draw, market) if number == chosen else market
        out.append(len(market).to_bytes(8, "little") + market)
    parts.tail = b"".join(out)
    return parts.bytes()


def test_nonsense_of_any_length_behind_a_market_s_beginning():
    instrument = instrument_of(PROFILES[0])
    head = parbook.Market(instrument).state_bytes()
    draw = np.random.Generator(np.random.PCG64(3))
    for size in range(0, 4000, 61):
        noise = draw.integers(0, 256, size, np.uint8).tobytes()
        agree((parbook.reference.Market, parbook.Market), head + noise, instrument, head + noise)
        counts = bytearray(head + noise)
        header = np.frombuffer(counts, state.HEADER, 1)
        header["open_orders"] = size // state.ORDER.itemsize
        header["next_seq"] = header["next_order_id"] = 2**62
        agree((parbook.reference.Market, parbook.Market), bytes(counts), instrument, bytes(counts))


@pytest.mark.parametrize("apart", [2**20, 2**26, 2**36, 2**60])
def test_ids_may_be_as_far_apart_as_numbers_reach(apart):
    """No index spans them: what is far behind is found by number, and orders go on beyond."""
    instrument = instrument_of(PROFILES[0])
    market = parbook.Market(instrument)
    for price in (10, 9, 8):
        market.place(1, 0, 1, price)
    parts = cut(market.state_bytes())
    parts.header["next_seq"] = parts.header["next_order_id"] = 2 * apart
    parts.records(state.ORDER)["order_id"] = [apart, 2 * apart - 1, 7]
    restored = [made.from_state(instrument, parts.bytes()) for made in (parbook.reference.Market, parbook.Market)]
    for each in restored:
        assert each.state_bytes() == parts.bytes()
        each.place(1, 1, 1, 9)
        each.place(1, 0, 1, 9)
        for order_id in (apart, 8, 6, 2 * apart + 1, 2 * apart + 3, 7):
            each.cancel(1, order_id)
        each.check()
    assert restored[0].state_bytes() == restored[1].state_bytes()
    assert restored[0].open_orders == 1
