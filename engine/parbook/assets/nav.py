"""A pool's net asset value and everything a report says about it, as one record of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from parbook.assets.buckets import Buckets, bucketed
from parbook.assets.curve import ZeroCurve
from parbook.assets.holdings import Holdings, Names, sum_micro
from parbook.assets.kinds import AssetKind
from parbook.assets.portfolio import Int64
from parbook.assets.provisions import Stage, provisions
from parbook.assets.terms import DEFAULT_STRESS, Band, Stress
from parbook.assets.valuation import Valuation, value
from parbook.pools.amounts import E12
from parbook.pools.limits import Concentration, Limits, breaches, concentration
from parbook.pools.tranches import Tranche, TrancheValue, net_assets_micro, priced
from parbook.pools.writeoff import STEPS, WriteOffRule

TOP: Final = 10
"""Obligors and counterparties listed."""
LATE_BUCKETS: Final = ((0, "current"), (1, "1-29"), (30, "30-59"), (60, "60-89"), (90, "90-119"), (120, "120 and more"))
"""First day past due of each bucket, and its name."""


class Cash(msgspec.Struct, frozen=True, kw_only=True):
    """What a pool has beside its assets, in micro."""

    cash_micro: int = 0
    claimable_micro: int = 0
    fees_micro: int = 0
    unrealised_micro: int = 0


class GroupValue(msgspec.Struct, frozen=True, kw_only=True):
    """A risk group, a kind or a bucket of days past due."""

    name: str
    assets: int
    owed_micro: int
    low_micro: int
    mid_micro: int
    high_micro: int


class MonthFlow(msgspec.Struct, frozen=True, kw_only=True):
    """Expected cash of a month, undiscounted, to the nearest micro; `defaulted_micro` is no cash."""

    month: int
    interest_micro: int
    scheduled_micro: int
    prepaid_micro: int
    recovered_micro: int
    defaulted_micro: int


class StageLoss(msgspec.Struct, frozen=True, kw_only=True):
    """Expected credit loss of a stage: reported, not priced."""

    stage: int
    assets: int
    owed_micro: int
    loss_micro: int


class Sensitivity(msgspec.Struct, frozen=True, kw_only=True):
    """What the middle band would change by, in micro to the nearest, if rates or spreads moved so far at once."""

    name: str
    move_e12: int
    change_micro: int


class Nav(msgspec.Struct, frozen=True, kw_only=True):
    """The net asset value of a pool; money in micro, shares in 1e-12."""

    model: str
    input_hash: str
    as_of: str
    assets: int
    owed_micro: int
    low_micro: int
    mid_micro: int
    high_micro: int
    capped: int
    cash: Cash
    net_low_micro: int
    net_mid_micro: int
    net_high_micro: int
    groups: tuple[GroupValue, ...]
    kinds: tuple[GroupValue, ...]
    late: tuple[GroupValue, ...]
    flows: tuple[MonthFlow, ...]
    stages: tuple[StageLoss, ...]
    sensitivities: tuple[Sensitivity, ...]
    tranches: dict[str, tuple[TrancheValue, ...]]
    """By band; empty without tranches."""
    obligors: Concentration
    sellers: Concentration
    breaches: tuple[str, ...]

    def to_json(self) -> str:
        """Return one JSON object; integers beyond 2**53 are JSON integers all the same."""
        return msgspec.json.encode(msgspec.to_builtins(self)).decode()


def net_asset_value(
    holdings: Holdings,
    curve: ZeroCurve,
    *,
    cash: Cash | None = None,
    tranches: Sequence[Tranche] = (),
    limits: Limits | None = None,
    stress: Stress = DEFAULT_STRESS,
    rules: Sequence[WriteOffRule] = STEPS,
) -> Nav:
    """Return everything about a pool. Concentration counts what the middle band values; negative values count as 0."""
    valuation = value(holdings, curve, stress=stress, rules=rules)
    buckets = bucketed(holdings, curve, valuation)
    own = cash or Cash()
    nets = {
        band: net_assets_micro(valuation.total_micro(band), own.cash_micro, own.claimable_micro, own.fees_micro)
        for band in Band
    }
    mid = np.maximum(valuation.mid_micro, 0)
    obligors, sellers = (concentration(_named(names, mid)) for names in (holdings.obligors, holdings.sellers))
    return Nav(
        model=valuation.model,
        input_hash=valuation.input_hash,
        as_of="" if curve.as_of is None else curve.as_of.isoformat(),
        assets=len(holdings),
        owed_micro=sum_micro(holdings.owed_micro),
        low_micro=valuation.total_micro(Band.LOW),
        mid_micro=valuation.total_micro(Band.MID),
        high_micro=valuation.total_micro(Band.HIGH),
        capped=int(valuation.capped.sum()),
        cash=own,
        net_low_micro=nets[Band.LOW],
        net_mid_micro=nets[Band.MID],
        net_high_micro=nets[Band.HIGH],
        groups=_by_name(holdings, valuation, holdings.groups),
        kinds=_by_name(holdings, valuation, Names.of(AssetKind(kind).name.lower() for kind in holdings.kinds)),
        late=_by_lateness(holdings, valuation),
        flows=_flows(buckets),
        stages=_stages(holdings),
        sensitivities=_sensitivities(buckets),
        tranches={
            band.name.lower(): tuple(priced(tranches, nets[band], own.unrealised_micro)) for band in Band if tranches
        },
        obligors=_top(obligors),
        sellers=_top(sellers),
        breaches=tuple(breaches(obligors, sellers, limits or Limits())),
    )


def _named(names: Names, amounts: Int64) -> dict[str, int]:
    """Return totals by name; assets without one (sold by nobody) are nobody's concentration."""
    return {name: amount for name, amount in names.totals(amounts).items() if name}


