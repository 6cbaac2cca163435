"""A listing's own figures in the place of a simulated world's: sizes, credit, the shock, and what stands behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from parbook.assets.holdings import principal_micro
from parbook.codes import Side
from parbook.curve.shapes import curve_parameter_error
from parbook.errors import AssetError, ListingError
from parbook.instrument import Instrument
from parbook.messages import CurveParams
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12, Rounding, divide
from parbook.setup import Setup, load_setup
from parbook.setup.tape import Tape, read_tape
from parbook.setup.terms import RunTerms, TreasurySetup
from parbook.simulate.rhythm import DAY_NS, stays_fresh
from parbook.simulate.venue import TICK
from parbook.simulate.world import LOANS_MAX, World
from parbook.units import CURVE_LOTS_MAX

_HOLDERS: Final = "[tranche] holders"
_PLACES: Final = {
    "size_micro": _HOLDERS,
    "junior_e12": _HOLDERS,
    "senior_rate_e12": "[tranche 1] rate",
    "minimum_subordination_e12": "[tranche 1] minimum_subordination",
    "fee_e12": "[pool] fee",
    "loans": "[tape] assets",
    "pd_times_e12": "[report] pd_multiple",
    "lgd_plus_e12": "[report] lgd_add",
    "leaving_e12": "[report] share",
    "oracle_late_days": "[report] late",
    "report_hours": "[feed] stale",
    "feed_terms": "[feed]",
    "sources": "[feed] sources",
    "bids": "[[order]]",
    "reserve_micro": "[tranche 1.treasury] reserve",
}
"""What a world calls a figure -> where the description has it."""


def read_by(path: Path) -> tuple[Path | None, ...]:
    """Return the files that world_of reads. ListingError."""
    tape = load_setup(path).tape
    return path, tape.assets, tape.curve, tape.groups


def world_of(path: Path, world: World) -> World:
    """Return a world with the figures of a description and its tape; what these do not say stays as it is.

    The first tranche is the senior, with its own ways out and none that it does not have; all below it is the junior.
    Loans are as many bullets as the tape has assets, with its means of PD and LGD, weighted by principal. A world in
    which nothing happens (`World.calm`) keeps its own run; any other has that of [report]. docs/simulate.md lists what
    is taken and what is not. ListingError names file and section of what cannot be simulated; TapeError, AssetError:
    the tape.
    """
    setup = load_setup(path)
    sizes = [sum(amount for _, amount in tranche.holders) for tranche in setup.tranches]
    total = sum(sizes)
    if not sizes[0] or total == sizes[0]:
        reason = "a run is simulated on a senior above a junior, and one of the two is missing"
        raise ListingError(f"{path}, [[tranche]]", reason, "Describe at least two tranches with holders.")
    first = setup.pool.tranches[0]
    changes: dict[str, Any] = {
        "size_micro": total,
        "junior_e12": divide((total - sizes[0]) * E12, total, Rounding.NEAREST),
        "senior_rate_e12": first.rate_e12,
        "minimum_subordination_e12": first.minimum_subordination_e12,
        "fee_e12": setup.pool.fee_e12,
    }
    changes |= _credit(path, read_tape(setup), total) | _sources(path, setup.feed.terms, len(setup.feed.members), world)
    changes |= _behind(path, setup)
    if not world.calm:
        changes |= _run(path, setup.run)
    try:
        return msgspec.structs.replace(world, **changes)
    except AssetError as error:
        raise of_file(path, error) from None


def of_file(path: Path, error: AssetError) -> ListingError:
    """Return what a world or its run refuses as said of the description that it was made of."""
    named = re.match(r"\w+", error.reason)
    place = _PLACES.get(named[0] if named else "", "")
    reason = f"no run can be simulated: {error.reason}"
    return ListingError(f"{path}, {place}" if place else str(path), reason, error.remedy)


def _credit(path: Path, tape: Tape, total_micro: int) -> dict[str, int]:
    """Return what the tape says of the loans; ListingError where they are too many, or cost more than is invested."""
    weights = [max(principal_micro(asset.position), 1) for asset in tape.assets]
    lent, where = sum(weights), f"{path}, [tape] assets"
    if len(weights) > LOANS_MAX:
        reason = f"{len(weights)} assets, and a run is simulated with at most {LOANS_MAX}"
        raise ListingError(where, reason, "Describe a part of the tape, and of what holders invest, for the run.")
    if lent > total_micro:
        reason = f"its balances add up to {lent} micro, and holders invest {total_micro}"
        raise ListingError(where, reason, f"Let {_HOLDERS} add up to at least that, or leave assets out.")
    means = {
        name: divide(
            sum(w * getattr(a.terms, name) for w, a in zip(weights, tape.assets, strict=True)), lent, Rounding.NEAREST
        )
        for name in ("pd_e12", "lgd_e12")
    }
    # Down, so that nothing is lent beyond what is invested.
    return {"loans": len(weights), "lent_e12": divide(lent * E12, total_micro, Rounding.FLOOR), **means}


def _sources(path: Path, terms: FeedTerms, sources: int, world: World) -> dict[str, Any]:
    """Return the feed, and how often its sources report: as the world has it, or more often if it would go stale."""
    for hours in range(world.report_hours, 0, -1):
        if stays_fresh(terms, sources, hours):
            return {"feed_terms": terms, "report_hours": hours, "sources": sources}
    reason = f"a feed that is stale {terms.stale_ns} ns after an observation is so even between hourly reports"
    remedy = "A run is simulated in hours: raise stale, or lower delay or min_interval."
    raise ListingError(f"{path}, [feed] stale", reason, remedy)


def _run(path: Path, run: RunTerms) -> dict[str, int]:
    """Return the shock, who leaves and how late the sources are; ListingError where that is no whole day."""
    days, rest = divmod(run.late_ns, DAY_NS)
    if rest:
        reason = f"{run.late_ns} ns is no whole number of days, and a run is simulated in days"
        raise ListingError(f"{path}, [report] late", reason, f'Give whole days, such as "{days + 1}d".')
    return {
        "leaving_e12": run.share_e12,
        "pd_times_e12": run.pd_multiple_e12,
        "lgd_plus_e12": run.lgd_add_e12,
        "oracle_late_days": days,
    }


def _behind(path: Path, setup: Setup) -> dict[str, Any]:
    """Return the ways out of the first tranche: none that is not described, no maker that requotes."""
    first = setup.tranches[0]
    out: dict[str, Any] = {
        "market": first.market is not None,
        "makers": 0,
        "bids": _bids(setup, first.market),
        "reserve_micro": 0,
        "treasury_terms": None,
        "curve_params": None,
        "desk_terms": first.desk,
        "queue_terms": first.queue,
    }
    if first.treasury is not None and first.market is not None:
        out["reserve_micro"] = first.treasury.reserve_micro
        out["treasury_terms"] = first.treasury.terms
        out["curve_params"] = _curve(path, first.treasury, first.market)
    return out


def _bids(setup: Setup, market: Instrument | None) -> tuple[tuple[int, int], ...]:
    """Return the orders to buy in the first tranche's book, in ticks and whole units, both rounded down."""
    if market is None:
        return ()
    bids = (
        (int(order.price_ticks * market.tick // TICK), int(order.qty_lots * market.lot))
        for order in setup.orders
        if order.tranche == 0 and order.side is Side.BUY
    )
    return tuple((ticks, lots) for ticks, lots in bids if ticks and lots)


def _curve(path: Path, held: TreasurySetup, market: Instrument) -> CurveParams:
    """Return the curve in whole units, rounded down but for a depth of less than one, and ticks of 1e-4, rounded up."""

    def units(lots: int) -> int:
        return int(lots * market.lot)

    params = held.params
    rung, over = divmod(params.rung_ticks * market.tick, TICK)
    scaled = msgspec.structs.replace(
        params,
        base_depth_lots=max(units(params.base_depth_lots), 1),
        quote_depth_lots=max(units(params.quote_depth_lots), 1),
        par_lots=units(params.par_lots),
        # As many as any curve may: without a bound of its own it has none here either.
        max_net_lots=min(units(params.max_net_lots), CURVE_LOTS_MAX),
        lift_max_lots=min(units(params.lift_max_lots), CURVE_LOTS_MAX),
        rung_ticks=int(rung) + (over > 0),
    )
    reason = curve_parameter_error(scaled)
    if reason is not None:
        remedy = "Give it depths of whole units, and a rung of at least 0.0001."
        raise ListingError(f"{path}, [tranche 1.curve]", f"in whole units and ticks of 1e-4: {reason}", remedy)
    return scaled
