"""The `parbook` command.

Exit codes:
    0    done, and what could be verified held
    1    a verification failed: the log and the books disagree
    2    bad input or usage: one message on stderr says what, where, why and what to do
    3    parbook's own state is broken (CorruptionError: keep the files and report it), or a journal is damaged
    130  interrupted
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from parbook.cli import follow, generate, journal, listing, replay, simulate, value
from parbook.errors import CorruptionError, JournalDamageError, ParbookError

EXIT_INPUT: Final = 2
EXIT_CORRUPT: Final = 3
EXIT_INTERRUPTED: Final = 130

_COMMANDS: Final = (replay, generate, value, listing, simulate, journal, follow)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line with `argv` (None: the process's own arguments) and return its exit code."""
    try:
        args = _parser().parse_args(argv)
    except SystemExit as stop:
        # argparse has printed its message; it exits with 2 for bad usage and 0 for --help.
        return stop.code if isinstance(stop.code, int) else EXIT_INPUT
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        _say("interrupted")
        return EXIT_INTERRUPTED
    except JournalDamageError as error:
        _say(f"damaged: {error}")
        return EXIT_CORRUPT
    except CorruptionError as error:
        _say(f"internal error: {error}. Keep the input files and report this.")
        return EXIT_CORRUPT
    except ParbookError as error:
        _say(f"error: {error}")
        return EXIT_INPUT
    except OSError as error:
        _say(f"error: {error.filename or 'output'}: {error.strerror}. Check the path and the free space.")
        return EXIT_INPUT
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parbook",
        description="An exchange engine in which a limit order book and a buyback curve fill every order jointly.",
        epilog="Exit codes: 0 done and verified, 1 verification failed, 2 bad input or usage, 3 internal error, "
        "130 interrupted.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def _say(text: str) -> None:
    print(f"parbook: {text}", file=sys.stderr)
