"""A market driven command by command, its events told in short: what the tests of accounts and sessions are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parbook import messages as m
from parbook.codes import AccountField, Side
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from tests.parity.reading import live_orders, read

BUY, SELL = Side.BUY, Side.SELL
Told = tuple[Any, ...]

_SHORT: dict[type[Any], Callable[[Any], Told]] = {
    m.Accepted: lambda e: ("accepted", e.order_id, e.place.name, e.price_ticks, e.leaves_lots),
    m.Rejected: lambda e: ("rejected", e.code.name),
    m.Trade: lambda e: ("trade", e.price_ticks, e.qty_lots, e.taker_order_id, e.maker_order_id, e.source.name),
    m.Cancelled: lambda e: ("cancelled", e.order_id, e.qty_lots, e.reason.name),
    m.Amended: lambda e: ("amended", e.order_id, e.leaves_lots, e.priority.name),
    m.Advanced: lambda e: ("time", e.ts_ns),
    m.AnchorActivated: lambda e: ("anchor", e.low_ticks, e.high_ticks),
    m.Triggered: lambda e: ("triggered", e.order_id, e.qty_lots, e.leaves_lots),
    m.Shown: lambda e: ("shown", e.order_id, e.qty_lots),
    m.StateChanged: lambda e: ("state", e.previous.name, e.state.name),
    m.Indicative: lambda e: ("indicative", e.price_ticks, e.paired_lots, e.surplus_lots),
    m.Uncrossed: lambda e: ("uncrossed", e.price_ticks, e.paired_lots, e.surplus_lots),
    m.MassCancelled: lambda e: ("mass", e.account, e.count, e.reason.name),
    m.AccountSet: lambda e: ("set", e.account, e.field.name, e.value),
    m.Quoted: lambda e: ("quoted", e.account, e.slot, e.bid_order_id, e.ask_order_id),
    m.Protected: lambda e: ("protected", e.account, e.filled_lots),
    m.Busted: lambda e: ("busted", e.trade_seq, e.qty_lots, e.taker_account, e.maker_account),
    m.DeadManSet: lambda e: ("deadman", e.account, e.deadline_ns),
}


def short(event: m.Event) -> Told:
    """Return an event's name and what a test asks of it."""
    tell = _SHORT.get(type(event))
    return tell(event) if tell else (type(event).__name__,)


def order(account: int, side: Side, price_ticks: int, qty_lots: int, **terms: Any) -> m.NewOrder:
    """Return a NewOrder in few words."""
    return m.NewOrder(account=account, side=side, price_ticks=price_ticks, qty_lots=qty_lots, **terms)


class Venue:
    """One market of either implementation. Every command is followed by the market's own check."""

    def __init__(self, market_class: Any, **instrument: Any) -> None:
        self.market: MarketProtocol = market_class(Instrument(symbol="TEST", **instrument))

    def raw(self, *commands: m.Command) -> list[m.Event]:
        """Apply commands and return their events as they are."""
        events = []
        for command in commands:
            events += self.market.apply(command)
            self.market.check()
        return events

    def do(self, *commands: m.Command) -> list[Told]:
        """Apply commands and return their events in short."""
        return [short(event) for event in self.raw(*commands)]

    def limit(self, account: int, **fields: int) -> None:
        """Set fields of an account, named as in AccountField in lower case."""
        for name, value in fields.items():
            told = self.do(m.SetAccount(account=account, field=AccountField[name.upper()], value=value))
            assert told[0] == ("set", account, name.upper(), value)

    def trade(self, price_ticks: int, qty_lots: int = 1, seller: int = 98, buyer: int = 99) -> list[Told]:
        """Let two accounts trade at a price, which must be inside the touch."""
        return self.do(order(seller, SELL, price_ticks, qty_lots), order(buyer, BUY, price_ticks, qty_lots))

    def position(self, account: int) -> int:
        """Return a registered account's position."""
        (found,) = [row for row in read(self.market).accounts if row["account"] == account]
        return int(found["position_lots"])

    def live(self) -> list[int]:
        """Return the ids of all live orders, in the order of parbook.state."""
        return [int(order_id) for order_id in live_orders(self.market)["order_id"]]

    def leaves(self) -> dict[int, int]:
        """Return order id -> leaves of all live orders."""
        rows = live_orders(self.market)
        return {int(row["order_id"]): int(row["qty_lots"] - row["filled_lots"]) for row in rows}
