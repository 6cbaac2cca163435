"""Feeds: opened, reported to, disputed, judged; and what their rounds set in motion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from parbook.errors import AssetError
from parbook.oracle import feed as feeds
from parbook.oracle import rounds
from parbook.oracle.clock import ready
from parbook.oracle.state import DueKind
from parbook.pools.amounts import NANO
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import on_exits, on_tokens, prices
from parbook.protocol.answers import Answer, No, entry_of
from parbook.protocol.state import FeedEntry
from parbook.refusals import Refusal

if TYPE_CHECKING:
    from parbook.protocol.engine import Engine

FEEDS_MAX: Final = 4096


def open_feed(engine: Engine, command: c.OpenFeed) -> Answer:
    """Open a feed with its members."""
    state = engine.state
    if len(state.feeds) >= FEEDS_MAX:
        return Refusal.FULL
    if (command.pool is None) == (command.instrument is None):
        return No(Refusal.NOT_THERE, "name a pool or an instrument, and not both")
    if command.bond_asset >= len(engine.core.assets):
        return No(Refusal.NOT_THERE, f"bond_asset: no asset of number {command.bond_asset}")
    pool, instrument = -1, -1
    if command.pool is not None:
        entry = entry_of(state.pools, command.pool)
        if entry is None:
            return Refusal.NOT_THERE
        if entry.feed >= 0:
            return Refusal.ALREADY_THERE
        pool = command.pool
    else:
        instrument = command.instrument or 0
        if instrument >= len(engine.core.listings):
            return Refusal.NOT_THERE
        taken = any(other.instrument == instrument for other in state.feeds)
        if taken or any(t.instrument == instrument for p in state.pools for t in p.tranches):
            return Refusal.ALREADY_THERE
    terms = command.terms
    if pool >= 0:
        # A share of what the assets still count for: none is worth more than its debt.
        high_nano = min(terms.price_max_nano, NANO)
        terms = msgspec.structs.replace(terms, price_max_nano=high_nano, price_min_nano=min(terms.price_min_nano, NANO))
    feed = feeds.opened(terms, engine.now_ns)
    for source, key in command.members:
        try:
            member = feeds.plan_member(feed, source, key, True, engine.now_ns)
        except AssetError as error:
            return No(Refusal.ORACLE_OUT_OF_RANGE, str(error))
        if isinstance(member, Refusal):
            return No(member, f"source {source}")
        feeds.set_member(feed, member, engine.now_ns)
    number = len(state.feeds)
    state.feeds.append(
        FeedEntry(
            feed=feed,
            pool=pool,
            instrument=instrument,
            bond_asset=command.bond_asset,
            bond_account=engine.new_account(),
            arbiter=command.arbiter,
        )
    )
    if pool >= 0:
        state.pools[pool].feed = number
    engine.say(e.FeedOpened, feed=number, pool=pool, instrument=instrument)
    return None


def observe(engine: Engine, command: c.Observe) -> Answer:
    """Take an observation whose signature was verified at the edge."""
    entry = entry_of(engine.state.feeds, command.feed)
    if entry is None:
        return Refusal.NOT_THERE
    plan = feeds.plan_submit(entry.feed, command.observation, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    feeds.submit(entry.feed, plan, engine.now_ns)
    engine.say(e.Observed, feed=command.feed, source=command.observation.source, sequence=command.observation.sequence)
    if plan.closing is not None:
        _say_closing(engine, command.feed, plan.closing)
        # A feed without a delay may have an anchor this very moment.
        due(engine)
        _reprice(engine, command.feed)
    return None


def _say_closing(engine: Engine, number: int, closing: Any) -> None:
    band = closing.band
    engine.say(
        e.RoundClosed,
        feed=number,
        round=closing.number,
        flaw=closing.flaw,
        effective_ns=closing.effective_ns,
        low_nano=band.low_nano if band else 0,
        mid_nano=band.mid_nano if band else 0,
        high_nano=band.high_nano if band else 0,
    )


def set_member(engine: Engine, command: c.SetMember) -> Answer:
    """Add, change, enable or disable a member. By the feed's arbiter."""
    entry = _judged(engine, command.feed, command.account)
    if isinstance(entry, Refusal):
        return entry
    try:
        plan = feeds.plan_member(entry.feed, command.source, command.public_key, command.enabled, engine.now_ns)
    except AssetError as error:
        return No(Refusal.ORACLE_OUT_OF_RANGE, str(error))
    if isinstance(plan, Refusal):
        return plan
    feeds.set_member(entry.feed, plan, engine.now_ns)
    engine.say(e.MemberSet, feed=command.feed, source=command.source, enabled=command.enabled)
    return None


def _judged(engine: Engine, number: int, account: int) -> FeedEntry | Refusal:
    """Return the feed of a number when the account is its arbiter."""
    entry = entry_of(engine.state.feeds, number)
    if entry is None:
        return Refusal.NOT_THERE
    return entry if entry.arbiter == account else Refusal.NOT_ALLOWED


