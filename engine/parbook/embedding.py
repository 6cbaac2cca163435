"""For programs in C that feed a compiled market without entering Python per command: where parbook.h is."""

from __future__ import annotations

from pathlib import Path

__all__ = ["include_dir"]


def include_dir() -> Path:
    """Return the folder of `parbook.h`, to be given to the compiler with -I."""
    return Path(__file__).resolve().parent / "include"
