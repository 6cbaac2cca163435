"""Scenarios as readable tables: a book, commands, the exact events of each, the book afterwards.

    instrument: max_orders=2 stp=cancel-oldest breach_rests=true      settings by name; optional, first
    account: 1 max_long_lots=5 position_lots=2 ; 2 stp_group=1        before the first command: sets these fields
    trade:  100                                          one lot trades at this price, between accounts 98 and 99
    book:   sell 101 x 5 by 1 ; buy 99 x 20 by 2 show 5  before the first command: enters these orders
    curve:  linear par=10 depth=20 drop=200000           before the first command: sets this curve
    anchor: 100..102                                     before the first command: activates this anchor
    state:  auction                                      before the first command: enters this session state
    > buy 102 x 7 by 3 ioc                               a command
    accepted #3 leaves 0 ; trade 101 x 5 book #1 leaves 0 ; cancelled #3 x 2 remainder
    book:   buy 99 x 20 by 2 show 5                      every live order now, first to trade first, then what waits
    curve:  net 0 cash 1000                              the curve now; optional
    account: 1 position_lots=2                           these fields of an account now; optional
    state:  continuous                                   the session state now; optional

Set-up lines come in any order, and take effect in theirs. Commands:

    buy|sell PRICE|market|market-to-limit x LOTS by ACCOUNT TERM...
    cancel|reduce|amend #ID|client N [to PRICE] [x LOTS] [show LOTS] [stop PRICE] by ACCOUNT
    quote ACCOUNT [slot N] [bid PRICE x LOTS] [ask PRICE x LOTS] [session N] | reset protection ACCOUNT
    mass cancel [account N] [session N] [buy|sell] [disconnected] | kill ACCOUNT | deadman ACCOUNT in NANOSECONDS
    account ACCOUNT field=value | state STATE | bust trade N (the scenario's Nth trade) | bust SEQ
    time | anchor LOW..HIGH | withdraw anchors | withdraw curve | set SHAPE name=value ...

Each may end in `at NANOSECONDS`. Terms: gtc ioc fok day auction, gtd EXPIRY; post, slide; client N, session N; show N,
hidden, min N, stop PRICE, trail TICKS, trail N ppm, on-anchor; peg anchor|mid|primary [+N|-N]; reduce-only, stp MODE,
oco #ID, amount NOTIONAL, expire EXPIRY. A line that begins with `;` continues the one before it. Text after `--` is a
comment. What `book:` adds to an order: `show N` an iceberg's present slice; `hidden`; `armed|elected STOP`; `parked`
(with the peg's limit); `call`. What `accepted` adds: its place, and its price where that is not the one asked for.

What a table does not spell out is checked all the same, after every command: events echo the command's fields,
sequence numbers have no gap, a command answered by a refusal alone left every byte of the state as it was but
the counters and the clock, the events alone give every order's leaves and every account's position
(`scenario_checks.Witness`), all views agree with each other, and `check()` is content.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from parbook import messages as m
from parbook.codes import Place, SessionState
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from tests.parity.reading import read
from tests.support.scenario_checks import Witness, same, state_but_counters, views_agree
from tests.support.scenario_commands import ScenarioError, account_fields, curve_params, instrument_of, parse_command
from tests.support.scenario_events import book_text, event_text

__all__ = ["Player", "ScenarioError", "curve_params", "state_but_counters"]

MakeMarket = Callable[[Instrument], MarketProtocol]
_COMPARED = ("book", "curve", "account", "state")


class Player:
    """Plays one scenario against one market."""

    def __init__(self, make_market: MakeMarket) -> None:
        self.make_market = make_market
        self.market = make_market(Instrument(symbol="TEST"))
        self.witness = Witness()
        self.commands = 0
        self.events = 0
        self.line = ""

    def play(self, text: str) -> MarketProtocol:
        """Play the scenario and return the market it leaves; ScenarioError at the first line that does not hold."""
        lines = [line.split("--")[0].strip() for line in text.splitlines()]
        lines = [" ".join(line.split()) for line in lines if line]
        lines = " \n".join(lines).replace(" \n;", " ;").split(" \n")
        try:
            self._play(lines)
        except ScenarioError as error:
            raise ScenarioError(f"at {self.line!r}\n{error}") from error
        return self.market

    def _play(self, lines: list[str]) -> None:
        answered, started = True, False
        got: list[str] = []
        for line in lines:
            self.line = line
            word = line.split(":")[0]
            if line.startswith("> "):
                self._require(answered, "the command before this one has no events")
                command = parse_command(self._with_seq(line[2:]))
                got = [event_text(event, command) for event in self.apply(command)]
                answered, started = False, True
            elif not started:
                self._set_up(word, line.partition(": ")[2])
            elif word in _COMPARED and ":" in line:
                self._require(answered, "the command before this one has no events")
                self._compare(word, line.partition(": ")[2])
            else:
                self._require(not answered, "events without a command")
                same("events", got, [word.strip() for word in line.split(";")])
                answered = True
        self._require(answered and started, "the scenario ends without a command or without its events")
        ended = lines[-1].startswith(tuple(f"{word}:" for word in _COMPARED))
        self._require(ended, "the scenario ends without the book, curve, account or state after it")

    def apply(self, command: m.Command) -> list[m.Event]:
        """Apply one command and check what every table implies."""
        before = state_but_counters(self.market)
        reading = read(self.market)
        # Stops left over from an earlier command run first, as a command of their own.
        leftovers = reading.state is SessionState.CONTINUOUS and any(reading.orders["place"] == Place.ELECTED)
        events = self.market.apply(command)
        numbers = [self.commands + 1, self.commands + 2] if leftovers else [self.commands + 1]
        self.commands = numbers[-1]
        same("sequence", [e.seq for e in events], list(range(self.events + 1, self.events + len(events) + 1)))
        same("command numbers", list(dict.fromkeys(e.command for e in events)), numbers)
        self.events += len(events)
        same("next_seq", self.market.next_seq, self.events + 1)
        if [type(e) for e in events] == [m.Rejected]:
            same("state after a refusal", state_but_counters(self.market) == before, True)
        self.witness.follow(events, command)
        self.witness.compare(self.market)
        views_agree(self.market)
        self.market.check()
        return events

    def _set_up(self, what: str, rest: str) -> None:
        if what == "instrument":
            self._require(not self.commands, "the instrument comes first")
            self.market = self.make_market(instrument_of(rest))
        elif what == "curve":
            self.apply(m.SetCurve(params=curve_params(rest)))
        elif what == "anchor":
            self.apply(parse_command(f"anchor {rest}"))
        elif what == "state":
            self._succeeds(f"state {rest}", m.StateChanged)
        elif what == "account":
            for words in rest.split(";"):
                account, pairs = account_fields(words)
                for field, value in pairs:
                    self._succeeds(f"account {account} {field.name.lower()}={value}", m.AccountSet)
        elif what == "trade":
            self._succeeds(f"sell {rest} x 1 by 98", m.Accepted)
            self._succeeds(f"buy {rest} x 1 by 99", m.Trade)
        elif what == "book":
            for order in rest.split(";"):
                events = self.apply(parse_command(order.strip()))
                just_rests = {type(e) for e in events} <= {m.Accepted, m.Shown, m.Repriced, m.Indicative}
                self._require(just_rests, f"{order} does not just rest")
        else:
            raise ScenarioError("no set-up")

    def _succeeds(self, text: str, event: type) -> None:
        events = self.apply(parse_command(text))
        self._require(event in {type(e) for e in events}, f"{text}: {events}")

    def _compare(self, what: str, expected: str) -> None:
        if what == "book":
            orders = [] if expected == "empty" else [order.strip() for order in expected.split(";")]
            same("book", book_text(self.market), orders)
        elif what == "curve":
            curve = self.market.curve
            same("curve", f"net {curve.net_lots} cash {curve.cash_notional}" if curve else "none", expected)
        elif what == "state":
            same("state", read(self.market).state.name.lower().replace("_", "-"), expected)
        else:
            for words in expected.split(";"):
                account, pairs = account_fields(words)
                (row,) = [row for row in read(self.market).accounts if row["account"] == account]
                same(
                    f"account {account}",
                    [(f.name, int(row[f.name.lower()])) for f, _ in pairs],
                    [(f.name, value) for f, value in pairs],
                )

    def _with_seq(self, text: str) -> str:
        """Return a command whose `bust trade N` says the trade's sequence number."""
        return re.sub(r"^bust trade (\d+)", lambda found: f"bust {self.witness.trades[int(found[1]) - 1].seq}", text)

    def _require(self, holds: bool, why: str) -> None:
        if not holds:
            raise ScenarioError(why)
