"""What every command of a scenario must satisfy, whatever its table spells out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from parbook import messages as m
from parbook.codes import AccountField, OrderType, Place, Side, Source, StpMode
from parbook.interface import MarketProtocol
from parbook.state import HEADER, ORDER
from tests.parity.reading import live_orders, read
from tests.support.scenario_commands import ScenarioError

_SAME_NAME = tuple(name for name in ORDER.names or () if name not in ("reserved", "quote_slot"))


def state_but_counters(market: MarketProtocol) -> bytes:
    """Return the state's bytes without next_seq, next_command and the clock: what no refusal may change."""
    state = bytearray(market.state_bytes())
    header = np.frombuffer(state, HEADER, count=1)
    for name in ("now_ns", "next_seq", "next_command"):
        header[name] = 0
    return bytes(state)


def same(what: str, got: object, expected: object) -> None:
    """Raise ScenarioError unless the two are equal."""
    if got != expected:
        raise ScenarioError(f"{what}\n  got      {got}\n  expected {expected}")


def views_agree(market: MarketProtocol) -> None:
    """Compare every view with the state: open orders, touch, queues, single orders."""
    live = live_orders(market)
    same("open_orders", market.open_orders, len(live))
    best = [0, 0]
    queues: dict[tuple[int, int], list[int]] = {}
    for row in live:
        order = market.order(int(row["order_id"]))
        same(
            f"order {row['order_id']}", [int(getattr(order, n)) for n in _SAME_NAME], [int(row[n]) for n in _SAME_NAME]
        )
        side, price, place = int(row["side"]), int(row["price_ticks"]), int(row["place"])
        if place <= Place.HIDDEN:
            queues.setdefault((side, price), []).append(int(row["order_id"]))
        if place <= Place.ICEBERG:
            best[side] = best[side] or price
    same("best bid and ask", [market.best_bid_ticks, market.best_ask_ticks], best)
    for (side, price), ids in queues.items():
        same(f"queue of side {side} at {price}", market.queue(side, price), ids)


