"""Every code of oracle and governance has a number and a doc of its own; every refusal is met by a test naming it."""

from __future__ import annotations

from pathlib import Path

import pytest

from parbook.governance.state import Choice, ProposalState
from parbook.governance.state import DueKind as GovernanceDue
from parbook.governance.terms import Safer
from parbook.oracle.state import DueKind, FeedState, Flaw, RoundState
from parbook.refusals import Refusal
from tests.style.rules import undocumented_codes

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "kind", [Refusal, FeedState, RoundState, Flaw, DueKind, ProposalState, Choice, GovernanceDue, Safer]
)
def test_codes_are_documented_and_unique(kind):
    assert undocumented_codes(kind) == []


@pytest.mark.parametrize(("folder", "first"), [("oracle", 1100), ("governance", 1200)])
def test_every_refusal_is_reached(folder, first):
    """In ascending order within its range, and named by a test of its folder."""
    text = "".join(path.read_text() for path in (TESTS / folder).glob("test_*.py"))
    mine = [refusal for refusal in Refusal if first <= refusal < first + 100]
    assert [int(refusal) for refusal in mine] == list(range(first, first + len(mine)))
    assert [refusal.name for refusal in mine if f"Refusal.{refusal.name}" not in text] == []
    assert all(refusal.name.startswith(folder.upper()) for refusal in mine)
