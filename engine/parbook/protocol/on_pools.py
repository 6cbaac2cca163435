"""Pools: made, invested in, filled with assets, serviced, paid out of."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from parbook.errors import ConversionError, MisuseError
from parbook.instrument import Instrument
from parbook.listing import ASSETS_MAX, LOT_ATOMS_MAX, MAX_FEE_PPM_MAX, TICK_ATOMS_MAX, Asset, Listing, asset_name_error
from parbook.pools import pool as pools
from parbook.pools.amounts import NANO, Rounding, divide
from parbook.pools.servicing import ROWS_MAX, RowRefused, plan_service, service
from parbook.pools.states import NEXT, TrancheState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import on_exits, prices
from parbook.protocol.answers import Answer, No, entry_of
from parbook.protocol.state import PoolEntry, TrancheEntry
from parbook.redemption.tranches import Demand, allocate
from parbook.refusals import Refusal
from parbook.units import INSTRUMENTS_MAX, to_units

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine

POOLS_MAX: Final = 1024
DECIMALS: Final = 6
"""Of every asset the protocol reckons in: its smallest part is a micro."""
_STEP: Final = Decimal("0.000001")


def open_pool(engine: Engine, command: c.OpenPool) -> Answer:
    """Make a pool with its assets and instruments."""
    core, terms = engine.core, command.terms
    if len(engine.state.pools) >= POOLS_MAX:
        return Refusal.FULL
    if any(entry.pool.name == terms.name for entry in engine.state.pools):
        return Refusal.NAME_TAKEN
    if command.quote >= len(core.assets) or core.assets[command.quote].decimals != DECIMALS:
        return No(Refusal.NOT_THERE, f"quote: no asset of number {command.quote} with {DECIMALS} decimals")
    names = [f"{terms.name}-{tranche.name}" for tranche in terms.tranches]
    wrong = next(filter(None, map(asset_name_error, names)), "")
    if wrong or {asset.name for asset in core.assets} & set(names) or len(core.assets) + len(names) > ASSETS_MAX:
        return No(Refusal.NAME_TAKEN, wrong)
    if len(command.markets) not in (0, len(names)):
        return No(
            Refusal.NOT_THERE, f"markets: {len(command.markets)} for {len(names)} tranches; None where it has none"
        )
    markets = command.markets or (None,) * len(names)
    no = _refusal_of_markets(engine, markets, command.max_fee_ppm)
    if no is not None:
        return no
    assets = [core.add_asset(Asset(name=name, decimals=DECIMALS)) for name in names]
    entry = PoolEntry(
        pool=pools.opened_pool(terms, engine.now_ns),
        quote=command.quote,
        cash_account=engine.new_account(),
        buffer_account=engine.new_account(),
        tranches=[],
    )
    for market, base in zip(markets, assets, strict=True):
        till = engine.new_account()
        listing = _listing(market, base, command.quote, command.max_fee_ppm, till) if market else None
        instrument = core.add_instrument(listing) if listing else -1
        entry.tranches.append(TrancheEntry(asset=base, instrument=instrument, till=till))
    engine.state.pools.append(entry)
    engine.say(
        e.PoolOpened,
        pool=len(engine.state.pools) - 1,
        name=terms.name,
        assets=tuple(assets),
        instruments=tuple(tranche.instrument for tranche in entry.tranches),
    )
    return None


def _refusal_of_markets(engine: Engine, markets: tuple[Instrument | None, ...], max_fee_ppm: int) -> Answer:
    """Test that the instruments fit what is listed already."""
    core = engine.core
    wanted = [market for market in markets if market is not None]
    symbols = [market.symbol for market in wanted]
    taken = {listing.instrument.symbol for listing in core.listings}
    if len(set(symbols)) < len(symbols) or taken & set(symbols):
        return No(Refusal.NAME_TAKEN, f"one of the symbols {', '.join(symbols)}")
    if len(core.listings) + len(wanted) > INSTRUMENTS_MAX:
        return Refusal.FULL
    try:
        for market in wanted:
            _listing(market, 0, 1, max_fee_ppm, 1)
    except (ConversionError, MisuseError) as error:
        return No(Refusal.AMOUNT_OUT_OF_RANGE, str(error))
    # A tier that pays more than the new instrument's holds reckon with.
    highest = max((listing.max_fee_ppm for listing in core.listings), default=MAX_FEE_PPM_MAX)
    if core.listings and wanted and max_fee_ppm < highest:
        return No(Refusal.AMOUNT_OUT_OF_RANGE, f"max_fee_ppm must be at least {highest}, as the other instruments'")
    return None


def _listing(market: Instrument, base: int, quote: int, max_fee_ppm: int, till: int) -> Listing:
    """Return the listing whose lot and tick are whole micro; ConversionError, MisuseError."""
    return Listing(
        instrument=market,
        base=base,
        quote=quote,
        lot_atoms=to_units(market.lot, _STEP, f"{market.symbol}: a lot", "micro", 1, LOT_ATOMS_MAX),
        tick_atoms=to_units(
            market.tick * market.lot, _STEP, f"{market.symbol}: a tick of a lot", "micro", 1, TICK_ATOMS_MAX
        ),
        max_fee_ppm=max_fee_ppm,
        treasury=till,
    )


def invest(engine: Engine, command: c.Invest) -> Answer:
    """Issue units for money."""
    held = entry_of(engine.state.pools, command.pool)
    if held is None or command.tranche >= len(held.tranches):
        return Refusal.NOT_THERE
    entry = prices.looked(engine, held)
    # At a price that the caps hold down, who enters would take from those who are in.
    held_down = entry.feed >= 0 and prices.held_down(engine.state.feeds[entry.feed].feed, engine.now_ns)
    shares = entry.shares if entry.trusted and not held_down else None
    plan = pools.plan_issue(entry.pool, command.tranche, command.amount_micro, shares)
    if isinstance(plan, Refusal):
        return plan
    asset = entry.tranches[command.tranche].asset
    no = engine.purse.refusal_of_payment(command.account, entry.quote, command.amount_micro)
    no = no or engine.purse.refusal_of_mint(asset, plan.units_micro + plan.ownerless_micro)
    if no:
        return no
    prices.keep(engine, command.pool, entry)
    engine.purse.move(command.account, entry.cash_account, entry.quote, plan.amount_micro)
    engine.purse.mint(entry.buffer_account, asset, plan.ownerless_micro)
    engine.purse.mint(command.account, asset, plan.units_micro)
    pools.issue(entry.pool, plan)
    engine.say(
        e.Invested,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        amount_micro=plan.amount_micro,
        units_micro=plan.units_micro,
        price_nano=plan.price_nano,
        ownerless_micro=plan.ownerless_micro,
    )
    prices.reprice(engine, command.pool)
    return None


def _managed(engine: Engine, pool: int, account: int) -> PoolEntry | Refusal:
    """Return the pool of a number as it is now, a copy, when the account manages it."""
    entry = entry_of(engine.state.pools, pool)
    if entry is None:
        return Refusal.NOT_THERE
    if entry.pool.terms.manager != account:
        return Refusal.NOT_ALLOWED
    return prices.looked(engine, entry)


def add_loans(engine: Engine, command: c.AddLoans) -> Answer:
    """Take assets in and pay them out."""
    entry = _managed(engine, command.pool, command.account)
    if isinstance(entry, Refusal):
        return entry
    if len(command.entries) > ROWS_MAX:
        return Refusal.FULL
    no = pools.refusal_of_entries(entry.pool, command.entries, engine.pledges)
    if no is not None:
        return No(no.refusal, no.detail)
    prices.keep(engine, command.pool, entry)
    paid_micro = pools.add_entries(entry.pool, command.entries, engine.pledges)
    engine.purse.move(entry.cash_account, command.originator, entry.quote, paid_micro)
    engine.say(e.LoansAdded, pool=command.pool, count=len(command.entries), paid_micro=paid_micro)
    prices.reprice(engine, command.pool)
    return None


def service_loans(engine: Engine, command: c.Service) -> Answer:
    """Carry a servicer's report out."""
    entry = _managed(engine, command.pool, command.account)
    if isinstance(entry, Refusal):
        return entry
    if len(command.rows) > ROWS_MAX:
        return Refusal.FULL
    book = entry.pool.book
    plan = plan_service(book, command.rows)
    if isinstance(plan, RowRefused):
        return No(plan.refusal, f"row {plan.row}: asset {command.rows[plan.row].asset_id}")
    no = engine.purse.refusal_of_payment(command.payer, entry.quote, plan.collected_micro)
    if no:
        return no
    # Fees grow by what the assets counted for until now.
    prices.keep(engine, command.pool, entry)
    service(book, plan)
    for asset_id in plan.closed:
        engine.pledges.release(book.loans[asset_id].entry.legal_hash, f"{entry.pool.name}/{asset_id}")
    engine.purse.move(command.payer, entry.cash_account, entry.quote, plan.collected_micro)
    entry.pool.cash_micro += plan.collected_micro
    engine.say(
        e.Serviced,
        pool=command.pool,
        rows=len(command.rows),
        collected_micro=plan.collected_micro,
        owed_micro=book.sums.owed_micro,
        kept_micro=book.sums.kept_micro,
    )
    prices.reprice(engine, command.pool)
    return None


