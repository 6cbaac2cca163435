"""A venue's log as commands for a market.

    ADD      NEW limit GTC                     REPLACE  CANCEL and NEW
    REDUCE   REDUCE                            DELETE   CANCEL
    EXECUTE  consecutive executions of one time stamp and resting side are one aggressor: an IOC order of
             their total from the other side, limited at the worst price among the orders they hit
An execution at another price than its order's own (an auction's print) only takes the lots off, as a REDUCE.

Orders are named to the market by client id, a running number, so that whole blocks can be sent before the
market's own ids are known. Lots of a snapshot whose orders the log never showed rest as one synthetic order
per level; what refers to an unknown order acts on the synthetic one at its price, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from parbook.codes import CommandKind, OrderType, Side, TimeInForce
from parbook.errors import LogFormatError
from parbook.logs.records import LogKind
from parbook.records import COMMAND, Records
from parbook.replay.result import Check, Findings
from parbook.units import NOTIONAL_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

ACCOUNT_RECORDED: Final = 1
"""Account of every resting order of the log."""
ACCOUNT_AGGRESSOR: Final = 2
"""Account of every aggressor."""
ACCOUNT_SEED: Final = 3
"""Account of the synthetic orders."""

Row = tuple[int, ...]
"""The values of one COMMAND record."""

_ADD = int(LogKind.ADD)
_REDUCE = int(LogKind.REDUCE)
_DELETE = int(LogKind.DELETE)
_EXECUTE = int(LogKind.EXECUTE)
_REPLACE = int(LogKind.REPLACE)
_HIDDEN = int(LogKind.HIDDEN_TRADE)


class Print(NamedTuple):
    """A trade the log tells of. `after` commands of the block precede it."""

    after: int
    ts_ns: int
    price_ticks: int
    lots: int


class Group:
    """One aggressor: its command's index in the block, and what the log says it traded."""

    __slots__ = ("command", "fills", "known", "order_ids", "place", "side", "ts_ns")

    def __init__(self, ts_ns: int, side: int, place: int) -> None:
        self.ts_ns = ts_ns
        self.side = side
        """Side of the resting orders."""
        self.place = place
        self.command = 0
        self.fills: list[tuple[int, int, int]] = []
        """(client id of the resting order, its price, lots), in the log's order; client id 0 when unknown."""
        self.order_ids: list[int] = []
        self.known = True

    def add(self, client_id: int, price_ticks: int, lots: int, order_id: int) -> None:
        """Add one execution; further lots of the same order are joined to its last."""
        self.known &= client_id != 0
        if self.fills and client_id and self.fills[-1][0] == client_id:
            lots += self.fills[-1][2]
            self.fills[-1] = (client_id, price_ticks, lots)
        else:
            self.fills.append((client_id, price_ticks, lots))
            self.order_ids.append(order_id)


class Block(NamedTuple):
    """Commands, the aggressors among them and the log's prints."""

    commands: Records
    groups: list[Group]
    prints: list[Print]


class _Order:
    __slots__ = ("client_id", "leaves", "price", "side")

    def __init__(self, client_id: int, side: int, price: int, leaves: int) -> None:
        self.client_id = client_id
        self.side = side
        self.price = price
        self.leaves = leaves


