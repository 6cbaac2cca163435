"""orderbook (MIT): plain Python over red-black trees, written for Python 2: importing it fails on Python 3."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from bench.peers.steps import Outcome, Step

NAME: Final = "orderbook"
LICENCE: Final = "MIT"
FLOW: Final = "itch"
MESSAGES: Final = 0


def module() -> Any:
    """Return the peer; ImportError where it is not installed, and on every Python that parbook runs on."""
    return importlib.import_module("orderbook.orderbook")


def run(peer: Any, given: list[Step]) -> Callable[[], object]:
    """Refuse: were it ported one day, a translation of the steps would have to be written."""
    raise NotImplementedError(f"{NAME} can be imported now, and was not when this was written")


def outcome(peer: Any, given: list[Step]) -> Outcome:
    """Refuse, see `run`."""
    raise NotImplementedError(f"{NAME} can be imported now, and was not when this was written")
