"""The reference exchange: many markets over one ledger and one clock, behind `parbook.interface.ExchangeProtocol`.

A command goes to its market, to all of them, or to the exchange itself (`tills`). It is answered in the stream of the
instrument it went to, or in the exchange's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from parbook.codes import AccountStatus, CommandKind, RejectCode
from parbook.errors import MisuseError
from parbook.listing import ASSETS_MAX, Asset, Fees, Listing
from parbook.messages import (
    Advanced,
    AmendOrder,
    CancelOrder,
    Command,
    Event,
    NewOrder,
    Repeated,
    SetCurve,
)
from parbook.records import Records, command_records, curve_record, event_records
from parbook.reference import exchange_views, running, tills
from parbook.reference.desk import Desk, Row
from parbook.reference.exchange_restore import restore_exchange
from parbook.reference.exchange_views import MarketView
from parbook.reference.funds import Funds
from parbook.reference.market import Placed, placed_of, refuse_other_numbers
from parbook.reference.office import Office
from parbook.reference.outcomes import OUTCOMES_MAX, Outcome, Outcomes
from parbook.reference.running import refuse_other_arrays, rows_of
from parbook.state_parts import cut_exchange, refuse_other_states
from parbook.units import EVERY_INSTRUMENT, INSTRUMENTS_MAX, checked_int

EVERYWHERE: Final = frozenset({CommandKind.ADVANCE, CommandKind.MASS_CANCEL, CommandKind.KILL, CommandKind.DEADMAN})
"""Kinds that may name EVERY_INSTRUMENT."""
CHANGES: Final = frozenset({CommandKind.CANCEL, CommandKind.AMEND, CommandKind.AMEND_SPECIAL, CommandKind.REDUCE})
"""Kinds that name an order."""
REFERRED: Final = CHANGES | {CommandKind.NEW, CommandKind.NEW_SPECIAL}
"""Kinds that carry a session reference, in `high_ticks`."""


class Answer(NamedTuple):
    """The events of one call. Those from `start` on are the command's own, and begin at `first_seq` of one stream."""

    events: list[Event]
    start: int
    instrument: int
    first_seq: int


