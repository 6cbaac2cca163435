"""From a feed's anchor to the prices of units, and from these to the anchors of curves and what their tills hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from parbook.errors import InvariantError
from parbook.listing import Listing
from parbook.messages import FundCurve, ProposeAnchor, WithdrawCurve
from parbook.oracle.rounds import anchor_at
from parbook.oracle.state import Anchor, Feed, FeedState, Round
from parbook.pools import pool as pools
from parbook.pools.amounts import NANO
from parbook.pools.pool import Shares
from parbook.pools.tranches import TrancheValue
from parbook.protocol import events as e
from parbook.protocol.state import FeedEntry, PoolEntry, SupportEntry, TrancheEntry, TreasuryEntry
from parbook.refusals import Refusal
from parbook.support import bonds
from parbook.support.state import Support, bonded_micro
from parbook.treasury.state import Sync, TreasuryStatus
from parbook.treasury.syncs import plan_sync, sync
from parbook.units import CURVE_PRICE_TICKS_MAX

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine

_TRUSTED = (FeedState.OK, FeedState.CAPPED)


def looked(engine: Engine, entry: PoolEntry) -> PoolEntry:
    """Return a pool as it is now: its claims grown, the fair value in force. O(tranches).

    A copy: whoever carries a command out keeps it, whoever refuses one leaves the pool as it was.
    """
    shares, trusted = None, False
    if entry.feed >= 0:
        anchor = guarded(engine.state.feeds[entry.feed].feed, engine.now_ns)
        if anchor.state is not FeedState.HALTED:
            shares = Shares(anchor.low_nano, anchor.mid_nano, anchor.high_nano)
            trusted = anchor.state in _TRUSTED
    return msgspec.structs.replace(entry, pool=pools.grown(entry.pool, engine.now_ns), shares=shares, trusted=trusted)


def keep(engine: Engine, number: int, seen: PoolEntry) -> None:
    """Put what was looked at in the place of the pool: what is done to `seen.pool` from now on is done to the pool."""
    entry = engine.state.pools[number]
    entry.pool, entry.shares, entry.trusted = seen.pool, seen.shares, seen.trusted


def settle(engine: Engine, number: int, index: int, held: TreasuryEntry) -> None:
    """Let a treasury find what its curve did until now. No price moves, so that nobody's order trades by it."""
    keep(engine, number, looked(engine, engine.state.pools[number]))
    _sync(engine, number, index, held)


def reprice(engine: Engine, number: int) -> None:
    """After anything of a pool has changed: what its units are worth now, and what follows from that. O(tranches)."""
    entry = engine.state.pools[number]
    keep(engine, number, looked(engine, entry))
    for index, tranche in enumerate(entry.tranches):
        if tranche.treasury is not None:
            _sync(engine, number, index, tranche.treasury)
            _quote(engine, entry, index, tranche.treasury)


def guarded(feed: Feed, now_ns: int) -> Anchor:
    """Return the anchor in force, its band opened to every round that everybody can see and that is not in force yet.

    What is worse for who trades with the protocol counts at once, what is better waits out the window: nobody sells or
    redeems ahead of a step down that is known, nor buys ahead of a step up (decision 63). Disputed rounds count too:
    else a bond would buy an old price.
    """
    anchor = anchor_at(feed, now_ns)
    if anchor.state is FeedState.HALTED or not feed.rounds:
        return anchor
    return msgspec.structs.replace(
        anchor,
        low_nano=min(anchor.low_nano, *(waiting.band.low_nano for waiting in feed.rounds)),
        high_nano=max(anchor.high_nano, *(waiting.band.high_nano for waiting in feed.rounds)),
    )


def held_up(feed: Feed, now_ns: int) -> bool:
    """Whether a round that everybody can see, in force or waiting, says less than the price, as the caps let it.

    Who sells to the protocol then gains what others lose, from the first report on. O(rounds that wait).
    """
    low_nano = guarded(feed, now_ns).low_nano
    return any(one.raw.low_nano < low_nano for one in _known(feed))


def held_down(feed: Feed, now_ns: int) -> bool:
    """Whether such a round says more than the price: who buys from the protocol then pays too little."""
    high_nano = guarded(feed, now_ns).high_nano
    return any(one.raw.high_nano > high_nano for one in _known(feed))


def _known(feed: Feed) -> list[Round]:
    return [*feed.rounds, *([feed.active] if feed.active else [])]


