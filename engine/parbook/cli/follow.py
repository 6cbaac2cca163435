"""`parbook follow`: a second core behind a journal that another process writes; promoted, it takes over."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from parbook.cli.arguments import count
from parbook.cli.output import print_out
from parbook.journal.follower import Follower

POLL_S: Final = 0.02
"""How long it rests when nothing is new."""


def add_parser(commands: Any) -> None:
    """Add the subcommand to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "follow",
        help="follow a journal that another process writes, and take over with --promote",
        description="Applies what the writer writes and says where it stands, a line each --every seconds: record, "
        "bytes behind, hash of the state. Ends with --until, or when it is interrupted.",
    )
    parser.add_argument("path", metavar="DIRECTORY", type=Path, help="the directory that parbook.open was given")
    parser.add_argument("--every", metavar="S", type=count, default=1, help="seconds between two lines (default 1)")
    parser.add_argument("--until", metavar="RECORD", type=count, help="end when this record is applied")
    parser.add_argument("--once", action="store_true", help="read what is there, say where it stands, end")
    parser.add_argument(
        "--promote",
        action="store_true",
        help="read what is there, fence the writer off, seal the journal in its own name, end",
    )
    parser.add_argument(
        "--checkpoint", action="store_true", help="with --once, --until, --promote: write a snapshot at the end"
    )
    parser.add_argument("--checkpoint-every", metavar="N", type=count, help="write a snapshot after every N records")
    parser.add_argument("--json", action="store_true", help="print JSON objects, one a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Follow until told to end."""
    follower = Follower(args.path)
    if args.promote:
        with follower.promote() as exchange:
            if args.checkpoint:
                exchange.checkpoint()
            _say(args, follower, "promoted")
        return 0
    said = 0.0
    written = follower.standing.record
    while True:
        applied = follower.poll()
        if args.checkpoint_every and follower.standing.record - written >= args.checkpoint_every:
            follower.checkpoint()
            written = follower.standing.record
        ended = args.once or (args.until is not None and follower.standing.record >= args.until)
        if ended or time.monotonic() - said >= args.every:
            said = time.monotonic()
            _say(args, follower, "follows")
        if ended:
            if args.checkpoint:
                follower.checkpoint()
            return 0
        if not applied:
            time.sleep(POLL_S)


def _say(args: argparse.Namespace, follower: Follower, what: str) -> None:
    standing = follower.standing
    state_hash = follower.state_hash() if standing.record else ""
    if args.json:
        fields = {"what": what, "state_hash": state_hash} | msgspec.to_builtins(standing)
        print_out(msgspec.json.encode(fields).decode())
    else:
        print_out(
            f"{what} record {standing.record}, command {standing.command}, {standing.behind_bytes} bytes behind, "
            f"state {state_hash[:16] or 'none yet'}"
        )
