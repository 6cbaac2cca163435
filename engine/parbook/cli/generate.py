"""`parbook generate`: write a seeded order log."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from parbook.cli.arguments import count, seed
from parbook.cli.output import atomic_output, check_output, print_out
from parbook.cli.progress import ProgressBar
from parbook.errors import InputError
from parbook.instrument import Instrument
from parbook.logs.flow import FlowParams
from parbook.logs.generate import write_itch, write_native
from parbook.replay.listing import load_listing

ANCHOR_EVERY: Final = 500
"""A log with a curve proposes an anchor after so many messages."""


def add_parser(commands: Any) -> None:
    """Add the subcommand to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "generate",
        help="write a seeded order log",
        description="Write a log of realistic flow. The same seed gives the same bytes on every machine.",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="file to write")
    parser.add_argument("--messages", metavar="N", type=count, required=True, help="how many commands")
    parser.add_argument("--seed", metavar="S", type=seed, default=1, help="what the flow grows from (default 1)")
    parser.add_argument("--format", choices=("native", "itch"), default="native", help="default: native")
    parser.add_argument("--symbol", default="RWA", help="default: RWA")
    parser.add_argument(
        "--curve",
        metavar="LISTING.toml",
        type=Path,
        help=f"put this curve, and an anchor every {ANCHOR_EVERY}, in the log",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.add_argument("--progress", action="store_true", help="show progress even when stderr is no terminal")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the log and say what was written."""
    if args.curve is not None and args.format == "itch":
        raise InputError("--curve", "an ITCH file has no place for a curve", "Use --format native.")
    check_output(args.out, (args.curve,))
    flow, curve = FlowParams(), None
    if args.curve is not None:
        flow = FlowParams(anchor_every=ANCHOR_EVERY)
        curve = load_listing(args.curve).set_curve(Instrument(symbol=args.symbol, tick="0.0001"))
    bar = ProgressBar(args.out.name, unit=" messages", quiet=args.quiet, forced=args.progress)
    with atomic_output(args.out) as path, bar as progress:
        if args.format == "itch":
            written = write_itch(path, args.seed, args.messages, args.symbol, flow=flow, progress=progress)
        else:
            written = write_native(
                path, args.seed, args.messages, args.symbol, flow=flow, curve=curve, progress=progress
            )
    if not args.quiet:
        print_out(f"{args.out}: {written} {args.format} messages of {args.symbol}, seed {args.seed}")
    return 0
