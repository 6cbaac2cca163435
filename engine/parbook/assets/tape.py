"""A pool's tape: assets, risk groups, deliveries and the curve, from CSV or Parquet, every wrong cell named.

    assets = read_assets(Path("pool.csv"), as_of=..., groups=read_groups(Path("groups.csv")))

Whatever is wrong is gathered over the whole file and raised as one TapeError: file, row, column, value, reason, remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from parbook.assets.curve import ZeroCurve
from parbook.assets.holdings import Asset, default_owed_micro
from parbook.assets.kinds import (
    AssetKind,
    Position,
    amortising,
    bullet,
    deliveries,
    invoice,
    lease,
    revolving,
)
from parbook.assets.schedule import days_from
from parbook.assets.schema import (
    ASSET_COLUMNS,
    CURVE_COLUMNS,
    FAULTS_SHOWN,
    FLOW_COLUMNS,
    GROUP_COLUMNS,
    TERMS_COLUMNS,
    CellError,
    Faults,
)
from parbook.assets.tables import Row, read_rows
from parbook.assets.terms import Terms
from parbook.errors import AssetError
from parbook.pools.amounts import E12
from parbook.pools.states import LoanState

_K = AssetKind
NEEDED: Final[dict[AssetKind, tuple[str, ...]]] = {
    _K.AMORTISING: ("balance", "rate", "months"),
    _K.BULLET: ("balance", "rate", "months"),
    _K.INVOICE: ("balance",),
    _K.REVOLVING: ("balance", "rate", "months", "undrawn", "fee"),
    _K.LEASE: ("rent", "months"),
    _K.REAL_ESTATE: ("rent", "months", "balance"),
    _K.POWER: (),
    _K.CARBON: (),
}
"""Columns that a kind cannot do without."""
ONLY: Final[dict[str, tuple[AssetKind, ...]]] = {
    "payment": (_K.AMORTISING,),
    "repayment": (_K.AMORTISING,),
    "undrawn": (_K.REVOLVING,),
    "fee": (_K.REVOLVING,),
    "rent": (_K.LEASE, _K.REAL_ESTATE),
    "occupancy": (_K.LEASE, _K.REAL_ESTATE),
    "growth": (_K.LEASE, _K.REAL_ESTATE),
    "due": (_K.INVOICE,),
    "due_days": (_K.INVOICE,),
    "dilution": (_K.INVOICE,),
    "seller_pd": (_K.INVOICE,),
    "correlation": (_K.INVOICE,),
}
"""Columns that only some kinds know; a value elsewhere is a fault, because it would be lost silently."""

Groups = Mapping[str, Row]


def read_assets(
    path: Path,
    *,
    as_of: date | None = None,
    groups: Groups | None = None,
    flows: Mapping[str, Position] | None = None,
    limit: int = FAULTS_SHOWN,
) -> list[Asset]:
    """Return the assets of a tape in its order. TapeError lists up to `limit` faults; InputError when unreadable.

    `groups` (read_groups) fill empty terms; `flows` (read_flows) are the deliveries of power and carbon by id.
    """
    faults = Faults(str(path), limit)
    builder = _Builder(as_of, groups or {}, flows or {})
    assets, seen = [], {"id": dict[str, int](), "legal_hash": dict[str, int]()}
    for number, row in read_rows(path, ASSET_COLUMNS, ("id", "kind", "obligor"), faults):
        for name, first in seen.items():
            value = row.get(name)
            if value is not None and first.setdefault(value, number) != number:
                faults.add(number, name, value, f"it is in row {first[value]} already", "Give each asset once.")
        try:
            assets.append(builder.asset(row))
        except _RowError as error:
            faults.add(number, error.column, str(row.get(error.column, "")), error.reason, error.remedy)
        except AssetError as error:
            faults.add(number, "", "", error.reason, error.remedy)
    for name in builder.flows.keys() - {asset.asset_id for asset in assets}:
        if not faults.total:
            faults.add(0, "id", name, "the flows of this asset have no row in the tape", "Add it, or drop its flows.")
    faults.raise_any()
    if not assets:
        raise AssetError(str(path), "it holds no asset", "Give at least one row below the header.")
    return assets


def read_groups(path: Path, *, limit: int = FAULTS_SHOWN) -> dict[str, Row]:
    """Return the terms of risk groups by name."""
    faults, groups = Faults(str(path), limit), dict[str, Row]()
    for number, row in read_rows(path, GROUP_COLUMNS, ("group", "pd", "lgd"), faults):
        if row["group"] in groups:
            faults.add(number, "group", row["group"], "it is there twice", "Keep one row a group.")
        groups[row["group"]] = row
    faults.raise_any()
    return groups


def read_flows(path: Path, *, as_of: date | None = None, limit: int = FAULTS_SHOWN) -> dict[str, Position]:
    """Return the deliveries of each asset, by its id, in the order of their days."""
    faults, rows = Faults(str(path), limit), dict[str, list[tuple[int, int, int, int, int]]]()
    for number, row in read_rows(path, FLOW_COLUMNS, ("id", "quantity", "price"), faults):
        try:
            day = _day(row, "date", "days", as_of)
            if day < 0:
                raise _RowError("date", "it lies before the day of valuation", "Leave out what is over.")
        except _RowError as error:
            faults.add(number, error.column, str(row.get(error.column, "")), error.reason, error.remedy)
            continue
        rows.setdefault(row["id"], []).append(
            (day, row["quantity"], row["price"], row.get("strike", 0), row.get("probability", E12))
        )
    faults.raise_any()
    return {name: deliveries(sorted(each)) for name, each in rows.items()}


def read_curve(path: Path, *, as_of: date | None = None, limit: int = FAULTS_SHOWN) -> ZeroCurve:
    """Return a curve of zero rates, `days,zero` or `date,zero`; without `as_of` the first date is its day."""
    faults = Faults(str(path), limit)
    points = []
    for number, row in read_rows(path, CURVE_COLUMNS, ("zero",), faults):
        if as_of is None and "date" in row:
            as_of = row["date"]
        try:
            day = _day(row, "date", "days", as_of)
            if day < 0:
                raise _RowError("date", f"it lies {-day} days before the day of valuation", "Leave out what is over.")
            points.append((number, day, row["zero"]))
        except _RowError as error:
            faults.add(number, error.column, str(row.get(error.column, "")), error.reason, error.remedy)
    for (_, before, _), (number, day, _) in zip([(0, -1, 0), *points], points, strict=False):
        if day <= before:
            faults.add(number, "", "", f"day {day} does not follow day {before}", "Sort the points from today on.")
    faults.raise_any()
    if not points:
        raise AssetError(str(path), "it holds no point", "Give at least one row below the header.")
    days, rates = tuple(day for _, day, _ in points), tuple(rate for _, _, rate in points)
    return ZeroCurve(days=days, zero_e12=rates, as_of=as_of)


# --- rows -------------------------------------------------------------------------------------------


class _RowError(CellError):
    def __init__(self, column: str, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.column = column


def _day(row: Row, dated: str, counted: str, as_of: date | None) -> int:
    if (dated in row) == (counted in row):
        raise _RowError(counted, f"it needs either {dated} or {counted}", "Give one of the two.")
    if counted in row:
        return int(row[counted])
    if as_of is None:
        raise _RowError(dated, "a date needs the day of valuation", f"Give --as-of, or {counted} instead.")
    return days_from(as_of, row[dated])


class _Builder:
    """Makes assets of rows; equal terms are one object, so that a tape of a million rows has few."""

    def __init__(self, as_of: date | None, groups: Groups, flows: Mapping[str, Position]) -> None:
        self.as_of = as_of
        self.groups = groups
        self.flows = flows
        self._terms: dict[tuple[int, ...], Terms] = {}

    def asset(self, row: Row) -> Asset:
        """Return the asset of a row; _RowError names the column that is wrong, AssetError the contract."""
        kind = AssetKind[row["kind"].upper()]
        for name in NEEDED[kind]:
            if name not in row:
                raise _RowError(name, f"{row['kind']} needs it", "Fill it in.")
        for name, kinds in ONLY.items():
            if name in row and kind not in kinds:
                words = ", ".join(each.name.lower() for each in kinds)
                raise _RowError(name, f"{row['kind']} does not know it; {words} does", "Leave it empty here.")
        position, late = self._position(kind, row)
        return Asset(
            asset_id=row["id"],
            kind=kind,
            obligor=row["obligor"],
            seller=row.get("seller", ""),
            group=row.get("group", ""),
            legal_hash=row.get("legal_hash", ""),
            position=position,
            terms=self._terms_of(row),
            owed_micro=row.get("owed", default_owed_micro(kind, position)),
            days_past_due=max(row.get("dpd", 0), late),
            state=LoanState[row.get("state", "current").upper()],
        )

    def _position(self, kind: AssetKind, row: Row) -> tuple[Position, int]:
        """Return the position and how many days late its own due date makes it."""
        if kind is AssetKind.INVOICE:
            day = _day(row, "due", "due_days", self.as_of)
            return invoice(row["balance"], row.get("dilution", 0), day), max(-day, 0)
        if kind in (AssetKind.POWER, AssetKind.CARBON):
            position = self.flows.get(row["id"])
            if position is None:
                raise _RowError("id", "its deliveries are missing", "Give them in a file of flows: --flows.")
            return position, 0
        return _MONTHLY[kind](row), 0

    def _terms_of(self, row: Row) -> Terms:
        group = self.groups.get(row.get("group", ""), {})
        values = []
        for column in TERMS_COLUMNS:
            value = row.get(column.name, group.get(column.name))
            if value is None and column.name in ("pd", "lgd"):
                name = row.get("group", "")
                raise _RowError(
                    column.name, f"neither the row nor group {name!r} has it", "Fill it in, or give --groups."
                )
            values.append(0 if value is None else value)
        if "seller_pd" in row and "correlation" not in row:
            raise _RowError("correlation", "recourse needs it", "Give the correlation of seller and debtor, 0 if none.")
        key = (*values, row.get("seller_pd", -1), row.get("correlation", 0))
        terms = self._terms.get(key)
        if terms is None:
            pd, lgd, cpr, spread, lag, seller, correlation = key
            terms = self._terms[key] = Terms(
                pd_e12=pd,
                lgd_e12=lgd,
                cpr_e12=cpr,
                spread_e12=spread,
                lag_months=lag,
                seller_pd_e12=seller,
                correlation_e12=correlation,
            )
        return terms


def _lease(row: Row) -> Position:
    return lease(
        row["rent"],
        row.get("occupancy", E12),
        row["months"],
        growth_e12=row.get("growth", 0),
        reversion_micro=row.get("balance", 0),
    )


def _amortising(row: Row) -> Position:
    linear = row.get("repayment") == "linear"
    return amortising(row["balance"], row["rate"], row["months"], payment_micro=row.get("payment", 0), linear=linear)


_MONTHLY: Final[dict[AssetKind, Callable[[Row], Any]]] = {
    _K.AMORTISING: _amortising,
    _K.BULLET: lambda row: bullet(row["balance"], row["rate"], row["months"]),
    _K.REVOLVING: lambda row: revolving(row["balance"], row["undrawn"], row["rate"], row["fee"], row["months"]),
    _K.LEASE: _lease,
    _K.REAL_ESTATE: _lease,
}
