"""A tape as a pool takes it in: entries, what they have in arrears, and what share of them is fair.

The pool counts principal that was paid out, and interest that fell due; the kernel values what is owed. Both count the
same here: the principal is the tape's balance, and what is owed beyond it falls due at once. An asset in default owes
its principal alone, because a pool's books give the interest up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.assets.curve import ZeroCurve
from parbook.assets.holdings import Asset, Holdings, sum_micro
from parbook.assets.kinds import AssetKind, Dated
from parbook.assets.tape import read_assets, read_curve, read_groups
from parbook.assets.terms import DEFAULT_STRESS, Band, Stress
from parbook.assets.valuation import Valuation, value
from parbook.errors import AssetError, InvariantError
from parbook.oracle.state import Band as Shares
from parbook.oracle.state import Member, Observation
from parbook.pools.amounts import NANO, Rounding, divide
from parbook.pools.loans import LoanEntry
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import EARNING, RECOVERED, LoanState
from parbook.setup.terms import Setup

DEBTS: Final = (AssetKind.AMORTISING, AssetKind.BULLET, AssetKind.INVOICE, AssetKind.REVOLVING)
"""Kinds a pool's books can hold: there is a debt, and a fair value is a share of it."""
_WHY: Final = {
    AssetKind.LEASE: "a lease is no debt that was paid out: rent falls due, and no principal stands behind it",
    AssetKind.REAL_ESTATE: "real estate is owned, not owed: its reversion is an expected price and no principal",
    AssetKind.POWER: "deliveries of power are no debt, and may be worth less than nothing",
    AssetKind.CARBON: "deliveries of carbon are no debt, and may be worth less than nothing",
}


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """A tape that a pool can hold, read and valued."""

    assets: tuple[Asset, ...]
    holdings: Holdings
    curve: ZeroCurve
    valuation: Valuation

    @property
    def kept_micro(self) -> int:
        """What still counts of all that is owed: what shares are shares of."""
        return sum_micro(self.valuation.cap_micro)


def read_tape(setup: Setup) -> Tape:
    """Read and value the files of a description. TapeError lists faults of rows; AssetError says what cannot be held.

    O(assets x months).
    """
    curve = read_curve(setup.tape.curve, as_of=setup.as_of)
    groups = None if setup.tape.groups is None else read_groups(setup.tape.groups)
    return valued(
        [_as_kept(asset) for asset in read_assets(setup.tape.assets, as_of=setup.as_of, groups=groups)], curve
    )


def valued(assets: Sequence[Asset], curve: ZeroCurve, stress: Stress = DEFAULT_STRESS) -> Tape:
    """Return assets with their fair values in three bands."""
    holdings = Holdings.of(assets)
    return Tape(assets=tuple(assets), holdings=holdings, curve=curve, valuation=value(holdings, curve, stress=stress))


def _as_kept(asset: Asset) -> Asset:
    """Return an asset with the debt that a pool's books have; AssetError for one they cannot hold."""
    where = f"asset {asset.asset_id}"
    if asset.kind not in DEBTS:
        known = ", ".join(kind.name.lower() for kind in DEBTS)
        raise AssetError(where, _WHY[asset.kind], f"Leave it out: a pool of units holds {known}.")
    if asset.state not in EARNING | RECOVERED:
        raise AssetError(where, f"its state is {asset.state.name.lower()}: nothing is owed", "Leave it out.")
    if not asset.legal_hash:
        raise AssetError(where, "it has no legal_hash", "Give the SHA-256 of its contract: it is pledged once.")
    principal = principal_micro(asset)
    if not principal:
        raise AssetError(where, "its balance is 0", "Leave it out: there is nothing to be repaid.")
    if asset.state in RECOVERED:
        return msgspec.structs.replace(asset, owed_micro=principal)
    if asset.owed_micro < principal:
        raise AssetError(
            where, f"it owes {asset.owed_micro} micro and has a balance of {principal}", "Give what is left of it."
        )
    return asset


def principal_micro(asset: Asset) -> int:
    """Return what enters a pool's books: the balance; of a line what is drawn, of an invoice its face less dilution."""
    return asset.position.balance_micro


def months_of(asset: Asset) -> int:
    """Return the months to the last payment, for the pool's rules; those of a dated asset are begun ones, at least 1.

    A month is a twelfth of 365 days.
    """
    position = asset.position
    if not isinstance(position, Dated):
        return position.months
    return max(divide(position.flows[-1].day * 12, 365, Rounding.CEIL), 1)


def entries_of(assets: Sequence[Asset]) -> tuple[LoanEntry, ...]:
    """Return assets as a pool takes them in, in their order. O(assets)."""
    return tuple(
        LoanEntry(
            asset_id=asset.asset_id,
            kind=int(asset.kind),
            obligor=asset.obligor,
            seller=asset.seller,
            group=asset.group,
            legal_hash=asset.legal_hash,
            principal_micro=principal_micro(asset),
            months=months_of(asset),
            pd_e12=asset.terms.pd_e12,
        )
        for asset in assets
    )


def service_rows(assets: Sequence[Asset]) -> tuple[ServiceRow, ...]:
    """Return what makes of entries just paid out what the tape says: interest due, arrears, doubts, defaults.

    What was recovered before the pool had it is none of the pool's: such an asset enters as DEFAULTED.
    """
    rows: list[ServiceRow] = []
    for asset in assets:
        rows += _rows_of(asset)
    return tuple(rows)


def _rows_of(asset: Asset) -> list[ServiceRow]:
    name, days = asset.asset_id, asset.days_past_due
    due = asset.owed_micro - principal_micro(asset)
    rows = []
    if due or asset.state is not LoanState.FUNDED:
        rows.append(ServiceRow(name, Action.BILL, due))
    if asset.state in RECOVERED:
        return [*rows, ServiceRow(name, Action.DEFAULT, days=days)]
    if days:
        rows.append(ServiceRow(name, Action.ARREARS, days=days))
    if asset.state is LoanState.IMPAIRED:
        rows.append(ServiceRow(name, Action.IMPAIR))
    return rows


def shares_of(tape: Tape) -> Shares:
    """Return fair value as shares of what is kept, in 1e-9: low rounded down, mid to the nearest, high up.

    AssetError when nothing is kept: there is no share of nothing.
    """
    kept = tape.kept_micro
    if kept <= 0:
        raise AssetError("tape", "nothing of it still counts", "Give assets that are worth something.")
    low, mid, high = (
        divide(tape.valuation.total_micro(band) * NANO, kept, rounding)
        for band, rounding in ((Band.LOW, Rounding.FLOOR), (Band.MID, Rounding.NEAREST), (Band.HIGH, Rounding.CEIL))
    )
    return Shares(low_nano=low, mid_nano=mid, high_nano=high)


def require_kept(tape: Tape, kept_micro: int) -> None:
    """Raise InvariantError unless the pool's books keep of the tape what its valuation was capped at."""
    if kept_micro != tape.kept_micro:
        raise InvariantError(f"the pool's books keep {kept_micro}, and the tape was valued against {tape.kept_micro}")


def observation_of(member: Member, tape: Tape, shares: Shares, ts_ns: int) -> Observation:
    """Return what a source says of a tape, seen at `ts_ns`. The hashes say by which model and from which inputs."""
    return Observation(
        source=member.source,
        sequence=member.sequence + 1,
        observed_ns=ts_ns,
        low_nano=shares.low_nano,
        mid_nano=shares.mid_nano,
        high_nano=shares.high_nano,
        model_hash=hashlib.sha256(tape.valuation.model.encode()).hexdigest(),
        input_hash=tape.valuation.input_hash,
    )
