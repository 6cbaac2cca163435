"""What a pool holds: positions and terms for the kernel, and beside them who owes, who sold, how late, how much.

All columns are in the order of the tape. A defaulted asset is no longer valued by its schedule but as one recovery
of what is owed, after the lag; one not yet paid out, or closed, is worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from parbook.assets.kinds import AssetKind, Dated, Flow, Position
from parbook.assets.portfolio import Int32, Int64, Portfolio, UInt8
from parbook.assets.terms import Terms
from parbook.errors import AssetError
from parbook.pools.amounts import ASSET_MICRO_MAX, E12, require_int
from parbook.pools.states import EARNING, RECOVERED, LoanState
from parbook.pools.writeoff import DAYS_PAST_DUE_MAX, STEPS, WriteOffRule, keep_e12


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One asset of a pool. `owed_micro` caps its value; it is what the obligor owes today, interest included."""

    asset_id: str
    kind: AssetKind
    obligor: str
    position: Position
    terms: Terms
    owed_micro: int
    group: str = ""
    seller: str = ""
    legal_hash: str = ""
    days_past_due: int = 0
    state: LoanState = LoanState.CURRENT

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = f"asset {self.asset_id}"
        require_int(where, "owed_micro", self.owed_micro, 0, ASSET_MICRO_MAX)
        require_int(where, "days_past_due", self.days_past_due, 0, DAYS_PAST_DUE_MAX)


class Names(msgspec.Struct, frozen=True):
    """A column of names, each kept once: row i is `names[codes[i]]`."""

    codes: Int32
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> Names:
        """Return the column; names are numbered as they first appear."""
        table: dict[str, int] = {}
        codes = np.array([table.setdefault(value, len(table)) for value in values], np.int32)
        return cls(codes, tuple(table))

    def totals(self, amounts: Int64) -> dict[str, int]:
        """Return the sum of whole numbers by name, exactly."""
        # High and low halves apart: the sum of a million amounts may exceed 63 bits, and a double 53.
        high, low = (
            np.bincount(self.codes, part.astype(np.float64), len(self.names))
            for part in (amounts >> 26, amounts & ((1 << 26) - 1))
        )
        return {name: (int(h) << 26) + int(part) for name, h, part in zip(self.names, high, low, strict=True)}


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """A pool's assets as columns. `earning` says which are valued by schedule or recovery; others are worth 0."""

    portfolio: Portfolio
    asset_ids: list[str]
    kinds: UInt8
    obligors: Names
    sellers: Names
    groups: Names
    owed_micro: Int64
    days_past_due: Int32
    states: UInt8
    earning: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.asset_ids)

    @classmethod
    def of(cls, assets: Sequence[Asset]) -> Holdings:
        """Return holdings; AssetError when two assets have one id or one contract."""
        _unique("id", (asset.asset_id for asset in assets))
        _unique("legal hash", (asset.legal_hash for asset in assets if asset.legal_hash))
        return cls(
            portfolio=Portfolio.of([_valued(asset) for asset in assets]),
            asset_ids=[asset.asset_id for asset in assets],
            kinds=np.array([asset.kind for asset in assets], np.uint8),
            obligors=Names.of(asset.obligor for asset in assets),
            sellers=Names.of(asset.seller for asset in assets),
            groups=Names.of(asset.group for asset in assets),
            owed_micro=np.array([asset.owed_micro for asset in assets], np.int64),
            days_past_due=np.array([asset.days_past_due for asset in assets], np.int32),
            states=np.array([asset.state for asset in assets], np.uint8),
            earning=np.array([asset.state in EARNING | RECOVERED for asset in assets], np.bool_),
        )

    def caps_micro(self, rules: Sequence[WriteOffRule] = STEPS) -> Int64:
        """Return what of each debt still counts: (1 - writeoff) x owed, rounded down; 0 where nothing is valued."""
        days, place = np.unique(self.days_past_due, return_inverse=True)
        keep = np.array([keep_e12(int(day), rules) for day in days], np.int64)[place]
        return np.where(self.earning, share_floor(self.owed_micro, keep), 0)


def share_floor(amount_micro: Int64, share_e12: Int64) -> Int64:
    """Return amount x share rounded down, exactly, for amounts of 0..2**53 and shares of 0..1."""
    # In parts, so that no product passes 2**62.
    million = 10**6
    whole, rest = np.divmod(amount_micro, E12)
    high, low = np.divmod(rest, million)
    quotient, remainder = np.divmod(high * share_e12, million)
    share: Int64 = whole * share_e12 + quotient + (remainder * million + low * share_e12) // E12
    return share


def recovery_position(owed_micro: int) -> Dated:
    """Return the position of a defaulted asset: nothing will be paid, (1 - LGD) x owed is recovered after the lag."""
    return Dated(flows=(Flow(1, 0.0, float(owed_micro)),), balance_micro=owed_micro)


def recovery_terms(terms: Terms) -> Terms:
    """Return terms under which the default is certain."""
    return msgspec.structs.replace(terms, pd_e12=E12, cpr_e12=0, hazard_e12=(), seller_pd_e12=-1)


def _valued(asset: Asset) -> tuple[Position, Terms]:
    if asset.state in RECOVERED:
        return recovery_position(asset.owed_micro), recovery_terms(asset.terms)
    return asset.position, asset.terms


def principal_micro(position: Position) -> int:
    """Return the balance of a position, or where it has none what it is due in all, rounded down."""
    return position.balance_micro or max(int(_income(position)), 0)


def default_owed_micro(kind: AssetKind, position: Position) -> int:
    """Return what caps an asset when its tape does not say: the balance of a loan, all that is due of anything else."""
    if kind in (AssetKind.LEASE, AssetKind.REAL_ESTATE):
        return position.balance_micro + max(int(_income(position)), 0)
    return principal_micro(position)


def _income(position: Position) -> float:
    """Return all that comes without being a balance's, undiscounted."""
    if isinstance(position, Dated):
        return sum((flow.interest_micro + flow.principal_micro for flow in position.flows), 0.0)
    years = range(-(-position.months // 12))
    growth = 1 + position.growth_e12 / E12
    return sum(position.income_micro * growth**year * min(12, position.months - 12 * year) for year in years)


def _unique(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise AssetError(f"asset {value[:16]}", f"its {what} is there twice", "Give each asset once.")
        seen.add(value)


def sum_micro(amounts: Int64) -> int:
    """Return the sum of whole numbers as a Python int, whatever its size."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFFFFFF).sum())
