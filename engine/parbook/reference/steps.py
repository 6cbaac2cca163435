"""What follows every step: an aggressor's match, an anchor's activation, an uncross."""

from __future__ import annotations

from parbook.codes import SessionState, Trigger
from parbook.reference import accounts, session, stops
from parbook.reference.desk import Desk, Step


def finish_step(desk: Desk) -> None:
    """Let partners, protection, reduce-only orders, stops and the session follow what the step did, in that order."""
    step, desk.step = desk.step, Step()
    for order in step.touched:
        desk.release_partner(order)
    accounts.protect(desk, step.fills)
    accounts.trim_reduce_only(desk)
    for price_ticks in dict.fromkeys((step.first_print_ticks, step.last_print_ticks)):
        if price_ticks:
            stops.elect(desk, Trigger.TRADE, price_ticks)
    if step.anchor_ticks:
        stops.elect(desk, Trigger.ANCHOR, step.anchor_ticks)
    breach_state = desk.instrument.breach_state
    if step.breached and breach_state is not SessionState.CONTINUOUS:
        session.change(desk, breach_state)
