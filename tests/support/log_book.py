"""Two small books that judge logs: one fed with LOG records, one with COMMAND records.

Lists and dicts, searched from end to end: slow, and simple enough to be believed.
"""

from parbook.codes import CommandKind, Side, TimeInForce
from parbook.logs.records import LogKind


class LogBook:
    """Rebuilds one symbol's book from LOG records and insists that executions hit the best queue's front."""

    def __init__(self):
        self.queues = ({}, {})  # side -> price -> [[order_id, lots], ...]
        self.where = {}  # order_id -> (side, price)
        self.executions = 0
        self.last_match = 0

    def feed(self, record):
        kind = record["kind"]
        if kind == LogKind.ADD:
            self._add(int(record["side"]), int(record["price_ticks"]), int(record["order_id"]), int(record["qty_lots"]))
        elif kind == LogKind.REPLACE:
            side, _ = self.where[int(record["order_id"])]
            self._take_off(int(record["order_id"]), None)
            self._add(side, int(record["price_ticks"]), int(record["new_order_id"]), int(record["qty_lots"]))
        elif kind == LogKind.EXECUTE:
            self._execute(record)
        elif kind == LogKind.REDUCE:
            self._take_off(int(record["order_id"]), int(record["qty_lots"]))
        elif kind == LogKind.DELETE:
            self._take_off(int(record["order_id"]), None)
        if record["match_id"]:
            assert record["match_id"] > self.last_match
            self.last_match = int(record["match_id"])

    def best(self, side):
        prices = self.queues[side]
        return (max(prices) if side == Side.BUY else min(prices)) if prices else 0

    def assert_uncrossed(self):
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        assert not bid or not ask or bid < ask, f"bid {bid} meets ask {ask}"

    def _add(self, side, price, order_id, lots):
        assert order_id not in self.where
        self.where[order_id] = (side, price)
        self.queues[side].setdefault(price, []).append([order_id, lots])

    def _execute(self, record):
        order_id = int(record["order_id"])
        side, price = self.where[order_id]
        assert price == self.best(side), f"execution at {price}, best is {self.best(side)}"
        front = self.queues[side][price][0]
        assert front[0] == order_id, f"execution of {order_id}, front is {front[0]}"
        assert record["price_ticks"] in (0, price)
        self._take_off(order_id, int(record["qty_lots"]))
        self.executions += 1

    def _take_off(self, order_id, lots):
        side, price = self.where[order_id]
        queue = self.queues[side][price]
        at = next(i for i, (held, _) in enumerate(queue) if held == order_id)
        assert lots is None or 0 < lots <= queue[at][1]
        queue[at][1] -= queue[at][1] if lots is None else lots
        if queue[at][1] == 0:
            del queue[at]
            del self.where[order_id]
            if not queue:
                del self.queues[side][price]


class CommandBook:
    """Applies COMMAND records by price-time priority and insists that each of them is possible."""

    def __init__(self):
        self.orders = {}  # order_id -> [account, side, price, total, filled, stamp]
        self.accepted = 0
        self.trades = 0
        self.now = 0
        self.stamp = 0

    def apply(self, command):
        assert command["ts_ns"] >= self.now
        self.now = int(command["ts_ns"])
        self.stamp += 1
        kind = command["kind"]
        if kind == CommandKind.NEW:
            self._new(command)
            return
        if kind == CommandKind.PROPOSE_ANCHOR:
            assert 0 < command["price_ticks"] <= command["high_ticks"]
            return
        order = self.orders[int(command["order_id"])]
        assert order[0] == command["account"]
        if kind == CommandKind.CANCEL:
            del self.orders[int(command["order_id"])]
        elif kind == CommandKind.REDUCE:
            assert 0 < command["qty_lots"] < order[3] - order[4]
            order[3] -= int(command["qty_lots"])
        else:
            assert kind == CommandKind.AMEND
            self._amend(order, int(command["price_ticks"]), int(command["qty_lots"]))

    def _new(self, command):
        assert command["order_id"] == 0
        assert command["order_type"] == 0
        assert command["account"] > 0
        assert command["qty_lots"] > 0
        assert command["price_ticks"] > 0
        self.accepted += 1
        side, price = int(command["side"]), int(command["price_ticks"])
        left = int(command["qty_lots"])
        total = left
        while left:
            maker_id = self._front(1 - side)
            if maker_id is None:
                break
            maker = self.orders[maker_id]
            if maker[2] > price if side == Side.BUY else maker[2] < price:
                break
            lots = min(left, maker[3] - maker[4])
            maker[4] += lots
            left -= lots
            self.trades += 1
            if maker[3] == maker[4]:
                del self.orders[maker_id]
        if left and command["tif"] == TimeInForce.GTC:
            self.orders[self.accepted] = [int(command["account"]), side, price, total, total - left, self.stamp]
        else:
            assert command["tif"] in (TimeInForce.GTC, TimeInForce.IOC)

    def _amend(self, order, price, total):
        assert price > 0
        assert total > order[4]
        assert price != order[2] or total > order[3]
        front = self._front(1 - order[1])
        if front is not None:
            other = self.orders[front][2]
            assert price < other if order[1] == Side.BUY else price > other
        order[2], order[3], order[5] = price, total, self.stamp

    def _front(self, side):
        resting = [(o[2] if side == Side.SELL else -o[2], o[5], i) for i, o in self.orders.items() if o[1] == side]
        return min(resting)[2] if resting else None