def waits(engine: Engine, entry: PoolEntry) -> bool:
    """Whether the caps hold a pool's price back, or up against a round that is known already. O(rounds that wait)."""
    if entry.feed < 0:
        return False
    feed = engine.state.feeds[entry.feed].feed
    return guarded(feed, engine.now_ns).state is FeedState.CAPPED or held_up(feed, engine.now_ns)


def values(entry: PoolEntry, share_nano: int) -> list[TrancheValue]:
    """Return value and prices of every tranche at a share of the kept amount."""
    return pools.tranche_prices(entry.pool, share_nano)


def low_value(entry: PoolEntry, tranche: int) -> TrancheValue | None:
    """Return a tranche's value at the low band, None while there is no fair value of what the pool holds."""
    if entry.shares is None and entry.pool.book.sums.kept_micro:
        return None
    return values(entry, entry.shares.low_nano if entry.shares else 0)[tranche]


class Price(msgspec.Struct, frozen=True):
    """What a unit of an asset is worth, and how old that is.

    `trusted`: its feed is neither stale nor recovering. `held_up`: sources say less, and the caps let it follow slowly.
    """

    low_nano: int
    high_nano: int
    age_ns: int
    trusted: bool
    held_up: bool


def price_of(engine: Engine, asset: int, cash: int) -> Price | None:
    """Return an asset's price in `cash`: that of a pool's units, or of an instrument that has a feed; None else."""
    if asset == cash:
        return Price(NANO, NANO, 0, trusted=True, held_up=False)
    for entry in engine.state.pools:
        for index, tranche in enumerate(entry.tranches):
            if tranche.asset == asset and entry.quote == cash:
                return _unit_price(engine, entry, index)
    for held in engine.state.feeds:
        if held.instrument >= 0:
            listing = engine.core.listings[held.instrument]
            anchor = guarded(held.feed, engine.now_ns)
            if (listing.base, listing.quote) == (asset, cash) and anchor.state is not FeedState.HALTED:
                return _priced(engine, held.feed, anchor.low_nano, anchor.high_nano)
    return None


def _priced(engine: Engine, feed: Feed, low_nano: int, high_nano: int) -> Price:
    """Return what a feed makes of a unit, and what is known against it. O(rounds that wait)."""
    anchor = guarded(feed, engine.now_ns)
    return Price(
        low_nano,
        high_nano,
        anchor.age_ns,
        trusted=anchor.state in _TRUSTED,
        held_up=held_up(feed, engine.now_ns),
    )


def _unit_price(engine: Engine, held: PoolEntry, index: int) -> Price | None:
    entry = looked(engine, held)
    if entry.feed < 0 or entry.shares is None:
        return None
    feed = engine.state.feeds[entry.feed].feed
    low, high = (values(entry, share)[index] for share in (entry.shares.low_nano, entry.shares.high_nano))
    return _priced(engine, feed, low.exit_nano, high.entry_nano)


def good_rounds(engine: Engine, entry: PoolEntry) -> int:
    """Return how many good rounds its feed ever had."""
    return engine.state.feeds[entry.feed].feed.rounds_good if entry.feed >= 0 else 0


def planned_sync(engine: Engine, entry: PoolEntry, index: int, held: TreasuryEntry) -> Sync:
    """Return what a treasury would find and move now, in a pool that was looked at. Changes nothing."""
    tranche = entry.tranches[index]
    value = low_value(entry, index)
    return plan_sync(
        held.treasury,
        now_ns=engine.now_ns,
        till_micro=engine.core.balance(tranche.till, entry.quote),
        inventory_units_micro=engine.core.balance(tranche.till, tranche.asset),
        reserve_micro=engine.core.balance(held.reserve_account, entry.quote),
        leaving_micro=held.support.support.leavers.micro if held.support else 0,
        supply_micro=entry.pool.tranches[index].supply_micro,
        price_low_nano=value.exit_nano if value else 0,
        good_rounds=good_rounds(engine, entry),
        feed_ok=entry.trusted,
    )


def _sync(engine: Engine, number: int, index: int, held: TreasuryEntry) -> None:
    """Let the treasury find what was spent, and put into the till what may be."""
    entry = engine.state.pools[number]
    tranche, purse = entry.tranches[index], engine.purse
    plan = planned_sync(engine, entry, index, held)
    if plan.top_up_micro:
        purse.move(held.reserve_account, tranche.till, entry.quote, plan.top_up_micro)
    fund(engine, tranche, plan.till_micro)
    if plan.sweep_micro:
        purse.move(tranche.till, held.reserve_account, entry.quote, plan.sweep_micro)
    before = held.treasury.status
    sync(held.treasury, plan, engine.now_ns)
    if held.support is not None:
        _share(engine, entry, held, held.support)
    if plan.top_up_micro or plan.sweep_micro or plan.spent_micro or plan.returned_micro or plan.status is not before:
        engine.say(
            e.TreasurySynced,
            pool=number,
            tranche=index,
            status=plan.status,
            till_micro=plan.till_micro,
            spent_micro=plan.spent_micro,
            returned_micro=plan.returned_micro,
            budget_micro=plan.budget_micro,
            loss_micro=plan.loss_micro,
        )


