"""Calls in any order over the public exchange, against a ledger of our own: who owns what, what it holds.

The model knows prices, fees and holds from the documentation, not from the engine. PARBOOK_EXAMPLES=5000 runs longer.
"""

from __future__ import annotations

import os
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import parbook as pb
from parbook import messages as m

ACCOUNTS = (2, 3, 4)
TREASURY = 9
MAX_FEE_PPM = 10_000
MARKETS = st.sampled_from([0, 1])
ACCOUNT = st.sampled_from(ACCOUNTS)
SIDES = st.sampled_from(["buy", "sell"])
PRICES = st.integers(94, 106)
LOTS = st.one_of(st.integers(1, 12), st.just(5000))
AMOUNTS = st.integers(1, 40_000)
OVER = st.one_of(st.sampled_from([0, 1]), st.integers(-20_000, -1))
PICKS = st.integers(0, 9)
TIFS = st.sampled_from(["gtc", "gtc", "ioc"])
STEPS = st.sampled_from([0, 0, 1, 7])
CURVE = pb.LinearBuyback(budget=3000, par_lots=5, drop_bps=600, depth_lots=40, spread_bps=50, activation_delay_ns=3)


def rounded_up(atoms: int, ppm: int) -> int:
    """A millionth counts for the venue."""
    return -((-atoms * ppm) // 10**6)


class PublicExchange(RuleBasedStateMachine):
    """Two instruments over three assets; a lot of the second is 10 atoms, a tick of it 5."""

    @initialize(maker=st.integers(-3, 10), taker=st.integers(3, 90))
    def open(self, maker: int, taker: int) -> None:
        self.ex = ex = pb.Exchange(retain_events=10**6)
        self.cash = ex.add_asset("CASH")
        self.goods = [ex.add_asset("A"), ex.add_asset("B", decimals=1)]
        self.owned: dict[tuple[int, int], int] = defaultdict(int)
        self.paid_in: dict[int, int] = defaultdict(int)
        self.fees = 0
        self.rates = {0: (maker * 100, taker * 100), 1: (0, 9900)}
        self.tier_of: dict[int, int] = {}
        # (market, order id) -> [account, is buy, price, leaves]
        self.orders: list[dict[int, list[int]]] = [{}, {}]
        self.position = 0
        self.pay_in(TREASURY, 0, 3000)
        self.markets = [
            ex.add_instrument("A/CASH", base=1, quote=0, treasury=TREASURY, curve=CURVE, stp="cancel_oldest"),
            ex.add_instrument("B/CASH", base=2, quote=0, tick=5, stp="decrement"),
        ]
        assert ex.set_fees(maker_bps=maker, taker_bps=taker).ok
        assert ex.set_fees(1, taker_bps=99).ok
        for account in ACCOUNTS:
            for asset, atoms in ((0, 20_000), (1, 60), (2, 400)):
                self.pay_in(account, asset, atoms)

    def atoms_of(self, market: int) -> tuple[int, int]:
        """Return (atoms of a lot, atoms of a tick of one lot)."""
        return ((1, 1), (10, 5))[market]

    # --- the model ------------------------------------------------------------------------------

    def pay_in(self, account: int, asset: int, atoms: int) -> None:
        assert self.ex.deposit(account, asset, amount_atoms=atoms).ok
        self.owned[account, asset] += atoms
        self.paid_in[asset] += atoms

    def hold(self, market: int, buys: bool, price: int, lots: int) -> int:
        """Return what an order holds: base, or the price of each lot with the largest fee."""
        lot_atoms, tick_atoms = self.atoms_of(market)
        price_atoms = price * tick_atoms
        return lots * (price_atoms + rounded_up(price_atoms, MAX_FEE_PPM)) if buys else lots * lot_atoms

    def held(self, account: int, asset: int) -> int:
        total = 0
        for market, orders in enumerate(self.orders):
            for owner, buys, price, leaves in orders.values():
                if owner == account and asset == (0 if buys else market + 1):
                    total += self.hold(market, bool(buys), price, leaves)
        return total

    def spare(self, account: int, asset: int) -> int:
        return self.owned[account, asset] - self.held(account, asset)

    def see(self, outcome: pb.Outcome) -> None:
        """Follow what the exchange says happened."""
        for event in outcome.events:
            if event.instrument > 1:
                continue
            orders = self.orders[event.instrument]
            match event:
                case m.Accepted() | m.Amended():
                    orders[event.order_id] = [
                        event.account, event.side is pb.Side.BUY, event.price_ticks, event.leaves_lots
                    ]  # fmt: skip
                case m.Cancelled():
                    orders.pop(event.order_id)
                case m.Prevented():
                    orders[event.maker_order_id][3] = event.maker_leaves_lots
                case m.Trade():
                    self.trade(event)
        self.orders = [{i: order for i, order in orders.items() if order[3]} for orders in self.orders]

    def trade(self, trade: m.Trade) -> None:
        lot_atoms, tick_atoms = self.atoms_of(trade.instrument)
        value, base = trade.price_ticks * trade.qty_lots * tick_atoms, trade.qty_lots * lot_atoms
        taker, maker = trade.taker_account, trade.maker_account or TREASURY
        sign = 1 if trade.side is pb.Side.BUY else -1
        for account, role in ((taker, 1), (maker, 0)):
            towards = sign if role else -sign
            self.owned[account, 0] -= towards * value
            self.owned[account, trade.instrument + 1] += towards * base
            if account != TREASURY:
                fee = rounded_up(value, self.rates[self.tier_of.get(account, 0)][role])
                self.owned[account, 0] -= fee
                self.fees += fee
        if trade.maker_order_id:
            # Its own word for what is left; an aggressor's came with its Accepted.
            self.orders[trade.instrument][trade.maker_order_id][3] = trade.maker_leaves_lots

    def picked(self, market: int, pick: int) -> tuple[int, list[int] | None]:
        """Return one of the live orders, or one that nobody ever had."""
        live = [*self.orders[market].items(), (10**6, None)]
        return live[min(pick, len(live) - 1)]

    # --- calls ----------------------------------------------------------------------------------

    def now(self, step: int) -> int:
        return self.ex.now_ns + step

    @rule(market=MARKETS, account=ACCOUNT, side=SIDES, price=PRICES, lots=LOTS, tif=TIFS, step=STEPS)
    def place_one(self, market: int, account: int, side: str, price: int, lots: int, tif: str, step: int) -> None:
        self.place(market, account, side, price, lots, tif, step)

    @rule(
        market=MARKETS, accounts=st.permutations(ACCOUNTS), price=PRICES, lots=st.integers(1, 9), more=st.integers(0, 9)
    )
    def place_two_that_meet(self, market: int, accounts: list[int], price: int, lots: int, more: int) -> None:
        self.place(market, accounts[0], "sell", price, lots, "gtc", 0)
        self.place(market, accounts[1], "buy", price + 1, lots + more, "gtc", 1)

    @rule(account=ACCOUNT, lots=st.integers(1, 9), tif=TIFS)
    def sell_to_the_curve(self, account: int, lots: int, tif: str) -> None:
        self.place(0, account, "sell", 94, lots, tif, 0)

    @rule(market=MARKETS, account=ACCOUNT, price=PRICES)
    def spend_all(self, market: int, account: int, price: int) -> None:
        """The price of the lots is there, the largest fee on it perhaps not."""
        lots = self.spare(account, 0) // (price * self.atoms_of(market)[1])
        self.place(market, account, "buy", price, max(1, lots), "gtc", 0)

    def place(self, market: int, account: int, side: str, price: int, lots: int, tif: str, step: int) -> None:
        mkt = self.markets[market]
        buys, asset = side == "buy", 0 if side == "buy" else market + 1
        hold, spare = self.hold(market, buys, price, lots), self.spare(account, asset)
        done = self.ex.place(mkt, account, side, mkt.qty(lots), mkt.price(price), tif=tif, ts=self.now(step))
        if hold <= spare:
            assert done.ok
        elif not buys:
            assert done.code is pb.RejectCode.INSUFFICIENT_BASE
        elif price * lots * self.atoms_of(market)[1] <= spare:
            assert done.code is pb.RejectCode.INSUFFICIENT_FEE
        else:
            assert done.code is pb.RejectCode.INSUFFICIENT_QUOTE
        self.see(done)
        if done.ok:
            live = self.orders[market].get(done.order_id)
            assert done.leaves_lots == (live[3] if live else 0)
            by_model = sum(fill.qty_lots for fill in done.fills)
            assert (done.filled_lots, done.value) == (by_model, sum(fill.value for fill in done.fills))

    @rule(market=MARKETS, account=ACCOUNT, pick=PICKS, price=PRICES, lots=LOTS)
    def amend(self, market: int, account: int, pick: int, price: int, lots: int) -> None:
        order_id, order = self.picked(market, pick)
        done = self.ex.amend(self.markets[market], account, order_id=order_id, qty_lots=lots, price_ticks=price)
        if order is None:
            assert done.code is pb.RejectCode.UNKNOWN_ORDER
        elif order[0] != account:
            assert done.code is pb.RejectCode.NOT_OWNER
        self.see(done)

    @rule(market=MARKETS, account=ACCOUNT, pick=PICKS, lots=st.integers(1, 5))
    def reduce(self, market: int, account: int, pick: int, lots: int) -> None:
        order_id, order = self.picked(market, pick)
        done = self.ex.reduce(self.markets[market], account, qty_lots=lots, order_id=order_id)
        assert done.ok == (order is not None and order[0] == account)
        self.see(done)

    @rule(market=MARKETS, account=ACCOUNT, pick=PICKS)
    def cancel(self, market: int, account: int, pick: int) -> None:
        order_id, order = self.picked(market, pick)
        done = self.ex.cancel(self.markets[market], account, order_id=order_id)
        assert done.ok == (order is not None and order[0] == account)
        self.see(done)

    @rule(account=ACCOUNT, asset=st.integers(0, 2), atoms=AMOUNTS)
    def deposit(self, account: int, asset: int, atoms: int) -> None:
        self.pay_in(account, asset, atoms)

    @rule(account=ACCOUNT, asset=st.integers(0, 2), over=OVER)
    def withdraw(self, account: int, asset: int, over: int) -> None:
        atoms = max(1, self.spare(account, asset) + over)
        done = self.ex.withdraw(account, asset, amount_atoms=atoms)
        if atoms > self.spare(account, asset):
            assert done.code is pb.RejectCode.INSUFFICIENT_AVAILABLE
            return
        assert done.ok
        self.owned[account, asset] -= atoms
        self.paid_in[asset] -= atoms

    @rule(account=ACCOUNT, receiver=ACCOUNT, asset=st.integers(0, 2), over=OVER)
    def transfer(self, account: int, receiver: int, asset: int, over: int) -> None:
        atoms = max(1, self.spare(account, asset) + over)
        done = self.ex.transfer(account, receiver, asset, amount_atoms=atoms)
        if account == receiver:
            assert done.code is pb.RejectCode.INVALID_ACCOUNT
            return
        if atoms > self.spare(account, asset):
            assert done.code is pb.RejectCode.INSUFFICIENT_AVAILABLE
            return
        self.owned[account, asset] -= atoms
        self.owned[receiver, asset] += atoms

    @rule(price=st.integers(97, 103), conf=st.integers(0, 2), step=STEPS)
    def observe(self, price: int, conf: int, step: int) -> None:
        self.see(self.ex.observe(self.markets[0], price=price, conf=conf, ts=self.now(step)))

    @rule(step=STEPS)
    def advance(self, step: int) -> None:
        self.see(self.ex.advance(ts=self.now(step)))

    @rule(account=ACCOUNT, tier=st.sampled_from([0, 1]))
    def set_tier(self, account: int, tier: int) -> None:
        assert self.ex.set_tier(account, tier).ok
        self.tier_of[account] = tier

    @rule(market=MARKETS, account=ACCOUNT, side=SIDES, lots=st.integers(1, 60))
    def preview(self, market: int, account: int, side: str, lots: int) -> None:
        before = self.ex.state_hash(), self.ex.next_event
        seen = self.ex.preview(self.markets[market], account, side, qty_lots=lots)
        assert seen.filled_lots + seen.left_lots == lots
        assert (self.ex.state_hash(), self.ex.next_event) == before

    @precondition(lambda self: sum(map(len, self.orders)) > 6)
    @rule()
    def everybody_leaves(self) -> None:
        self.see(self.ex.mass_cancel())
        assert self.orders == [{}, {}]
        for account in ACCOUNTS:
            assert all(balance.held == 0 for balance in self.ex.balances(account).values())

    def teardown(self) -> None:
        if hasattr(self, "markets"):
            self.everybody_leaves()

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def the_ledger_is_ours(self) -> None:
        if not hasattr(self, "markets"):
            return
        core = self.ex.core
        for account in ACCOUNTS:
            for name, balance in self.ex.balances(account).items():
                asset = int(self.ex.asset(name))
                assert balance.total_atoms == self.owned[account, asset], (account, name)
                assert balance.held_atoms == self.held(account, asset), (account, name)
                assert 0 <= balance.held_atoms <= balance.total_atoms
        for asset in range(3):
            assert core.balance(TREASURY, asset) == self.owned[TREASURY, asset]
            inside = sum(self.owned[account, asset] for account in (*ACCOUNTS, TREASURY))
            assert inside + (self.fees if asset == 0 else 0) == core.inside(asset) == self.paid_in[asset]
        assert core.fees_taken(0) == self.fees
        self.ex.check()

    @invariant()
    def every_event_is_retained(self) -> None:
        if hasattr(self, "markets"):
            assert sum(len(batch) for batch in self.ex.events(0)) == self.ex.next_event


TestPublicExchange = PublicExchange.TestCase
TestPublicExchange.settings = settings(
    max_examples=int(os.environ.get("PARBOOK_EXAMPLES", "40")), stateful_step_count=40, deadline=None
)