def _top(all_of_them: Concentration) -> Concentration:
    return msgspec.structs.replace(all_of_them, shares=all_of_them.shares[:TOP])


def _by_name(holdings: Holdings, valuation: Valuation, names: Names) -> tuple[GroupValue, ...]:
    columns = (holdings.owed_micro, valuation.low_micro, valuation.mid_micro, valuation.high_micro)
    sums = [names.totals(column) for column in columns]
    counts = np.bincount(names.codes, minlength=len(names.names))
    return tuple(
        GroupValue(
            name=name,
            assets=int(counts[code]),
            owed_micro=sums[0][name],
            low_micro=sums[1][name],
            mid_micro=sums[2][name],
            high_micro=sums[3][name],
        )
        for name, code in sorted((name, code) for code, name in enumerate(names.names))
    )


def _by_lateness(holdings: Holdings, valuation: Valuation) -> tuple[GroupValue, ...]:
    starts = [days for days, _ in LATE_BUCKETS]
    place = np.searchsorted(starts, holdings.days_past_due, "right") - 1
    names = Names(place.astype(np.int32), tuple(name for _, name in LATE_BUCKETS))
    found = {each.name: each for each in _by_name(holdings, valuation, names)}
    return tuple(found[name] for _, name in LATE_BUCKETS)


def _flows(buckets: Buckets) -> tuple[MonthFlow, ...]:
    sums = np.rint(buckets.expected.sum(axis=0))
    last = int(np.flatnonzero(sums.any(axis=0)).max(initial=-1))
    names = ("interest_micro", "scheduled_micro", "prepaid_micro", "defaulted_micro", "recovered_micro")
    return tuple(
        MonthFlow(month=month, **{name: int(sums[n, month]) for n, name in enumerate(names)})
        for month in range(last + 1)
    )


def _stages(holdings: Holdings) -> tuple[StageLoss, ...]:
    got = provisions(holdings)
    return tuple(
        StageLoss(
            stage=int(stage),
            assets=got.count[stage],
            owed_micro=got.owed_micro[stage],
            loss_micro=got.total_micro[stage],
        )
        for stage in Stage
    )


def _sensitivities(buckets: Buckets) -> tuple[Sensitivity, ...]:
    """Return what the buckets say; assets at their cap are held there, so a fall of rates is a little too kind."""
    base = buckets.value_micro()
    moves: list[tuple[str, dict[str, Any]]] = []
    for bp in (-100, -1, 1, 100):
        moves.append((f"rates {bp:+} bp", {"rate_move_e12": bp * E12 // 10_000}))
    moves.append(("spreads +100 bp", {"spread_move_e12": E12 // 100}))
    return tuple(
        Sensitivity(
            name=name,
            move_e12=next(iter(move.values())),
            change_micro=round(buckets.value_micro(**move) - base),
        )
        for name, move in moves
    )