class Translator:
    """Turns LOG arrays of one symbol into blocks of commands. Holds the resting orders. O(1) per record.

    `complete` says that the log shows every order from its entry on: a message that names another, or takes more
    than its order holds, is then a mismatch.
    """

    def __init__(self, log: str, findings: Findings, *, complete: bool = False) -> None:
        self._log = log
        self._complete = complete
        self._named = 0
        self._named_wrongly = 0
        self._findings = findings
        self._orders: dict[int, _Order] = {}
        self._seeds: dict[tuple[int, int], int] = {}
        self._next_client_id = 1
        self._pending: Group | None = None
        self._rows: list[Row] = []
        self._groups: list[Group] = []
        self._prints: list[Print] = []

    def seed(self, levels: Iterable[tuple[int, int, int]], ts_ns: int) -> None:
        """Enter one synthetic order for each (side, price_ticks, lots), before the first message, of `ts_ns`."""
        for side, price, lots in levels:
            client_id = self._take_client_id()
            self._seeds[side, price] = client_id
            self._new(ACCOUNT_SEED, side, price, lots, client_id, ts_ns)
            self._findings.count("seeded_levels")

    def feed(self, records: Records) -> Block:
        """Translate one LOG array. An aggressor still open at its end comes with the next block.

        LogFormatError when a price or quantity is beyond any market's range.
        """
        self._check_ranges(records)
        for record in records.tolist():
            kind, side, printable, _, _, ts_ns, order_id, new_id, price, lots, _, place = record
            if kind > _REPLACE:
                self._findings.count(f"{LogKind(kind).name.lower()}_messages")
                if kind == _HIDDEN and price:
                    # An aggressor of an earlier time comes before what this print may lead to.
                    if self._pending is not None and self._pending.ts_ns != ts_ns:
                        self._flush()
                    self._prints.append(Print(len(self._rows), ts_ns, price, lots))
                continue
            if kind == _EXECUTE:
                self._execute(side, printable, ts_ns, order_id, price, lots, place)
                continue
            self._flush()
            if kind == _ADD:
                self._add(order_id, side, price, lots, ts_ns, place)
            else:
                self._change(kind, side, ts_ns, order_id, new_id, price, lots, place)
        return self._block()

    def finish(self) -> Block:
        """Return the aggressor that was still open, if any."""
        self._flush()
        return self._block()

    def checks(self) -> list[Check]:
        """Return how many messages named an order that rests and held as much; nothing for an incomplete log."""
        if not self._complete:
            return []
        return [
            Check(
                name="reference",
                what="messages named an order as the log has it",
                passed=self._named - self._named_wrongly,
                total=self._named,
                required=True,
            )
        ]

    # --- the log's messages ---------------------------------------------------------------------

    def _named_as(self, right: bool, place: int, reason: str, order_id: int, expected: object, got: object) -> None:
        """Count one reference; `right` False is a mismatch, in a complete log."""
        self._named += 1
        if self._complete and not right:
            self._named_wrongly += 1
            self._findings.mismatch("reference", f"place {place}", f"order {order_id} {reason}", expected, got)

    def _add(self, order_id: int, side: int, price: int, lots: int, ts_ns: int, place: int) -> None:
        again = order_id in self._orders
        self._named_as(not again, place, "is added and rests already", order_id, "a new id", "one in use")
        if again:
            self._findings.count("duplicate_orders")
        client_id = self._take_client_id()
        self._orders[order_id] = _Order(client_id, side, price, lots)
        self._new(ACCOUNT_RECORDED, side, price, lots, client_id, ts_ns)

    def _change(
        self, kind: int, side: int, ts_ns: int, order_id: int, new_id: int, price: int, lots: int, place: int
    ) -> None:
        order = self._orders.get(order_id)
        self._check_named(order, order_id, lots if kind == _REDUCE else 0, place)
        if order is None:
            self._unknown(side, price, lots, ts_ns)
        elif kind == _REDUCE:
            self._reduce(order_id, order, lots, ts_ns)
        else:
            del self._orders[order_id]
            self._command(CommandKind.CANCEL, ACCOUNT_RECORDED, order.client_id, 0, ts_ns)
            if kind == _REPLACE:
                self._add(new_id, order.side, price, lots, ts_ns, place)

    def _execute(self, side: int, printable: int, ts_ns: int, order_id: int, price: int, lots: int, place: int) -> None:
        order = self._orders.get(order_id)
        self._check_named(order, order_id, lots, place)
        if order is not None and price and price != order.price:
            self._flush()
            self._findings.count("executions_at_another_price")
            self._reduce(order_id, order, lots, ts_ns)
            if printable:
                self._prints.append(Print(len(self._rows), ts_ns, price, lots))
            return
        client_id = 0
        if order is not None:
            side, price, client_id = order.side, order.price, order.client_id
            order.leaves -= lots
            if order.leaves <= 0:
                del self._orders[order_id]
        else:
            self._findings.count("unknown_executions")
            if not price:
                # Without order and price there is nothing that an aggressor could be limited at.
                self._findings.count("skipped_messages")
                return
        group = self._pending
        if group is None or group.ts_ns != ts_ns or group.side != side:
            self._flush()
            group = self._pending = Group(ts_ns, side, place)
        group.add(client_id, price, lots, order_id)

    def _check_named(self, order: _Order | None, order_id: int, lots: int, place: int) -> None:
        if order is None:
            self._named_as(False, place, "is named and does not rest", order_id, "a resting order", "none")
        else:
            held = order.leaves
            self._named_as(lots <= held, place, "holds too few lots", order_id, f"at most {held}", lots)

    def _reduce(self, order_id: int, order: _Order, lots: int, ts_ns: int) -> None:
        order.leaves -= lots
        if order.leaves <= 0:
            del self._orders[order_id]
        self._command(CommandKind.REDUCE, ACCOUNT_RECORDED, order.client_id, lots, ts_ns)

    def _unknown(self, side: int, price: int, lots: int, ts_ns: int) -> None:
        self._findings.count("unknown_cancels")
        client_id = self._seeds.get((side, price))
        if client_id is None or not lots:
            self._findings.count("skipped_messages")
        else:
            self._findings.count("seed_cancels")
            self._command(CommandKind.REDUCE, ACCOUNT_SEED, client_id, lots, ts_ns)

    # --- commands -------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Send the open aggressor."""
        group = self._pending
        if group is None:
            return
        self._pending = None
        group.command = len(self._rows)
        prices = [price for _, price, _ in group.fills]
        taker = Side.SELL if group.side == Side.BUY else Side.BUY
        limit = min(prices) if group.side == Side.BUY else max(prices)
        total = sum(lots for _, _, lots in group.fills)
        ioc = TimeInForce.IOC
        self._rows.append(_row(CommandKind.NEW, ACCOUNT_AGGRESSOR, taker, limit, total, 0, group.ts_ns, ioc))
        self._groups.append(group)
        self._prints += [Print(len(self._rows), group.ts_ns, price, lots) for _, price, lots in group.fills]

    def _new(self, account: int, side: int, price: int, lots: int, client_id: int, ts_ns: int) -> None:
        gtc = TimeInForce.GTC
        self._rows.append(_row(CommandKind.NEW, account, side, price, lots, client_id, ts_ns, gtc))

    def _command(self, kind: CommandKind, account: int, client_id: int, lots: int, ts_ns: int) -> None:
        self._rows.append(_row(kind, account, 0, 0, lots, client_id, ts_ns, 0))

    def _take_client_id(self) -> int:
        client_id = self._next_client_id
        self._next_client_id = client_id + 1
        return client_id

    def _block(self) -> Block:
        block = Block(np.array(self._rows, COMMAND), self._groups, self._prints)
        self._rows, self._groups, self._prints = [], [], []
        return block

    def _check_ranges(self, records: Records) -> None:
        in_book = records[records["kind"] <= _REPLACE]
        for name, high in (("price_ticks", PRICE_TICKS_MAX), ("qty_lots", QTY_LOTS_MAX)):
            beyond = np.flatnonzero((in_book[name] < 0) | (in_book[name] > high))
            if len(beyond):
                self._refuse(in_book[beyond[0]], f"{name} is {in_book[name][beyond[0]]}, outside 0..{high}")
        # A product of doubles is only a sieve; what it lets through is multiplied exactly.
        large = in_book["price_ticks"].astype(float) * in_book["qty_lots"].astype(float) > NOTIONAL_MAX / 2
        for record in in_book[large]:
            if int(record["price_ticks"]) * int(record["qty_lots"]) > NOTIONAL_MAX:
                self._refuse(record, "price x quantity exceeds 63 bits")

    def _refuse(self, record: np.void, reason: str) -> None:
        raise LogFormatError(
            f"{self._log}, place {record['place']}", reason, "Compare the message with the venue's file; it is damaged."
        )


def _row(kind: int, account: int, side: int, price: int, lots: int, client_id: int, ts_ns: int, tif: int) -> Row:
    return (kind, side, OrderType.LIMIT, tif, account, 0, client_id, price, lots, ts_ns, 0, 0, 0, 0)
