"""What stands behind each tranche now: reserve, coverage, quotes, net assets. Changes nothing."""

from __future__ import annotations

from typing import Final

from parbook.anchored.state import ratio_e12
from parbook.codes import Side, Source
from parbook.disclosure.records import Backing, NavLines, Quote
from parbook.insurance import state as fund_state
from parbook.insurance.loss import stake_value_micro
from parbook.oracle.rounds import anchor_at
from parbook.pools import pool as pools
from parbook.pools.amounts import E12, NANO, Rounding, divide, share_of
from parbook.protocol import prices
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import PoolEntry, TrancheEntry
from parbook.setup import Built
from parbook.treasury.coverage import coverage
from parbook.venue.preview import swept

QUOTED_E12: Final = (E12 // 100, E12 // 20, E12 // 10)
"""Shares of the supply that are sold at once: 1, 5, 10 %."""


def backing(exchange: BackedExchange, entry: PoolEntry, index: int) -> Backing | None:
    """Return reserve and coverage of a tranche, None where nothing buys it back. O(days)."""
    tranche = entry.tranches[index]
    held = tranche.treasury
    if held is None:
        return None
    low = prices.low_value(entry, index)
    till, reserve = (exchange.balance(account, entry.quote) for account in (tranche.till, held.reserve_account))
    figures = coverage(
        held.treasury,
        till_micro=till,
        reserve_micro=reserve,
        supply_micro=entry.pool.tranches[index].supply_micro,
        price_low_nano=low.exit_nano if low else 0,
    )
    return Backing(
        reserve_micro=reserve,
        till_micro=till,
        reserve_ratio_e12=figures.reserve_ratio_e12,
        bought_micro=figures.bought_micro,
        coverage_e12=figures.coverage_e12,
        exit_days=figures.exit_days,
    )


def quotes(exchange: BackedExchange, tranche: TrancheEntry, supply_micro: int, fair_nano: int) -> tuple[Quote, ...]:
    """Return what selling 1, 5, 10 % of the supply at once would bring before fees. Empty where it does not trade."""
    if tranche.instrument < 0:
        return ()
    return tuple(_quote(exchange, tranche.instrument, supply_micro, share, fair_nano) for share in QUOTED_E12)


def _quote(exchange: BackedExchange, instrument: int, supply_micro: int, share_e12: int, fair_nano: int) -> Quote:
    listing = exchange.listings[instrument]
    asked = share_of(supply_micro, share_e12, Rounding.FLOOR) // listing.lot_atoms
    steps = swept(exchange.market(instrument), Side.SELL, 1, asked) if asked else []
    lots = {source: sum(n for s, _, n in steps if s is source) for source in (Source.BOOK, Source.CURVE)}
    units = sum(lots.values()) * listing.lot_atoms
    paid = sum(ticks * n for _, ticks, n in steps) * listing.tick_atoms
    discount = None
    if units and fair_nano:
        discount = E12 - divide(paid * NANO * E12, units * fair_nano, Rounding.FLOOR)
    worst_ticks = steps[-1][1] if steps else 0
    return Quote(
        share_e12=share_e12,
        asked_micro=asked * listing.lot_atoms,
        book_micro=lots[Source.BOOK] * listing.lot_atoms,
        curve_micro=lots[Source.CURVE] * listing.lot_atoms,
        paid_micro=paid,
        worst_nano=divide(worst_ticks * listing.tick_atoms * NANO, listing.lot_atoms, Rounding.FLOOR),
        discount_e12=discount,
    )


def net_assets(built: Built) -> NavLines:
    """Return the pool's net assets at the fair value in force."""
    entry, now_ns = built.entry, built.exchange.now_ns
    anchor = anchor_at(built.exchange.protocol.feeds[entry.feed].feed, now_ns)
    pool = entry.pool
    shares = (anchor.low_nano, anchor.mid_nano, anchor.high_nano)
    fair = [pools.fair_value_micro(pool, share) for share in shares]
    net = [pools.assets_micro(pool, share) for share in shares]
    return NavLines(
        owed_micro=pool.book.sums.owed_micro,
        kept_micro=pool.book.sums.kept_micro,
        fair_low_micro=fair[0],
        fair_mid_micro=fair[1],
        fair_high_micro=fair[2],
        cash_micro=pool.cash_micro,
        buffer_micro=pool.buffer_micro,
        fees_micro=pool.fees_micro,
        low_micro=net[0],
        mid_micro=net[1],
        high_micro=net[2],
        age_ns=anchor.age_ns,
        feed=anchor.state.name,
    )


def exit_nano(entry: PoolEntry, share_nano: int) -> list[int]:
    """Return every tranche's exit price at a share of what is kept."""
    return [value.exit_nano for value in prices.values(entry, share_nano)]


def copy_of(exchange: BackedExchange) -> BackedExchange:
    """Return an exchange of its own that stands where this one does. O(state)."""
    return BackedExchange.from_state(exchange.state_bytes(), exchange.assets, exchange.listings)


def treasury_worth_micro(exchange: BackedExchange, entry: PoolEntry, index: int, nano: int) -> int:
    """Return what the buyback has at a price, money and units; 0 where there is none."""
    tranche = entry.tranches[index]
    if tranche.treasury is None:
        return 0
    money = sum(exchange.balance(account, entry.quote) for account in (tranche.till, tranche.treasury.reserve_account))
    units = exchange.balance(tranche.till, tranche.asset)
    return money + divide(units * nano, NANO, Rounding.FLOOR)


def insured_micro(built: Built) -> int:
    """Return what the pool's fund would bear now: its cash, and its stake at low value less the haircut.

    Without a fund, what the description says.
    """
    held = built.entry.fund
    if held is None:
        return built.setup.insurance_micro
    native = prices.price_of(built.exchange.engine, held.native, built.quote)
    at_stake = fund_state.at_stake_micro(held.fund)
    return held.fund.cash_micro + stake_value_micro(
        at_stake, native.low_nano if native else 0, held.fund.terms.haircut_e12
    )


def backed_e12(built: Built) -> int | None:
    """Return the backing ratio of the venue's first anchored token; without one, what the description says."""
    tokens = built.exchange.protocol.tokens
    return ratio_e12(tokens[0].token, built.exchange.now_ns) if tokens else built.setup.backing_e12
