"""What the buyback did, read from the events of the market that has it and of the one that has not."""

from __future__ import annotations

import numpy as np

from parbook.codes import CancelReason, EventKind, RejectCode, Side, Source
from parbook.errors import InvariantError
from parbook.interface import CurveState
from parbook.records import Records
from parbook.replay.result import CurveReport
from parbook.units import PPM

_TRADE = int(EventKind.TRADE)
_ACTIVATED = int(EventKind.ANCHOR_ACTIVATED)
_PROPOSED = int(EventKind.ANCHOR_PROPOSED)
_ANCHOR_CODES = tuple(
    int(code) for code in (RejectCode.ANCHOR_OUT_OF_RANGE, RejectCode.ANCHOR_INVERTED, RejectCode.ANCHOR_QUEUE_FULL)
)


class TakerMeter:
    """Lots that takers traded with the book and left unfilled, by side."""

    def __init__(self) -> None:
        self.book_lots = [0, 0]
        self.unfilled_lots = [0, 0]

    def feed(self, events: Records) -> None:
        """Add one batch of events. O(events)."""
        kinds = events["kind"]
        book = events[(kinds == _TRADE) & (events["code"] == Source.BOOK)]
        left = events[(kinds == EventKind.CANCELLED) & (events["code"] == CancelReason.REMAINDER)]
        for side in (Side.BUY, Side.SELL):
            self.book_lots[side] += int(book["qty_lots"][book["side"] == side].sum())
            self.unfilled_lots[side] += int(left["qty_lots"][left["side"] == side].sum())


class CurveMeter:
    """Follows the curve's cash and cursor fill by fill, independently of the market's own account of them."""

    def __init__(self, budget_notional: int) -> None:
        self.takers = TakerMeter()
        self.budget_notional = budget_notional
        self.cash_notional = budget_notional
        self.net_lots = 0
        self.bought_lots = 0
        self.sold_lots = 0
        self.low_ticks = 0
        self.high_ticks = 0
        self._bought_notional = 0
        self._sold_notional = 0
        self._lifted_lots = 0
        self._net_range = [0, 0]
        self._cash_min = budget_notional
        self._fair_twice = 0
        self._discount_twice = 0
        self._proposed = 0
        self._activated = 0
        self._refused = 0

    def feed(self, events: Records) -> None:
        """Add one batch of events. O(events), in Python only for the curve's own."""
        self.takers.feed(events)
        kinds, codes = events["kind"], events["code"]
        self._proposed += int((kinds == _PROPOSED).sum())
        self._refused += int(((kinds == EventKind.REJECTED) & np.isin(codes, _ANCHOR_CODES)).sum())
        mine = events[((kinds == _TRADE) & (codes != Source.BOOK)) | (kinds == _ACTIVATED)]
        for kind, side, code, price, lots, high in mine[
            ["kind", "side", "code", "price_ticks", "qty_lots", "leaves_lots"]
        ].tolist():
            if kind == _ACTIVATED:
                self._activated += 1
                self.low_ticks, self.high_ticks = price, high
            elif code == Source.LIFT or side == Side.SELL:
                self._buy(price, lots, lifted=code == Source.LIFT)
            else:
                self.sold_lots += lots
                self._sold_notional += price * lots
                self.net_lots -= lots
                self.cash_notional += price * lots
                self._net_range[0] = min(self._net_range[0], self.net_lots)

    def _buy(self, price: int, lots: int, *, lifted: bool) -> None:
        self.bought_lots += lots
        self._bought_notional += price * lots
        self._lifted_lots += lots * lifted
        self.net_lots += lots
        self.cash_notional -= price * lots
        self._cash_min = min(self._cash_min, self.cash_notional)
        self._net_range[1] = max(self._net_range[1], self.net_lots)
        fair_twice = self.low_ticks + self.high_ticks
        self._fair_twice += fair_twice * lots
        self._discount_twice += (fair_twice - 2 * price) * lots

    def check(self, state: CurveState | None) -> None:
        """Raise InvariantError unless the market's cursor and cash are what its fills add up to."""
        if state is None or (state.net_lots, state.cash_notional) != (self.net_lots, self.cash_notional):
            raise InvariantError(
                f"curve: the fills add up to {self.net_lots} lots and {self.cash_notional} cash; the market has {state}"
            )

    def report(self, alone: TakerMeter, residual_filled: list[int], diverged: int, anchor_source: str) -> CurveReport:
        """Return the figures. `alone` is the same log without the curve; `residual_filled` lots are by side."""
        joint = self.takers
        fair_twice = self.low_ticks + self.high_ticks
        return CurveReport(
            budget_notional=self.budget_notional,
            bought_lots=self.bought_lots,
            bought_notional=self._bought_notional,
            lifted_lots=self._lifted_lots,
            sold_lots=self.sold_lots,
            sold_notional=self._sold_notional,
            book_lots=sum(joint.book_lots),
            book_lots_alone=sum(alone.book_lots),
            unfilled_alone_buy_lots=alone.unfilled_lots[Side.BUY],
            unfilled_alone_sell_lots=alone.unfilled_lots[Side.SELL],
            unfilled_joint_buy_lots=joint.unfilled_lots[Side.BUY],
            unfilled_joint_sell_lots=joint.unfilled_lots[Side.SELL],
            residual_filled_buy_lots=residual_filled[Side.BUY],
            residual_filled_sell_lots=residual_filled[Side.SELL],
            curve_share_buy_ppm=_share_ppm(self.sold_lots, joint.book_lots[Side.BUY]),
            curve_share_sell_ppm=_share_ppm(self.bought_lots - self._lifted_lots, joint.book_lots[Side.SELL]),
            reserve_used_max_notional=self.budget_notional - self._cash_min,
            reserve_used_final_notional=self.budget_notional - self.cash_notional,
            net_lots=self.net_lots,
            net_lots_max=self._net_range[1],
            net_lots_min=self._net_range[0],
            discount_ppm=self._discount_twice * PPM // self._fair_twice if self._fair_twice else 0,
            fair_twice_ticks=fair_twice,
            pnl_notional=(2 * (self.cash_notional - self.budget_notional) + self.net_lots * fair_twice) // 2,
            anchors_proposed=self._proposed,
            anchors_activated=self._activated,
            anchors_refused=self._refused,
            diverged=diverged,
            anchor_source=anchor_source,
        )


def _share_ppm(curve_lots: int, book_lots: int) -> int:
    total = curve_lots + book_lots
    return curve_lots * PPM // total if total else 0
