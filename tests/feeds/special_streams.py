"""Random streams of special orders, sessions and limits, for the feeds. Any object with this `next` will do instead."""

from __future__ import annotations

from typing import Any

import numpy as np

from parbook import messages as m
from parbook.codes import (
    AccountField,
    Allocation,
    CancelReason,
    OrderType,
    Peg,
    Place,
    SessionState,
    Side,
    StpMode,
    TimeInForce,
    Trigger,
)
from parbook.instrument import Instrument
from parbook.interface import MarketProtocol
from parbook.records import command_records
from tests.feeds.witness import engine_state
from tests.parity.streams import PROFILES, Operation, Stream, resting_orders

CURVED = next(profile for profile in PROFILES if profile.name == "curve-anchors")
MID_TICKS = 1000
STATES = (SessionState.CONTINUOUS, SessionState.AUCTION, SessionState.HALTED, SessionState.CLOSING, SessionState.CLOSED)


def instrument_of(seed: int) -> Instrument:
    """Return an instrument whose switches the bits of the seed set."""
    return Instrument(
        symbol=f"S{seed}",
        allocation=Allocation(seed & 1),
        stp=(StpMode.OFF, StpMode.DECREMENT)[seed >> 1 & 1],
        reinsert_on_amend=seed % 5 == 4,
        market_rests=bool(seed & 4),
        max_triggers=(2, 64)[seed & 1],
        stop_through_triggers=bool(seed & 2),
        curve_in_auction=bool(seed & 1),
        initial_state=(SessionState.CONTINUOUS, SessionState.PRE_OPEN)[seed >> 1 & 1],
        static_band_ppm=(0, 20_000)[seed >> 2 & 1],
        breach_rests=bool(seed & 1),
        breach_state=(SessionState.CONTINUOUS, SessionState.AUCTION)[seed >> 1 & 1],
        bust_window=50,
    )


