"""A sample of the fault matrix; `make faults COUNT=100000` is the whole."""

from __future__ import annotations

from random import Random

import pytest

from parbook.journal.durable import Durability
from tests.journal.crashes import crashes
from tests.journal.damage import evidence, flips, lies, log, truncations
from tests.journal.driver import Driver
from tests.journal.errors import full_disk, refusals
from tests.journal.falls import lost
from tests.journal.memory_disk import MemoryDisk
from tests.journal.promise import Outcome, Tally
from tests.journal.script import CHORES, script

SNAPSHOT_HEAD_BYTES = 150
EVERY_DURABILITY = pytest.mark.parametrize("durability", Durability)


def outcomes(tally: Tally) -> set[Outcome]:
    """Return how the cases ended, after seeing that none broke the promise."""
    assert not tally.broken, "\n".join(tally.broken[:5])
    return {outcome for counter in tally.outcomes.values() for outcome in counter}


def test_the_scripts_do_everything():
    done = {step.what for seed in range(12) for step in script(seed).steps}
    assert done >= {*CHORES[1:], "add_asset", "add_instrument", "apply", "apply_batch", "submit", "place"}
    disk = MemoryDisk()
    Driver(script(2), disk, Durability.GROUP).run()
    assert {what for what, _ in disk.trace} >= {"create", "write", "sync", "rename", "remove", "sync_names", "open"}
    assert sum(name.endswith(".segment") for name in disk.names()) > 2


@EVERY_DURABILITY
def test_a_crash_at_every_operation(durability):
    tally = Tally()
    crashes(tally, script(1, changes=12), durability, cuts=3, orders=3, again=0.01)
    assert outcomes(tally) == {Outcome.RECOVERED}
    assert tally.cases > 300


def test_a_crash_at_every_operation_of_a_recovery():
    tally = Tally()
    crashes(tally, script(6, changes=10), Durability.GROUP, cuts=1, orders=1, again=0.12)
    assert outcomes(tally) == {Outcome.RECOVERED}
    assert tally.outcomes["crash of a recovery"].total() > 300


@pytest.mark.parametrize("closed", [True, False])
def test_a_segment_that_was_truncated_anywhere_is_never_read_as_if_it_were_whole(closed):
    tally = Tally()
    truncations(tally, log(script(7, changes=8), Durability.GROUP, closed=closed), every=13)
    assert outcomes(tally) >= {Outcome.REFUSED}
    assert set(tally.outcomes["truncated segment"]) == {Outcome.REFUSED}


def test_a_truncated_snapshot_costs_a_longer_replay():
    tally = Tally()
    at_rest = log(script(1, changes=16), Durability.EVERY, closed=True)
    assert any(name.endswith(".snapshot") for name in at_rest.files)
    truncations(tally, at_rest, every=61)
    outcomes(tally)
    assert set(tally.outcomes["truncated snapshot"]) == {Outcome.RECOVERED}


def test_a_flipped_bit_of_a_closed_log_is_found_or_did_not_matter():
    tally = Tally()
    flips(tally, log(script(1, changes=10), Durability.GROUP, closed=True), Random(1), count=250)
    assert outcomes(tally) == {Outcome.REFUSED, Outcome.RECOVERED}


def test_a_flipped_bit_of_a_snapshots_head_costs_a_longer_replay():
    tally = Tally()
    at_rest = log(script(1, changes=16), Durability.EVERY, closed=True)
    for name in at_rest.files:
        for bit in range(0, 8 * SNAPSHOT_HEAD_BYTES, 5) if name.endswith(".snapshot") else ():
            flipped = bytearray(at_rest.files[name])
            flipped[bit // 8] ^= 1 << bit % 8
            at_rest.attempt(tally, "head", f"{name} bit {bit}", at_rest.files | {name: bytes(flipped)})
    assert outcomes(tally) == {Outcome.RECOVERED}


def test_a_flipped_bit_of_a_log_that_was_not_closed_costs_the_last_group_at_most():
    tally = Tally()
    at_rest = log(script(3, changes=10), Durability.GROUP, closed=False)
    flips(tally, at_rest, Random(2), count=250)
    assert outcomes(tally) >= {Outcome.REFUSED, Outcome.CUT}


@EVERY_DURABILITY
def test_a_medium_that_lies_costs_the_last_group_at_most(durability):
    tally = Tally()
    lies(tally, script(0, changes=10), durability, places=3)
    assert outcomes(tally) >= {Outcome.REFUSED, Outcome.RECOVERED}


@EVERY_DURABILITY
def test_a_call_that_fails_is_refused_or_ends_the_acknowledgements(durability):
    tally = Tally()
    refusals(tally, script(2, changes=5), durability, rests=1)
    assert outcomes(tally) >= {Outcome.POISONED, Outcome.WENT_ON, Outcome.NOT_OPENED}


def test_a_call_that_fails_while_a_stock_is_made_stops_nothing():
    tally = Tally()
    refusals(tally, script(1, changes=3), Durability.GROUP, rests=1)
    assert outcomes(tally) >= {Outcome.POISONED, Outcome.UNHURT, Outcome.NOT_OPENED}
    assert Outcome.UNHURT in tally.outcomes["ENOSPC, create"]


@EVERY_DURABILITY
def test_a_full_disk_refuses_and_space_is_gone_on_with(durability):
    tally = Tally()
    full_disk(tally, script(4, changes=16), durability)
    assert outcomes(tally) >= {Outcome.WENT_ON}


# --- the tests can fail ---------------------------------------------------------------------------


def test_a_record_that_is_missing_is_noticed():
    """Whoever says that more was acknowledged than there is, is told so."""
    tally = Tally()
    at_rest = log(script(1, changes=8), Durability.GROUP, closed=True)
    files = at_rest.files
    earlier = log(script(1, changes=6), Durability.GROUP, closed=True).files
    at_rest._replace(evidence=evidence(files)).attempt(tally, "another's past", "", earlier)
    assert len(tally.broken) == 1


def test_another_state_is_noticed():
    tally = Tally()
    at_rest = log(script(1, changes=8), Durability.GROUP, closed=True)
    at_rest.driver.after = dict.fromkeys(at_rest.driver.after, 3)
    at_rest.attempt(tally, "wrong state", "", lost(at_rest.driver.storage))
    assert "wrong state" in tally.broken[0]
