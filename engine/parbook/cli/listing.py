"""`parbook listing`: what a venue wants to know before it lists a unit, from a description and a tape."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from parbook.cli.output import atomic_output, check_output, print_out
from parbook.cli.progress import ProgressBar
from parbook.disclosure import listing_report
from parbook.report.listing_page import listing_text, render_listing
from parbook.report.page import require_plotly
from parbook.setup import build, load_setup
from parbook.venue import Exchange


def add_parser(commands: Any) -> None:
    """Add the subcommand to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "listing",
        help="the report a venue wants before it lists a pool's units",
        description="Build the venue that a TOML file describes from its tape of loans, in memory, and say what stands "
        "behind its units: reserve, coverage, time to exit, quoted discounts, net assets, concentration, arrears, and "
        "what holders lose in a run. docs/listing.md lists keys, lines and formulas.",
    )
    parser.add_argument("listing", metavar="LISTING.toml", type=Path, help="the venue, as examples/listing shows one")
    parser.add_argument("--report", metavar="OUT.html", type=Path, help="write a self-contained page (needs plotly)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build, try, write what was asked for, and return 0."""
    setup = load_setup(args.listing)
    if args.report is not None:
        # Whatever would spoil the report is said before the work, not after it.
        require_plotly()
        check_output(args.report, (args.listing, setup.tape.assets, setup.tape.curve, setup.tape.groups))
    with ProgressBar("building", unit=" steps", quiet=args.quiet) as progress:
        built = build(Exchange(), setup, progress)
    with ProgressBar("trying", unit=" steps", quiet=args.quiet) as progress:
        report = listing_report(built, progress)
    if args.report is not None:
        with atomic_output(args.report) as path:
            path.write_text(render_listing(report), encoding="utf-8")
    if args.json:
        print_out(report.to_json())
    elif not args.quiet:
        print_out(listing_text(report))
        if args.report is not None:
            print_out(f"report: {args.report}")
    return 0
