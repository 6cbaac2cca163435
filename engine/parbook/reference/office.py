"""What an exchange remembers beside its markets: assets, money, who may do what, one clock, and a stream of its own."""

from __future__ import annotations

from typing import Any

from parbook.codes import CommandKind, RejectCode
from parbook.listing import Asset, Listing
from parbook.messages import Event, Rejected
from parbook.reference.desk import Row
from parbook.reference.funds import FeeTable
from parbook.reference.ledger import Ledger
from parbook.reference.outcomes import Outcomes
from parbook.reference.statuses import Statuses
from parbook.units import EVERY_INSTRUMENT

_NAME_TXN = (CommandKind.DEPOSIT, CommandKind.WITHDRAW, CommandKind.TRANSFER)
_NAME_NOTHING = (CommandKind.SET_FEES, CommandKind.SET_TIER, CommandKind.SET_STATUS)


class Office:
    """To an exchange what a `Desk` is to a market."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.assets: list[Asset] = []
        self.listings: list[Listing] = []
        self.ledger = Ledger()
        self.fees = FeeTable()
        self.statuses = Statuses()
        self.outcomes = outcomes
        self.now_ns = 0
        self.next_command = 1
        self.next_seq = 1
        self.events: list[Event] = []

    def emit(self, event: type[Any], **fields: Any) -> None:
        """Append an event of the exchange's own stream, caused by the current command."""
        command = self.next_command & 0xFFFF
        self.events.append(event(seq=self.next_seq, command=command, instrument=EVERY_INSTRUMENT, **fields))
        self.next_seq += 1

    def refuse(self, code: RejectCode, row: Row) -> None:
        """Answer a command with its refusal; it echoes the ids that the kind names, a transaction's as order_id."""
        names_order = row.kind not in _NAME_NOTHING and not CommandKind.MASS_CANCEL <= row.kind <= CommandKind.BUST
        self.emit(
            Rejected,
            code=code,
            order_id=row.order_id if names_order else 0,
            client_id=row.client_id if names_order and row.kind not in _NAME_TXN else 0,
            account=row.account,
        )

    def move_clock(self, ts_ns: int) -> RejectCode | None:
        """Move the clock before a command of the exchange's own; the markets catch up when they are named. O(1)."""
        if ts_ns and ts_ns < self.now_ns:
            return RejectCode.TIME_REVERSED
        self.now_ns = max(self.now_ns, ts_ns)
        return None

    def take_events(self) -> list[Event]:
        """Return what the command emitted; the next one begins anew."""
        events, self.events = self.events, []
        return events