def run_waterfall(engine: Engine, command: c.RunWaterfall) -> Answer:
    """Pay fees, let the buffer's own units leave, and fill it."""
    entry = _managed(engine, command.pool, command.account)
    if isinstance(entry, Refusal):
        return entry
    prices.keep(engine, command.pool, entry)
    _redeem_ownerless(engine, command.pool, entry)
    plan = pools.plan_waterfall(entry.pool)
    engine.purse.move(entry.cash_account, entry.pool.terms.manager, entry.quote, plan.fees_micro)
    engine.purse.move(entry.cash_account, entry.buffer_account, entry.quote, plan.buffer_micro)
    pools.run_waterfall(entry.pool, plan)
    engine.say(e.WaterfallRun, pool=command.pool, fees_micro=plan.fees_micro, buffer_micro=plan.buffer_micro)
    prices.reprice(engine, command.pool)
    return None


def _redeem_ownerless(engine: Engine, number: int, entry: PoolEntry) -> None:
    """Redeem the buffer's units for the cash that is free, at the price and in the order of an epoch. O(tranches^2).

    Only at a price that the desk would pay at, and not while units wait in a queue.
    """
    values = prices.values(entry, entry.shares.low_nano if entry.shares else 0)
    demands = []
    for index, (value, terms, tranche, standing) in enumerate(
        zip(values, entry.pool.terms.tranches, entry.tranches, entry.pool.tranches, strict=True)
    ):
        if tranche.queue is not None and tranche.queue.queue.escrow_units_micro:
            return
        open_now = standing.state is TrancheState.OPEN and on_exits.view_of(engine, entry, index).feed_ok
        worth_micro = divide(standing.ownerless_micro * value.exit_nano, NANO, Rounding.FLOOR) if open_now else 0
        demands.append(
            Demand(
                value_micro=value.value_micro,
                demand_micro=min(worth_micro, value.value_micro),
                minimum_subordination_e12=terms.minimum_subordination_e12,
            )
        )
    for index, cash_micro in enumerate(allocate(pools.free_cash_micro(entry.pool), demands)):
        if not cash_micro:
            continue
        price_nano, asset = values[index].exit_nano, entry.tranches[index].asset
        # All of them for all they are worth; of a part as many as the money pays, rounded up: for those who stay.
        units_micro = entry.pool.tranches[index].ownerless_micro
        if cash_micro < demands[index].demand_micro:
            units_micro = divide(cash_micro * NANO, price_nano, Rounding.CEIL)
        engine.purse.burn(entry.buffer_account, asset, units_micro)
        engine.purse.move(entry.cash_account, entry.buffer_account, entry.quote, cash_micro)
        pools.retire_ownerless(entry.pool, index, units_micro, cash_micro)
        engine.say(
            e.BufferLeft,
            pool=number,
            tranche=index,
            units_micro=units_micro,
            paid_micro=cash_micro,
            price_nano=price_nano,
        )


