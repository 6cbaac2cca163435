"""Every test of the market's behaviour runs against the specification and against its compiled twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from tests.support.markets import MARKETS
from tests.support.scenario import Player


@pytest.fixture(params=list(MARKETS.values()), ids=list(MARKETS))
def market_class(request: pytest.FixtureRequest) -> Any:
    """The class of the market under test."""
    return request.param


@pytest.fixture
def play(market_class: Any) -> Callable[[str], MarketProtocol]:
    """Plays a scenario against the market under test and returns that market."""

    def play(text: str) -> MarketProtocol:
        return Player(market_class).play(text)

    return play


@pytest.fixture
def market(market_class: Any) -> MarketProtocol:
    """An empty market with default limits."""
    made: MarketProtocol = market_class(Instrument(symbol="TEST"))
    return made
