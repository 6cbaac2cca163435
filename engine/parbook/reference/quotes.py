"""The curve as matching sees it: a compiled ladder, a cursor, cash, an anchor and those that wait.

Knows nothing of the book: whoever asks for a quote says at which opposite touch it must be clipped.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from parbook.codes import AnchorMove, Side
from parbook.curve import compile_ladder
from parbook.curve.ladder import Ladder, Rung
from parbook.errors import InvariantError
from parbook.messages import CurveParams
from parbook.units import NOTIONAL_MAX, PRICE_TICKS_MAX, TIME_NS_MAX

MAX_PROPOSED_ANCHORS = 16
"""No market holds more anchors that wait to activate."""


class Quote(NamedTuple):
    """The curve trades up to `lots` at `price_ticks`."""

    price_ticks: int
    lots: int


class ProposedAnchor(NamedTuple):
    """An anchor and when it becomes active."""

    low_ticks: int
    high_ticks: int
    effective_at_ns: int


class Cursor(NamedTuple):
    """Where the curve stands: net lots bought since target, and cash left in ticks x lots."""

    net_lots: int
    cash_notional: int

    def after(self, taker: Side, price_ticks: int, lots: int) -> Cursor:
        """Return the cursor after a fill: a selling taker is bought from, a buying one sold to. Exact."""
        sign = 1 if taker is Side.SELL else -1
        return Cursor(self.net_lots + sign * lots, self.cash_notional - sign * lots * price_ticks)


class Curve:
    """One market's curve. `ladder` is empty while it does not quote."""

    def __init__(self, params: CurveParams) -> None:
        self.params = params
        self.cursor = Cursor(0, params.budget_notional)
        self.quoting = False
        self.low_ticks = 0
        self.high_ticks = 0
        self.ladder = Ladder()
        self.compiled_at_net_lots = 0
        self.proposed: deque[ProposedAnchor] = deque()

    def replace(self, params: CurveParams) -> None:
        """Take new parameters: target and budget afresh, nothing proposed, the active anchor kept."""
        self.params = params
        self.cursor = Cursor(0, params.budget_notional)
        self.proposed.clear()
        if self.quoting:
            self._compile()
        else:
            self.compiled_at_net_lots = 0

    def propose(self, low_ticks: int, high_ticks: int, now_ns: int) -> ProposedAnchor:
        """Queue an anchor. Its time saturates at TIME_NS_MAX, where the clock ends."""
        effective_at_ns = min(now_ns + self.params.activation_delay_ns, TIME_NS_MAX)
        anchor = ProposedAnchor(low_ticks, high_ticks, effective_at_ns)
        self.proposed.append(anchor)
        return anchor

    def activate(self, anchor: ProposedAnchor) -> None:
        """Quote around `anchor`: compile the ladder at the present cursor."""
        self.low_ticks, self.high_ticks = anchor.low_ticks, anchor.high_ticks
        self.quoting = True
        self._compile()

    def withdraw(self) -> None:
        """Stop quoting until the next activation."""
        self.quoting = False
        self.ladder = Ladder()
        self.compiled_at_net_lots = 0

    def compile_at(self, net_lots: int) -> None:
        """Make the ladder that an activation makes when the cursor stands at `net_lots`."""
        self.compiled_at_net_lots = net_lots
        self.ladder = compile_ladder(self.params, self.low_ticks, self.high_ticks, net_lots)

    def _compile(self) -> None:
        self.compile_at(self.cursor.net_lots)

    def quote(self, taker: Side, touch_ticks: int, cursor: Cursor) -> Quote | None:
        """Return the best quote for a taker of that side when the cursor stands at `cursor`.

        `touch_ticks` is the best resting price on the taker's own side of the book, 0 for none. CLIP: the
        curve's price is moved one tick behind it, so that book and curve are never locked or crossed. Rungs
        that the clip brings to one price are one quote. The curve stops where its cash buys no whole lot.
        O(rungs).
        """
        if taker is Side.SELL:
            rungs = [rung for rung in self.ladder.bids if rung.net_lots > cursor.net_lots]
            clip = touch_ticks - 1 if touch_ticks else None
        else:
            rungs = [rung for rung in self.ladder.asks if rung.net_lots < cursor.net_lots]
            clip = touch_ticks + 1 if touch_ticks else None
        if not rungs:
            return None
        rung = rungs[0]
        if clip is not None:
            merged = [r for r in rungs if (r.price_ticks >= clip if taker is Side.SELL else r.price_ticks <= clip)]
            if merged:
                rung = Rung(clip, merged[-1].net_lots)
        # One tick beyond the lowest or highest price of an order nobody can trade.
        if not 1 <= rung.price_ticks <= PRICE_TICKS_MAX:
            return None
        lots = min(abs(rung.net_lots - cursor.net_lots), self._affordable(taker, rung.price_ticks, cursor))
        return Quote(rung.price_ticks, lots) if lots else None

    @staticmethod
    def _affordable(taker: Side, price_ticks: int, cursor: Cursor) -> int:
        """Lots the cash pays for, rounded down; for sales, lots until the cash no longer fits 63 bits."""
        cash = cursor.cash_notional
        return (cash if taker is Side.SELL else NOTIONAL_MAX - cash) // price_ticks

    def liftable_lots(self, ask_ticks: int, lifted_lots: int) -> int:
        """Lots the curve may LIFT at a resting ask after `lifted_lots` in this activation: never above its own bid."""
        if self.params.anchor_move != AnchorMove.LIFT:
            return 0
        net_lots = self.cursor.net_lots
        target = max((r.net_lots for r in self.ladder.bids if r.price_ticks >= ask_ticks), default=net_lots)
        return max(
            0,
            min(
                target - net_lots,
                self.params.lift_max_lots - lifted_lots,
                self.cursor.cash_notional // ask_ticks,
            ),
        )

    def check(self) -> None:
        """Raise InvariantError unless cursor, cash and ladder are inside their stated bounds. O(rungs)."""
        net_lots, cash = self.cursor
        if not self.params.min_net_lots <= net_lots <= self.params.max_net_lots:
            raise InvariantError(f"curve: cursor {net_lots} is outside its limits")
        if not 0 <= cash <= NOTIONAL_MAX:
            raise InvariantError(f"curve: cash {cash} is negative or does not fit 63 bits")
        if len(self.proposed) > MAX_PROPOSED_ANCHORS:
            raise InvariantError(f"curve: {len(self.proposed)} anchors are waiting")
        if bool(self.ladder.bids or self.ladder.asks) and not self.quoting:
            raise InvariantError("curve: rungs without an active anchor")
        self.ladder.check()
