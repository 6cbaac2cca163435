"""The core of an exchange that writes down what it did before it says so.

It stands between `parbook.Exchange` and a core: the same interface, and every command in the journal. Room in the
journal is made first, then the command runs, then its record is written, then, as the durability has it, a barrier
covers the record; only then the call returns. The core runs ahead of the medium in `submit` alone, whose events wait
inside until their barrier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any, Final, NoReturn, TypeVar, cast

import numpy as np

from parbook._calls import Placed
from parbook.codes import AccountStatus, CommandKind, OrderType, Side, TimeInForce
from parbook.errors import JournalError, JournalFailedError, JournalFencedError, MisuseError
from parbook.interface import MarketProtocol
from parbook.journal import layout
from parbook.journal.layout import FRAME_BYTES, Kind
from parbook.journal.lock import Fence
from parbook.journal.payloads import encode_value
from parbook.journal.segments import Writer
from parbook.listing import Asset, Fees, Listing
from parbook.messages import AmendOrder, CancelOrder, Command, Event, NewOrder, SetCurve
from parbook.protocol.answers import Acted
from parbook.protocol.commands import Order, Tick, encode_command
from parbook.protocol.events import Said
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import ProtocolState
from parbook.records import COMMAND, Records, command_records, curve_record

Done = TypeVar("Done")
FRAME_COMMANDS_MAX: Final = 16_384
"""A larger batch becomes several records."""
RUN_AHEAD_EVENTS: Final = 2**18
"""So many events wait for a barrier at most: then submit() waits too."""


class Durability(StrEnum):
    """When a call says what it did.

    NONE   at once: a crash of the process loses nothing, one of the machine what the system had not written yet
    GROUP  when a barrier covers it; a thread runs barriers, one for all that has gathered, and submit() runs ahead
    EVERY  when a barrier of its own covers it
    """

    NONE = "none"
    GROUP = "group"
    EVERY = "every"


class DurableCore:
    """An ExchangeProtocol around a core and a writer. `position`: how many events the core has emitted."""

    def __init__(
        self,
        core: BackedExchange,
        writer: Writer,
        fence: Fence,
        durability: Durability,
        position: int,
    ) -> None:
        self.core = core
        self.writer = writer
        self.fence = fence
        self.durability = durability
        self.position = position
        self.acknowledged = writer.durable
        self._failure: BaseException | None = None
        self.failure_is_known = False
        """Whether a call has raised it. A barrier in the background fails in silence until one does."""
        self._waiting: deque[tuple[int, Records]] = deque()
        self._waiting_events = 0
        self._unheard: deque[tuple[int, list[Said]]] = deque()
        if durability is Durability.GROUP:
            writer.barriers.start()

    # --- what every command goes through --------------------------------------------------------

    def _ready(self, payload_bytes: int) -> None:
        """Refuse a command that could not be journaled, before it runs."""
        self.refuse_failed()
        try:
            self.writer.make_room(payload_bytes)
        except OSError as error:
            self._fail(error)

    def _carry_out(
        self, kind: Kind, payload: bytes, run: Callable[[], Done], emitted: Callable[[Done], int], count: int = 1
    ) -> tuple[int, Done]:
        """Have the core do something and write it down; return (its record, what the core answered)."""
        stood = self._stands()
        try:
            answer = run()
            record = self._record(kind, payload, stood, emitted(answer), count)
        except (MisuseError, JournalError):
            raise
        except BaseException as error:
            self.failure_is_known = True
            # An interrupt, or no memory: the core may have done what the journal will never know of.
            self._failure = self._failure or JournalFailedError(
                f"a call was interrupted between core and journal by {type(error).__name__}. Close this exchange and "
                "open the journal again: what is in it then is what counts."
            )
            raise
        said = self.core.take_said()
        if said:
            self._unheard.append((record, said))
        return record, answer

    def _record(self, kind: Kind, payload: bytes, stood: tuple[int, int], emitted: int, count: int = 1) -> int:
        """Write down what the core has just done; `stood`: its next command and its clock before that."""
        try:
            record = self.writer.append(
                kind, payload, command=stood[0], position=self.position, now_ns=stood[1], count=count
            )
        except OSError as error:
            self._fail(error)
        self.position += emitted
        return record

    def journal(self, kind: Kind, payload: bytes) -> int:
        """Write down something that changes no state, and return its number. It is durable after a barrier."""
        self._ready(len(payload))
        return self._record(kind, payload, self._stands(), 0)

    @property
    def has_failed(self) -> bool:
        """Whether the journal cannot go on."""
        return self._failure is not None or self.writer.barriers.error is not None

    def _stands(self) -> tuple[int, int]:
        return self.core.next_command, self.core.now_ns

    def barrier(self) -> None:
        """Return when everything so far is on the medium, and this is still the one writer."""
        self.refuse_failed()
        try:
            durable = self.writer.sync()
            self.fence.check()
        except (OSError, JournalFencedError) as error:
            self._fail(error)
        self.acknowledged = max(self.acknowledged, durable)

    def look(self) -> int:
        """Return the last record to be spoken of: a barrier covered it, and this was the one writer after that."""
        durable = self.writer.durable
        if durable > self.acknowledged and not self.has_failed:
            try:
                self.fence.check()
            except JournalFencedError as error:
                self._fail(error)
            self.acknowledged = durable
        return self.acknowledged

    def _acknowledge(self) -> None:
        """Wait as long as the durability asks before a call may return."""
        if self.durability is not Durability.NONE:
            self.barrier()
            return
        try:
            self.fence.check()
        except JournalFencedError as error:
            self._fail(error)
        self.acknowledged = self.writer.appended

    def refuse_failed(self) -> None:
        """JournalFailedError, or JournalFencedError, when the journal cannot be trusted with anything further."""
        error = self._failure or self.writer.barriers.error
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> NoReturn:
        """Never again acknowledge anything: what a failed write or sync left on the medium nobody knows."""
        self._failure = error
        self.failure_is_known = True
        self._waiting.clear()
        if isinstance(error, JournalError):
            raise error
        raise JournalFailedError(
            f"the journal failed: {error}. Nothing of this call is acknowledged, and nothing will be. Close this "
            "exchange and open the journal again: what is in it then is what counts."
        ) from error

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Event]:
        """As the core, and acknowledged."""
        if isinstance(command, SetCurve):
            kind, rows = Kind.CURVE, curve_record(command)
        else:
            kind, rows = Kind.COMMANDS, command_records([command])
        payload = rows.tobytes()
        self._ready(len(payload))
        _, events = self._carry_out(kind, payload, lambda: self.core.apply(command), len, len(rows))
        self._acknowledge()
        return events

    def apply_batch(self, commands: Records) -> Records:
        """As the core, and acknowledged. A batch above FRAME_COMMANDS_MAX becomes several records."""
        batches = [events for _, events in self._run(commands)]
        self._acknowledge()
        return batches[0] if len(batches) == 1 else np.concatenate(batches)

    def submit(self, commands: Records) -> int:
        """Run a batch ahead of the medium and return its last record's number; take() has its events later.

        Waits for a barrier when RUN_AHEAD_EVENTS events wait already. JournalFullError: nothing of it was applied.
        """
        for record, events in self._run(commands):
            self._waiting.append((record, events))
            self._waiting_events += len(events)
        if self.durability is not Durability.GROUP or self._waiting_events > RUN_AHEAD_EVENTS:
            self._acknowledge()
        else:
            self.writer.barriers.ask()
        return self.writer.appended

    def _run(self, commands: Records) -> list[tuple[int, Records]]:
        """Run a batch and write it down; return each record's number and events."""
        if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1 or not len(commands):
            # The core says what is wrong with it, or that there is nothing to do.
            self.refuse_failed()
            return [(self.writer.appended, self.core.apply_batch(commands))]
        ends = _frame_ends(commands)
        # Room for all of it in one segment: a batch is refused whole or not at all.
        self._ready(len(commands) * COMMAND.itemsize + (len(ends) - 1) * FRAME_BYTES)
        done = []
        start = 0
        for end in ends:
            part = commands[start:end]
            done.append(
                self._carry_out(Kind.COMMANDS, part.tobytes(), partial(self.core.apply_batch, part), len, len(part))
            )
            start = end
        return done

    def take(self) -> list[Records]:
        """Return the events of submitted batches that are acknowledged by now, oldest first."""
        self.refuse_failed()
        acknowledged = self.look()
        taken = []
        while self._waiting and self._waiting[0][0] <= acknowledged:
            taken.append(self._waiting.popleft()[1])
            self._waiting_events -= len(taken[-1])
        return taken

    def _of_one(self, command: NewOrder | CancelOrder | AmendOrder, run: Callable[[], Any]) -> Any:
        # What falls due in the protocol may touch other instruments, whose events this call would not count.
        if self.core.is_due(command.ts_ns):
            self.act(Tick(ts_ns=command.ts_ns))
        payload = command_records([command]).tobytes()
        self._ready(len(payload))
        before = self._emitted(command.instrument)
        _, answer = self._carry_out(Kind.COMMANDS, payload, run, lambda _: self._emitted(command.instrument) - before)
        self._acknowledge()
        return answer

    def _emitted(self, instrument: int) -> int:
        known = instrument < len(self.core.listings)
        return self.core.next_seq + (self.core.market(instrument).next_seq if known else 0)

    def place(
        self,
        instrument: int,
        account: int,
        side: int,
        qty_lots: int,
        price_ticks: int = 0,
        order_type: int = 0,
        tif: int = 0,
        client_id: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """As the core, and acknowledged."""
        # A core takes any numbers here and refuses those that mean nothing; so does the record.
        command = NewOrder(
            account=account,
            side=cast(Side, side),
            qty_lots=qty_lots,
            price_ticks=price_ticks,
            order_type=cast(OrderType, order_type),
            tif=cast(TimeInForce, tif),
            client_id=client_id,
            ts_ns=ts_ns,
            instrument=instrument,
        )
        order = (account, side, qty_lots, price_ticks, order_type, tif, client_id, ts_ns)
        placed: Placed = self._of_one(command, lambda: self.core.place(instrument, *order))
        return placed

    def cancel(self, instrument: int, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """As the core, and acknowledged."""
        command = CancelOrder(
            account=account, order_id=order_id, client_id=client_id, ts_ns=ts_ns, instrument=instrument
        )
        code: int = self._of_one(command, lambda: self.core.cancel(instrument, account, order_id, client_id, ts_ns))
        return code

    def amend(
        self,
        instrument: int,
        account: int,
        order_id: int = 0,
        client_id: int = 0,
        qty_lots: int = 0,
        price_ticks: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """As the core, and acknowledged."""
        command = AmendOrder(
            account=account,
            order_id=order_id,
            client_id=client_id,
            qty_lots=qty_lots,
            price_ticks=price_ticks,
            ts_ns=ts_ns,
            instrument=instrument,
        )
        order = (account, order_id, client_id, qty_lots, price_ticks, ts_ns)
        placed: Placed = self._of_one(command, lambda: self.core.amend(instrument, *order))
        return placed

    # --- the protocol ---------------------------------------------------------------------------

    @property
    def protocol(self) -> ProtocolState:
        """As the core."""
        return self.core.protocol

    def act(self, command: Order) -> Acted:
        """As the core, and acknowledged."""
        payload = encode_command(command)
        if len(payload) > layout.PAYLOAD_BYTES_MAX:
            raise MisuseError(
                f"{type(command).__name__}: it takes {len(payload)} bytes, and a record of the journal holds "
                f"{layout.PAYLOAD_BYTES_MAX}. Send it in parts."
            )
        self._ready(len(payload))
        record, (no, events) = self._carry_out(
            Kind.PROTOCOL, payload, lambda: self.core.act_encoded(payload), lambda answer: len(answer[1])
        )
        self._acknowledge()
        own = self._unheard.pop()[1] if self._unheard and self._unheard[-1][0] == record else []
        return Acted(no, events, own)

    def backing_report(self, token: int, previous: bytes | None = None) -> bytes:
        """As the core."""
        return self.core.backing_report(token, previous)

    def take_said(self) -> list[Said]:
        """Return what the protocol said and what is acknowledged by now, oldest first."""
        said: list[Said] = []
        while self._unheard and self._unheard[0][0] <= self.look():
            said += self._unheard.popleft()[1]
        return said

    # --- what is listed -------------------------------------------------------------------------

    def add_asset(self, asset: Asset) -> int:
        """As the core, and acknowledged."""
        return self._listed(Kind.ASSET, asset, self.core.add_asset)

    def add_instrument(self, listing: Listing) -> int:
        """As the core, and acknowledged."""
        return self._listed(Kind.LISTING, listing, self.core.add_instrument)

    def _listed(self, kind: Kind, value: Any, add: Callable[[Any], int]) -> int:
        payload = encode_value(value) if isinstance(value, Asset | Listing) else b""
        self._ready(len(payload))
        _, index = self._carry_out(kind, payload, lambda: add(value), lambda _: 0)
        self._acknowledge()
        return index

    # --- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the thread and let go of the files. Nothing is synced here."""
        self.writer.close()
        self.fence.close()
        if self._failure is None:
            self._failure = JournalError("this exchange is closed. Open its journal again with parbook.open.")

    # --- looking --------------------------------------------------------------------------------

    @property
    def assets(self) -> tuple[Asset, ...]:
        """As the core."""
        return self.core.assets

    @property
    def listings(self) -> tuple[Listing, ...]:
        """As the core."""
        return self.core.listings

    def market(self, instrument: int) -> MarketProtocol:
        """As the core."""
        return self.core.market(instrument)

    def balance(self, account: int, asset: int) -> int:
        """As the core."""
        return self.core.balance(account, asset)

    def held(self, account: int, asset: int) -> int:
        """As the core."""
        return self.core.held(account, asset)

    def available(self, account: int, asset: int) -> int:
        """As the core."""
        return self.core.available(account, asset)

    def fees_taken(self, asset: int) -> int:
        """As the core."""
        return self.core.fees_taken(asset)

    def suspense(self, asset: int) -> int:
        """As the core."""
        return self.core.suspense(asset)

    def inside(self, asset: int) -> int:
        """As the core."""
        return self.core.inside(asset)

    def fees_of(self, account: int) -> Fees:
        """As the core."""
        return self.core.fees_of(account)

    def status_of(self, account: int) -> AccountStatus:
        """As the core."""
        return self.core.status_of(account)

    @property
    def now_ns(self) -> int:
        """As the core."""
        return self.core.now_ns

    @property
    def next_command(self) -> int:
        """As the core."""
        return self.core.next_command

    @property
    def next_seq(self) -> int:
        """As the core."""
        return self.core.next_seq

    def state_bytes(self) -> bytes:
        """As the core."""
        return self.core.state_bytes()

    def state_hash(self) -> str:
        """As the core."""
        return self.core.state_hash()

    def check(self) -> None:
        """As the core."""
        self.core.check()


def _frame_ends(commands: Records) -> list[int]:
    """Return where the records of a batch end: a special command and its TERMS stay together."""
    ends = []
    end = 0
    while end < len(commands):
        end = min(end + FRAME_COMMANDS_MAX, len(commands))
        if end < len(commands) and commands["kind"][end] == CommandKind.TERMS:
            end += 1
        ends.append(end)
    return ends
