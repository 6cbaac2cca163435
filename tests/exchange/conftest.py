"""Every implementation of the exchange that there is."""

from __future__ import annotations

from typing import Any

import pytest

import parbook._exchange
import parbook.reference
from tests.exchange.house import House
from tests.support.reloaded import RELOADED, reloaded_exchange

EXCHANGES: dict[str, Any] = {"reference": parbook.reference.Exchange, "core": parbook._exchange.Exchange}
"""Each implementation of ExchangeProtocol by name; with PARBOOK_RELOADED made anew before every command."""
if RELOADED:
    EXCHANGES = {name: reloaded_exchange(kind) for name, kind in EXCHANGES.items()}


@pytest.fixture(params=list(EXCHANGES))
def exchange_class(request):
    return EXCHANGES[request.param]


@pytest.fixture
def house(exchange_class):
    """Two instruments with one quote asset; nobody owns anything."""
    return House(exchange_class)
