"""What people do: place, amend, cancel; and what a venue does to all of it."""

from __future__ import annotations

from typing import Any, Final, Unpack

from parbook.codes import CancelReason, OrderType, RejectCode, Side, TimeInForce
from parbook.errors import MisuseError
from parbook.messages import (
    Accepted,
    Amended,
    AmendOrder,
    BustTrade,
    Cancelled,
    CancelOrder,
    DeadMan,
    Event,
    Kill,
    MassCancel,
    NewOrder,
    Quote,
    Quoted,
    ReduceOrder,
    Rejected,
    Repeated,
    ResetProtection,
    Trade,
)
from parbook.units import QTY_LOTS_MAX, checked_int
from parbook.venue.base import Base, InstrumentLike, named
from parbook.venue.choices import chosen
from parbook.venue.grid import Exact, InstrumentHandle, one_of
from parbook.venue.results import Fill, Outcome, Placement, QuoteOutcome, fill_fee, own_events, refusal_in
from parbook.venue.terms import Terms, order_fields

_PRICED: Final = frozenset({OrderType.LIMIT, OrderType.POST_ONLY, OrderType.POST_SLIDE, OrderType.PEGGED})


class Orders(Base):
    """Orders and quotes.

    Prices, quantities and amounts are text, Decimal or int in units of the instrument, exact or refused with a
    ConversionError; or integers (price_ticks=, qty_lots=), which skip the parsing and which the engine itself refuses
    when they are out of range. `client_id` is text or an integer, unique per account: see `parbook.venue.ids`. `ts` is
    ns, 0 means now. What the rules turn down comes back as a value with a code; MisuseError is for calls that make no
    sense.
    """

    def place(
        self,
        instrument: InstrumentLike,
        account: int,
        side: Side | str,
        qty: Exact | None = None,
        price: Exact | None = None,
        *,
        qty_lots: int | None = None,
        price_ticks: int | None = None,
        type: OrderType | str = OrderType.LIMIT,
        tif: TimeInForce | str = TimeInForce.GTC,
        client_id: str | int | None = None,
        ts: int = 0,
        **terms: Unpack[Terms],
    ) -> Placement:
        """Enter an order; `terms`: see Terms. A market order by `amount` needs no quantity.

        It may then buy as many lots as the amount pays for at the best offer of depth.
        """
        handle = self.instrument(instrument)
        kind = chosen(OrderType, type, "type")
        what = f"place on {handle.name} for {named(account)}"
        ticks = _number(price, price_ticks, "price", "price_ticks", handle.price_ticks)
        if ticks is None and kind in _PRICED:
            raise MisuseError(f"{what}: a {kind.name} order needs a price. Give price= or price_ticks=.")
        fields = order_fields(handle, terms) if terms else {}
        lots = _number(qty, qty_lots, "qty", "qty_lots", handle.qty_lots)
        if lots is None and fields.get("amount_notional"):
            lots = self._most_lots(handle, fields["amount_notional"])
        if lots is None:
            raise MisuseError(f"{what}: no quantity. Give qty= or qty_lots=, or amount= to a market order that buys.")
        command = NewOrder(
            account=account,
            side=chosen(Side, side, "side"),
            qty_lots=lots,
            price_ticks=ticks or 0,
            order_type=kind,
            tif=chosen(TimeInForce, tif, "tif"),
            client_id=self._ids.number(account, client_id),
            ts_ns=ts,
            instrument=int(handle),
            **fields,
        )
        placement = self._of_one_order(what, handle, command, client_id)
        if placement.ok:
            self._ids.remember(account, command.client_id, client_id)
        return placement

    def amend(
        self,
        instrument: InstrumentLike,
        account: int,
        *,
        order_id: int = 0,
        client_id: str | int | None = None,
        qty: Exact | None = None,
        price: Exact | None = None,
        qty_lots: int | None = None,
        price_ticks: int | None = None,
        display: Exact | None = None,
        stop: Exact | None = None,
        ts: int = 0,
        session: int = 0,
        session_ref: int = 0,
    ) -> Placement:
        """Set a live order's total and price; what is not given stays. Only a smaller total keeps priority."""
        handle = self.instrument(instrument)
        command = AmendOrder(
            account=account,
            order_id=order_id,
            client_id=self._ids.number(account, client_id),
            qty_lots=_number(qty, qty_lots, "qty", "qty_lots", handle.qty_lots) or 0,
            price_ticks=_number(price, price_ticks, "price", "price_ticks", handle.price_ticks) or 0,
            display_lots=0 if display is None else handle.qty_lots(display, "display"),
            stop_ticks=0 if stop is None else handle.price_ticks(stop, "stop"),
            ts_ns=ts,
            session=session,
            session_ref=session_ref,
            instrument=int(handle),
        )
        return self._of_one_order(f"amend on {handle.name} for {named(account)}", handle, command, client_id)

    def cancel(
        self,
        instrument: InstrumentLike,
        account: int,
        *,
        order_id: int = 0,
        client_id: str | int | None = None,
        ts: int = 0,
        session: int = 0,
        session_ref: int = 0,
    ) -> Placement:
        """Take a live order out, named by order_id or, without it, by client_id."""
        handle = self.instrument(instrument)
        command = CancelOrder(
            account=account,
            order_id=order_id,
            client_id=self._ids.number(account, client_id),
            ts_ns=ts,
            session=session,
            session_ref=session_ref,
            instrument=int(handle),
        )
        return self._of_one_order(f"cancel on {handle.name} for {named(account)}", handle, command, client_id)

    def reduce(
        self,
        instrument: InstrumentLike,
        account: int,
        qty: Exact | None = None,
        *,
        qty_lots: int | None = None,
        order_id: int = 0,
        client_id: str | int | None = None,
        ts: int = 0,
        session: int = 0,
        session_ref: int = 0,
    ) -> Placement:
        """Take a quantity off a live order; it keeps its place, and leaves when nothing is left."""
        handle = self.instrument(instrument)
        what = f"reduce on {handle.name} for {named(account)}"
        lots = _number(qty, qty_lots, "qty", "qty_lots", handle.qty_lots)
        if lots is None:
            raise MisuseError(f"{what}: no quantity to take off. Give qty= or qty_lots=.")
        command = ReduceOrder(
            account=account,
            qty_lots=lots,
            order_id=order_id,
            client_id=self._ids.number(account, client_id),
            ts_ns=ts,
            session=session,
            session_ref=session_ref,
            instrument=int(handle),
        )
        return self._of_one_order(what, handle, command, client_id)

    def client_text(self, account: int, client_id: int) -> str | None:
        """Return the text behind a client id in an event; None when it was an integer or is forgotten."""
        return self._ids.text(account, client_id)

    # --- quotes, and what a venue does ----------------------------------------------------------

    def quote(
        self,
        instrument: InstrumentLike,
        account: int,
        *,
        slot: int = 0,
        bid: Exact | None = None,
        bid_qty: Exact | None = None,
        ask: Exact | None = None,
        ask_qty: Exact | None = None,
        bid_ticks: int | None = None,
        bid_lots: int | None = None,
        ask_ticks: int | None = None,
        ask_lots: int | None = None,
        session: int = 0,
        ts: int = 0,
    ) -> QuoteOutcome:
        """Replace the two-sided quote in a slot, both sides or neither; a side without a quantity is withdrawn."""
        handle = self.instrument(instrument)
        what = f"quote on {handle.name} for {named(account)}"
        command = Quote(
            account=account,
            slot=slot,
            bid_ticks=_number(bid, bid_ticks, "bid", "bid_ticks", handle.price_ticks) or 0,
            bid_lots=_number(bid_qty, bid_lots, "bid_qty", "bid_lots", handle.qty_lots) or 0,
            ask_ticks=_number(ask, ask_ticks, "ask", "ask_ticks", handle.price_ticks) or 0,
            ask_lots=_number(ask_qty, ask_lots, "ask_qty", "ask_lots", handle.qty_lots) or 0,
            session=session,
            ts_ns=ts,
            instrument=int(handle),
        )
        events = self._run(command)
        own = own_events(events)
        stands = next((event for event in own if isinstance(event, Quoted)), None)
        return QuoteOutcome(
            what=what,
            code=refusal_in(own),
            events=events,
            bid_order_id=stands.bid_order_id if stands else 0,
            ask_order_id=stands.ask_order_id if stands else 0,
        )

    def reset_protection(self, instrument: InstrumentLike, account: int, *, ts: int = 0) -> Outcome:
        """Let an account quote again after its protection pulled its quotes."""
        handle = self.instrument(instrument)
        command = ResetProtection(account=account, ts_ns=ts, instrument=int(handle))
        return self._outcome(f"reset_protection on {handle.name} for {named(account)}", command)

    def mass_cancel(
        self,
        instrument: InstrumentLike | None = None,
        *,
        account: int = 0,
        session: int = 0,
        side: Side | str | None = None,
        reason: CancelReason | str = CancelReason.MASS,
        ts: int = 0,
    ) -> Outcome:
        """Cancel live orders: of one account, session, side, instrument, or of all that is not named."""
        index, where = self._scope(instrument)
        command = MassCancel(
            account=account,
            session=session,
            side=2 if side is None else chosen(Side, side, "side"),
            reason=chosen(CancelReason, reason, "reason"),
            ts_ns=ts,
            instrument=index,
        )
        return self._outcome(f"mass_cancel in {where}", command)

    def kill(self, account: int, instrument: InstrumentLike | None = None, *, ts: int = 0) -> Outcome:
        """Cancel an account's orders and refuse its next ones until set_account(killed=False)."""
        index, where = self._scope(instrument)
        return self._outcome(f"kill of {named(account)} in {where}", Kill(account=account, ts_ns=ts, instrument=index))

    def dead_man(
        self, account: int, timeout_ns: int, instrument: InstrumentLike | None = None, *, ts: int = 0
    ) -> Outcome:
        """Cancel an account's orders at now + timeout_ns unless this comes again before; 0 disarms."""
        index, where = self._scope(instrument)
        command = DeadMan(account=account, timeout_ns=timeout_ns, ts_ns=ts, instrument=index)
        return self._outcome(f"dead_man of {named(account)} in {where}", command)

    def bust(self, instrument: InstrumentLike, trade_id: int, *, ts: int = 0) -> Outcome:
        """Declare a fill void: money, assets and fees return, orders do not. Needs the instrument's bust_window."""
        handle = self.instrument(instrument)
        command = BustTrade(trade_seq=trade_id, ts_ns=ts, instrument=int(handle))
        return self._outcome(
            f"bust of trade {checked_int(trade_id, 'trade_id', 0, 2**64 - 1)} on {handle.name}", command
        )

    # --- what became of an order ----------------------------------------------------------------

    def _most_lots(self, handle: InstrumentHandle, amount_notional: int) -> int:
        """Return the lots an amount buys at the best offer that depth shows; more is not worth reckoning with."""
        depth = self._core.market(int(handle)).depth(1)
        asks = depth["price_ticks"][depth["side"] == Side.SELL]
        lots = amount_notional // int(asks[0]) if len(asks) else 1
        return max(1, min(lots, handle.instrument.max_order_lots, QTY_LOTS_MAX))

    def _of_one_order(
        self,
        what: str,
        handle: InstrumentHandle,
        command: NewOrder | CancelOrder | AmendOrder | ReduceOrder,
        client_id: str | int | None,
    ) -> Placement:
        named_id = 0 if isinstance(command, NewOrder) else command.order_id
        events = self._run(command)
        own = own_events(events)
        code, order_id, trades, repeated = _answer(own, command.account, named_id, command.client_id)
        first_seq, leaves_lots = own[0].seq, 0
        if isinstance(repeated, Repeated):
            first_seq = repeated.first_seq
        if code is None:
            order = self._core.market(int(handle)).order(order_id)
            leaves_lots = order.qty_lots - order.filled_lots if order else 0
        return Placement(
            what=what,
            code=code,
            events=events,
            instrument=handle,
            account=command.account,
            order_id=order_id,
            client_id=client_id,
            fills=tuple(self._fill(handle, trade, order_id) for trade in trades),
            filled_lots=sum(trade.qty_lots for trade in trades),
            notional=sum(trade.price_ticks * trade.qty_lots for trade in trades),
            leaves_lots=leaves_lots,
            first_seq=first_seq,
            repeated=repeated is not None,
        )

    def _fill(self, handle: InstrumentHandle, trade: Trade, order_id: int) -> Fill:
        notional_atoms = trade.price_ticks * trade.qty_lots * handle.listing.tick_atoms
        taker_atoms, maker_atoms = (
            fill_fee(self._core.fees_of(account), trade.source, notional_atoms, maker=maker) if account else 0
            for account, maker in ((trade.taker_account, False), (trade.maker_account, True))
        )
        return Fill(
            instrument=handle,
            trade_id=trade.seq,
            source=trade.source,
            is_maker=trade.maker_order_id == order_id,
            price_ticks=trade.price_ticks,
            qty_lots=trade.qty_lots,
            taker_fee_atoms=taker_atoms,
            maker_fee_atoms=maker_atoms,
        )


