"""Seeded random command streams that go where the rules are: crossings, extremes, refusals, curve and anchors.

A stream is a list of operations: COMMAND arrays, and SetCurve between them. Cancels and amendments aim at
orders that rest in the market under test, so they are drawn batch by batch, from its state.
"""

from __future__ import annotations

import msgspec
import numpy as np

from parbook.codes import AnchorMove, CommandKind, CurveResale, CurveShape
from parbook.interface import MarketProtocol
from parbook.messages import CurveParams, SetCurve
from parbook.records import COMMAND, Records
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, NOTIONAL_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.parity.profiles import Profile
from tests.parity.reading import Reading, read
from tests.parity.terms import draw_specials, draw_venue

Operation = Records | SetCurve


class Stream:
    """Draws one profile's operations from one seed."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile = profile
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.now_ns = 0
        self.mid_ticks = profile.mid_ticks

    def next(self, market: MarketProtocol, size: int) -> list[Operation]:
        """Return the next operations, `size` commands among them, aimed at the market's resting orders."""
        operations: list[Operation] = []
        if self.random.random() < self.profile.curve:
            operations.append(self.set_curve())
        operations.append(self._batch(read(market), size))
        return operations

    def set_curve(self) -> SetCurve:
        """Return a new curve as the profile draws them."""
        return SetCurve(params=self._curve_params())

    def _batch(self, reading: Reading, size: int) -> Records:
        draw, profile = self.random, self.profile
        out = np.zeros(size, COMMAND)
        kinds = [CommandKind.NEW, CommandKind.CANCEL, CommandKind.AMEND, CommandKind.REDUCE, CommandKind.ADVANCE]
        out["kind"] = draw.choice(kinds, size, p=[0.62, 0.14, 0.13, 0.1, 0.01])
        out["side"] = draw.integers(0, 2, size)
        out["account"] = draw.integers(1, profile.accounts + 1, size)
        out["order_type"] = draw.choice(3, size, p=[0.84, 0.06, 0.1])
        out["tif"] = draw.choice(3, size, p=[0.8, 0.12, 0.08])
        market_order = out["order_type"] == 1
        out["tif"][market_order] = draw.integers(0, 3, int(market_order.sum()))
        out["price_ticks"] = self._prices(size)
        out["qty_lots"] = self._quantities(size)
        out["ts_ns"] = self._times(size)
        if profile.client_ids:
            out["client_id"] = draw.integers(0, profile.client_ids, size)
        out["session"] = draw.integers(0, 3, size)
        if profile.one_sided:
            out["side"] = 0
        self._aim(out, reading.orders)
        self._anchors(out)
        if profile.venue:
            draw_venue(draw, profile, out, reading)
        self._malform(out)
        return draw_specials(draw, profile, out, reading) if profile.specials else out

    def _prices(self, size: int) -> np.ndarray:
        draw, profile = self.random, self.profile
        if self.mid_ticks:
            self.mid_ticks = max(1, self.mid_ticks + int(draw.integers(-1, 2)) * max(1, profile.spread_ticks // 6))
            offset = draw.integers(-profile.spread_ticks, profile.spread_ticks + 1, size)
            prices = np.maximum(self.mid_ticks + offset, 1)
        else:
            prices = (2.0 ** draw.uniform(0, 59.9, size)).astype(np.int64)
        extreme = draw.random(size) < profile.extreme
        edges = [
            1,
            2,
            63,
            64,
            65,
            4095,
            4096,
            2**41 - 1,
            PRICE_TICKS_MAX - 1,
            PRICE_TICKS_MAX,
            PRICE_TICKS_MAX + 1,
            0,
            -1,
        ]
        prices[extreme] = draw.choice(edges, int(extreme.sum()))
        return prices

    def _quantities(self, size: int) -> np.ndarray:
        draw, profile = self.random, self.profile
        lots = np.maximum((profile.max_qty ** draw.random(size)).astype(np.int64), 1)
        extreme = draw.random(size) < profile.extreme
        edges = [1, 2, QTY_LOTS_MAX, QTY_LOTS_MAX + 1, 0, -1, 2**63 - 1, -(2**63), NOTIONAL_MAX // PRICE_TICKS_MAX]
        lots[extreme] = draw.choice(edges, int(extreme.sum()))
        return lots

    def _times(self, size: int) -> np.ndarray:
        draw = self.random
        steps = np.where(draw.random(size) < 0.3, draw.integers(0, 50, size), 0)
        times = self.now_ns + np.cumsum(steps)
        self.now_ns = int(times[-1])
        times[draw.random(size) < 0.3] = 0
        late = draw.random(size) < 0.002
        times[late] = np.maximum(times[late] - 1000, -5)
        return times

    def _aim(self, out: Records, resting: Records) -> None:
        """Let most changes name a live order of the right account; some name it by client id."""
        draw = self.random
        if not len(resting):
            return
        change = np.isin(out["kind"], (CommandKind.CANCEL, CommandKind.AMEND, CommandKind.REDUCE))
        rows = np.flatnonzero(change)
        target = resting[draw.integers(0, len(resting), len(rows))]
        out["order_id"][rows] = target["order_id"]
        out["client_id"][rows] = 0
        right = draw.random(len(rows)) < 0.95
        out["account"][rows[right]] = target["account"][right]
        by_name = (draw.random(len(rows)) < 0.3) & (target["client_id"] != 0)
        out["order_id"][rows[by_name]] = 0
        out["client_id"][rows[by_name]] = target["client_id"][by_name]
        amend = out["kind"] == CommandKind.AMEND
        for field in ("price_ticks", "qty_lots"):
            out[field][amend & (draw.random(len(out)) < 0.4)] = 0
        wild = draw.random(len(out)) < 0.02
        out["order_id"][wild & change] = draw.integers(
            0, int(resting["order_id"].max()) + 500, int((wild & change).sum())
        )

    def _anchors(self, out: Records) -> None:
        draw, profile = self.random, self.profile
        rows = np.flatnonzero(draw.random(len(out)) < profile.anchors)
        if not len(rows):
            return
        kinds = [
            CommandKind.PROPOSE_ANCHOR,
            CommandKind.WITHDRAW_ANCHORS,
            CommandKind.WITHDRAW_CURVE,
            CommandKind.FUND_CURVE,
        ]
        # Stops that an anchor elected only lose their reference when the curve goes before their turn.
        shares = [0.8, 0.02, 0.18, 0.0] if profile.idle_curve else [0.89, 0.03, 0.03, 0.05]
        out["kind"][rows] = draw.choice(kinds, len(rows), p=shares)
        low = np.maximum(out["price_ticks"][rows], 1)
        out["price_ticks"][rows] = low
        out["high_ticks"][rows] = low + draw.integers(0, 4, len(rows))
        funded = rows[out["kind"][rows] == CommandKind.FUND_CURVE]
        out["qty_lots"][funded] = draw.choice([0, 50, 5_000, 10**6, 10**9, 10**12, 2**62 + 1, -1], len(funded))
        odd = rows[draw.random(len(rows)) < 0.02]
        out["high_ticks"][odd] = draw.choice([0, 1, CURVE_PRICE_TICKS_MAX, CURVE_PRICE_TICKS_MAX + 1], len(odd))

    def _malform(self, out: Records) -> None:
        draw = self.random
        rows = np.flatnonzero(draw.random(len(out)) < self.profile.malformed)
        for row in rows:
            field = draw.choice(["kind", "side", "order_type", "tif", "account", "order_id", "price_ticks", "qty_lots"])
            out[field][row] = draw.integers(0, 256) if draw.random() < 0.7 else 0

    def _curve_params(self) -> CurveParams:
        params = self._far_curve_params() if self.profile.far_curve else self._near_curve_params()
        if self.profile.idle_curve:
            return msgspec.structs.replace(params, min_net_lots=0, max_net_lots=0)
        return params

    def _far_curve_params(self) -> CurveParams:
        """Draw parameters whose size is spread over their whole range, up to the limits."""

        def spread(high: int, low: int = 1) -> int:
            return max(low, min(high, int(2 ** self.random.uniform(0, high.bit_length()))))

        depth = spread(CURVE_LOTS_MAX)
        return CurveParams(
            shape=CurveShape(int(self.random.integers(1, 4))),
            base_depth_lots=depth,
            quote_depth_lots=spread(CURVE_LOTS_MAX),
            budget_notional=spread(2**62),
            k_ppm=spread(PPM),
            spread_ppm=spread(PPM // 2),
            rung_ticks=spread(CURVE_PRICE_TICKS_MAX),
            par_lots=spread(CURVE_LOTS_MAX),
            drop_ppm=spread(PPM - 1),
            min_net_lots=-min(spread(CURVE_LOTS_MAX), depth - 1),
            max_net_lots=spread(CURVE_LOTS_MAX),
            activation_delay_ns=0,
            # A plain number of an enum is as good as its member, on either side.
            anchor_move=int(self.random.integers(0, 2)),
            lift_max_lots=spread(CURVE_LOTS_MAX),
            resale=int(self.random.integers(0, 2)),
        )

    def _near_curve_params(self) -> CurveParams:
        draw = self.random
        depth = int(10 ** draw.uniform(0, 5))
        bad = draw.random() < 0.1
        return CurveParams(
            shape=CurveShape(int(draw.integers(1, 4))),
            base_depth_lots=depth,
            quote_depth_lots=int(draw.integers(1, depth + 1)),
            budget_notional=int(10 ** draw.uniform(2, 13)) if draw.random() < 0.8 else int(draw.integers(0, 2000)),
            k_ppm=int(draw.choice([0, 1, 500, 100_000, PPM])),
            spread_ppm=int(draw.choice([0, 500, 3000, 50_000])),
            rung_ticks=int(draw.choice([1, 1, 2, 5, 100])),
            par_lots=int(draw.integers(0, depth + 1)),
            drop_ppm=int(draw.choice([1, 30_000, 200_000, PPM - 1])) if not bad else 0,
            min_net_lots=-int(draw.integers(0, depth)),
            max_net_lots=int(draw.integers(0, 2 * depth)),
            activation_delay_ns=int(draw.choice([0, 0, 20, 200, 10**9])),
            anchor_move=AnchorMove(int(draw.integers(0, 2))),
            lift_max_lots=int(draw.integers(0, 50)) if not bad else -1,
            resale=CurveResale(int(draw.integers(0, 2))),
        )
