"""Both implementations, and how long the random tests run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings

import parbook
import parbook.reference
from tests.support.reloaded import RELOADED, reloaded_market

MARKETS: dict[str, Any] = {"reference": parbook.reference.Market, "core": parbook.Market}
"""Each implementation of MarketProtocol by name; with PARBOOK_RELOADED made anew before every command."""
if RELOADED:
    MARKETS = {name: reloaded_market(kind) for name, kind in MARKETS.items()}


def examples(usual: int) -> Callable[[Any], Any]:
    """Return Hypothesis settings: `usual` examples, or PARBOOK_EXAMPLES of them when that is set."""
    return settings(max_examples=int(os.environ.get("PARBOOK_EXAMPLES", usual)))