def set_pool(engine: Engine, command: c.SetPool) -> Answer:
    """Move a pool on."""
    entry = _managed(engine, command.pool, command.account)
    if isinstance(entry, Refusal):
        return entry
    no = pools.refusal_of_state(entry.pool, command.state)
    if no:
        return no
    prices.keep(engine, command.pool, entry)
    entry.pool.state = command.state
    engine.say(e.PoolMoved, pool=command.pool, state=command.state)
    return None


def set_tranche(engine: Engine, command: c.SetTranche) -> Answer:
    """Gate, open or close a tranche."""
    entry = _managed(engine, command.pool, command.account)
    if isinstance(entry, Refusal):
        return entry
    standing = entry_of(entry.pool.tranches, command.tranche)
    if standing is None:
        return Refusal.NOT_THERE
    if command.state not in NEXT[TrancheState][standing.state]:
        return Refusal.TRANCHE_STATE
    prices.keep(engine, command.pool, entry)
    standing.state = command.state
    engine.say(e.TrancheMoved, pool=command.pool, tranche=command.tranche, state=command.state)
    return None


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenPool: open_pool,
    c.Invest: invest,
    c.AddLoans: add_loans,
    c.Service: service_loans,
    c.RunWaterfall: run_waterfall,
    c.SetPool: set_pool,
    c.SetTranche: set_tranche,
}
