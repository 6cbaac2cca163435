"""On streams of everything: neither locked nor crossed, no lot beyond the curve's own functions, all conserved."""

import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parbook import messages as m
from parbook.codes import AnchorMove, CurveResale, Side, Source
from parbook.curve import n_ask, n_bid
from parbook.instrument import Instrument
from tests.parity.reading import resting_orders
from tests.support.markets import MARKETS, examples
from tests.support.small_cases import small_params

both = pytest.mark.parametrize("market_class", MARKETS.values(), ids=MARKETS.keys())


class Watcher:
    """Sees only commands and events, and holds every event against the rules."""

    def __init__(self, make_market):
        self.market = make_market(Instrument(symbol="WATCHED"))
        self.params = None
        self.low = self.high = self.net = self.cash = 0
        self.leaves: dict[int, int] = {}
        self.total: dict[int, int] = {}
        self.side: dict[int, Side] = {}
        self.limit: dict[int, int] = {}
        self.traded: Counter = Counter()
        self.seq = 0
        self.seen: Counter = Counter()

    def apply(self, command):
        events = self.market.apply(command)
        assert events, "every command is answered"
        lifted = 0
        for e in events:
            self.seq += 1
            assert e.seq == self.seq
            self.seen[type(e).__name__] += 1
            if isinstance(e, m.Trade):
                lifted = self.trade(e, lifted)
            elif isinstance(e, m.AnchorActivated):
                self.low, self.high, lifted = e.low_ticks, e.high_ticks, 0
                assert (e.net_lots, e.cash_notional) == (self.net, self.cash)
            elif isinstance(e, m.CurveSet):
                self.params, self.net, self.cash = command.params, 0, e.cash_notional
            elif isinstance(e, (m.Accepted, m.Amended)):
                self.order(e)
            elif isinstance(e, m.Cancelled):
                assert e.qty_lots == self.total[e.order_id] - self.traded[e.order_id]
                self.leaves.pop(e.order_id, None)
        self.uncrossed()
        self.books_balance()

    def order(self, e):
        self.side[e.order_id], self.limit[e.order_id] = e.side, e.price_ticks
        self.total[e.order_id], self.leaves[e.order_id] = e.qty_lots, e.leaves_lots

    def trade(self, e, lifted):
        assert e.qty_lots > 0
        for order_id in filter(None, (e.taker_order_id, e.maker_order_id)):
            self.traded[order_id] += e.qty_lots
            assert self.traded[order_id] <= self.total[order_id]
        self.seen[e.source.name] += 1
        if e.taker_order_id:
            limit = self.limit[e.taker_order_id]
            assert e.side is self.side[e.taker_order_id]
            assert e.price_ticks <= limit if e.side is Side.BUY else e.price_ticks >= limit, "inside the taker's limit"
        if e.maker_order_id:
            assert e.price_ticks == self.limit[e.maker_order_id], "at the maker's price"
            self.leaves[e.maker_order_id] -= e.qty_lots
            assert e.maker_leaves_lots == self.leaves[e.maker_order_id] >= 0
        if e.source is Source.BOOK:
            assert self.side[e.maker_order_id] is not e.side
            return lifted
        # The curve trades: it buys on LIFT and from a seller.
        buys = e.source is Source.LIFT or e.side is Side.SELL
        self.net += e.qty_lots if buys else -e.qty_lots
        self.cash += -e.qty_lots * e.price_ticks if buys else e.qty_lots * e.price_ticks
        assert self.cash >= 0
        if buys:
            assert self.net <= n_bid(self.params, self.low, e.price_ticks), "no lot above the ladder's own bid"
        else:
            assert self.net >= n_ask(self.params, self.high, e.price_ticks), "no lot below the ladder's own ask"
            if self.params.resale is CurveResale.ABOVE_HIGH:
                assert e.price_ticks >= self.high
                self.seen["above high"] += 1
            else:
                self.seen["below high"] += e.price_ticks < self.high
        if e.source is Source.CURVE:
            assert e.maker_leaves_lots == self.net
            return lifted
        assert self.params.anchor_move is AnchorMove.LIFT
        assert lifted + e.qty_lots <= self.params.lift_max_lots
        return lifted + e.qty_lots

    def uncrossed(self):
        depth = self.market.depth(1000)
        bids = depth["price_ticks"][depth["side"] == 0]
        asks = depth["price_ticks"][depth["side"] == 1]
        assert list(bids) == sorted(bids, reverse=True)
        assert list(asks) == sorted(asks)
        assert not len(bids) or not len(asks) or bids[0] < asks[0], "locked or crossed"
        assert (depth["qty_lots"] > 0).all()

    def books_balance(self):
        self.leaves = {order_id: lots for order_id, lots in self.leaves.items() if lots}
        resting = {int(o["order_id"]): int(o["qty_lots"] - o["filled_lots"]) for o in resting_orders(self.market)}
        assert resting == self.leaves
        for order_id, lots in resting.items():
            assert self.total[order_id] == self.traded[order_id] + lots
        state = self.market.curve
        if state is not None:
            assert (state.net_lots, state.cash_notional) == (self.net, self.cash)


