"""Loans to fill a pool with: rates by grade from a real tape, a tape drawn from them, and what a pool's book is worth.

The grades come from 9,857 loans of Lending Club where the data lies beside the repository, else from a table of this
module. Everything else is drawn from one seed.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from parbook.assets.calibration import annual_pd_e12, grade_rates
from parbook.assets.curve import ZeroCurve, flat_bond_equivalent
from parbook.assets.holdings import Asset, Holdings
from parbook.assets.kinds import AssetKind, amortising
from parbook.assets.terms import Band, Terms
from parbook.assets.valuation import value
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.pools.loans import LoanBook, LoanEntry
from parbook.pools.pool import Shares
from parbook.pools.states import LoanState

DATA = Path(os.environ.get("PARBOOK_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "rwa"
SELLERS = 40
SYNTHETIC: dict[str, tuple[int, int, float, float, float]] = {
    # grade: (defaults, loans, mean rate, mean amount, share that runs 60 months), in round numbers
    "A": (20, 2000, 0.07, 15_000, 0.06),
    "B": (75, 3000, 0.10, 14_500, 0.18),
    "C": (150, 2600, 0.135, 15_500, 0.33),
    "D": (120, 1250, 0.175, 16_500, 0.44),
    "E": (90, 700, 0.205, 18_500, 0.66),
    "F": (50, 260, 0.245, 19_000, 0.71),
    "G": (20, 75, 0.28, 18_500, 0.71),
}
"""Used where the real tape is absent."""


class Grade(NamedTuple):
    """What is known of a grade: how common, how dear, how large, how long; and its default rate with an interval.

    `pd_e12` is a year's, from the upper bound of the exact interval: what to price by when little is known.
    """

    name: str
    loans: int
    defaults: int
    rate: float
    amount: float
    long_share: float
    low_e12: int
    high_e12: int
    pd_e12: int


def calibrated() -> tuple[list[Grade], str]:
    """Return the grades, best first, and where they are from."""
    path = DATA / "modeldata_lending_club.csv.xz"
    if not path.exists():
        rows, source = SYNTHETIC, "a synthetic table"
    else:
        rows, source = _counted(path), "9,857 loans of Lending Club"
    names = sorted(rows)
    grades = []
    for each in grade_rates({name: rows[name][:2] for name in names}, names):
        defaults, loans, rate, amount, long_share = rows[each.grade]
        months = round(36 + 24 * long_share)
        pd_e12 = annual_pd_e12(each.exact.high_e12, months)
        low_e12, high_e12 = each.exact.low_e12, each.exact.high_e12
        grades.append(Grade(each.grade, loans, defaults, rate, amount, long_share, low_e12, high_e12, pd_e12))
    return grades, source


def _counted(path: Path) -> dict[str, tuple[int, int, float, float, float]]:
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        by_grade = defaultdict(list)
        for row in csv.DictReader(file):
            by_grade[row["sub_grade"][0]].append(row)
    counted = {}
    for name, rows in by_grade.items():
        size = len(rows)
        counted[name] = (
            sum(row["Class"] == "bad" for row in rows),
            size,
            sum(float(row["int_rate"]) for row in rows) / size / 100,
            sum(float(row["funded_amnt"]) for row in rows) / size,
            sum(row["term"] == "term_60" for row in rows) / size,
        )
    return counted


def discount_curve() -> tuple[ZeroCurve, str]:
    """Return the curve of the last ten-year yield of the US Treasury, or of 4.5 % where the data is absent."""
    path = DATA / "treasury" / "data" / "monthly.csv"
    if not path.exists():
        return flat_bond_equivalent(E12 * 45 // 1000), "4.5 %, made up"
    day, rate = path.read_text().split()[-1].split(",")
    return flat_bond_equivalent(round(float(rate) * E12 / 100), date.fromisoformat(day)), f"{rate} % of {day}"


class Drawn(NamedTuple):
    """A loan of the tape: what a pool is told of it, and what the model and its servicer know beside."""

    entry: LoanEntry
    rate_e12: int
    grade: int


def tape(count: int, grades: Sequence[Grade], seed: int = 1) -> list[Drawn]:
    """Return so many loans, each of a grade drawn as often as it is common."""
    rng = random.Random(seed)
    numbers = range(len(grades))
    weights = [grade.loans for grade in grades]
    drawn = []
    for number, which in enumerate(rng.choices(numbers, weights, k=count)):
        grade = grades[which]
        rate_e12 = round(max(grade.rate + rng.uniform(-0.01, 0.01), 0.01) * 10_000) * (E12 // 10_000)
        entry = LoanEntry(
            asset_id=f"LC-{number:07}",
            kind=AssetKind.AMORTISING,
            obligor=f"borrower {number:07}",
            seller=f"originator {number % SELLERS}",
            group=grade.name,
            legal_hash=hashlib.sha256(f"contract {seed} {number}".encode()).hexdigest(),
            principal_micro=max(round(grade.amount * rng.uniform(0.3, 1.7) / 25), 40) * 25 * MICRO,
            months=60 if rng.random() < grade.long_share else 36,
            pd_e12=grade.pd_e12,
        )
        drawn.append(Drawn(entry, rate_e12, which))
    return drawn


class Valued(NamedTuple):
    """What a valuation says: shares of the kept amount, and the hashes that tie a report to its inputs."""

    shares: Shares
    total_micro: tuple[int, int, int]
    kept_micro: int
    model_hash: str
    input_hash: str


class Model:
    """Values a pool's book by the kernel. `months_gone`: how many payments were due since the tape was drawn."""

    def __init__(self, loans: Sequence[Drawn], grades: Sequence[Grade], curve: ZeroCurve) -> None:
        self.loans = loans
        self.curve = curve
        self.terms = [
            Terms(pd_e12=grade.pd_e12, lgd_e12=E12 * 9 // 10, cpr_e12=E12 // 20, spread_e12=E12 // 20, lag_months=6)
            for grade in grades
        ]

    def holdings(self, book: LoanBook, months_gone: int = 0) -> Holdings:
        """Return what the book holds as the kernel wants it."""
        assets = []
        for drawn in self.loans:
            loan = book.loans[drawn.entry.asset_id]
            account = loan.account
            balance = account.performing_micro + account.principal_due_micro + account.outstanding_micro
            months = max(drawn.entry.months - months_gone, 1)
            assets.append(
                Asset(
                    asset_id=drawn.entry.asset_id,
                    kind=AssetKind.AMORTISING,
                    obligor=drawn.entry.obligor,
                    seller=drawn.entry.seller,
                    group=drawn.entry.group,
                    position=amortising(max(balance, 1), drawn.rate_e12, months),
                    terms=self.terms[drawn.grade],
                    owed_micro=loan.owed_micro,
                    days_past_due=loan.days_past_due,
                    state=loan.state,
                )
            )
        return Holdings.of(assets)

    def value(self, holdings: Holdings, book: LoanBook, move_e12: int = 0) -> Valued:
        """Return the shares an oracle's source reports: LOW down, HIGH up, MID between. The curve may be moved."""
        valuation = value(holdings, self.curve.moved(move_e12))
        totals = tuple(valuation.total_micro(band) for band in Band)
        kept = book.sums.kept_micro
        low, mid, high = totals
        shares = Shares(low * NANO // kept, mid * NANO // kept, min(-(-high * NANO // kept), NANO))
        model_hash = hashlib.sha256(valuation.model.encode()).hexdigest()
        return Valued(shares, (low, mid, high), kept, model_hash, valuation.input_hash)


def level_payment_micro(drawn: Drawn) -> int:
    """Return what such a loan pays a month, rounded up: the level payment that repays it."""
    rate = drawn.rate_e12 / (12 * E12)
    return -int(-drawn.entry.principal_micro * rate // (1 - (1 + rate) ** -drawn.entry.months))


def standing_of(book: LoanBook) -> dict[str, int]:
    """Return how many loans are in each state."""
    counts = dict.fromkeys((state.name for state in LoanState), 0)
    for loan in book.loans.values():
        counts[loan.state.name] += 1
    return {name: number for name, number in counts.items() if number}


def size_bytes(state: object) -> int:
    """Return how long a state is as JSON."""
    return len(msgspec.json.encode(state))
