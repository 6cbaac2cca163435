"""Scenarios as readable tables: a book, commands, the exact events of each, the book afterwards.

    instrument: max_orders=2 collar_ppm=50000            limits; optional, first
    book:   sell 101 x 5 by 1 ; buy 99 x 3 by 2          before the first command: enters these orders
    curve:  linear par=10 depth=20 drop=200000           before the first command: sets this curve
    anchor: 100..102                                     before the first command: activates this anchor
    > buy 102 x 7 by 3 ioc                               a command
    accepted #3 leaves 0 ; trade 101 x 5 book #1 leaves 0 ; cancelled #3 x 2 remainder
    book:   buy 99 x 3 by 2                              the whole book now, time priority within a price
    curve:  net 0 cash 1000                              the curve now; optional

Commands: `buy|sell PRICE|market x LOTS by ACCOUNT [ioc|fok|gtc] [post] [client N]`, `cancel|reduce|amend
#ID|client N [to PRICE] [x LOTS] by ACCOUNT`, `time`, `anchor LOW..HIGH`, `withdraw anchors`, `withdraw curve`,
`set SHAPE name=value ...`; each may end in `at NANOSECONDS`. A line that begins with `;` continues the one before it.
Text after `--` is a comment.

What a table does not spell out is checked all the same, after every command: events echo the command's fields,
sequence numbers have no gap, a command answered by a refusal alone left every byte of the state as it was but
the counters and the clock, all views agree with each other, and `check()` is content.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from parbook import messages as m
from parbook.codes import AnchorMove, CurveShape, OrderType, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol, OrderState
from parbook.state import HEADER
from tests.parity.reading import resting_orders

MakeMarket = Callable[[Instrument], MarketProtocol]

CURVE_FIELDS = {
    "base": "base_depth_lots",
    "depth": "quote_depth_lots",
    "budget": "budget_notional",
    "k": "k_ppm",
    "spread": "spread_ppm",
    "rung": "rung_ticks",
    "par": "par_lots",
    "drop": "drop_ppm",
    "min": "min_net_lots",
    "max": "max_net_lots",
    "delay": "activation_delay_ns",
    "lift": "lift_max_lots",
}


class ScenarioError(AssertionError):
    """A scenario is misspelt, or the market does not do what it says."""


def curve_params(text: str) -> m.CurveParams:
    """Return the parameters of `SHAPE [lift] name=value ...`; names as in CURVE_FIELDS."""
    shape, *words = text.split()
    fields: dict[str, Any] = {"base_depth_lots": 100, "quote_depth_lots": 20, "budget_notional": 10**9}
    for word in words:
        name, _, value = word.partition("=")
        if word == "lift":
            fields["anchor_move"] = AnchorMove.LIFT
        else:
            fields[CURVE_FIELDS[name]] = int(value)
    return m.CurveParams(shape=CurveShape[shape.upper()], **fields)


# --- commands -----------------------------------------------------------------------------------

_NEW = re.compile(
    r"(?P<side>buy|sell) (?P<price>-?\d+|market) x (?P<qty>-?\d+) by (?P<account>\d+)"
    r"(?: (?P<tif>gtc|ioc|fok))?(?: (?P<post>post))?(?: client (?P<client>\d+))?(?: at (?P<ts>-?\d+))?"
)
_CHANGE = re.compile(
    r"(?P<verb>cancel|reduce|amend) (?:#(?P<id>\d+)|client (?P<client>\d+))(?: to (?P<price>-?\d+))?"
    r"(?: x (?P<qty>-?\d+))? by (?P<account>\d+)(?: at (?P<ts>-?\d+))?"
)
_ANCHOR = re.compile(r"anchor (?P<low>-?\d+)\.\.(?P<high>-?\d+)(?: at (?P<ts>-?\d+))?")
_PLAIN = re.compile(r"(?P<verb>time|withdraw anchors|withdraw curve|set (?P<params>.*?))(?: at (?P<ts>-?\d+))?")


def parse_command(text: str) -> m.Command:
    """Return the command a line means; ScenarioError when it means none."""
    if found := _NEW.fullmatch(text):
        market = found["price"] == "market"
        order_type = OrderType.MARKET if market else OrderType.POST_ONLY if found["post"] else OrderType.LIMIT
        return m.NewOrder(
            account=int(found["account"]),
            side=Side[found["side"].upper()],
            qty_lots=int(found["qty"]),
            price_ticks=0 if market else int(found["price"]),
            order_type=order_type,
            tif=TimeInForce[(found["tif"] or "gtc").upper()],
            client_id=int(found["client"] or 0),
            ts_ns=int(found["ts"] or 0),
        )
    if found := _CHANGE.fullmatch(text):
        kind: Any = {"cancel": m.CancelOrder, "reduce": m.ReduceOrder, "amend": m.AmendOrder}[found["verb"]]
        fields = {
            "order_id": found["id"],
            "client_id": found["client"],
            "account": found["account"],
            "ts_ns": found["ts"],
        }
        if kind is not m.CancelOrder:
            fields["qty_lots"] = found["qty"]
        if kind is m.AmendOrder:
            fields["price_ticks"] = found["price"]
        change: m.Command = kind(**{name: int(value or 0) for name, value in fields.items()})
        return change
    if found := _ANCHOR.fullmatch(text):
        return m.ProposeAnchor(low_ticks=int(found["low"]), high_ticks=int(found["high"]), ts_ns=int(found["ts"] or 0))
    if found := _PLAIN.fullmatch(text):
        ts_ns = int(found["ts"] or 0)
        if found["params"]:
            return m.SetCurve(params=curve_params(found["params"]), ts_ns=ts_ns)
        plain: dict[str, Any] = {
            "time": m.Advance,
            "withdraw anchors": m.WithdrawAnchors,
            "withdraw curve": m.WithdrawCurve,
        }
        command: m.Command = plain[found["verb"]](ts_ns=ts_ns)
        return command
    raise ScenarioError(f"no command: {text!r}")


# --- events -------------------------------------------------------------------------------------


def event_text(event: m.Event) -> str:
    """Return an event as tables write it."""
    match event:
        case m.Accepted():
            return f"accepted #{event.order_id} leaves {event.leaves_lots}"
        case m.Rejected():
            return f"rejected {event.code.name.lower().replace('_', ' ')}"
        case m.Trade():
            maker = f"#{event.maker_order_id} leaves" if event.maker_order_id else "net"
            fill = f"{event.price_ticks} x {event.qty_lots} {event.source.name.lower()}"
            return f"trade {fill} {maker} {event.maker_leaves_lots}"
        case m.Cancelled():
            return f"cancelled #{event.order_id} x {event.qty_lots} {event.reason.name.lower().replace('_', ' ')}"
        case m.Amended():
            head = f"amended #{event.order_id} {event.priority.name.lower()}"
            return f"{head} {event.price_ticks} x {event.qty_lots} leaves {event.leaves_lots}"
        case m.Advanced():
            return f"time {event.ts_ns}"
        case m.AnchorProposed():
            return f"proposed {event.low_ticks}..{event.high_ticks} for {event.effective_at_ns}"
        case m.AnchorActivated():
            return f"anchor {event.low_ticks}..{event.high_ticks} net {event.net_lots} cash {event.cash_notional}"
        case m.AnchorsWithdrawn():
            return f"withdrawn {event.count}"
        case m.CurveSet():
            return f"curve set {event.shape.name.lower()} cash {event.cash_notional}"
        case _:
            return f"curve withdrawn net {event.net_lots} cash {event.cash_notional}"


def state_but_counters(market: MarketProtocol) -> bytes:
    """Return the state's bytes without next_seq, next_command and the clock: what no refusal may change."""
    state = bytearray(market.state_bytes())
    header = np.frombuffer(state, HEADER, count=1)
    for name in ("now_ns", "next_seq", "next_command"):
        header[name] = 0
    return bytes(state)


