"""A listing's own figures in the place of a simulated world's: sizes, credit, reserve, budgets, fees."""

from __future__ import annotations

from pathlib import Path

import msgspec

from parbook.assets.holdings import principal_micro
from parbook.errors import ListingError
from parbook.pools.amounts import E12, Rounding, divide
from parbook.setup import Setup, load_setup
from parbook.setup.tape import Tape, read_tape
from parbook.simulate.world import LOANS_MAX, World


def read_by(path: Path) -> tuple[Path | None, ...]:
    """Return the files that world_of reads. ListingError."""
    tape = load_setup(path).tape
    return path, tape.assets, tape.curve, tape.groups


def world_of(path: Path, world: World) -> World:
    """Return a world with the figures of a description and its tape; what these do not say stays as it is.

    The tranches above the last are one senior, at the first one's rate; loans are as many bullets as the tape has
    assets, with its means of PD and LGD, weighted by principal. ListingError, TapeError, AssetError.
    """
    setup = load_setup(path)
    sizes = [sum(amount for _, amount in tranche.holders) for tranche in setup.tranches]
    total = sum(sizes)
    if len(sizes) < 2 or not sizes[-1] or total == sizes[-1]:
        reason = "a run is simulated on a senior above a junior, and one of the two is missing"
        raise ListingError(f"{path}: tranche", reason, "Describe at least two tranches with holders.")
    first = setup.pool.tranches[0]
    changes: dict[str, int] = {
        "size_micro": total,
        "junior_e12": divide(sizes[-1] * E12, total, Rounding.NEAREST),
        "senior_rate_e12": first.rate_e12,
        "minimum_subordination_e12": first.minimum_subordination_e12,
    }
    return msgspec.structs.replace(world, **changes, **_credit(read_tape(setup), total), **_behind(setup))


def _credit(tape: Tape, total_micro: int) -> dict[str, int]:
    """Return what the tape says of the loans."""
    weights = [max(principal_micro(asset.position), 1) for asset in tape.assets]
    lent = sum(weights)
    means = {
        name: divide(
            sum(w * getattr(a.terms, name) for w, a in zip(weights, tape.assets, strict=True)), lent, Rounding.NEAREST
        )
        for name in ("pd_e12", "lgd_e12")
    }
    share = min(divide(lent * E12, total_micro, Rounding.NEAREST), E12)
    return {"loans": min(len(weights), LOANS_MAX), "lent_e12": share, **means}


def _behind(setup: Setup) -> dict[str, int]:
    """Return what stands behind the units: of the first tranche that has it."""
    out: dict[str, int] = {}
    treasury = next((tranche.treasury for tranche in setup.tranches if tranche.treasury is not None), None)
    if treasury is not None:
        out |= {
            "reserve_micro": treasury.reserve_micro,
            "treasury_day_e12": treasury.terms.day_e12,
            "treasury_month_e12": treasury.terms.month_e12,
        }
        if treasury.params.drop_ppm:
            out["curve_drop_ppm"] = treasury.params.drop_ppm
    desk = next((tranche.desk for tranche in setup.tranches if tranche.desk is not None), None)
    if desk is not None:
        out |= {"desk_base_e12": desk.base_e12, "desk_throttle_e12": desk.throttle_e12}
    return out
