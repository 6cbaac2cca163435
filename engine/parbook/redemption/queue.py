"""The epoch queue: requests are collected, closed at a time, struck at a price seen after that, and claimed.

Requests of one account are one request. What an epoch does not fill waits in the next, beside what came since: an early
request has no place before a late one, so that nobody gains by running first. While a closed epoch waits for its
price the next one collects, and goes on to its next regular end after that price has come.
"""

from __future__ import annotations

from typing import Final

from parbook.errors import MisuseError
from parbook.pools.amounts import MONEY_MICRO_MAX, NANO, Rounding, divide, require_int
from parbook.pools.tranches import PRICE_NANO_MAX
from parbook.pools.waterfall import pro_rata
from parbook.redemption.queue_state import (
    CLAIMS_MAX,
    TIME_NS_MAX,
    Close,
    Entry,
    Fill,
    Payout,
    Queue,
    QueueTerms,
    Setting,
    Strike,
    Withdrawal,
    cancellable_from_ns,
    require_account,
    require_now,
    require_time,
    take,
)
from parbook.refusals import Refusal

_WHERE: Final = "queue"

# --- requests ---------------------------------------------------------------------------------------


def plan_request(queue: Queue, account: int, units_micro: int, now_ns: int) -> Refusal | Entry:
    """Return a request for the epoch that collects, added to what the account has there.

    Refused: shut, below the minimum (what is added, each time), too many accounts. MisuseError: time fell, or the
    epoch's end was not carried out. O(1).
    """
    require_now(queue, now_ns)
    require_account(account)
    require_int(_WHERE, "units_micro", units_micro, 1, MONEY_MICRO_MAX - queue.escrow_units_micro)
    if not queue.accepting:
        return Refusal.QUEUE_SHUT
    if units_micro < queue.terms.minimum_units_micro:
        return Refusal.QUEUE_TOO_SMALL
    key = str(account)
    waiting = key in queue.pending or key in queue.closed
    if not waiting and queue.waiting >= queue.terms.requests_max:
        return Refusal.QUEUE_FULL
    # All who wait may become claims without a further question.
    if not waiting and key not in queue.claims and len(queue.claims) + queue.waiting >= CLAIMS_MAX:
        return Refusal.QUEUE_CLAIMS_FULL
    total = queue.pending.get(key, 0) + units_micro
    return Entry(
        account=account,
        units_micro=units_micro,
        total_units_micro=total,
        epoch=queue.epoch,
        version=queue.version,
    )


def request(queue: Queue, plan: Entry, now_ns: int) -> None:
    """Carry a request out; the composer puts the units into escrow. MisuseError when the epoch has ended meanwhile."""
    require_now(queue, now_ns)
    take(queue, plan.version, now_ns)
    key = str(plan.account)
    queue.waiting += not (key in queue.pending or key in queue.closed)
    queue.pending[key] = plan.total_units_micro
    queue.escrow_units_micro += plan.units_micro


def plan_cancel(queue: Queue, account: int, now_ns: int) -> Refusal | Withdrawal:
    """Return the units of an account's request in the epoch that collects; else those of an epoch left without price.

    A request of a closed epoch cannot be cancelled before `cancellable_from_ns`: the price it will get is near, and
    who could still leave would leave only when it is bad.
    """
    require_now(queue, now_ns)
    require_account(account)
    key = str(account)
    if key in queue.pending:
        units, closed = queue.pending[key], False
    elif key not in queue.closed:
        return Refusal.QUEUE_NO_REQUEST
    elif now_ns < cancellable_from_ns(queue):
        return Refusal.QUEUE_REQUEST_CLOSED
    else:
        units, closed = queue.closed[key], True
    return Withdrawal(account=account, units_micro=units, closed=closed, version=queue.version)


def cancel(queue: Queue, plan: Withdrawal, now_ns: int) -> None:
    """Carry a cancellation out; the composer gives the units back. MisuseError when the epoch has ended meanwhile."""
    require_now(queue, now_ns)
    take(queue, plan.version, now_ns)
    key = str(plan.account)
    del (queue.closed if plan.closed else queue.pending)[key]
    queue.waiting -= not (key in queue.pending or key in queue.closed)
    queue.escrow_units_micro -= plan.units_micro
    if plan.closed and not queue.closed:
        queue.closed_ns = 0
        _reopen(queue, now_ns)


# --- the end of an epoch ----------------------------------------------------------------------------


def next_due_ns(queue: Queue) -> int:
    """Return when the epoch ends; 0 while a closed one waits for its price, since only that can end the wait."""
    return 0 if queue.closed else queue.epoch_end_ns


def plan_due(queue: Queue, now_ns: int) -> Close | None:
    """Return the end of the epoch when its time has come, or None. O(accounts).

    It ends at the time it should have, however late this is called. Ends that were missed meanwhile are passed over.
    """
    require_time(queue, now_ns)
    if queue.closed or now_ns < queue.epoch_end_ns:
        return None
    missed = (now_ns - queue.epoch_end_ns) // queue.terms.epoch_ns
    return Close(
        epoch=queue.epoch,
        closed_ns=queue.epoch_end_ns,
        next_end_ns=queue.epoch_end_ns + (missed + 1) * queue.terms.epoch_ns,
        requests=len(queue.pending),
        units_micro=sum(queue.pending.values()),
        version=queue.version,
    )


def due(queue: Queue, plan: Close, now_ns: int) -> None:
    """Carry the end of an epoch out."""
    take(queue, plan.version, now_ns)
    queue.epoch += 1
    queue.epoch_end_ns = plan.next_end_ns
    queue.closed, queue.pending = queue.pending, {}
    queue.closed_ns = plan.closed_ns if queue.closed else 0


