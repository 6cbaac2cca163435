"""The latency driver: its histogram against HdrHistogram and sorting, its loops against an artificial clock.

Nothing here looks at a real time: where a test speaks of ticks, the clock is one that moves as it is told.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

from bench.latency.native import ARTIFICIAL, BATCH, PER_CALL, SYSTEM, Clock, Histogram, Percentiles, drive, native
from bench.measure import ROOT
from bench.workloads import INSTRUMENT, SteadyFlow, flow
from parbook import Market
from parbook.embedding import include_dir
from parbook.errors import MisuseError
from parbook.records import COMMAND

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
PPM = (1, 1_000, 250_000, 500_000, 900_000, 990_000, 999_000, 999_900, 1_000_000)
EDGES = [0, 1, 2, 1023, 1024, 2047, 2048, 2049, 4095, 4096, 4097, 2**20 - 1, 2**20, 2**40 + 12345, 2**47, 2**48 - 1]


def nothing(count):
    return np.zeros(count, COMMAND)


def ticks(values):
    return np.array(values, np.int64)


def histogram_of(values):
    histogram = Histogram()
    histogram.record(ticks(values))
    return histogram


def samples(seed):
    """A million values so that every percentile of PPM has a whole rank: from ns to hours, most of them short."""
    random = np.random.default_rng(seed)
    values = np.exp(random.normal(5 + seed, 1.5, 1_000_000)).astype(np.int64)
    values[:1_000] = random.integers(0, 2**47, 1_000)
    random.shuffle(values)
    return values


# --- the histogram ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 3, 9])
def test_percentiles_equal_hdrhistograms(seed):
    values = samples(seed)[:100_000]
    histogram, peer = histogram_of(values), HdrHistogram(1, 2**48 - 1, 3)
    for value in values.tolist():
        peer.record_value(value)
    for ppm in PPM[1:]:
        # Theirs answers the end of a bucket even where nothing recorded is as long.
        expected = min(peer.get_value_at_percentile(ppm / 10_000), int(values.max()))
        assert histogram.percentile(ppm) == expected, ppm


@pytest.mark.parametrize("value", EDGES)
def test_every_edge_has_hdrhistograms_bucket(value):
    peer = HdrHistogram(1, 2**48 - 1, 3)
    histogram = histogram_of([value, 2**48 - 1])
    assert histogram.percentile(1) == min(peer.get_highest_equivalent_value(value), 2**48 - 1)


@pytest.mark.parametrize("seed", [1, 6])
def test_percentiles_equal_sorting_to_three_digits(seed):
    values = samples(seed)
    histogram, ordered = histogram_of(values), np.sort(values)
    for ppm in PPM:
        exact = int(ordered[max(1, len(values) * ppm // 1_000_000) - 1])
        assert exact <= histogram.percentile(ppm) <= exact + exact // 1_000
        if exact < 2_048:
            assert histogram.percentile(ppm) == exact
    assert histogram.total == len(values)
    assert histogram.greatest == ordered[-1] == histogram.percentile(1_000_000)


def test_a_rank_between_two_values_is_the_upper_one():
    assert [histogram_of([10, 20, 30]).percentile(ppm) for ppm in (333_333, 333_334, 666_667)] == [10, 20, 30]


def test_what_no_bucket_holds_is_kept():
    histogram = histogram_of([-5, 3, 2**60])
    assert [histogram.percentile(ppm) for ppm in (1, 500_000, 1_000_000)] == [0, 3, 2**60]
    assert histogram.greatest == 2**60
    assert Histogram().percentile(500_000) == 0


def test_percentiles_of_a_stepping_clock_are_taken_within_the_step():
    # Of 100 values, 40 at 26 ticks and 60 at 52: the 50th is a sixth of the way through the step around 52.
    histogram = histogram_of([26] * 40 + [52] * 60)
    assert histogram.smooth_percentile(500_000, 26) == pytest.approx(52 + 26 * (10 / 60 - 0.5))
    assert histogram.smooth_percentile(500_000, 1) == 52
    # Durations of 37 to 43 ticks, seen through a clock that moves by 26, at every phase.
    starts = np.arange(26 * 7)
    durations = 37 + np.arange(26 * 7) % 7
    seen = (starts + durations) // 26 * 26 - starts // 26 * 26
    assert histogram_of(seen).smooth_percentile(500_000, 26) == pytest.approx(40, abs=5)


def test_the_clocks_cost_is_taken_off_every_percentile():
    clock = Clock(SYSTEM, 2.0, 1, 10, 20)
    found = Percentiles.of(histogram_of([5] + [110] * 998 + [1_010]), clock, clock.cost_p50_ticks)
    assert found == Percentiles(50, 50, 50, 500)
    assert Percentiles.of(histogram_of([5]), clock, 10).p50_ns == 0.5


# --- the loops, by an artificial clock ----------------------------------------------------------


def driven(intended, service, cap=PER_CALL):
    """The latencies, the calls and the elapsed ticks of an artificial run without a market."""
    histogram, latencies = Histogram(), np.zeros(len(service), np.int64)
    run = drive(
        None,
        nothing(len(service)),
        histogram,
        ARTIFICIAL,
        intended=None if intended is None else ticks(intended),
        cap=cap,
        latencies=latencies,
        service_ticks=ticks(service),
    )
    assert histogram.total == len(service)
    assert histogram.greatest == latencies.max(initial=0)
    return latencies.tolist(), run.calls, run.elapsed_ticks


def test_latency_counts_from_the_intended_start():
    assert driven([0, 100, 200], [10, 30, 20]) == ([10, 30, 20], 3, 220)


def test_a_stall_makes_every_command_late_that_was_due_meanwhile():
    service = [10] * 20
    service[5] = 1_000
    latencies, calls, elapsed = driven(range(0, 2_000, 100), service)
    # The closed loop meets the stall once; by intended starts nine more commands are late, each by 90 ticks less.
    assert driven(None, service)[0] == service
    assert latencies[:5] == [10] * 5
    assert latencies[5:17] == [1_000 - 90 * late for late in range(11)] + [10]
    assert latencies[17:] == [10] * 3
    assert (calls, elapsed) == (20, 1_910)


@pytest.mark.parametrize("seed", range(5))
def test_a_queue_obeys_lindleys_recursion(seed):
    random = np.random.default_rng(seed)
    intended = np.cumsum(random.integers(0, 100, 500))
    service = random.integers(1, 95, 500)
    latencies, calls, _ = driven(intended, service)
    done, expected = 0, []
    for due, takes in zip(intended.tolist(), service.tolist(), strict=True):
        done = max(done, due) + takes
        expected.append(done - due)
    assert latencies == expected
    assert calls == 500


def test_a_batch_takes_what_is_due_and_completes_together():
    # 0 alone; 10, 20 and 30 are due when it is done at 35; 200 finds nobody before it.
    assert driven([0, 10, 20, 30, 200], [35, 1, 2, 3, 4], BATCH) == ([35, 31, 21, 11, 4], 3, 204)


def test_a_batch_has_at_most_cap_commands():
    latencies, calls, elapsed = driven([0] * 150, [1] * 150, BATCH)
    assert latencies == [64] * 64 + [128] * 64 + [150] * 22
    assert (calls, elapsed) == (3, 150)
    assert driven([0] * 5, [1] * 5, 2)[0] == [2, 2, 4, 4, 5]


@pytest.mark.parametrize("intended", [None, []])
def test_no_commands_take_no_time(intended):
    assert driven(intended, []) == ([], 0, 0)


# --- the loops, on a market ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["own", "touch"])
@pytest.mark.parametrize(("gap", "cap"), [(None, PER_CALL), (0, PER_CALL), (7, 3), (0, BATCH), (5, BATCH), (50, BATCH)])
def test_every_command_is_applied_once_and_in_order(shape, gap, cap):
    commands = flow(shape, 3_000)
    market, expected = Market(INSTRUMENT), Market(INSTRUMENT)
    expected.apply_batch(commands)
    histogram = Histogram()
    intended = None if gap is None else np.arange(len(commands)) * gap
    run = drive(
        market, commands, histogram, ARTIFICIAL, intended=intended, cap=cap, service_ticks=ticks([6] * len(commands))
    )
    assert market.state_hash() == expected.state_hash()
    assert market.next_seq == expected.next_seq
    assert histogram.total == len(commands)
    assert -(-len(commands) // cap) <= run.calls <= len(commands)
    market.check()
    # Python has its market back.
    assert market.place(1, 0, 1, 1).filled_lots == 0


@pytest.mark.parametrize("clock", [SYSTEM, None])
def test_a_real_clock_applies_the_same(clock):
    steady = SteadyFlow(200, 20)
    market, expected = Market(INSTRUMENT), Market(INSTRUMENT)
    kind = native().BEST_CLOCK if clock is None else clock
    for part in [*steady.prefill(), steady.messages(800)]:
        expected.apply_batch(part)
        histogram = Histogram()
        drive(market, part, histogram, kind, intended=np.full(len(part), 0), cap=BATCH)
        assert histogram.total == len(part)
    assert market.state_hash() == expected.state_hash()


def test_commands_with_one_event_are_told_apart():
    commands = flow("touch", 2_000)
    events = Market(INSTRUMENT).apply_batch(commands)
    singles = Histogram()
    service = ticks([5] * len(commands))
    drive(Market(INSTRUMENT), commands, Histogram(), ARTIFICIAL, singles=singles, service_ticks=service)
    assert 0 < singles.total == int((np.bincount(events["command"]) == 1).sum()) < len(commands)


def test_wrong_arguments_are_refused():
    histogram, words = Histogram(), Histogram()
    with pytest.raises(ValueError, match="one int64 a command"):
        drive(None, nothing(3), histogram, SYSTEM, intended=ticks([1, 2]))
    with pytest.raises(ValueError, match="one int64 a command"):
        drive(None, nothing(3), histogram, SYSTEM, latencies=ticks([1]))
    with pytest.raises(ValueError, match="what every command takes"):
        drive(None, nothing(3), histogram, ARTIFICIAL)
    with pytest.raises(ValueError, match="cap must be 1 to 64"):
        drive(None, nothing(3), histogram, SYSTEM, cap=65)
    with pytest.raises(ValueError, match="no such clock"):
        drive(None, nothing(3), histogram, 9)
    words.words = words.words[:5]
    with pytest.raises(ValueError, match="HISTOGRAM_WORDS"):
        drive(None, nothing(3), words, SYSTEM)
    with pytest.raises(MisuseError, match="compiled Market is needed"):
        drive(7, nothing(3), histogram, SYSTEM)
    assert histogram.total == 0


def test_it_compiles_without_a_warning(tmp_path):
    folders = [f"-I{include_dir()}", f"-I{sysconfig.get_path('include')}"]
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *folders]
    subprocess.run(["cc", *flags, ROOT / "bench/native/latency.c", "-o", tmp_path / "latency.so"], check=True)
