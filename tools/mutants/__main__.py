"""The command line of the mutation check. Exit status: 0 all caught, 1 some not, 2 the check itself cannot run."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from tqdm import tqdm

from tools.mutants import report
from tools.mutants.fault import Fault, FaultError, all_faults
from tools.mutants.workshop import (
    BEHAVIOUR,
    BUILD,
    PARITY,
    BrokenError,
    Checks,
    MarketChecks,
    Outcome,
    Verdict,
    Workshop,
    copy_checkout,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "mutants.md"


def hunt(faults: list[Fault], workshops: list[Workshop], checks: Checks) -> list[Verdict]:
    """Try every fault, one in each workshop at a time, and return the verdicts in the order of the faults."""
    free: SimpleQueue[Workshop] = SimpleQueue()
    for workshop in workshops:
        free.put(workshop)

    def one(fault: Fault) -> Verdict:
        workshop = free.get()
        try:
            return workshop.try_fault(fault, checks)
        finally:
            free.put(workshop)

    verdicts: dict[str, Verdict] = {}
    with ThreadPoolExecutor(len(workshops)) as pool, tqdm(total=len(faults), unit=" faults", disable=None) as bar:
        # Those that need no build come first: most verdicts are there early.
        waiting = sorted(faults, key=lambda fault: fault.compiled)
        for future in as_completed([pool.submit(one, fault) for fault in waiting]):
            verdict = future.result()
            verdicts[verdict.fault.id] = verdict
            bar.write(report.line(verdict), file=sys.stdout)
            sys.stdout.flush()
            bar.update()
    return [verdicts[fault.id] for fault in faults]


def chosen(faults: list[Fault], only: Sequence[str], sample: int, seed: int) -> list[Fault]:
    """Return the faults asked for: those whose id begins with one of `only`, `sample` of them (0: all), in order."""
    found = [fault for fault in faults if not only or fault.id.startswith(tuple(only))]
    if not found:
        raise FaultError(f"no fault's id begins with {' or '.join(only)}; --list shows them")
    if not 0 < sample < len(found):
        return found
    drawn = set(random.Random(seed).sample([fault.id for fault in found], sample))
    return [fault for fault in found if fault.id in drawn]


def run(faults: list[Fault], jobs: int) -> tuple[list[Verdict], list[str]]:
    """Copy and build the checkout, hunt the faults there, and return the verdicts and what was red without any."""
    hints = report.last_time(PAGE.read_text("utf-8")) if PAGE.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="parbook-mutants-") as folder:
        clean = Workshop(Path(folder) / "clean", BUILD)
        print("mutants: copying and building the checkout", flush=True)
        copy_checkout(ROOT, clean.root)
        clean.build()
        print("mutants: running the checks without a fault", flush=True)
        checks = MarketChecks(clean, hints)
        for check in (BEHAVIOUR, PARITY):
            checks.require(check)
        count = min(jobs, len(faults))
        print(f"mutants: planting {len(faults)} faults, {count} at a time", flush=True)
        workshops = [clean.copy_to(Path(folder) / f"copy{number}") for number in range(count)]
        return hunt(faults, workshops, checks), clean.skipped


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description="Plant faults and look who notices.")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="ids that begin so; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="how many faults at a time (default 2)")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="that many faults, drawn with --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="show the faults and stop")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="write the verdicts into a page of all faults")
    options = parser.parse_args(arguments)
    if options.jobs < 1 or options.sample < 0:
        parser.error("--jobs takes 1 or more, --sample 0 or more")
    try:
        tables = all_faults()
        faults = chosen(tables, options.only, options.sample, options.seed)
        if options.list:
            print(report.listing(faults))
            return 0
        verdicts, skipped = run(faults, options.jobs)
    except (FaultError, BrokenError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    print(report.summary(verdicts, skipped))
    if options.markdown:
        earlier = options.markdown.read_text("utf-8") if options.markdown.is_file() else ""
        options.markdown.write_text(report.page(tables, verdicts, earlier), "utf-8")
    return 0 if not skipped and all(verdict.outcome is Outcome.CAUGHT for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
