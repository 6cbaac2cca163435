"""The insurance of a pool's claims: staked, paid for, drawn on in the loss order; its stake is sold, none minted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from parbook.insurance import loss, premium, stake
from parbook.insurance import state as fund_state
from parbook.pools import pool as pools
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.protocol.answers import Answer, No, entry_of
from parbook.protocol.state import FundEntry, PoolEntry
from parbook.refusals import Refusal

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def open_fund(engine: Engine, command: c.OpenFund) -> Answer:
    """Open a pool's fund. By its manager."""
    entry = entry_of(engine.state.pools, command.pool)
    if entry is None:
        return Refusal.NOT_THERE
    if entry.pool.terms.manager != command.account:
        return Refusal.NOT_ALLOWED
    if entry.fund is not None:
        return Refusal.ALREADY_THERE
    if command.native >= len(engine.core.assets) or engine.core.assets[command.native].decimals != 6:
        return No(Refusal.NOT_THERE, f"native: no asset of number {command.native} with 6 decimals")
    entry.fund = FundEntry(
        fund=fund_state.opened(command.terms, engine.now_ns),
        native=command.native,
        cash_account=engine.new_account(),
        native_account=engine.new_account(),
        governor=command.governor,
    )
    engine.say(e.FundOpened, pool=command.pool, native=command.native)
    return None


def _place(engine: Engine, command: Any) -> tuple[PoolEntry, FundEntry] | Refusal:
    entry = entry_of(engine.state.pools, command.pool)
    return (entry, entry.fund) if entry is not None and entry.fund is not None else Refusal.NOT_THERE


def _governed(engine: Engine, command: Any) -> tuple[PoolEntry, FundEntry] | Refusal:
    place = _place(engine, command)
    if not isinstance(place, Refusal) and place[1].governor != command.account:
        return Refusal.NOT_ALLOWED
    return place


# --- stake --------------------------------------------------------------------------------------------------------