def _number(text: Exact | None, number: int | None, text_name: str, number_name: str, convert: Any) -> int | None:
    """Return a value given in units or as an integer, None when it is not given; not both."""
    if text is None:
        return None if number is None else checked_int(number, number_name, -(2**63), 2**63 - 1)
    one_of(text, number, text_name, number_name)
    converted: int = convert(text, text_name)
    return converted


def _answer(
    own: list[Event], account: int, named_id: int, client_number: int
) -> tuple[RejectCode | None, int, list[Trade], Repeated | None]:
    """Return (refusal, order id, the order's trades, Repeated) of a command's own events.

    What a clock or a stop moved, the very order perhaps, comes before the command's word on its own order.
    """
    refused = next((event for event in own if isinstance(event, Rejected)), None)
    if refused:
        return refused.code, refused.order_id, [], None
    for start, event in enumerate(own):
        if isinstance(event, Repeated):
            return RejectCode(event.outcome) if event.outcome else None, event.order_id, [], event
        if not isinstance(event, (Accepted, Amended, Cancelled)):
            continue
        named = event.order_id == named_id if named_id else (event.account, event.client_id) == (account, client_number)
        if not named and not isinstance(event, Accepted):
            continue
        trades = [trade for trade in own[start:] if isinstance(trade, Trade)]
        mine = [trade for trade in trades if event.order_id in (trade.taker_order_id, trade.maker_order_id)]
        return None, event.order_id, mine, None
    raise AssertionError(f"a command without an answer: {own}")  # pragma: no cover
