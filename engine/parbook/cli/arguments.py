"""Argument types that commands share. Each refuses with one sentence that argparse prints."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    """Return a whole number of 1 or more."""
    return _whole(text, 1, 2**40)


def seed(text: str) -> int:
    """Return a whole number of 0 to 2**64 - 1."""
    return _whole(text, 0, 2**64 - 1)


def _whole(text: str, low: int, high: int) -> int:
    digits = text.replace("_", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20 or not low <= int(digits) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number in {low}..{high}")
    return int(digits)
