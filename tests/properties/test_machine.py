"""Rules in any order over the public API: reference, core and a plain model hold the same market after every step.

PARBOOK_EXAMPLES=5000 runs longer.
"""

import os
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import parbook
import parbook.reference
from parbook import messages as m
from parbook.codes import AnchorMove, CurveResale, CurveShape, OrderType, RejectCode, Side, Source, TimeInForce
from parbook.instrument import Instrument
from parbook.records import event_records
from parbook.units import (
    ACCOUNT_MAX,
    CLIENT_ID_MAX,
    CURVE_LOTS_MAX,
    CURVE_PRICE_TICKS_MAX,
    NOTIONAL_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
)

ACCOUNTS = st.sampled_from([1, 2, 3, ACCOUNT_MAX])
CLIENT_IDS = st.sampled_from([0, 0, 1, 2, 3, CLIENT_ID_MAX])
NEAR = st.integers(94, 106)
PRICES = st.one_of(NEAR, NEAR, NEAR, st.sampled_from([1, 2, 2**41 - 1, 2**41, PRICE_TICKS_MAX - 1, PRICE_TICKS_MAX]))
BAD_PRICES = st.sampled_from([0, -1, PRICE_TICKS_MAX + 1, 2**63 - 1, -(2**63)])
FEW = st.integers(1, 9)
LOTS = st.one_of(FEW, FEW, FEW, st.sampled_from([QTY_LOTS_MAX - 1, QTY_LOTS_MAX, NOTIONAL_MAX // PRICE_TICKS_MAX]))
BAD_LOTS = st.sampled_from([0, -1, QTY_LOTS_MAX + 1, 2**63 - 1, -(2**63)])
SIDES = st.sampled_from(Side)
STEPS = st.sampled_from([None, None, 0, 1, 5])

CURVES = st.builds(
    m.CurveParams,
    shape=st.sampled_from(CurveShape),
    base_depth_lots=st.sampled_from([20, 20, 11, 1, CURVE_LOTS_MAX]),
    quote_depth_lots=st.sampled_from([20, 20, 1, CURVE_LOTS_MAX]),
    budget_notional=st.sampled_from([10**6, 2000, 250, 0, 2**62]),
    k_ppm=st.sampled_from([0, 100_000, 10**6]),
    spread_ppm=st.sampled_from([0, 20_000]),
    rung_ticks=st.sampled_from([1, 3]),
    par_lots=st.sampled_from([0, 4]),
    drop_ppm=st.sampled_from([50_000, 200_000, 999_999, 0]),
    min_net_lots=st.sampled_from([0, -10]),
    max_net_lots=st.sampled_from([12, CURVE_LOTS_MAX, 0]),
    activation_delay_ns=st.sampled_from([0, 0, 4]),
    anchor_move=st.sampled_from(AnchorMove),
    lift_max_lots=st.sampled_from([3, CURVE_LOTS_MAX, 0]),
    resale=st.sampled_from(CurveResale),
)


ANCHOR_ENDS = st.sampled_from([0, 1, CURVE_PRICE_TICKS_MAX, CURVE_PRICE_TICKS_MAX + 1])
GOOD_CURVES = st.builds(
    m.CurveParams,
    shape=st.sampled_from(CurveShape),
    base_depth_lots=st.sampled_from([20, 40]),
    quote_depth_lots=st.sampled_from([20, 40]),
    budget_notional=st.sampled_from([10**6, 2000, 2**62]),
    k_ppm=st.sampled_from([100_000, 0]),
    par_lots=st.sampled_from([4, 0]),
    drop_ppm=st.just(100_000),
    min_net_lots=st.just(-10),
    max_net_lots=st.sampled_from([30, 12]),
    activation_delay_ns=st.sampled_from([0, 0, 0, 4]),
    anchor_move=st.sampled_from(AnchorMove),
    lift_max_lots=st.sampled_from([20, 3]),
    resale=st.sampled_from(CurveResale),
)


class Model:
    """What can be said of a market without its rules: who has how much, what rests, what must balance."""

    def __init__(self) -> None:
        self.leaves: dict[int, int] = {}
        self.owner: dict[int, int] = {}
        self.position: dict[int, int] = defaultdict(int)
        self.cash: dict[int, int] = defaultdict(int)
        self.curve_lots = self.curve_cash = 0
        self.reset_lots = self.reset_cash = 0
        self.seq = self.last_price = 0

    def see(self, event):
        self.seq += 1
        assert event.seq == self.seq
        if isinstance(event, m.Accepted):
            assert event.order_id == len(self.owner) + 1
            self.owner[event.order_id] = event.account
        if isinstance(event, (m.Accepted, m.Amended)):
            self.leaves[event.order_id] = event.leaves_lots
        elif isinstance(event, m.Cancelled):
            self.leaves.pop(event.order_id)
        elif isinstance(event, m.CurveSet):
            # A new curve starts with cash of its own: what the old one held leaves with it.
            self.reset_lots, self.reset_cash = self.reset_lots + self.curve_lots, self.reset_cash + self.curve_cash
            self.curve_lots = self.curve_cash = 0
        elif isinstance(event, m.Trade):
            self.trade(event)

    def trade(self, trade):
        self.last_price = trade.price_ticks
        buyer, seller = trade.taker_account, trade.maker_account
        if trade.side is Side.SELL:
            buyer, seller = seller, buyer
        value = trade.qty_lots * trade.price_ticks
        self.position[buyer] += trade.qty_lots
        self.position[seller] -= trade.qty_lots
        self.cash[buyer] -= value
        self.cash[seller] += value
        if trade.source is not Source.BOOK:
            sign = 1 if buyer == 0 else -1
            self.curve_lots += sign * trade.qty_lots
            self.curve_cash -= sign * value
        if trade.maker_order_id:
            self.leaves[trade.maker_order_id] -= trade.qty_lots
            assert self.leaves[trade.maker_order_id] == trade.maker_leaves_lots


class MarketMachine(RuleBasedStateMachine):
    """Drives both implementations with the same commands."""

    @initialize(
        max_orders=st.sampled_from([5, 2**24, 2**24]),
        window=st.sampled_from([0, 2, 1024]),
        params=st.one_of(CURVES, CURVES, st.none()),
    )
    def open(self, max_orders, window, params):
        instrument = Instrument(symbol="MACHINE", max_orders=max_orders, client_id_window=window)
        self.reference = parbook.reference.Market(instrument)
        self.core = parbook.Market(instrument)
        self.model = Model()
        self.budget = 0
        if params is not None:
            self.run(m.SetCurve(params=params))
            self.run(m.ProposeAnchor(low_ticks=100, high_ticks=100))

    def run(self, command, step=None):
        now = self.reference.now_ns
        if step is not None:
            command = type(command)(
                **{f: getattr(command, f) for f in command.__struct_fields__} | {"ts_ns": now + step}
            )
        expected, got = self.reference.apply(command), self.core.apply(command)
        assert event_records(got).tobytes() == event_records(expected).tobytes()
        for event in got:
            self.model.see(event)
            if isinstance(event, m.CurveSet):
                self.budget = event.cash_notional
        return got[-1]

    @rule(
        side=SIDES,
        account=ACCOUNTS,
        price_ticks=PRICES,
        qty_lots=LOTS,
        client_id=CLIENT_IDS,
        style=st.sampled_from([(0, 0), (0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 0)]),
        step=STEPS,
    )
    def enter(self, style, step, **fields):
        self.run(m.NewOrder(order_type=OrderType(style[0]), tif=TimeInForce(style[1]), **fields), step)

    @rule(account=st.sampled_from([1, 2]), price_ticks=st.integers(94, 101), qty_lots=FEW, post_only=st.booleans())
    def make_bid(self, post_only, **fields):
        order_type = OrderType.POST_ONLY if post_only else OrderType.LIMIT
        self.run(m.NewOrder(side=Side.BUY, order_type=order_type, **fields))

    @rule(account=st.sampled_from([1, 2]), price_ticks=st.integers(99, 106), qty_lots=FEW, post_only=st.booleans())
    def make_ask(self, post_only, **fields):
        order_type = OrderType.POST_ONLY if post_only else OrderType.LIMIT
        self.run(m.NewOrder(side=Side.SELL, order_type=order_type, **fields))

    @rule(qty_lots=st.integers(1, 30), price_ticks=st.integers(100, 112), tif=st.sampled_from(TimeInForce))
    def take_asks(self, **fields):
        self.run(m.NewOrder(account=3, side=Side.BUY, **fields))

    @rule(qty_lots=st.integers(1, 30), price_ticks=st.integers(88, 100), tif=st.sampled_from(TimeInForce))
    def take_bids(self, **fields):
        self.run(m.NewOrder(account=3, side=Side.SELL, **fields))

    @rule(
        side=SIDES,
        bad=st.one_of(st.tuples(BAD_PRICES, LOTS), st.tuples(st.one_of(PRICES, BAD_PRICES), BAD_LOTS)),
    )
    def enter_out_of_range(self, side, bad):
        price_ticks, qty_lots = bad
        answer = self.run(m.NewOrder(account=1, side=side, price_ticks=price_ticks, qty_lots=qty_lots))
        lots_are_bad = not 1 <= qty_lots <= QTY_LOTS_MAX
        assert answer.code is (RejectCode.QTY_OUT_OF_RANGE if lots_are_bad else RejectCode.PRICE_OUT_OF_RANGE)

    def resting(self, pick):
        ids = sorted(order_id for order_id, lots in self.model.leaves.items() if lots)
        return ids[pick % len(ids)]

    def something_rests(self):
        return any(self.model.leaves.values())

    @precondition(something_rests)
    @rule(pick=st.integers(0, 50), kind=st.sampled_from([m.CancelOrder, m.ReduceOrder, m.AmendOrder]), step=STEPS)
    def touch_a_strangers_order(self, pick, kind, step):
        order_id = self.resting(pick)
        stranger = next(account for account in (1, 2) if account != self.model.owner[order_id])
        fields = {} if kind is m.CancelOrder else {"qty_lots": 1}
        answer = self.run(kind(account=stranger, order_id=order_id, **fields), step)
        # A LIFT within the same command may have taken the order first.
        assert answer.code in (RejectCode.NOT_OWNER, RejectCode.UNKNOWN_ORDER)

    @precondition(something_rests)
    @rule(pick=st.integers(0, 50), step=STEPS)
    def cancel(self, pick, step):
        order_id = self.resting(pick)
        self.run(m.CancelOrder(account=self.model.owner[order_id], order_id=order_id), step)
        assert not self.model.leaves.get(order_id)

    @precondition(something_rests)
    @rule(pick=st.integers(0, 50), qty_lots=st.one_of(LOTS, BAD_LOTS), step=STEPS)
    def reduce(self, pick, qty_lots, step):
        order_id = self.resting(pick)
        self.run(m.ReduceOrder(account=self.model.owner[order_id], order_id=order_id, qty_lots=qty_lots), step)

    @precondition(something_rests)
    @rule(
        pick=st.integers(0, 50),
        qty_lots=st.one_of(st.just(0), LOTS, LOTS, BAD_LOTS),
        price_ticks=st.one_of(st.just(0), PRICES, PRICES, BAD_PRICES),
        step=STEPS,
    )
    def amend(self, pick, step, **fields):
        order_id = self.resting(pick)
        self.run(m.AmendOrder(account=self.model.owner[order_id], order_id=order_id, **fields), step)

    @rule(kind=st.sampled_from([m.CancelOrder, m.AmendOrder]), account=ACCOUNTS, client_id=CLIENT_IDS)
    def touch_by_client_id(self, kind, **fields):
        self.run(kind(**fields))

    @rule(params=st.one_of(GOOD_CURVES, CURVES), step=STEPS)
    def set_curve(self, params, step):
        self.run(m.SetCurve(params=params), step)

    @rule(
        low_ticks=st.one_of(
            NEAR, NEAR, NEAR, st.sampled_from([0, 1, CURVE_PRICE_TICKS_MAX, CURVE_PRICE_TICKS_MAX + 1])
        ),
        width=st.sampled_from([0, 0, 0, 1, 3, -1]),
        step=STEPS,
    )
    def propose(self, low_ticks, width, step):
        self.run(m.ProposeAnchor(low_ticks=low_ticks, high_ticks=low_ticks + width), step)

    @rule(command=st.sampled_from([m.WithdrawAnchors(), m.WithdrawCurve(), m.Advance(ts_ns=0)]), step=STEPS)
    def withdraw_or_wait(self, command, step):
        self.run(command, step)

    @invariant()
    def one_market(self):
        if not hasattr(self, "model"):
            return
        assert self.core.state_bytes() == self.reference.state_bytes()
        assert self.core.depth(50).tobytes() == self.reference.depth(50).tobytes()
        assert self.core.curve == self.reference.curve
        self.reference.check()
        self.core.check()

    @invariant()
    def the_model_agrees(self):
        if not hasattr(self, "model"):
            return
        model = self.model
        assert sum(model.position.values()) == sum(model.cash.values()) == 0
        assert model.position[0] == model.curve_lots + model.reset_lots
        assert model.cash[0] == model.curve_cash + model.reset_cash
        assert self.core.last_trade_ticks == model.last_price
        model.leaves = {order_id: lots for order_id, lots in model.leaves.items() if lots}
        assert self.core.open_orders == len(model.leaves)
        for order_id, lots in model.leaves.items():
            order = self.core.order(order_id)
            assert (order.qty_lots - order.filled_lots, order.account) == (lots, model.owner[order_id])
        curve = self.core.curve
        if curve is not None:
            assert (curve.net_lots, curve.cash_notional) == (model.curve_lots, self.budget + model.curve_cash)


MarketMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("PARBOOK_EXAMPLES", "600")), stateful_step_count=40
)
TestMarketMachine = MarketMachine.TestCase
