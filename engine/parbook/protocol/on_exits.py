"""How holders leave beside the market: the desk at once, the queue at the end of its epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from parbook.errors import InvariantError
from parbook.oracle.rounds import state_at
from parbook.oracle.state import FeedState
from parbook.pools import pool as pools
from parbook.pools.amounts import NANO, Rounding, divide
from parbook.pools.states import TrancheState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.protocol.answers import Answer, entry_of
from parbook.protocol.state import PoolEntry, QueueEntry, TrancheEntry
from parbook.redemption import desk as desks
from parbook.redemption import queue as queues
from parbook.redemption import queue_state
from parbook.redemption.desk import PoolView
from parbook.redemption.tranches import Demand, allocate
from parbook.refusals import Refusal

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine


def _place(engine: Engine, command: Any) -> tuple[PoolEntry, TrancheEntry] | Refusal:
    """Return the pool and the tranche that a command names."""
    entry = entry_of(engine.state.pools, command.pool)
    tranche = entry_of(entry.tranches, command.tranche) if entry else None
    if entry is None or tranche is None:
        return Refusal.NOT_THERE
    return entry, tranche


# --- the desk -----------------------------------------------------------------------------------------------------


def open_desk(engine: Engine, command: c.OpenDesk) -> Answer:
    """Open a desk for a tranche. By the pool's manager."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, tranche = place
    if entry.pool.terms.manager != command.account:
        return Refusal.NOT_ALLOWED
    if tranche.desk is not None:
        return Refusal.ALREADY_THERE
    tranche.desk = desks.opened(command.terms, engine.now_ns)
    engine.say(e.DeskOpened, pool=command.pool, tranche=command.tranche)
    return None


def view_of(engine: Engine, entry: PoolEntry, tranche: int) -> PoolView:
    """Return what a desk must know of its tranche: all at the low band, fees of the pool off."""
    value = prices.low_value(entry, tranche)
    fair_value = pools.fair_value_micro(entry.pool, entry.shares.low_nano) if entry.shares else 0
    return PoolView(
        price_low_nano=value.exit_nano if value else 0,
        # At a price that the caps hold up, leavers would gain what stayers lose: the desk waits, as the queue does.
        feed_ok=(entry.trusted and not prices.waits(engine, entry)) or not entry.pool.book.sums.kept_micro,
        supply_micro=entry.pool.tranches[tranche].supply_micro,
        exit_value_micro=value.exit_value_micro if value else 0,
        unreserved_micro=pools.free_cash_micro(entry.pool),
        other_assets_micro=fair_value,
    )


def redeem(engine: Engine, command: c.Redeem) -> Answer:
    """Redeem at the desk."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    held, tranche = place
    if tranche.desk is None:
        return Refusal.NOT_THERE
    entry = prices.looked(engine, held)
    standing = entry.pool.tranches[command.tranche]
    if command.units_micro > standing.supply_micro:
        return Refusal.INSUFFICIENT_AVAILABLE
    if standing.state is not TrancheState.OPEN:
        return Refusal.TRANCHE_STATE
    plan = desks.plan_redeem(
        tranche.desk,
        view_of(engine, entry, command.tranche),
        command.units_micro,
        now_ns=engine.now_ns,
        least_micro=command.least_micro,
        partial=command.partial,
    )
    if isinstance(plan, Refusal):
        return plan
    no = pools.refusal_of_exit(entry.pool, command.tranche, plan.paid_micro, entry.shares)
    no = no or engine.purse.refusal_of_payment(command.account, tranche.asset, plan.units_micro)
    if no:
        return no
    prices.keep(engine, command.pool, entry)
    engine.purse.burn(command.account, tranche.asset, plan.units_micro)
    engine.purse.move(entry.cash_account, command.account, entry.quote, plan.paid_micro)
    pools.retire(entry.pool, command.tranche, plan.units_micro, plan.paid_micro)
    desks.redeem(tranche.desk, plan, engine.now_ns)
    engine.say(
        e.Redeemed,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        units_micro=plan.units_micro,
        paid_micro=plan.paid_micro,
        fee_micro=plan.fee_micro,
    )
    prices.reprice(engine, command.pool)
    return None


# --- the queue ----------------------------------------------------------------------------------------------------


def open_queue(engine: Engine, command: c.OpenQueue) -> Answer:
    """Open a queue for a tranche. By the pool's manager."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, tranche = place
    if entry.pool.terms.manager != command.account:
        return Refusal.NOT_ALLOWED
    if tranche.queue is not None:
        return Refusal.ALREADY_THERE
    tranche.queue = QueueEntry(
        queue=queue_state.opened(command.terms, engine.now_ns),
        escrow_account=engine.new_account(),
        claims_account=engine.new_account(),
    )
    engine.say(e.QueueOpened, pool=command.pool, tranche=command.tranche)
    return None


