"""Every implementation of the exchange that there is."""

from __future__ import annotations

from typing import Any

import pytest

import parbook.reference
from tests.exchange.house import House

EXCHANGES: dict[str, Any] = {"reference": parbook.reference.Exchange}
"""Each implementation of ExchangeProtocol by name."""


@pytest.fixture(params=list(EXCHANGES))
def exchange_class(request):
    return EXCHANGES[request.param]


@pytest.fixture
def house(exchange_class):
    """Two instruments with one quote asset; nobody owns anything."""
    return House(exchange_class)
