"""Descriptions and tapes to try: the example's, changed line by line, and small ones of round numbers."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

from parbook.setup import Built, Setup, build, load_setup
from parbook.venue import Exchange

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "listing"
COLUMNS = (
    "id", "kind", "obligor", "seller", "group", "state", "dpd", "legal_hash", "balance", "owed", "rate", "months",
    "undrawn", "fee", "rent", "due_days", "dilution", "pd", "lgd", "cpr", "spread", "lag",
)  # fmt: skip


def legal(name: str) -> str:
    """Return the hash of a contract."""
    return hashlib.sha256(name.encode()).hexdigest()


def loan(name: str, **fields: Any) -> dict[str, Any]:
    """Return a row of a tape: 1000 over a year at 12 %, one obligor each."""
    row: dict[str, Any] = {
        "id": name, "kind": "bullet", "obligor": f"obligor {name}", "legal_hash": legal(name), "balance": 1000,
        "rate": "0.12", "months": 12, "pd": "0.02", "lgd": "0.4",
    }  # fmt: skip
    return row | fields


def tape(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write loans.csv and rates.csv."""
    with (folder / "loans.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "rates.csv").write_text("days,zero\n0,0.03\n")


def example(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the example's files into a folder, each (old, new) changed once, and return the description."""
    for name in ("loans.csv", "groups.csv", "rates.csv"):
        (folder / name).write_text((EXAMPLE / name).read_text())
    text = (EXAMPLE / "listing.toml").read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    path = folder / "listing.toml"
    path.write_text(text)
    return path


SMALL = """
[venue]
quote = "USDx"
as_of = 2026-01-15
[pool]
name = "P"
manager = 1
originator = 2
[pool.limits]
obligor = "1"
counterparty = "1"
[tape]
assets = "loans.csv"
curve = "rates.csv"
[feed]
arbiter = 3
quorum = 1
recovery_rounds = 1
confidence_max = "1"
sources = [{{ source = 9, key = "{key}" }}]
[[tranche]]
name = "S"
minimum_subordination = "0.1"
holders = [{{ account = 21, amount = "8000" }}]
{senior}
[[tranche]]
name = "J"
holders = [{{ account = 22, amount = "4000" }}]
{rest}
"""


def small(folder: Path, rows: list[dict[str, Any]], *, senior: str = "", rest: str = "") -> Setup:
    """Return a pool of 8000 senior and 4000 junior units over a tape, with whatever else is given."""
    tape(folder, rows)
    path = folder / "listing.toml"
    path.write_text(SMALL.format(key=legal("key"), senior=senior, rest=rest))
    return load_setup(path)


def built(setup: Setup) -> Built:
    """Build a venue of its own."""
    return build(Exchange(), setup)