class Witness:
    """Follows a market by its events alone: who owns which order, what is left of it, what each account holds.

    Shares no code with either implementation.
    """

    def __init__(self) -> None:
        self.account_of: dict[int, int] = {}
        self.totals: dict[int, int] = {}
        self.filled: dict[int, int] = {}
        self.positions: dict[int, int] = {}
        self.trades: list[m.Trade] = []

    def follow(self, events: Iterable[m.Event], command: m.Command) -> None:
        """Apply the events of one command, and hold them against it and against what came before."""
        aggressor = 0
        for event in events:
            if isinstance(event, m.Accepted):
                self._accepted(event, command)
            elif isinstance(event, m.Rejected):
                got = [event.order_id, event.client_id, event.account]
                same("refusal", got, [getattr(command, n, 0) for n in ("order_id", "client_id", "account")])
            elif isinstance(event, m.Trade):
                self._traded(event, aggressor)
            elif isinstance(event, m.Busted):
                self._busted(event, command)
            elif isinstance(event, m.Prevented):
                self._prevented(event, aggressor)
            elif isinstance(event, (m.AccountSet, m.DeadManSet)):
                self._registered(event)
            elif hasattr(event, "order_id"):
                same(f"account of {event}", event.account, self.account_of.get(event.order_id))
                self._changed(event)
            if isinstance(event, (m.Accepted, m.Amended, m.Triggered)):
                aggressor = event.order_id

    def compare(self, market: MarketProtocol) -> None:
        """Hold what the events said against what the market holds."""
        reading = read(market)
        left = {i: total - self.filled[i] for i, total in self.totals.items() if total > self.filled[i]}
        got = {int(row["order_id"]): int(row["qty_lots"] - row["filled_lots"]) for row in reading.orders}
        same("leaves by the state, and by the events", got, left)
        positions = {int(row["account"]): int(row["position_lots"]) for row in reading.accounts}
        same("positions by the state, and by the events", positions, self.positions)

    def _accepted(self, event: m.Accepted, command: m.Command) -> None:
        if isinstance(command, m.NewOrder):
            names = ("account", "side", "qty_lots", "client_id")
            same("echo", [getattr(event, n) for n in names], [getattr(command, n) for n in names])
            if command.order_type in (OrderType.LIMIT, OrderType.POST_ONLY) and not event.leaves_lots:
                same("price of an order of which nothing stays", event.price_ticks, command.price_ticks)
        elif isinstance(command, m.Quote):
            bid = event.side is Side.BUY
            asked = (command.bid_ticks, command.bid_lots) if bid else (command.ask_ticks, command.ask_lots)
            same("echo", [event.account, event.price_ticks, event.qty_lots], [command.account, *asked])
        else:
            raise ScenarioError(f"{type(command).__name__} made an order")
        same("order id", event.order_id in self.account_of, False)
        self.account_of[event.order_id] = event.account
        self.totals[event.order_id], self.filled[event.order_id] = event.qty_lots, 0

    def _traded(self, event: m.Trade, aggressor: int) -> None:
        same("maker's account", event.maker_account, self.account_of.get(event.maker_order_id, 0))
        same("taker's account", event.taker_account, self.account_of.get(event.taker_order_id, 0))
        if event.source is Source.LIFT:
            same("taker of a lift", event.taker_order_id, 0)
        elif event.source not in (Source.UNCROSS, Source.UNCROSS_CURVE):
            same("taker", event.taker_order_id, aggressor)
        for order_id in filter(None, (event.maker_order_id, event.taker_order_id)):
            self.filled[order_id] += event.qty_lots
        if event.maker_order_id:
            left = self.totals[event.maker_order_id] - self.filled[event.maker_order_id]
            same("leaves of the maker", event.maker_leaves_lots, left)
        self._move(event, event.qty_lots)
        self.trades.append(event)

    def _busted(self, event: m.Busted, command: m.Command) -> None:
        assert isinstance(command, m.BustTrade)
        same("trade", event.trade_seq, command.trade_seq)
        (trade,) = [trade for trade in self.trades if trade.seq == event.trade_seq]
        names = ("source", "side", "price_ticks", "qty_lots", "taker_account", "maker_account")
        same("the busted trade", [getattr(event, n) for n in names], [getattr(trade, n) for n in names])
        self._move(trade, -trade.qty_lots)

    def _move(self, trade: m.Trade, lots: int) -> None:
        sign = 1 if trade.side is Side.BUY else -1
        for account, moved in ((trade.taker_account, sign * lots), (trade.maker_account, -sign * lots)):
            if account in self.positions:
                self.positions[account] += moved

    def _prevented(self, event: m.Prevented, aggressor: int) -> None:
        same("taker", event.taker_order_id, aggressor)
        if event.mode is StpMode.DECREMENT:
            self.totals[event.taker_order_id] -= event.qty_lots
            self.totals[event.maker_order_id] -= event.qty_lots
            left = self.totals[event.maker_order_id] - self.filled[event.maker_order_id]
            same("leaves of the maker", event.maker_leaves_lots, left)

    def _registered(self, event: m.AccountSet | m.DeadManSet) -> None:
        self.positions.setdefault(event.account, 0)
        if isinstance(event, m.AccountSet) and event.field is AccountField.POSITION_LOTS:
            self.positions[event.account] = event.value

    def _changed(self, event: m.Event) -> None:
        match event:
            case m.Cancelled():
                left = self.totals[event.order_id] - self.filled[event.order_id]
                same("lots of a cancel", event.qty_lots, left)
                self.totals[event.order_id] = self.filled[event.order_id]
            case m.Amended() | m.Triggered():
                self.totals[event.order_id] = event.qty_lots
            case m.Shown() | m.Repriced():
                left = self.totals[event.order_id] - self.filled[event.order_id]
                same(f"leaves of {type(event).__name__}", event.leaves_lots, left)