def book_text(market: MarketProtocol) -> list[str]:
    """Return the resting orders, bids best first, then asks best first, by time within a price."""
    return [
        f"{Side(int(o['side'])).name.lower()} {o['price_ticks']} x {o['qty_lots'] - o['filled_lots']} by {o['account']}"
        for o in resting_orders(market)
    ]


# --- the player ---------------------------------------------------------------------------------


class Player:
    """Plays one scenario against one market."""

    def __init__(self, make_market: MakeMarket) -> None:
        self.make_market = make_market
        self.market = make_market(Instrument(symbol="TEST"))
        self.commands = 0
        self.events = 0
        self.account_of: dict[int, int] = {}
        self.line = ""

    def play(self, text: str) -> MarketProtocol:
        """Play the scenario and return the market it leaves; ScenarioError at the first line that does not hold."""
        lines = [line.split("--")[0].strip() for line in text.splitlines()]
        lines = [" ".join(line.split()) for line in lines if line]
        lines = " \n".join(lines).replace(" \n;", " ;").split(" \n")
        answered = started = True
        for line in lines:
            self.line = line
            if line.startswith("> "):
                self._require(answered, "the command before this one has no events")
                got = [event_text(event) for event in self.apply(parse_command(line[2:]))]
                answered = started = False
            elif started:
                self._set_up(*line.split(": ", 1))
            elif line.startswith("book:"):
                self._compare_book(line[5:].strip())
            elif line.startswith("curve:"):
                curve = self.market.curve
                self._equal(f"net {curve.net_lots} cash {curve.cash_notional}", line[6:].strip())
            else:
                self._require(not answered, "events without a command")
                self._equal(got, [word.strip() for word in line.split(";")])
                answered = True
        self._require(answered and not started, "the scenario ends without a command or without its events")
        self._require(lines[-1].startswith(("book:", "curve:")), "the scenario ends without the book or curve after it")
        return self.market

    def _set_up(self, what: str, rest: str = "") -> None:
        if what == "instrument":
            limits = {name: int(value) for name, value in (word.split("=") for word in rest.split())}
            self.market = self.make_market(Instrument(symbol="TEST", **limits))
        elif what == "curve":
            self.apply(m.SetCurve(params=curve_params(rest)))
        elif what == "anchor":
            self.apply(parse_command(f"anchor {rest}"))
        elif what == "book":
            for order in rest.split(";"):
                events = self.apply(parse_command(order.strip()))
                self._require([type(e) for e in events] == [m.Accepted], f"{order} does not just rest")
        else:
            raise ScenarioError(f"no set-up: {self.line!r}")

    def apply(self, command: m.Command) -> list[m.Event]:
        """Apply one command and check what every table implies."""
        before = state_but_counters(self.market)
        events = self.market.apply(command)
        self.commands += 1
        self._equal([e.seq for e in events], list(range(self.events + 1, self.events + len(events) + 1)))
        self._equal({e.command for e in events}, {self.commands})
        self.events += len(events)
        self._equal(self.market.next_seq, self.events + 1)
        for event in events:
            self._echoes(event, command)
        if [type(e) for e in events] == [m.Rejected]:
            self._equal(state_but_counters(self.market), before)
        self._views_agree()
        self.market.check()
        return events

    def _echoes(self, event: m.Event, command: m.Command) -> None:
        if isinstance(event, m.Accepted):
            assert isinstance(command, m.NewOrder)
            self.account_of[event.order_id] = event.account
            names = ["account", "side", "qty_lots", "client_id"]
            if command.order_type != OrderType.MARKET:
                names.append("price_ticks")
            self._equal([getattr(event, n) for n in names], [getattr(command, n) for n in names])
        elif isinstance(event, m.Rejected):
            for name in ("order_id", "client_id", "account"):
                self._equal(getattr(event, name), getattr(command, name, 0))
        elif isinstance(event, m.Trade):
            self._equal(event.maker_account, self.account_of.get(event.maker_order_id, 0))
            self._equal(event.taker_account, self.account_of.get(event.taker_order_id, 0))
        elif isinstance(event, (m.Cancelled, m.Amended)):
            self._equal(event.account, command.account)

    def _views_agree(self) -> None:
        market, resting = self.market, resting_orders(self.market)
        self._equal(market.open_orders, len(resting))
        best = [0, 0]
        queues: dict[tuple[int, int], list[int]] = {}
        for row in resting:
            side, price = int(row["side"]), int(row["price_ticks"])
            best[side] = best[side] or price
            queues.setdefault((side, price), []).append(int(row["order_id"]))
            order = market.order(int(row["order_id"]))
            names = [name for name in OrderState.__struct_fields__ if name != "post_only"]
            self._equal([int(getattr(order, n)) for n in names], [int(row[n]) for n in names])
        self._equal([market.best_bid_ticks, market.best_ask_ticks], best)
        for (side, price), ids in queues.items():
            self._equal(market.queue(side, price), ids)

    def _compare_book(self, expected: str) -> None:
        self._equal(book_text(self.market), [o.strip() for o in expected.split(";")] if expected != "empty" else [])

    def _require(self, holds: bool, why: str) -> None:
        if not holds:
            raise ScenarioError(f"{why}: at {self.line!r}")

    def _equal(self, got: object, expected: object) -> None:
        if got != expected:
            raise ScenarioError(f"at {self.line!r}\n  got      {got}\n  expected {expected}")