def next_command(rng, watcher, now):
    """Return a command near the money: anchors often, orders around them, changes of what rests."""
    resting = sorted(watcher.leaves)
    roll = rng.random()
    if roll < 0.12:
        low = rng.randint(80, 125)
        return m.ProposeAnchor(low_ticks=low, high_ticks=low + rng.choice([0, 0, 1, 4]), ts_ns=now)
    if roll < 0.16:
        move = rng.choice([AnchorMove.CLIP, AnchorMove.LIFT, AnchorMove.LIFT])
        params = msgspec.structs.replace(
            small_params(rng), activation_delay_ns=rng.choice([0, 0, 3]), anchor_move=move, max_net_lots=40
        )
        return m.SetCurve(params=params, ts_ns=now)
    if roll < 0.22:
        return rng.choice([m.WithdrawCurve(ts_ns=now), m.WithdrawAnchors(ts_ns=now), m.Advance(ts_ns=now)])
    if roll < 0.42 and resting:
        order_id = rng.choice(resting)
        change = rng.choice([m.CancelOrder, m.ReduceOrder, m.AmendOrder, m.AmendOrder])
        fields = {"account": 1, "order_id": order_id, "ts_ns": now}
        if change is not m.CancelOrder:
            fields["qty_lots"] = rng.randint(1, 8)
        if change is m.AmendOrder:
            fields["price_ticks"] = rng.choice([0, rng.randint(85, 115)])
        return change(**fields)
    order_type = rng.choice([0, 0, 0, 1, 2])
    tif = {0: rng.randint(0, 2), 1: rng.randint(1, 2), 2: 0}[order_type]
    return m.NewOrder(
        account=1,
        side=Side(rng.randint(0, 1)),
        qty_lots=rng.randint(1, 8),
        price_ticks=rng.randint(85, 115),
        order_type=order_type,
        tif=tif,
        ts_ns=now,
    )


@both
@examples(100)
@given(rng=st.randoms(use_true_random=False), length=st.integers(1, 60))
def test_after_every_command(market_class, rng, length):
    run(market_class, rng, length)


@both
@pytest.mark.parametrize("seed", range(12))
def test_long_streams(market_class, seed):
    seen = run(market_class, random.Random(seed), 400)
    assert min(seen[name] for name in ("BOOK", "CURVE", "AnchorActivated", "Amended", "Cancelled")) > 5, seen


def test_the_streams_lift():
    assert sum(run(MARKETS["core"], random.Random(seed), 400)["LIFT"] for seed in range(12)) > 20


def test_the_streams_sell_what_was_bought_in_both_ways():
    seen = sum((run(MARKETS["core"], random.Random(seed), 400) for seed in range(36)), Counter())
    assert min(seen["above high"], seen["below high"]) > 20, seen


def run(market_class, rng, length):
    watcher = Watcher(market_class)
    watcher.apply(m.SetCurve(params=small_params(rng)))
    now = 0
    for _ in range(length):
        now += rng.choice([0, 1, 1, 2])
        watcher.apply(next_command(rng, watcher, now))
    watcher.market.check()
    return watcher.seen
