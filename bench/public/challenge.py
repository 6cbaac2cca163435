"""B1 and B2: the public benchmark's own harness, run for parbook's adapter and for CppTrader's, in turn.

PARBOOK_PUBLIC_BENCHMARK names a checkout in which its harness, its generator, cpptrader_adapter.so and
liquibook_adapter.so (for the audit) have been built by the benchmark's own instructions. Its verdicts are taken as they
are: a run whose report hash differs, or whose threads could not be pinned, is no sample but an error.
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from bench.bars import NOT_JUDGED, Row, judged
from bench.measure import Settings, Spread, UnavailableError, interleave, note
from bench.public.build import build_adapter

SCENARIOS: Final = ("static", "normal", "swing-25", "swing-40", "flash-crash")
PEER: Final = "cpptrader"
_CORES: Final = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class Verdict(msgspec.Struct, frozen=True):
    """What the harness printed of one run: millions of messages a second (0 in an audit), VALID or not, the hash."""

    rate_m_per_second: float
    valid: bool
    report_hash: str


def checkout() -> Path:
    """Return the user's checkout; UnavailableError names what it lacks."""
    named = os.environ.get("PARBOOK_PUBLIC_BENCHMARK", "")
    if not named:
        raise UnavailableError("set PARBOOK_PUBLIC_BENCHMARK to a built checkout of the public matching benchmark")
    path = Path(named)
    for needed in ("harness", "generator", f"{PEER}_adapter.so", "liquibook_adapter.so"):
        if not (path / needed).exists():
            raise UnavailableError(f"{path / needed} is not there")
    return path


def read_verdict(printed: str) -> Verdict:
    """Read one run's output; UnavailableError when the harness gave no verdict."""
    verdict = re.search(r"Verdict: (\w+)", printed)
    found = re.search(r"Computed hash: (\w+)", printed)
    if verdict is None or found is None:
        raise UnavailableError(f"the harness gave no verdict: {printed.strip()[-200:]}")
    rate = re.search(r"Throughput: +([\d.]+)", printed)
    return Verdict(float(rate[1]) if rate else 0, verdict[1] == "VALID", found[1])


def run_harness(path: Path, engine: str, scenario: str, mode: str = "perf", seed: int = 23) -> Verdict:
    """Run the harness once, matcher and drainer pinned to the first two cores there are."""
    if len(_CORES) < 2:
        raise UnavailableError("the harness needs two cores")
    command = ["./harness", "--engine", f"./{engine}_adapter.so", "--scenario", scenario, "--mode", mode]
    command += ["--seed", str(seed), "--matcher-core", str(_CORES[0]), "--drainer-core", str(_CORES[1])]
    # The bench itself is pinned; its child must not be.
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _CORES)
    try:
        run = subprocess.run(command, cwd=path, capture_output=True, text=True, check=False)
    finally:
        os.sched_setaffinity(0, pinned)
    return read_verdict(run.stdout + run.stderr)


def _sample(path: Path, engine: str, scenario: str) -> float:
    verdict = run_harness(path, engine, scenario)
    if not verdict.valid:
        raise UnavailableError(f"{engine} is not VALID in {scenario}")
    return verdict.rate_m_per_second


def challenge_rows(settings: Settings) -> list[Row]:
    """Return B1: the worst of five scenarios, each a median of ten runs, against the peer's worst in the same hour."""
    path = checkout()
    build_adapter(path)
    rounds = 10 if settings.scale == 1 else 1
    rates: dict[str, dict[str, Spread]] = {"parbook": {}, PEER: {}}
    for scenario in SCENARIOS:
        note(f"B1 {scenario}: {rounds} runs of each engine")
        contenders = {engine: partial(_sample, path, engine, scenario) for engine in rates}
        for engine, samples in interleave(contenders, rounds).items():
            rates[engine][scenario] = Spread.of(samples)
    worst = {engine: min(by.values(), key=lambda spread: spread.median) for engine, by in rates.items()}
    ratio = Spread(
        worst["parbook"].median / worst[PEER].median,
        worst["parbook"].low / worst[PEER].high,
        worst["parbook"].high / worst[PEER].low,
        rounds,
    )
    told = "; ".join(f"{name} {rates['parbook'][name]} and {rates[PEER][name]}" for name in SCENARIOS)
    measured = f"M messages/s, parbook and CppTrader: {told}"
    values = {f"{engine}_{name}_m_per_second": by[name] for engine, by in rates.items() for name in SCENARIOS}
    return [judged("B1", "public benchmark, worst of five", measured, ratio, values)]


def audit_rows(settings: Settings) -> list[Row]:
    """Return B2: the audit of each scenario, and held-out seeds against the peer's reports."""
    path = checkout()
    build_adapter(path)
    note("B2: audits")
    valid = sum(run_harness(path, "parbook", scenario, "audit").valid for scenario in SCENARIOS)
    seeds = range(1_001, 1_001 + (4 if settings.scale == 1 else 1))
    same = 0
    for seed in seeds:
        note(f"B2: held-out seed {seed}")
        for scenario in SCENARIOS:
            ours, theirs = (run_harness(path, engine, scenario, seed=seed) for engine in ("parbook", PEER))
            same += ours.report_hash == theirs.report_hash
            (path / f"orders_{scenario}_s{seed}_n1000000.bin").unlink(missing_ok=True)
    audited = Spread.of([valid])
    held_out = Spread.of([same])
    measured = (
        f"{valid} of {len(SCENARIOS)} audits VALID; {same} of {len(seeds) * len(SCENARIOS)} held-out runs report what "
        "CppTrader does. The gate of 34 cases is the benchmark's own scripts/conformance_check.py"
    )
    values = {"valid_audits": audited, "equal_held_out_runs": held_out}
    row = Row(
        bar="B2", what="audit and held-out seeds", measured=measured, verdict=_of(valid, same, seeds), values=values
    )
    return [row]


def _of(valid: int, same: int, seeds: range) -> str:
    complete = valid == len(SCENARIOS) and same == len(seeds) * len(SCENARIOS)
    return f"{NOT_JUDGED}: the gate is run apart" if complete else "missed"