def stake_in(engine: Engine, command: c.Stake) -> Answer:
    """Put native tokens at stake."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    _, held = place
    plan = stake.plan_stake(held.fund, command.account, command.native_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, held.native, command.native_micro)
    if no:
        return no
    engine.purse.move(command.account, held.native_account, held.native, command.native_micro)
    stake.stake(held.fund, plan, engine.now_ns)
    engine.say(e.Staked, pool=command.pool, account=command.account, native_micro=plan.native_micro, shares=plan.shares)
    return None


def unstake(engine: Engine, command: c.Unstake) -> Answer:
    """Begin to take stake out."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    _, held = place
    if command.shares > stake.SHARES_MAX:
        return Refusal.STAKE_SHORT
    plan = stake.plan_unstake(held.fund, command.account, command.shares, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    stake.unstake(held.fund, plan, engine.now_ns)
    engine.say(
        e.Unstaking, pool=command.pool, account=command.account, native_micro=plan.native_micro, due_ns=plan.due_ns
    )
    return None


def claim(engine: Engine, command: c.ClaimStake) -> Answer:
    """Pay out stake that may leave and premium that was earned, whichever there is."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = place
    out = stake.plan_claim_stake(held.fund, command.account, engine.now_ns)
    native_micro = 0
    if not isinstance(out, Refusal):
        stake.claim_stake(held.fund, out, engine.now_ns)
        native_micro = out.native_micro
    earned = stake.plan_claim_premium(held.fund, command.account, engine.now_ns)
    cash_micro = 0
    if not isinstance(earned, Refusal):
        stake.claim_premium(held.fund, earned, engine.now_ns)
        cash_micro = earned.cash_micro
    if isinstance(out, Refusal) and isinstance(earned, Refusal):
        return out
    engine.purse.move(held.native_account, command.account, held.native, native_micro)
    engine.purse.move(held.cash_account, command.account, entry.quote, cash_micro)
    engine.say(
        e.StakeClaimed, pool=command.pool, account=command.account, native_micro=native_micro, cash_micro=cash_micro
    )
    return None


# --- premium ------------------------------------------------------------------------------------------------------


def pay_premium(engine: Engine, command: c.PayPremium) -> Answer:
    """Charge the pool for the time since the last charge, on its senior claims. Anybody may see to it."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = prices.looked(engine, place[0]), place[1]
    plan = premium.plan_premium(held.fund, covered_micro(entry), engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    if plan.charge_micro > pools.free_cash_micro(entry.pool):
        return Refusal.POOL_CASH
    prices.keep(engine, command.pool, entry)
    engine.purse.move(entry.cash_account, held.cash_account, entry.quote, plan.charge_micro)
    entry.pool.cash_micro -= plan.charge_micro
    premium.premium(held.fund, plan, engine.now_ns)
    engine.say(e.PremiumPaid, pool=command.pool, charge_micro=plan.charge_micro, stakers_micro=plan.stakers_micro)
    prices.reprice(engine, command.pool)
    return None


def covered_micro(entry: PoolEntry) -> int:
    """Return what is insured: all claims of the pool's tranches."""
    return sum(standing.claim_micro for standing in entry.pool.tranches)


def pay_in(engine: Engine, command: c.PayIn) -> Answer:
    """Add cash that bears losses, for good."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = place
    plan = premium.plan_pay_in(held.fund, command.amount_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, entry.quote, command.amount_micro)
    if no:
        return no
    engine.purse.move(command.account, held.cash_account, entry.quote, command.amount_micro)
    premium.pay_in(held.fund, plan, engine.now_ns)
    engine.say(e.PaidIn, pool=command.pool, account=command.account, amount_micro=command.amount_micro)
    return None


# --- losses -------------------------------------------------------------------------------------------------------


def alarm(engine: Engine, command: c.Alarm) -> Answer:
    """Hold all stake while a loss is assessed, or let it go again."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    _, held = place
    plan_of = loss.plan_alarm if command.begins else loss.plan_stand_down
    plan = plan_of(held.fund, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    loss.alarm(held.fund, plan, engine.now_ns)
    engine.say(e.Alarmed, pool=command.pool, until_ns=plan.until_ns)
    return None


def hole_micro(entry: PoolEntry) -> int:
    """Return by how much claims exceed what is there at the middle band: excess spread and junior are gone then."""
    share_nano = entry.shares.mid_nano if entry.shares else 0
    values = prices.values(entry, share_nano)
    return sum(
        standing.claim_micro - value.value_micro
        for standing, value in zip(entry.pool.tranches[:-1], values[:-1], strict=True)
    )


def cover_loss(engine: Engine, command: c.CoverLoss) -> Answer:
    """Fill the hole behind the senior claims in the loss order: buffer, the fund's cash, stake to be sold."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = prices.looked(engine, place[0]), place[1]
    if not entry.trusted:
        return Refusal.NO_FAIR_VALUE
    hole = hole_micro(entry) - held.fund.short_micro
    if hole <= 0:
        return Refusal.LOSS_COVERED
    native = prices.price_of(engine, held.native, entry.quote)
    plan = loss.plan_loss(
        held.fund,
        hole,
        engine.now_ns,
        excess_spread_micro=0,
        junior_micro=0,
        surplus_micro=entry.pool.buffer_micro,
        native_nano=native.low_nano if native else 0,
    )
    if not (plan.surplus_micro or plan.cash_micro or plan.stake_micro):
        return Refusal.FUND_DEPLETED
    prices.keep(engine, command.pool, entry)
    engine.purse.move(entry.buffer_account, entry.cash_account, entry.quote, plan.surplus_micro)
    engine.purse.move(held.cash_account, entry.cash_account, entry.quote, plan.cash_micro)
    entry.pool.buffer_micro -= plan.surplus_micro
    entry.pool.cash_micro += plan.surplus_micro + plan.cash_micro
    loss.loss(held.fund, plan, engine.now_ns)
    engine.say(
        e.LossCovered,
        pool=command.pool,
        loss_micro=hole,
        buffer_micro=plan.surplus_micro,
        cash_micro=plan.cash_micro,
        stake_micro=plan.stake_micro,
        holders_micro=plan.holders_micro,
        seized_micro=plan.seized_stake_micro + plan.seized_drafts_micro,
    )
    prices.reprice(engine, command.pool)
    return None


def auction(engine: Engine, command: c.AuctionStake) -> Answer:
    """Put seized stake up for sale around its feed's price."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = place
    native = prices.price_of(engine, held.native, entry.quote)
    if native is None or not native.low_nano:
        return Refusal.NO_FAIR_VALUE
    plan = loss.plan_auction(held.fund, native.low_nano, native.high_nano, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    loss.auction(held.fund, plan, engine.now_ns)
    engine.say(e.AuctionBegan, pool=command.pool, lot_micro=plan.lot_micro, end_ns=plan.end_ns)
    return None


def buy(engine: Engine, command: c.BuyStake) -> Answer:
    """Buy of the lot at the price of the moment."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, held = place
    plan = loss.plan_buy(held.fund, command.native_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    if plan.cost_micro > command.most_micro:
        return Refusal.AMOUNT_OUT_OF_RANGE
    no = engine.purse.refusal_of_payment(command.account, entry.quote, plan.cost_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.cash_account, entry.quote, plan.cover_micro)
    engine.purse.move(command.account, held.cash_account, entry.quote, plan.kept_micro)
    engine.purse.move(held.native_account, command.account, held.native, plan.native_micro)
    entry.pool.cash_micro += plan.cover_micro
    loss.buy(held.fund, plan, engine.now_ns)
    engine.say(
        e.StakeSold,
        pool=command.pool,
        account=command.account,
        native_micro=plan.native_micro,
        cost_micro=plan.cost_micro,
        cover_micro=plan.cover_micro,
    )
    prices.reprice(engine, command.pool)
    return None


def give_up(engine: Engine, command: c.GiveUp) -> Answer:
    """Leave the rest of a hole to the holders, once all that was seized is sold."""
    place = _governed(engine, command)
    if isinstance(place, Refusal):
        return place
    _, held = place
    plan = loss.plan_give_up(held.fund, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    loss.give_up(held.fund, plan, engine.now_ns)
    engine.say(e.GivenUp, pool=command.pool, holders_micro=plan.holders_micro)
    return None


# --- time ---------------------------------------------------------------------------------------------------------


def _funds(engine: Engine) -> list[FundEntry]:
    return [entry.fund for entry in engine.state.pools if entry.fund is not None]


def next_due_ns(engine: Engine) -> int:
    """Return when an alarm or an auction ends. O(pools)."""
    dues = (loss.next_due_ns(held.fund) for held in _funds(engine))
    return min((due_ns for due_ns in dues if due_ns), default=2**63)


def due(engine: Engine) -> None:
    """End what is over."""
    for held in _funds(engine):
        if 0 < loss.next_due_ns(held.fund) <= engine.now_ns:
            loss.due(held.fund, loss.plan_due(held.fund, engine.now_ns), engine.now_ns)


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenFund: open_fund,
    c.Stake: stake_in,
    c.Unstake: unstake,
    c.ClaimStake: claim,
    c.PayPremium: pay_premium,
    c.PayIn: pay_in,
    c.Alarm: alarm,
    c.CoverLoss: cover_loss,
    c.AuctionStake: auction,
    c.BuyStake: buy,
    c.GiveUp: give_up,
}
