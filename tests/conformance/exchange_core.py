"""Reader of exchange-core's feature files, and the steps that say something about matching.

A step that speaks of money alone, balances and refusals for want of them, belongs to a ledger that a single market
does not have; it is counted as not run, by its kind. Their reserve price is the price that a hold is taken at, so it
does not reach the market either. One market for each symbol; a client is an account; their order ids become client ids.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from parbook import messages as m
from parbook.codes import OrderType, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from tests.conformance.outcome import MakeMarket, live, trades_of

SIDES = {"BID": Side.BUY, "ASK": Side.SELL}
Table = list[list[str]]


class Step(NamedTuple):
    """A line without its Given, When, Then or And, and the table below it."""

    text: str
    table: Table


class Scenario(NamedTuple):
    """The steps of a scenario, those of the background first."""

    name: str
    steps: list[Step]


def scenarios_of(text: str) -> Iterator[Scenario]:
    """Yield every scenario; an outline comes once for each of its examples."""
    background: list[Step] = []
    blocks = re.split(r"^\s*(Background:|Scenario:|Scenario Outline:)", text, flags=re.MULTILINE)[1:]
    for head, body in zip(blocks[::2], blocks[1::2], strict=True):
        name, _, rest = body.partition("\n")
        steps, _, examples = rest.partition("Examples:")
        if head == "Background:":
            background = list(_steps(rest))
            continue
        rows = _table(examples.splitlines())
        for values in rows[1:] or [[]]:
            filled = steps
            for key, value in zip(rows[0] if rows else [], values, strict=True):
                filled = filled.replace(f"<{key}>", value)
            yield Scenario(" ".join([name.strip(), *values]), [*background, *_steps(filled)])


def _steps(text: str) -> Iterator[Step]:
    lines = [line.strip() for line in text.splitlines()]
    starts = [n for n, line in enumerate(lines) if re.match(r"(Given|When|Then|And) ", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Step(lines[start].split(" ", 1)[1], _table(lines[start + 1 : end]))


def _table(lines: list[str]) -> Table:
    return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines if line.strip().startswith("|")]


class Play:
    """One scenario. `ran` and `left_out` count its steps by kind; a step that does not hold is an AssertionError."""

    def __init__(self, make_market: MakeMarket) -> None:
        self.make_market = make_market
        self.markets: dict[str, MarketProtocol] = {}
        self.accounts: dict[str, int] = {}
        self.symbol_of: dict[str, str] = {}
        self.order_ids: dict[str, int] = {}
        self.events: list[m.Event] = []
        self.ran: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def run(self, scenario: Scenario) -> None:
        """Take every step."""
        for step in scenario.steps:
            for pattern, kind in LEFT_OUT:
                if re.search(pattern, step.text):
                    self.left_out[kind] += 1
                    break
            else:
                self._take(step)

    def _take(self, step: Step) -> None:
        for pattern, method in _STEPS.items():
            found = re.fullmatch(pattern, step.text)
            if found:
                method(self, step.table, *found.groups())
                self.ran[method.__name__] += 1
                for market in self.markets.values():
                    market.check()
                return
        raise AssertionError(f"no step is written like this: {step.text}")

    def _apply(self, symbol: str, command: m.Command) -> None:
        market = self.markets.setdefault(symbol, self.make_market(Instrument(symbol=symbol)))
        self.events = market.apply(command)
        refused = [event for event in self.events if isinstance(event, m.Rejected)]
        assert not refused, refused

    def places(self, _table: Table, client: str, side: str, number: str, price: str, lots: str, tif: str, symbol: str):
        """An order enters."""
        account = self.accounts.setdefault(client, len(self.accounts) + 1)
        self.symbol_of[number] = symbol
        order = m.NewOrder(
            account=account,
            client_id=int(number),
            side=SIDES[side],
            qty_lots=int(lots),
            price_ticks=int(price),
            order_type=OrderType.LIMIT,
            tif=TimeInForce[tif],
        )
        self._apply(symbol, order)
        self.order_ids[number] = next(event.order_id for event in self.events if isinstance(event, m.Accepted))

    def moves(self, _table: Table, client: str, price: str, number: str):
        """An order gets another price."""
        amend = m.AmendOrder(account=self.accounts[client], client_id=int(number), price_ticks=int(price))
        self._apply(self.symbol_of[number], amend)

    def cancels(self, _table: Table, client: str, lots: str, number: str):
        """What is left of an order leaves."""
        self._apply(self.symbol_of[number], m.CancelOrder(account=self.accounts[client], client_id=int(number)))
        gone = [event.qty_lots for event in self.events if isinstance(event, m.Cancelled)]
        assert gone == [int(lots)]

    def matched(self, _table: Table, number: str, how: str, price: str, lots: str):
        """The last command traded once, with this order resting or coming in."""
        (trade,) = trades_of(self.events)
        assert (trade.price_ticks, trade.qty_lots) == (int(price), int(lots))
        assert trade.maker_order_id == self.order_ids[number]
        assert (trade.maker_leaves_lots == 0) is (how == "fully")

    def no_trades(self, _table: Table):
        """The last command did not trade."""
        assert trades_of(self.events) == []

    def book(self, table: Table, symbol: str):
        """The whole book, asks above bids, dearest first."""
        rows = table if table[0] != ["bid", "price", "ask"] else table[1:]
        expected = {(int(price), int(bid or 0), int(ask or 0)) for bid, price, ask in map(_three_cells, rows)}
        found = set()
        for row in self.markets[symbol].depth(1000):
            price_ticks, lots = int(row["price_ticks"]), int(row["qty_lots"])
            found.add((price_ticks, lots, 0) if row["side"] == Side.BUY else (price_ticks, 0, lots))
        assert found == expected

    def orders(self, table: Table, client: str):
        """All live orders of a client."""
        assert table[0] == ["id", "price", "size", "filled", "reservePrice", "side"]
        expected = {(int(row[0]), int(row[1]), int(row[2]), int(row[3]), row[5]) for row in table[1:]}
        names = {side: name for name, side in SIDES.items()}
        found = {
            (order.client_id, order.price_ticks, order.qty_lots, order.filled_lots, names[order.side])
            for order in (live(*at) for at in self._live_orders(client))
        }
        assert found == expected

    def no_orders(self, _table: Table, client: str):
        """A client has no live order."""
        assert list(self._live_orders(client)) == []

    def _live_orders(self, client: str) -> Iterator[tuple[MarketProtocol, int]]:
        for number, order_id in self.order_ids.items():
            market = self.markets[self.symbol_of[number]]
            order = market.order(order_id)
            if order is not None and order.account == self.accounts.get(client):
                yield market, order_id


def _three_cells(row: list[str]) -> list[str]:
    assert len(row) == 3, row
    return row


LEFT_OUT = (
    (r"has a balance:$", "a client is given money"),
    (r"is added to the balance of", "a client is given money"),
    (r"A balance of a client", "a balance is compared"),
    (r"could not place .* due to RISK_NSF$", "an order is refused for want of money"),
    (
        r"could not move .* due to MATCHING_MOVE_FAILED_PRICE_OVER_RISK_LIMIT$",
        "a move beyond the reserve price is refused",
    ),
)
"""(what a step says, its kind): money, which a single market does not keep."""

_STEPS: dict[str, Callable[..., None]] = {
    r"A client (\w+) places an (\w+) order (\d+) at (\d+)@(\d+) "
    r"\(type: (\w+), symbol: (\w+)(?:, reservePrice: \d+)?\)": Play.places,
    r"A client (\w+) moves a price to (\d+) of the order (\d+)": Play.moves,
    r"A client (\w+) cancels the remaining size (\d+) of the order (\d+)": Play.cancels,
    r"The order (\d+) is (fully|partially) matched\. LastPx: (\d+), LastQty: (\d+)"
    r"(?:, bidderHoldPrice: \d+)?": Play.matched,
    r"No trade events": Play.no_trades,
    r"An (\w+) order book is:": Play.book,
    r"A client (\w+) orders:": Play.orders,
    r"A client (\w+) does not have active orders": Play.no_orders,
}
