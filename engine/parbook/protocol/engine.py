"""One command after another: time, dispatch, what is said, invariants."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from parbook.errors import InvariantError
from parbook.interface import ExchangeProtocol
from parbook.messages import Advance
from parbook.pools.limits import PledgeRegister
from parbook.pools.states import LoanState
from parbook.protocol import (
    on_exits,
    on_governance,
    on_insurance,
    on_oracle,
    on_pools,
    on_support,
    on_tokens,
    on_treasury,
)
from parbook.protocol.answers import Answer, No
from parbook.protocol.commands import Order, Tick
from parbook.protocol.events import Refused, Said
from parbook.protocol.purse import Purse
from parbook.protocol.state import ProtocolState
from parbook.refusals import Refusal
from parbook.units import EVERY_INSTRUMENT, RESERVED_ACCOUNT

NEVER_NS: Final = 2**63
"""Beyond every time."""
DUE_MAX: Final = 2**12
"""Rounds of what falls due at one time: more is a mechanism that never gets on."""


Handler = Callable[["Engine", Any], Answer]


class Engine:
    """The protocol over an exchange. It is live once a command of its own was given; until then it has no say."""

    def __init__(self, core: ExchangeProtocol, state: ProtocolState | None = None) -> None:
        self.core = core
        self.state = ProtocolState() if state is None else state
        self.purse = Purse(core)
        self.pledges = PledgeRegister()
        self.said: list[Said] = []
        # Between commands nothing changes when something is due: asked for each order, counted once.
        self._due_ns: int | None = None
        for entry in self.state.pools:
            for loan in entry.pool.book.loans.values():
                if loan.state is not LoanState.CLOSED:
                    self.pledges.pledge(loan.entry.legal_hash, f"{entry.pool.name}/{loan.entry.asset_id}")

    @property
    def live(self) -> bool:
        """Whether a command of the protocol ever said anything."""
        return self.state.next_said > 1

    @property
    def now_ns(self) -> int:
        """The exchange's clock."""
        return self.core.now_ns

    # --- commands -------------------------------------------------------------------------------

    def act(self, command: Order) -> No | None:
        """Carry a command out, or return why not; then the clock has moved, and what was due has happened.

        What came of it lies in `purse.events` and `said` until it is taken.
        """
        self._due_ns = None
        if command.ts_ns and command.ts_ns < self.now_ns:
            no: Answer = Refusal.TIME_REVERSED
        else:
            self.pass_time(command.ts_ns)
            no = HANDLERS[type(command)](self, command)
        self._due_ns = None
        if isinstance(no, Refusal):
            no = No(no)
        if no is not None:
            self.say(Refused, command=type(command).__name__, code=no.refusal, detail=no.detail)
        return no

    def say(self, kind: type[Said], **fields: Any) -> None:
        """Say something, at the exchange's time."""
        self.said.append(kind(seq=self.state.next_said, ts_ns=self.now_ns, **fields))
        self.state.next_said += 1

    def take_said(self) -> list[Said]:
        """Return what was said so far; the next begins anew."""
        said, self.said = self.said, []
        return said

    # --- time -----------------------------------------------------------------------------------

    def pass_time(self, ts_ns: int) -> None:
        """Move the clock, everything that falls due on the way happening at its own time, first to last."""
        self.catch_up(ts_ns)
        if ts_ns > self.now_ns:
            self.purse.run(Advance(ts_ns=ts_ns, instrument=EVERY_INSTRUMENT))

    def catch_up(self, ts_ns: int) -> None:
        """Let happen what is due at or before a time; the clock stands at the last of it afterwards."""
        rounds, last_ns = 0, -1
        while (due_ns := self.next_due_ns()) <= max(ts_ns, self.now_ns):
            rounds = rounds + 1 if due_ns <= last_ns else 0
            if rounds > DUE_MAX:
                raise InvariantError(f"what is due at {due_ns} is due again after it happened")
            last_ns = max(last_ns, due_ns)
            if due_ns > self.now_ns:
                self.purse.run(Advance(ts_ns=due_ns, instrument=EVERY_INSTRUMENT))
            for module in DUES:
                module.due(self)
            self._due_ns = None

    def next_due_ns(self) -> int:
        """Return when something must happen next, beyond all times when nothing must. O(things open) after a change."""
        if self._due_ns is None:
            self._due_ns = min((module.next_due_ns(self) for module in DUES), default=NEVER_NS)
        return self._due_ns

    # --- what is the protocol's -----------------------------------------------------------------

    def has_curve_of(self, instrument: int) -> bool:
        """Whether the instrument's curve is the protocol's: its treasury is an account of its own. O(1)."""
        listings = self.core.listings
        return instrument < len(listings) and listings[instrument].treasury >= RESERVED_ACCOUNT

    def has_anchor_of(self, instrument: int) -> bool:
        """Whether the instrument's anchor is the protocol's: its curve is, or it follows a feed. O(feeds)."""
        return self.has_curve_of(instrument) or any(entry.instrument == instrument for entry in self.state.feeds)

    # --- help for handlers ----------------------------------------------------------------------

    def new_account(self) -> int:
        """Return an account that is the protocol's alone."""
        self.state.next_account += 1
        return self.state.next_account - 1


HANDLERS: Final[dict[type[Order], Handler]] = {
    Tick: lambda _engine, _command: None,
    **on_pools.HANDLERS,
    **on_oracle.HANDLERS,
    **on_treasury.HANDLERS,
    **on_exits.HANDLERS,
    **on_governance.HANDLERS,
    **on_tokens.HANDLERS,
    **on_insurance.HANDLERS,
    **on_support.HANDLERS,
}
"""Command -> what carries it out."""
DUES: Final[tuple[ModuleType, ...]] = (on_exits, on_oracle, on_treasury, on_governance, on_insurance, on_tokens)
"""Modules in which something falls due, in the order in which that happens at one time."""