def request(engine: Engine, command: c.RequestExit) -> Answer:
    """Put units into escrow until the epoch's price is struck."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, tranche = place
    if tranche.queue is None:
        return Refusal.NOT_THERE
    no = engine.purse.refusal_of_payment(command.account, tranche.asset, command.units_micro)
    if no:
        return no
    if entry.pool.tranches[command.tranche].state is TrancheState.CLOSED:
        return Refusal.TRANCHE_STATE
    plan = queues.plan_request(tranche.queue.queue, command.account, command.units_micro, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    engine.purse.move(command.account, tranche.queue.escrow_account, tranche.asset, plan.units_micro)
    queues.request(tranche.queue.queue, plan, engine.now_ns)
    engine.say(
        e.ExitRequested,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        epoch=plan.epoch,
        units_micro=plan.units_micro,
        total_units_micro=plan.total_units_micro,
    )
    return None


def cancel(engine: Engine, command: c.CancelExit) -> Answer:
    """Give units back."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    _, tranche = place
    if tranche.queue is None:
        return Refusal.NOT_THERE
    plan = queues.plan_cancel(tranche.queue.queue, command.account, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    engine.purse.move(tranche.queue.escrow_account, command.account, tranche.asset, plan.units_micro)
    queues.cancel(tranche.queue.queue, plan, engine.now_ns)
    engine.say(
        e.ExitCancelled,
        pool=command.pool,
        tranche=command.tranche,
        account=command.account,
        units_micro=plan.units_micro,
    )
    return None


def claim(engine: Engine, command: c.ClaimExit) -> Answer:
    """Pay what was struck."""
    place = _place(engine, command)
    if isinstance(place, Refusal):
        return place
    entry, tranche = place
    if tranche.queue is None:
        return Refusal.NOT_THERE
    plan = queues.plan_claim(tranche.queue.queue, command.account, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    engine.purse.move(tranche.queue.claims_account, command.account, entry.quote, plan.paid_micro)
    queues.claim(tranche.queue.queue, plan, engine.now_ns)
    engine.say(
        e.ExitClaimed, pool=command.pool, tranche=command.tranche, account=command.account, paid_micro=plan.paid_micro
    )
    return None


def strike(engine: Engine, number: int) -> None:
    """Strike the closed epochs of a pool at the round that has just become its anchor: the senior's leavers first.

    Only a round that nothing held back: at a price that the caps keep above what the sources say, leavers would gain
    what stayers lose. Epochs then wait for the next one. O(requests log requests).
    """
    entry = engine.state.pools[number]
    feed = engine.state.feeds[entry.feed].feed
    if state_at(feed, engine.now_ns) is not FeedState.OK or feed.active is None or entry.shares is None:
        return
    values = prices.values(entry, entry.shares.low_nano)
    demands = []
    for value, terms, tranche, standing in zip(
        values, entry.pool.terms.tranches, entry.tranches, entry.pool.tranches, strict=True
    ):
        wanted = 0
        if tranche.queue is not None and standing.state is TrancheState.OPEN:
            wanted = min(queues.demand_micro(tranche.queue.queue, value.exit_nano), value.value_micro)
        demands.append(
            Demand(
                value_micro=value.value_micro,
                demand_micro=wanted,
                minimum_subordination_e12=terms.minimum_subordination_e12,
            )
        )
    cash = allocate(pools.free_cash_micro(entry.pool), demands)
    struck = False
    for index, tranche in enumerate(entry.tranches):
        if tranche.queue is not None and demands[index].demand_micro:
            struck = _strike_one(engine, number, index, tranche.queue, cash[index], feed.active.as_of_ns) or struck
    if struck:
        prices.reprice(engine, number)


def _strike_one(engine: Engine, number: int, index: int, held: QueueEntry, cash_micro: int, observed_ns: int) -> bool:
    entry = engine.state.pools[number]
    tranche = entry.tranches[index]
    value = prices.low_value(entry, index)
    if value is None:
        raise InvariantError(f"pool {number}: a price is struck and there is none")
    plan = queues.plan_strike(
        held.queue,
        now_ns=engine.now_ns,
        price_nano=value.exit_nano,
        observed_ns=observed_ns,
        cash_micro=cash_micro,
        exit_value_micro=value.exit_value_micro,
        supply_micro=entry.pool.tranches[index].supply_micro,
    )
    if isinstance(plan, Refusal):
        return False
    engine.purse.burn(held.escrow_account, tranche.asset, plan.units_micro)
    engine.purse.move(entry.cash_account, held.claims_account, entry.quote, plan.paid_micro)
    pools.retire(entry.pool, index, plan.units_micro, plan.paid_micro)
    queues.strike(held.queue, plan, engine.now_ns)
    asked = plan.units_micro + sum(fill.left_units_micro for fill in plan.fills)
    engine.say(
        e.EpochStruck,
        pool=number,
        tranche=index,
        epoch=plan.epoch,
        price_nano=plan.price_nano,
        units_micro=plan.units_micro,
        paid_micro=plan.paid_micro,
        filled_e12=divide(plan.units_micro * NANO * 1000, asked, Rounding.FLOOR),
    )
    return True


# --- time ---------------------------------------------------------------------------------------------------------


def _queues(engine: Engine) -> list[tuple[int, int, QueueEntry]]:
    return [
        (number, index, tranche.queue)
        for number, entry in enumerate(engine.state.pools)
        for index, tranche in enumerate(entry.tranches)
        if tranche.queue is not None
    ]


def next_due_ns(engine: Engine) -> int:
    """Return when the first epoch ends. O(queues)."""
    dues = (queues.next_due_ns(held.queue) for _, _, held in _queues(engine))
    return min((due_ns for due_ns in dues if due_ns), default=2**63)


def due(engine: Engine) -> None:
    """End the epochs whose time has come."""
    for number, index, held in _queues(engine):
        plan = queues.plan_due(held.queue, engine.now_ns)
        if plan is None:
            continue
        queues.due(held.queue, plan, engine.now_ns)
        if plan.requests:
            engine.say(
                e.EpochClosed,
                pool=number,
                tranche=index,
                epoch=plan.epoch,
                requests=plan.requests,
                units_micro=plan.units_micro,
            )


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenDesk: open_desk,
    c.Redeem: redeem,
    c.OpenQueue: open_queue,
    c.RequestExit: request,
    c.CancelExit: cancel,
    c.ClaimExit: claim,
}