def _share(engine: Engine, entry: PoolEntry, held: TreasuryEntry, support: SupportEntry) -> None:
    """Let bonds have their part of what the curve realised since the last time, gain or loss."""
    realised = held.treasury.inventory.realised_micro - support.realised_micro
    support.realised_micro += realised
    reserve = engine.core.available(held.reserve_account, entry.quote)
    rewards_micro = shared(support.support, realised, reserve, engine.now_ns)
    engine.purse.move(held.reserve_account, support.rewards_account, entry.quote, rewards_micro)


def shared(support: Support, realised_micro: int, reserve_micro: int, now_ns: int) -> int:
    """Carry the bonds' part of a gain or a loss out; return what of the reserve goes to their rewards."""
    if realised_micro > 0:
        plan = bonds.plan_spread(support, realised_micro, now_ns)
        if not isinstance(plan, Refusal) and plan.bonds_micro <= reserve_micro:
            bonds.spread(support, plan, now_ns)
            return plan.bonds_micro
    elif realised_micro < 0:
        own_micro = max(reserve_micro - bonded_micro(support), 0)
        bonds.loss(support, bonds.plan_loss(support, -realised_micro, own_micro, now_ns), now_ns)
    return 0


def fund(engine: Engine, tranche: TrancheEntry, till_micro: int) -> None:
    """Let the curve have what lies in the till, in whole ticks x lots."""
    curve = engine.core.market(tranche.instrument).curve
    cash_notional = till_micro // engine.core.listings[tranche.instrument].tick_atoms
    if curve is None:
        raise InvariantError(f"instrument {tranche.instrument} has a treasury and no curve")
    if curve.cash_notional != cash_notional:
        engine.purse.run(FundCurve(cash_notional=cash_notional, instrument=tranche.instrument))


def ticks(listing: Listing, price_nano: int, *, up: bool) -> int:
    """Return a price of a unit in ticks of a lot: down for what the protocol pays, up for what it asks."""
    numerator, denominator = price_nano * listing.lot_atoms, NANO * listing.tick_atoms
    return -(-numerator // denominator) if up else numerator // denominator


def _quote(engine: Engine, entry: PoolEntry, index: int, held: TreasuryEntry) -> None:
    """Hang the curve on the low exit price and the high entry price; withdraw it where there are none."""
    tranche = entry.tranches[index]
    low = high = 0
    if held.treasury.status is TreasuryStatus.ACTIVE and entry.shares is not None:
        listing = engine.core.listings[tranche.instrument]
        low = ticks(listing, values(entry, entry.shares.low_nano)[index].exit_nano, up=False)
        high = ticks(listing, values(entry, entry.shares.high_nano)[index].entry_nano, up=True)
    hang(engine, tranche.instrument, low, high)


def hang(engine: Engine, instrument: int, low_ticks: int, high_ticks: int) -> None:
    """Anchor a curve, or withdraw it where the low price is less than a tick. What is so already is not said again."""
    curve = engine.core.market(instrument).curve
    if curve is None:
        return
    if low_ticks < 1:
        if curve.quoting:
            engine.purse.run(WithdrawCurve(instrument=instrument))
        return
    high_ticks = min(max(high_ticks, low_ticks), CURVE_PRICE_TICKS_MAX)
    low_ticks = min(low_ticks, high_ticks)
    if not curve.quoting or (curve.low_ticks, curve.high_ticks) != (low_ticks, high_ticks):
        engine.purse.run(ProposeAnchor(low_ticks=low_ticks, high_ticks=high_ticks, instrument=instrument))


def reprice_instrument(engine: Engine, entry: FeedEntry) -> None:
    """Hang a curve that follows a price of its own, not a pool's value, on its feed."""
    anchor = guarded(entry.feed, engine.now_ns)
    listing = engine.core.listings[entry.instrument]
    low, high = ticks(listing, anchor.low_nano, up=False), ticks(listing, anchor.high_nano, up=True)
    hang(engine, entry.instrument, low, high)