def dispute(engine: Engine, command: c.Dispute) -> Answer:
    """Put a bond against a provisional round."""
    entry = entry_of(engine.state.feeds, command.feed)
    if entry is None:
        return Refusal.NOT_THERE
    plan = rounds.plan_dispute(entry.feed, command.round, command.account, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    no = engine.purse.refusal_of_payment(command.account, entry.bond_asset, plan.bond_micro)
    if no:
        return no
    engine.purse.move(command.account, entry.bond_account, entry.bond_asset, plan.bond_micro)
    rounds.dispute(entry.feed, plan, engine.now_ns)
    engine.say(e.Disputed, feed=command.feed, round=command.round, account=command.account, bond_micro=plan.bond_micro)
    # Rounds behind it are capped anew, and a fall that it had held up may be seen.
    _reprice(engine, command.feed)
    return None


def judge(engine: Engine, command: c.Judge) -> Answer:
    """Uphold or dismiss a dispute. A forfeited bond goes to the arbiter."""
    entry = _judged(engine, command.feed, command.account)
    if isinstance(entry, Refusal):
        return entry
    plan = rounds.plan_resolve(entry.feed, command.round, command.upheld, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    engine.purse.move(entry.bond_account, plan.disputer, entry.bond_asset, plan.returned_micro)
    engine.purse.move(entry.bond_account, entry.arbiter, entry.bond_asset, plan.forfeited_micro)
    rounds.resolve(entry.feed, plan, engine.now_ns)
    engine.say(e.Judged, feed=command.feed, round=command.round, upheld=command.upheld)
    due(engine)
    follow(engine, command.feed, struck=plan.activates)
    on_tokens.follow(engine)
    return None


def suspend(engine: Engine, command: c.SuspendFeed) -> Answer:
    """Stop a feed, or let it go on. By its arbiter."""
    entry = _judged(engine, command.feed, command.account)
    if isinstance(entry, Refusal):
        return entry
    plan = feeds.plan_suspend(entry.feed, command.suspended, engine.now_ns)
    if isinstance(plan, Refusal):
        return plan
    for account, bond_micro in plan.returned:
        engine.purse.move(entry.bond_account, account, entry.bond_asset, bond_micro)
    feeds.suspend(entry.feed, plan, engine.now_ns)
    engine.say(e.FeedSuspended, feed=command.feed, suspended=command.suspended)
    due(engine)
    follow(engine, command.feed)
    return None


# --- time ---------------------------------------------------------------------------------------------------------


def next_due_ns(engine: Engine) -> int:
    """Return when the first feed has something due. O(feeds)."""
    dues = (rounds.next_due_ns(entry.feed) for entry in engine.state.feeds)
    return min((due_ns for due_ns in dues if due_ns), default=2**63)


def due(engine: Engine) -> None:
    """Carry out what is due now, feed by feed; then what hangs on it. Tokens look when all feeds are settled."""
    struck = False
    for number, entry in enumerate(engine.state.feeds):
        while 0 < rounds.next_due_ns(entry.feed) <= engine.now_ns:
            plan = rounds.plan_due(entry.feed, engine.now_ns)
            assert not isinstance(plan, Refusal), "it is due"
            rounds.due(entry.feed, plan, engine.now_ns)
            if plan.kind is DueKind.CLOSE and plan.closing is not None:
                _say_closing(engine, number, plan.closing)
            elif plan.kind is DueKind.LAPSE:
                engine.purse.move(entry.bond_account, plan.disputer, entry.bond_asset, plan.returned_micro)
                engine.say(e.RoundLapsed, feed=number, round=plan.number)
            if not _settled(entry, engine.now_ns):
                continue
            if plan.kind in (DueKind.ACTIVATE, DueKind.AGE):
                follow(engine, number, struck=plan.kind is DueKind.ACTIVATE)
                struck = struck or plan.kind is DueKind.ACTIVATE
            else:
                _reprice(engine, number)
    if struck:
        on_tokens.follow(engine)


def _settled(entry: FeedEntry, now_ns: int) -> bool:
    """Whether nothing further is due at this moment: prices are read when all has happened."""
    first = rounds.next_due_ns(entry.feed)
    if not first or first > now_ns:
        ready(entry.feed, now_ns)
        return True
    return False


def follow(engine: Engine, number: int, *, struck: bool = False) -> None:
    """Say the anchor and let prices, tills, curves and waiting epochs follow."""
    entry = engine.state.feeds[number]
    anchor = rounds.anchor_at(entry.feed, engine.now_ns)
    engine.say(
        e.Anchored,
        feed=number,
        state=anchor.state,
        low_nano=anchor.low_nano,
        mid_nano=anchor.mid_nano,
        high_nano=anchor.high_nano,
        age_ns=anchor.age_ns,
    )
    _reprice(engine, number)
    if struck and entry.pool >= 0:
        on_exits.strike(engine, entry.pool)


def _reprice(engine: Engine, number: int) -> None:
    """Let prices follow what the feed says, and what is known to come."""
    entry = engine.state.feeds[number]
    if entry.pool < 0:
        prices.reprice_instrument(engine, entry)
    else:
        prices.reprice(engine, entry.pool)


HANDLERS: Final[dict[type[c.Order], Callable[[Engine, Any], Answer]]] = {
    c.OpenFeed: open_feed,
    c.Observe: observe,
    c.SetMember: set_member,
    c.Dispute: dispute,
    c.Judge: judge,
    c.SuspendFeed: suspend,
}
