"""`parbook replay`: verify an order log, or match it anew with a curve beside the book."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from parbook.cli.arguments import count
from parbook.cli.output import atomic_output, check_output, print_out
from parbook.cli.progress import ProgressBar
from parbook.replay.run import MODES, ReplayOptions, replay
from parbook.report.page import render, require_plotly
from parbook.report.summary import text_summary


def add_parser(commands: Any) -> None:
    """Add the subcommand to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "replay",
        help="verify an order log, or match it anew with a curve beside the book",
        description="Read an ITCH 5.0, LOBSTER or native log (plain, gzip or xz). Mode book rebuilds the venue's book "
        "and verifies it; mode match plays the orders through a market, with --curve beside a buyback curve.",
    )
    parser.add_argument("log", metavar="LOG", type=Path, help="the order log")
    parser.add_argument(
        "--truth",
        metavar="BOOK.csv",
        type=Path,
        help="LOBSTER's order book file: mode book compares every row, mode match starts from its first",
    )
    parser.add_argument("--symbol", metavar="S", help="the symbol to take from the log")
    parser.add_argument("--mode", choices=MODES, help="default: match with --curve or a native log, else book")
    parser.add_argument("--curve", metavar="LISTING.toml", type=Path, help="listing file of the curve")
    parser.add_argument("--anchor", metavar="FILE.csv", type=Path, help="fair prices: ts_ns,low,high or ts,price")
    parser.add_argument("--limit", metavar="N", type=count, help="stop after N messages")
    parser.add_argument("--report", metavar="OUT.html", type=Path, help="write a self-contained page (needs plotly)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quiet", action="store_true", help="print nothing: the exit code tells")
    parser.add_argument("--progress", action="store_true", help="show progress even when stderr is no terminal")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay, write what was asked for, and return 0 when verified, else 1."""
    options = ReplayOptions(
        log=args.log,
        truth=args.truth,
        symbol=args.symbol,
        mode=args.mode,
        curve=args.curve,
        anchor=args.anchor,
        limit=args.limit,
    )
    if args.report is not None:
        # Whatever would spoil the report is said before the work, not after it.
        require_plotly()
        check_output(args.report, (args.log, args.truth, args.curve, args.anchor))
    with ProgressBar(args.log.name, quiet=args.quiet or args.json, forced=args.progress) as progress:
        result = replay(options, progress=progress)
    if args.report is not None:
        with atomic_output(args.report) as path:
            path.write_text(render(result), encoding="utf-8")
    if args.json:
        print_out(result.to_json())
    elif not args.quiet:
        print_out(text_summary(result))
        if args.report is not None:
            print_out(f"report: {args.report}")
    return 0 if result.verified else 1
