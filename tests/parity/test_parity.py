"""Reference and core answer random streams alike, and the harness that says so can say otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import parbook.reference
from parbook._market import Market
from parbook.codes import EventKind
from parbook.instrument import Instrument
from parbook.records import COMMAND, Records
from tests.parity import soak
from tests.parity.coverage import SEEN_SHAPE, Cells, coverage
from tests.parity.lockstep import DifferenceError, run
from tests.parity.profiles import PROFILES, Profile


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_events_state_and_invariants_agree(profile: Profile):
    for seed in (1, 2):
        seen = run(profile, seed=seed, batches=12, batch_size=150)
        assert seen[EventKind.ACCEPTED].sum() > 0
        assert seen[EventKind.REJECTED].sum() > 0


def test_the_profiles_together_reach_every_event_code_and_cell():
    seen, cells = np.zeros(SEEN_SHAPE, np.int64), Cells()
    # Walks through the states are quick, and every way between two of them must be taken.
    walk = next(number for number, profile in enumerate(PROFILES) if profile.name == "walk")
    for number in (*range(len(PROFILES)), *(walk + len(PROFILES) * extra for extra in range(1, 7))):
        counts, used, difference = soak.one_round(number, batches=30)
        assert not difference, difference
        seen += counts
        cells += used
    table, missing = coverage(seen, cells)
    assert not missing, f"{missing}\n{table}"


class ForgetfulMarket:
    """A core that loses time priority: it swaps the two fills of a sweep."""

    def __init__(self, instrument: Instrument) -> None:
        self._market = Market(instrument)

    def __getattr__(self, name: str) -> object:
        return getattr(self._market, name)

    def apply_batch(self, commands: Records) -> Records:
        events = self._market.apply_batch(commands)
        trades = np.flatnonzero(events["kind"] == EventKind.TRADE)
        if len(trades) > 1:
            first, second = trades[:2]
            events["other_id"][[first, second]] = events["other_id"][[second, first]]
        return events


def test_a_difference_is_found_and_shrunk_to_a_few_commands():
    with pytest.raises(DifferenceError, match=r"shrunk to (\d) commands") as caught:
        run(PROFILES[0], seed=3, batches=4, batch_size=100, core=ForgetfulMarket)
    assert "reference" in str(caught.value)
    assert "core" in str(caught.value)


def test_an_empty_batch_changes_nothing():
    market = parbook.reference.Market(Instrument(symbol="X"))
    before = market.state_bytes()
    assert len(market.apply_batch(np.zeros(0, COMMAND))) == 0
    assert market.state_bytes() == before
