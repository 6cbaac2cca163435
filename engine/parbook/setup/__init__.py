"""A venue from a description and a tape: pool, units, feed, buyback, exits. docs/listing.md."""

from __future__ import annotations

from parbook.setup.build import Built, build
from parbook.setup.load import load_setup
from parbook.setup.terms import OrderTerms, Setup, TrancheSetup

__all__ = ["Built", "OrderTerms", "Setup", "TrancheSetup", "build", "load_setup"]