class SpecialStream:
    """Draws commands of every kind, aimed at the live orders of the market."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.curves = Stream(CURVED, seed)
        self.now_ns = 0
        self.trades_to = 1

    def next(self, market: MarketProtocol, size: int) -> list[Operation]:
        """Return operations of `size` commands, and now and then a curve before them."""
        operations: list[Operation] = []
        if self._chance(0.1) or self.now_ns == 0:
            operations.append(m.SetCurve(params=self.curves._near_curve_params()))
        live = resting_orders(market)
        state, _ = engine_state(market)
        self.trades_to = market.next_seq
        operations.append(command_records([self._command(live, state) for _ in range(size)]))
        return operations

    def _chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def _pick(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(0, len(choices)))]

    def _number(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def _price(self, reach: int = 12) -> int:
        return MID_TICKS + self._number(-reach, reach)

    def _command(self, live: Any, state: SessionState) -> m.Command:
        self.now_ns += self._number(0, 30)
        if state is not SessionState.CONTINUOUS and self._chance(0.15):
            return m.SetState(state=self._pick(SessionState.AUCTION, SessionState.CONTINUOUS, SessionState.CONTINUOUS))
        draw = self.random.random()
        if draw < 0.62:
            return self._new(live)
        if draw < 0.87 and len(live):
            return self._change(live[self._number(0, len(live) - 1)])
        return self._rare()

    def _new(self, live: Any) -> m.Command:
        fields: dict[str, Any] = {
            "account": self._number(1, 6),
            "side": self._pick(*Side),
            "qty_lots": self._number(1, 30),
            "price_ticks": self._price(),
            "ts_ns": self.now_ns,
            "stp": self._pick(*StpMode),
        }
        kinds: dict[str, dict[str, Any]] = {
            "plain": {"tif": self._pick(TimeInForce.GTC, TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC)},
            "fok": {"tif": TimeInForce.FOK},
            "market": {"order_type": OrderType.MARKET, "tif": self._pick(TimeInForce.IOC, TimeInForce.GTC)},
            "to limit": {"order_type": OrderType.MARKET_TO_LIMIT},
            "passive": {"order_type": self._pick(OrderType.POST_ONLY, OrderType.POST_SLIDE)},
            "iceberg": {"display_lots": self._number(1, min(6, fields["qty_lots"]))},
            "hidden": {"hidden": True},
            "least": {"min_lots": 1},
            "gtd": {"tif": TimeInForce.GTD, "expire_ns": self.now_ns + self._number(0, 2000)},
            "auction": {"tif": TimeInForce.AUCTION, "order_type": self._pick(OrderType.LIMIT, OrderType.MARKET)},
            "stop": {"stop_ticks": self._price(), "trigger": self._pick(*Trigger)},
            "trailing": {"offset_ticks": self._number(1, 5), "trigger": self._pick(*Trigger)},
            "peg": {
                "order_type": OrderType.PEGGED,
                "peg": self._pick(Peg.ANCHOR, Peg.MID, Peg.PRIMARY),
                "offset_ticks": self._number(-3, 3),
            },
            "reduce": {"reduce_only": True},
            "amount": {
                "order_type": OrderType.MARKET,
                "tif": TimeInForce.IOC,
                "side": Side.BUY,
                "amount_notional": self._number(1, 20 * MID_TICKS),
            },
        }
        if len(live):
            partner = live[self._number(0, len(live) - 1)]
            kinds["oco"] = {
                "account": int(partner["account"]),
                "oco_order_id": int(partner["order_id"]),
                "side": Side(1 - int(partner["side"])),
                "stop_ticks": self._pick(0, self._price()),
            }
        return m.NewOrder(**fields | kinds[self._pick("plain", "plain", "plain", "iceberg", *kinds)])

    def _change(self, order: Any) -> m.Command:
        fields = {"account": int(order["account"]), "order_id": int(order["order_id"]), "ts_ns": self.now_ns}
        total = int(order["qty_lots"])
        draw = self.random.random()
        if draw < 0.3:
            return m.CancelOrder(**fields)
        if draw < 0.5:
            return m.ReduceOrder(**fields, qty_lots=self._number(1, total))
        terms: dict[str, int] = {}
        if order["place"] == Place.ICEBERG and self._chance(0.4):
            terms["display_lots"] = self._number(1, 6)
        if order["place"] == Place.ARMED and self._chance(0.4):
            terms["stop_ticks"] = self._price()
        price = self._price() if self._chance(0.4) else 0
        return m.AmendOrder(**fields, qty_lots=self._number(0, total + 5), price_ticks=price, **terms)

    def _rare(self) -> m.Command:
        account = self._number(1, 6)
        low = self._price(8)
        field, value = self._pick(
            (AccountField.STP_GROUP, self._number(1, 3)),
            (AccountField.POSITION_LOTS, self._number(-60, 60)),
            (AccountField.MAX_LONG_LOTS, self._number(100, 400)),
            (AccountField.PROTECTION_LOTS, self._number(0, 20)),
            (AccountField.PROTECTION_WINDOW_NS, 5000),
            (AccountField.KILLED, 0),
            (AccountField.KILLED, 0),
        )
        commands: list[m.Command] = [
            m.Quote(
                account=account,
                slot=self._number(0, 1),
                bid_ticks=low - self._number(0, 6),
                bid_lots=self._number(0, 9),
                ask_ticks=low + self._number(1, 6),
                ask_lots=self._number(0, 9),
            ),
            m.ProposeAnchor(low_ticks=low, high_ticks=low + self._number(0, 4)),
            m.SetAccount(account=account, field=field, value=value),
            m.Advance(ts_ns=self.now_ns),
            m.BustTrade(trade_seq=max(1, self.trades_to - self._number(0, 20))),
            m.ResetProtection(account=account),
        ]
        if self._chance(0.5):
            return self._pick(*commands)
        scarce: list[m.Command] = [
            m.SetState(state=self._pick(*STATES)),
            m.SetState(state=self._pick(*STATES)),
            m.MassCancel(account=account, side=self._number(0, 2), reason=CancelReason.MASS),
            m.DeadMan(account=account, timeout_ns=self._number(0, 500)),
            m.WithdrawCurve(),
            m.Kill(account=account),
            m.SetState(state=SessionState.DELISTED) if self._chance(0.3) else m.SetState(state=SessionState.AUCTION),
        ]
        return self._pick(*scarce) if self._chance(0.4) else self._pick(*commands[:2])
