"""Random streams in the middle of which all is forgotten: what is loaded goes on as what never stopped."""

from __future__ import annotations

import pytest

import parbook._exchange
import parbook.reference
from parbook._market import Market
from tests.exchange.streams import ExchangeStream, found
from tests.parity.lockstep import apply
from tests.parity.profiles import PROFILES, Profile, instrument_of
from tests.parity.streams import Stream


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_markets_go_on_as_if_nothing_had_happened(profile: Profile):
    """Each is loaded from the other's bytes, and again before it has forgotten that it was."""
    instrument = instrument_of(profile, 7)
    steady, stream = Market(instrument), Stream(profile, 7)
    reference, core = parbook.reference.Market(instrument), Market(instrument)
    for batch in range(8):
        if batch:
            state, other = reference.state_bytes(), core.state_bytes()
            assert state == other == steady.state_bytes()
            reference = parbook.reference.Market.from_state(instrument, other)
            core = Market.from_state(instrument, state)
            assert reference.state_bytes() == core.state_bytes() == state
            reference.check()
            core.check()
        for operation in stream.next(steady, 20 + 25 * batch):
            events = apply(steady, operation).tobytes()
            assert apply(reference, operation).tobytes() == events
            assert apply(core, operation).tobytes() == events
    assert reference.state_hash() == core.state_hash() == steady.state_hash()


@pytest.mark.parametrize("seed", range(5))
def test_exchanges_go_on_as_if_nothing_had_happened(seed: int):
    """Everybody begins with nothing where the seed is odd."""
    steady = parbook._exchange.Exchange(outcome_window=20)
    reference, core = parbook.reference.Exchange(outcome_window=20), parbook._exchange.Exchange(outcome_window=20)
    for exchange in (steady, reference, core):
        found(exchange, seed, instruments=4)
    stream = ExchangeStream(seed, instruments=4)
    for batch in range(8):
        if batch:
            state, other = reference.state_bytes(), core.state_bytes()
            assert state == other == steady.state_bytes()
            reference = parbook.reference.Exchange.from_state(other, reference.assets, reference.listings)
            core = parbook._exchange.Exchange.from_state(state, list(core.assets), list(core.listings))
            assert reference.state_bytes() == core.state_bytes() == state
            reference.check()
            core.check()
        for operation in stream.next(steady, 20 + 25 * batch):
            events = apply(steady, operation).tobytes()
            assert apply(reference, operation).tobytes() == events
            assert apply(core, operation).tobytes() == events
    assert reference.state_hash() == core.state_hash() == steady.state_hash()
