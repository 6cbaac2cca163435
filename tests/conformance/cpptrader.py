"""Reader of CppTrader's command files, and the adapter that gives their commands to a market.

Their order ids become client ids, and each order has an account of its own. What has no twin here is translated to what
comes nearest, and named in `differences`: an all-or-none order becomes one whose minimum quantity is all of it, a
market order with slippage an IOC limit that far behind the best price, a replacement a cancel and a new order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parbook import messages as m
from parbook.codes import CurveShape, OrderType, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.messages import CurveParams
from tests.conformance.outcome import MakeMarket, Outcome, book_side, joined, trades_of, waiting

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
TIFS = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
IDLE = CurveParams(
    shape=CurveShape.LINEAR,
    base_depth_lots=10,
    quote_depth_lots=10,
    budget_notional=0,
    par_lots=10,
    drop_ppm=100_000,
    min_net_lots=0,
    max_net_lots=0,
)
"""A curve without a lot to trade: its anchor is the reference price that protects market orders."""


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the words of each command."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split()


class Run:
    """One command file on one market."""

    def __init__(self, make_market: MakeMarket, anchor_ticks: int = 30) -> None:
        self.market = make_market(Instrument(symbol="TEST", collar_ppm=900_000))
        self.trades: list[str] = []
        self.refused: list[str] = []
        self.entered = 0
        self.sides: dict[str, str] = {}
        if anchor_ticks:
            self.market.apply(m.SetCurve(params=IDLE))
            self.market.apply(m.ProposeAnchor(low_ticks=anchor_ticks, high_ticks=anchor_ticks))

    def play(self, text: str) -> Outcome:
        """Run all commands and return how it ended."""
        for verb, *words in commands_of(text):
            getattr(self, f"_{verb}")(*words)
            self.market.check()
        return Outcome(
            joined(self.trades),
            joined(self.refused),
            book_side(self.market, Side.BUY),
            book_side(self.market, Side.SELL),
            waiting(self.market, self.entered),
        )

    def _apply(self, client_id: str, command: m.Command) -> None:
        events = self.market.apply(command)
        for event in events:
            if isinstance(event, m.Rejected):
                self.refused.append(f"{client_id} {event.code.name}")
            elif isinstance(event, m.Accepted):
                self.entered = event.order_id
        for trade in trades_of(events):
            self.trades.append(f"{trade.maker_account} x{trade.qty_lots} @{trade.price_ticks}")

    def _enable(self, what: str) -> None:
        assert what == "matching"

    def _delete(self, what: str, number: str) -> None:
        if what == "order":
            self._apply(number, m.CancelOrder(account=int(number), client_id=int(number)))

    def _add(self, *words: str) -> None:
        if words[0] in ("symbol", "book"):
            return
        at = next(place for place, word in enumerate(words) if word in SIDES)
        self.sides[words[at + 1]] = words[at]
        side, number, numbers = SIDES[words[at]], words[at + 1], [int(word) for word in words[at + 3 :]]
        self._apply(number, self._order(" ".join(words[:at]), side, int(number), numbers))

    def _order(self, what: str, side: Side, number: int, numbers: list[int]) -> m.NewOrder:
        terms: dict[str, Any] = {"order_type": OrderType.MARKET, "tif": TimeInForce.IOC}
        if what.endswith("limit"):
            terms = {"order_type": OrderType.LIMIT, "tif": TIFS.get(what[:3], TimeInForce.GTC)}
            *stop, price_ticks, lots = numbers
            terms |= {"price_ticks": price_ticks, "stop_ticks": stop[0] if stop else 0}
            terms |= {"min_lots": lots if what.startswith("aon") else 0}
        elif what == "slippage market":
            lots, slippage_ticks = numbers
            best_ticks = self.market.best_bid_ticks if side is Side.SELL else self.market.best_ask_ticks
            price_ticks = best_ticks - slippage_ticks if side is Side.SELL else best_ticks + slippage_ticks
            terms |= {"order_type": OrderType.LIMIT, "price_ticks": price_ticks}
        elif what == "stop":
            terms["stop_ticks"], lots = numbers
        elif what == "trailing stop":
            _, lots, terms["offset_ticks"], _ = numbers
        else:
            assert what == "market", what
            (lots,) = numbers
        return m.NewOrder(account=number, client_id=number, side=side, qty_lots=lots, **terms)

    def _reduce(self, _order: str, number: str, lots: str) -> None:
        self._apply(number, m.ReduceOrder(account=int(number), client_id=int(number), qty_lots=int(lots)))

    def _mitigate(self, _order: str, number: str, price: str, lots: str) -> None:
        """Their total includes what has traded, as ours does."""
        command = m.AmendOrder(account=int(number), client_id=int(number), price_ticks=int(price), qty_lots=int(lots))
        self._apply(number, command)

    def _modify(self, order: str, number: str, price: str, lots: str) -> None:
        """Their new quantity is what shall be open; no file modifies an order that has traded."""
        self._mitigate(order, number, price, lots)

    def _replace(self, order: str, number: str, new: str, price: str, lots: str) -> None:
        self._delete(order, number)
        self._add("limit", self.sides[number], new, "0", price, lots)
