"""Logs for replay tests: LOG records from short tuples, LOBSTER files from a naive venue, ITCH files to tamper with."""

import random
from itertools import pairwise

import numpy as np

from parbook.codes import Side
from parbook.instrument import Instrument
from parbook.logs.itch_encode import LENGTHS
from parbook.logs.records import LOG, LogKind

BUY, SELL = int(Side.BUY), int(Side.SELL)


def log_records(*rows):
    """Return LOG records of (kind name, {field: value}); place and time count up unless given."""
    out = np.zeros(len(rows), LOG)
    for index, (kind, fields) in enumerate(rows):
        out[index]["kind"] = LogKind[kind]
        out[index]["place"] = index
        out[index]["ts_ns"] = 1000 * (index + 1)
        for name, value in fields.items():
            out[index][name] = value
    return out


class FakeLog:
    """A LogSource over arrays."""

    def __init__(self, *blocks, symbols=("TEST",)):
        self.blocks = blocks
        self.symbols = list(symbols)

    def instrument(self, symbol):
        return Instrument(symbol=symbol)

    def __iter__(self):
        return iter(self.blocks)

    @property
    def progress(self):
        return 1, 1


class NaiveVenue:
    """A book as sorted lists of [price, order id, lots]; every level and queue is looked up by scanning."""

    def __init__(self, seed, levels):
        self.random = random.Random(seed)
        self.levels = levels
        self.orders = {BUY: [], SELL: []}
        self.next_id = 1
        self.now = 34_200_000_000_000

    def ranked(self, side):
        return sorted(self.orders[side], key=lambda o: (-o[0] if side == BUY else o[0], o[1]))

    def window(self, side):
        totals = {}
        for price, _, lots in self.ranked(side):
            totals[price] = totals.get(price, 0) + lots
        best = list(totals.items())[: self.levels]
        return best + [(9_999_999_999 if side == SELL else -9_999_999_999, 0)] * (self.levels - len(best))

    def row(self):
        return [n for ask, bid in zip(self.window(SELL), self.window(BUY), strict=True) for n in (*ask, *bid)]

    def message(self, kind, order, side):
        direction = 1 if side == BUY else -1
        return f"{self.now // 10**9}.{self.now % 10**9:09d},{kind},{order[1]},{{}},{order[0]},{direction}"

    def step(self):
        """Return the messages of one action and the rows after each, those that the window does not show left out."""
        self.now += self.random.randrange(1, 10**6)
        side = self.random.choice((BUY, SELL))
        mine = self.orders[side]
        action = self.random.random()
        before = self.row()
        if action < 0.55 or len(mine) < 12:
            offset = self.random.randrange(1, 12) * 100
            order = [
                1_000_000 - offset if side == BUY else 1_000_000 + offset,
                self.next_id,
                self.random.randrange(1, 90),
            ]
            self.next_id += 1
            mine.append(order)
            changes = [(self.message(1, order, side).format(order[2]), self.row())]
        elif action < 0.8:
            order = self.random.choice(mine)
            cut = self.random.randrange(1, order[2] + 1)
            text = self.message(3 if cut == order[2] else 2, order, side).format(cut)
            order[2] -= cut
            self.orders[side] = [o for o in mine if o[2]]
            changes = [(text, self.row())]
        else:
            changes = self.sweep(side, self.random.randrange(1, 200))
        out = []
        for text, after in changes:
            if after != before:
                out.append((text, after))
            before = after
        return out

    def sweep(self, side, lots):
        changes = []
        for order in self.ranked(side):
            taken = min(lots, order[2])
            if not taken:
                break
            lots -= taken
            order[2] -= taken
            self.orders[side] = [o for o in self.orders[side] if o[2]]
            changes.append((self.message(4, order, side).format(taken), self.row()))
        return changes


def write_lobster(folder, seed=1, rows=400, levels=3, symbol="TEST"):
    """Write a message file and its order book file, of a venue that has been open for a while; return their paths."""
    venue = NaiveVenue(seed, levels)
    for _ in range(60):
        venue.step()
    pairs = []
    while len(pairs) < rows:
        pairs += venue.step()
    messages = folder / f"{symbol}_2020-01-02_34200000_57600000_message_{levels}.csv"
    books = folder / f"{symbol}_2020-01-02_34200000_57600000_orderbook_{levels}.csv"
    messages.write_text("".join(text + "\n" for text, _ in pairs))
    books.write_text("".join(",".join(map(str, row)) + "\n" for _, row in pairs))
    return messages, books


def itch_messages(data):
    """Return the framed messages of an ITCH file as a list of (type, bytes with prefix)."""
    out, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        kind = chr(data[at + 2])
        assert length == LENGTHS[kind]
        out.append((kind, data[at : at + 2 + length]))
        at += 2 + length
    return out


def with_executions_swapped(data):
    """Return an ITCH file in which one aggressor meets its first two orders the other way round, match by match."""
    messages = itch_messages(data)
    ref = slice(2 + 11, 2 + 19)
    for index, ((kind, one), (next_kind, two)) in enumerate(pairwise(messages)):
        same_time = one[2 + 5 : 2 + 11] == two[2 + 5 : 2 + 11]
        if kind == next_kind == "E" and same_time and one[ref] != two[ref]:
            # Everything but the match number changes places, so that lots still fit their orders.
            cut = slice(2 + 11, 2 + 23)
            messages[index] = (kind, one[: cut.start] + two[cut] + one[cut.stop :])
            messages[index + 1] = (kind, two[: cut.start] + one[cut] + two[cut.stop :])
            return b"".join(text for _, text in messages)
    raise AssertionError("no aggressor with two executions")