class Exchange:
    """Assets, instruments and accounts, in plain Python. See `parbook.interface.ExchangeProtocol`."""

    def __init__(self, outcome_window: int = OUTCOMES_MAX) -> None:
        checked_int(outcome_window, "outcome_window", 1, OUTCOMES_MAX)
        self._office = Office(Outcomes(outcome_window))
        self._desks: list[Desk] = []

    @classmethod
    def from_state(cls, state: bytes, assets: Sequence[Asset], listings: Sequence[Listing]) -> Exchange:
        """Return the exchange that had this state. See `parbook.interface.ExchangeProtocol`."""
        refuse_other_states(state)
        parts = cut_exchange(state, assets, listings)
        exchange = cls(parts.header["outcome_window"])
        for asset in assets:
            exchange.add_asset(asset)
        for listing in listings:
            exchange.add_instrument(listing)
        restore_exchange(exchange._office, exchange._desks, parts)
        return exchange

    # --- what is traded -------------------------------------------------------------------------

    def add_asset(self, asset: Asset) -> int:
        """Return the index of a new asset. MisuseError when the name is taken or there is no room. O(assets)."""
        assets = self._office.assets
        if any(asset.name == other.name for other in assets):
            raise MisuseError(f"asset {asset.name} exists already: use its index.")
        if len(assets) >= ASSETS_MAX:
            raise MisuseError(f"an exchange has at most {ASSETS_MAX} assets.")
        assets.append(asset)
        return len(assets) - 1

    def add_instrument(self, listing: Listing) -> int:
        """Return the index of a new instrument, its market empty. MisuseError when it does not fit what is here."""
        office, symbol = self._office, listing.instrument.symbol
        if max(listing.base, listing.quote) >= len(office.assets):
            raise MisuseError(f"listing {symbol}: base and quote must be among the {len(office.assets)} assets added.")
        if any(symbol == other.instrument.symbol for other in office.listings):
            raise MisuseError(f"instrument {symbol} exists already: use its index.")
        if len(office.listings) >= INSTRUMENTS_MAX:
            raise MisuseError(f"an exchange has at most {INSTRUMENTS_MAX} instruments.")
        if any(max(f.maker_ppm, f.taker_ppm) > listing.max_fee_ppm for f in office.fees.tiers.values()):
            raise MisuseError(f"listing {symbol}: a fee tier is above max_fee_ppm={listing.max_fee_ppm}. Raise it.")
        number = len(office.listings)
        office.listings.append(listing)
        funds = Funds(listing, office.ledger, office.fees)
        self._desks.append(Desk(listing.instrument, funds, office.statuses, number))
        return number

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The assets, by index."""
        return tuple(self._office.assets)

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The instruments with their money, by index."""
        return tuple(self._office.listings)

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events. MisuseError when a value does not fit its record field."""
        if isinstance(command, SetCurve):
            curve_record(command)  # refuses values that fit no record, as it does for every other command
            row = Row(CommandKind.SET_CURVE, instrument=command.instrument, ts_ns=command.ts_ns)
            return self._route(row, command).events
        return [event for row in rows_of(command_records([command])) for event in self._run(row).events]

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records and return the EVENT records they caused, in the order of the commands."""
        refuse_other_arrays(commands)
        return event_records([event for row in rows_of(commands) for event in self._run(row).events])

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
        """Enter an order; the shortcut for apply(NewOrder(...))."""
        fields = {name: value for name, value in locals().items() if name != "self"}
        return self._placed(NewOrder, fields)

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
        """Amend an order; the shortcut for apply(AmendOrder(...))."""
        fields = {name: value for name, value in locals().items() if name != "self"}
        return self._placed(AmendOrder, fields)

    def cancel(self, instrument: int, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order; 0 when done, else the RejectCode's number."""
        fields = {name: value for name, value in locals().items() if name != "self"}
        return self._placed(CancelOrder, fields).code

    def _placed(self, kind: type[Any], fields: dict[str, Any]) -> Placed:
        refuse_other_numbers(fields)
        (row,) = rows_of(command_records([kind(**fields)]))
        answer = self._run(row)
        desk = self._desks[row.instrument] if row.instrument < len(self._desks) else None
        # All events of such a call stand in one stream.
        return placed_of(answer.events[answer.start :], fields, answer.events[0].seq, desk)

    # --- routing --------------------------------------------------------------------------------

    def _run(self, row: Row) -> Answer:
        """Run a command, or say again what came of it when its session sent it before."""
        if row.kind not in REFERRED or not row.high_ticks:
            return self._route(row)
        office, session, ref = self._office, row.session, row.high_ticks
        known = office.outcomes.of(session, ref)
        if isinstance(known, RejectCode):
            return self._refuse(known, row)
        if known:
            office.emit(
                Repeated,
                outcome=known.code,
                session_ref=ref,
                account=row.account,
                order_id=known.order_id,
                of_instrument=known.instrument,
                first_seq=known.first_seq,
            )
            return self._answer_of_office()
        answer = self._route(row)
        fields = {"account": row.account, "client_id": row.client_id}
        if row.kind in CHANGES:
            fields["order_id"] = row.order_id
        placed = placed_of(answer.events[answer.start :], fields, answer.first_seq, None)
        office.outcomes.remember(
            session, ref, Outcome(placed.code, placed.order_id, answer.instrument, answer.first_seq)
        )
        return answer

    def _route(self, row: Row, curve: SetCurve | None = None) -> Answer:
        """Run a command where it belongs."""
        if row.kind in tills.HANDLERS:
            tills.run(self._office, row)
            return self._answer_of_office()
        if row.kind not in running.HANDLERS and curve is None:
            return self._refuse(RejectCode.UNKNOWN_COMMAND, row)
        everywhere = row.instrument == EVERY_INSTRUMENT and row.kind in EVERYWHERE
        if everywhere and (self._desks or row.kind == CommandKind.ADVANCE):
            return self._run_everywhere(row)
        if row.instrument >= len(self._desks):
            return self._refuse(RejectCode.UNKNOWN_INSTRUMENT, row)
        return self._run_in(self._desks[row.instrument], row, curve)

    def _run_in(self, desk: Desk, row: Row, curve: SetCurve | None) -> Answer:
        """Run a command in its market, which catches up first; afterwards the market's time is the exchange's."""
        office = self._office
        self._prepare(desk)
        start, first_seq = len(desk.events), desk.next_seq
        desk.next_command = office.next_command
        if curve:
            running.run_set_curve(desk, curve)
        else:
            running.run(desk, row)
        office.next_command += 1
        office.now_ns = desk.now_ns
        return Answer(running.take_events(desk), start, desk.number, first_seq)

    def _run_everywhere(self, row: Row) -> Answer:
        """Run one command in every market, by index. All of them catch up before: numbers of commands never fall."""
        office = self._office
        if row.ts_ns and row.ts_ns < office.now_ns:
            return self._refuse(RejectCode.TIME_REVERSED, row)
        events: list[Event] = []
        for desk in self._desks:
            self._prepare(desk)
            events += running.take_events(desk)
        start = len(events)
        for desk in self._desks:
            desk.next_command = office.next_command
            if row.kind == CommandKind.ADVANCE:
                running.run_clock(desk, row.ts_ns)
            else:
                running.run(desk, row)
            events += running.take_events(desk)
        office.now_ns = max(office.now_ns, row.ts_ns)
        first_seq = office.next_seq
        if row.kind == CommandKind.ADVANCE:
            office.emit(Advanced, ts_ns=office.now_ns)
        return Answer(events + self._answer_of_office().events, start, EVERY_INSTRUMENT, first_seq)

    def _prepare(self, desk: Desk) -> None:
        """Do what comes before a command to a market: what fell due, what was left, each under a number of its own."""
        desk.next_command = self._office.next_command
        running.catch_up(desk, self._office.now_ns)
        running.run_leftovers(desk)
        self._office.next_command = desk.next_command

    def _refuse(self, code: RejectCode, row: Row) -> Answer:
        """Refuse a command that belongs to no market, the clock untouched."""
        self._office.refuse(code, row)
        return self._answer_of_office()

    def _answer_of_office(self) -> Answer:
        """End a command with what it emitted in the exchange's own stream."""
        office = self._office
        office.next_command += 1
        events = office.take_events()
        return Answer(events, 0, EVERY_INSTRUMENT, events[0].seq if events else office.next_seq)

    # --- views ----------------------------------------------------------------------------------

    def market(self, instrument: int) -> MarketView:
        """Return a market to look at. MisuseError for an index that no instrument has."""
        if not self._desks:
            raise MisuseError(f"market({instrument}): the exchange has no instruments yet: add_instrument first.")
        checked_int(instrument, "instrument", 0, len(self._desks) - 1)
        return MarketView(self._office, self._desks[instrument])

    def balance(self, account: int, asset: int) -> int:
        """Atoms an account owns, held ones included."""
        return self._office.ledger.balance(*self._named(account, asset))

    def held(self, account: int, asset: int) -> int:
        """Atoms of the balance that live orders, or a curve, may need."""
        return self._office.ledger.held(*self._named(account, asset))

    def available(self, account: int, asset: int) -> int:
        """Atoms that may be withdrawn, transferred or held for something else."""
        return self._office.ledger.available(*self._named(account, asset))

    def fees_taken(self, asset: int) -> int:
        """Atoms that the venue earned: fees minus rebates."""
        return self._office.ledger.fees.get(self._named(0, asset)[1], 0)

    def suspense(self, asset: int) -> int:
        """Atoms of busts that nobody paid for, negative when the venue owes them."""
        return self._office.ledger.suspense.get(self._named(0, asset)[1], 0)

    def inside(self, asset: int) -> int:
        """Atoms that were deposited and not withdrawn: balances, fees and suspense together."""
        return self._office.ledger.inside.get(self._named(0, asset)[1], 0)

    def _named(self, account: int, asset: int) -> tuple[int, int]:
        """Return (account, asset); MisuseError for an account that is no number or an asset that does not exist."""
        if not self._office.assets:
            raise MisuseError(f"asset={asset}: the exchange has no assets yet: add_asset first.")
        return exchange_views.checked_account(account), checked_int(asset, "asset", 0, len(self._office.assets) - 1)

    def fees_of(self, account: int) -> Fees:
        """What an account pays."""
        return self._office.fees.of(exchange_views.checked_account(account))

    def status_of(self, account: int) -> AccountStatus:
        """What an account may do."""
        return self._office.statuses.of(exchange_views.checked_account(account))

    @property
    def now_ns(self) -> int:
        """The exchange's clock: the greatest ts_ns of any command so far."""
        return self._office.now_ns

    @property
    def next_command(self) -> int:
        """The number the next command will have. The first is 1."""
        return self._office.next_command

    @property
    def next_seq(self) -> int:
        """Sequence number of the next event in the exchange's own stream. The first is 1."""
        return self._office.next_seq

    def state_bytes(self) -> bytes:
        """Return the canonical serialisation of the state; layout in `parbook.exchange_state`."""
        return exchange_views.state_bytes(self._office, self._desks)

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()`."""
        return exchange_views.digest(self.state_bytes())

    def check(self) -> None:
        """Raise InvariantError unless every market and the ledger are sound. O(state)."""
        exchange_views.check(self._office, self._desks)
