"""`python -m bench.latency`: how long commands take in the core, alone and against an offered load.

Tables go to stdout, progress to stderr. A missed bar is an answer, not a failure.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from bench.latency.figure import draw
from bench.latency.load import ARRIVALS, Sweep, sweep
from bench.latency.native import Clock, best_clock
from bench.latency.page import Report, rewrite, text
from bench.latency.service import Service, service
from bench.latency.sources import FLOWS, STEADY
from bench.measure import FULL, QUICK, Settings, UnavailableError, machine, note, pin

PARTS = ("service", "load")


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.latency", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that everything runs, not how fast")
    parser.add_argument("--part", choices=PARTS, help="measure this part only")
    parser.add_argument("--flow", choices=FLOWS, default=STEADY, help="the flow that is offered at rising rates")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything found to FILE as well")
    parser.add_argument("--write", metavar="DIR", type=Path, help="rewrite latency.md and latency.svg in DIR")
    parsed = parser.parse_args(words)
    if parsed.write is not None and (parsed.part or parsed.quick):
        parser.error("--write needs a whole run, without --part and --quick")
    return parsed


def services(settings: Settings, clock: Clock) -> list[Service]:
    """Return the service times of every flow that is at hand."""
    found = []
    for name in FLOWS:
        try:
            found.append(service(name, settings, clock))
        except UnavailableError as error:
            note(f"latency: left out, {name} flow: {error}")
    return found


def measure(parts: tuple[str, ...], flow: str, settings: Settings) -> Report:
    """Measure the parts. UnavailableError without a compiler, or without the flow that is offered."""
    host = machine(pin())
    clock = best_clock()
    note(f"latency: {host['processor']}, core {host['core']}; {clock}")
    found = services(settings, clock) if "service" in parts else []
    sweeps: list[Sweep] = [sweep(flow, settings, clock)] if "load" in parts else []
    return Report(host, clock, settings.rounds, found, sweeps)


def main(words: list[str] | None = None) -> int:
    """Measure, print, write what was asked for, and return the exit code: 1 when something needed is not there."""
    parsed = arguments(words)
    try:
        report = measure((parsed.part,) if parsed.part else PARTS, parsed.flow, QUICK if parsed.quick else FULL)
    except UnavailableError as error:
        note(f"latency: {error}")
        return 1
    print(text(report))
    if parsed.quick:
        print("\nA quick run: everything ran, but sizes were tiny, so the figures and their verdicts mean nothing.")
    if parsed.json is not None:
        parsed.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if parsed.write is not None:
        rewrite(parsed.write / "latency.md", text(report))
        (parsed.write / "latency.svg").write_text(draw(report.sweeps[0], ARRIVALS[-1]), encoding="utf-8")
        note(f"latency: wrote latency.md and latency.svg in {parsed.write}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