# --- the price --------------------------------------------------------------------------------------


def demand_micro(queue: Queue, price_nano: int) -> int:
    """Return what filling all of the closed epoch would cost, rounded up: what a tranche asks of the pool's cash."""
    require_int(_WHERE, "price_nano", price_nano, 0, PRICE_NANO_MAX)
    return divide(sum(queue.closed.values()) * price_nano, NANO, Rounding.CEIL)


def plan_strike(
    queue: Queue,
    *,
    now_ns: int,
    price_nano: int,
    observed_ns: int,
    cash_micro: int,
    exit_value_micro: int,
    supply_micro: int,
) -> Refusal | Strike:
    """Return what everyone in the closed epoch gets, at one price. Call it at each accepted round.

    `observed_ns` is the time of the round's *oldest* observation: it must lie after the close, so that no price was
    known to anybody who could still ask. `price_nano` is the low fair value; the price struck is at most the exit
    value over the supply, rounded down, so that those who stay lose nothing. Of too little `cash_micro` the units are
    filled pro rata, by largest remainder (ties: the lower account), and each payout is rounded down; the pool keeps
    the rest. O(n log n) for n requests. MisuseError: an observation of the future.
    """
    require_time(queue, now_ns)
    for name, value in (("cash_micro", cash_micro), ("exit_value_micro", exit_value_micro)):
        require_int(_WHERE, name, value, 0, MONEY_MICRO_MAX)
    require_int(_WHERE, "supply_micro", supply_micro, 1, MONEY_MICRO_MAX)
    require_int(_WHERE, "price_nano", price_nano, 0, PRICE_NANO_MAX)
    require_int(_WHERE, "observed_ns", observed_ns, 0, TIME_NS_MAX)
    if observed_ns > now_ns:
        raise MisuseError(f"observed_ns={observed_ns} is after now_ns={now_ns}: pass the time of an observation made")
    if not queue.closed:
        return Refusal.QUEUE_NOT_CLOSED
    if observed_ns <= queue.closed_ns:
        return Refusal.QUEUE_PRICE_TOO_EARLY
    price = min(price_nano, divide(exit_value_micro * NANO, supply_micro, Rounding.FLOOR))
    if not price:
        return Refusal.QUEUE_NO_PRICE
    accounts = sorted(int(key) for key in queue.closed)
    asked = [queue.closed[str(account)] for account in accounts]
    filled = pro_rata(min(cash_micro * NANO // price, sum(asked)), asked)
    fills = tuple(_fill(*row, price) for row in zip(accounts, asked, filled, strict=True))
    return Strike(
        epoch=queue.epoch - 1,
        price_nano=price,
        units_micro=sum(fill.units_micro for fill in fills),
        paid_micro=sum(fill.paid_micro for fill in fills),
        fills=fills,
        version=queue.version,
    )


def strike(queue: Queue, plan: Strike, now_ns: int) -> None:
    """Carry a strike out; the composer burns the units and sets the money apart."""
    take(queue, plan.version, now_ns)
    queue.closed, queue.closed_ns = {}, 0
    _reopen(queue, now_ns)
    for fill in plan.fills:
        key = str(fill.account)
        if fill.left_units_micro:
            queue.pending[key] = queue.pending.get(key, 0) + fill.left_units_micro
        if fill.paid_micro:
            queue.claims[key] = queue.claims.get(key, 0) + fill.paid_micro
    queue.waiting = len(queue.pending)
    queue.escrow_units_micro -= plan.units_micro
    queue.claimable_micro += plan.paid_micro


def _reopen(queue: Queue, now_ns: int) -> None:
    """Let the epoch that collects go on to its next end when one was missed while another waited.

    Ended at once, it would take what was not filled into the next wait in the same moment: under prices that come late
    every time, nobody could ever take a request back.
    """
    if now_ns >= queue.epoch_end_ns:
        missed = (now_ns - queue.epoch_end_ns) // queue.terms.epoch_ns
        queue.epoch_end_ns += (missed + 1) * queue.terms.epoch_ns


def _fill(account: int, asked: int, filled: int, price_nano: int) -> Fill:
    paid = divide(filled * price_nano, NANO, Rounding.FLOOR)
    # Units that bring nothing are not burned.
    units = filled if paid else 0
    return Fill(account, units, paid, asked - units)


# --- claims, settings -------------------------------------------------------------------------------


def plan_claim(queue: Queue, account: int, now_ns: int) -> Refusal | Payout:
    """Return what an account may claim. Anybody may ask: the money goes to the account."""
    require_time(queue, now_ns)
    require_account(account)
    if str(account) not in queue.claims:
        return Refusal.QUEUE_NOTHING_CLAIMABLE
    return Payout(account=account, paid_micro=queue.claims[str(account)], version=queue.version)


def claim(queue: Queue, plan: Payout, now_ns: int) -> None:
    """Carry a claim out; the composer pays."""
    take(queue, plan.version, now_ns)
    del queue.claims[str(plan.account)]
    queue.claimable_micro -= plan.paid_micro


def plan_setting(
    queue: Queue, now_ns: int, *, terms: QueueTerms | None = None, accepting: bool | None = None
) -> Setting:
    """Return a change of terms, or of whether requests are taken. The epoch that collects keeps its end."""
    require_time(queue, now_ns)
    return Setting(
        terms=queue.terms if terms is None else terms,
        accepting=queue.accepting if accepting is None else accepting,
        version=queue.version,
    )


def setting(queue: Queue, plan: Setting, now_ns: int) -> None:
    """Carry a change of settings out."""
    take(queue, plan.version, now_ns)
    queue.terms = plan.terms
    queue.accepting = plan.accepting
