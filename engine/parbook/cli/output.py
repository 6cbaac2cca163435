"""Output: files are checked before the work and there whole or not at all; stdout may lose its reader."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from parbook.errors import InputError


def check_output(path: Path, inputs: Sequence[Path | None] = ()) -> None:
    """Raise InputError when `path` cannot become a file: no such directory, no ordinary file, or one of `inputs`."""
    if path.is_dir():
        raise InputError(str(path), "it is a directory", "Name a file to write.")
    if path.exists() and not path.is_file():
        # Replacing /dev/null or a pipe by a file would take it from everybody.
        raise InputError(str(path), "it is a device or a pipe", "Name an ordinary file to write.")
    if not path.parent.is_dir():
        raise InputError(str(path), f"there is no directory {path.parent}", f"Make it first: mkdir -p {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise InputError(str(path), f"the directory {path.parent} is not writable", "Name another place.")
    for source in inputs:
        if source is not None and path.exists() and source.exists() and path.samefile(source):
            raise InputError(str(path), "writing there would replace what is read", "Name another file to write.")


@contextmanager
def atomic_output(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it becomes `path` when the block ends well, and is removed otherwise."""
    check_output(path)
    # A link stays a link: what it points at is replaced.
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def print_out(text: str) -> None:
    """Print a line on stdout. A reader that has gone (`| head`) is no error: the exit code still tells the outcome."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Nothing more may reach the pipe: the interpreter would flush what is left when it exits.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
