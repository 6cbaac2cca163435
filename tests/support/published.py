"""Mapping a published pool onto an integer ladder, and comparing one published trade with it.

A published pool states B (base), Q (quote), targets B0 and Q0, an oracle price i and a curvature k. On the
ladder B0 is base_depth, Q0/i is quote_depth and the cursor is B - B0, all in lots. Each conversion rounds
for the protocol: B0 up, B down when it sells; Q0/i down, the cursor up when it buys; k up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

from msgspec.structs import replace as replace_fields

from parbook.codes import CurveShape, Side
from parbook.curve import CurveParams
from parbook.units import PPM
from tests.support.curves import curve, trade

EXACT = Context(prec=80)
ANCHOR_TICKS = 2**33
DEPTH_LOTS = 2**31
RUNGS_PER_TRADE = 3_000


def floor(value: Decimal) -> int:
    """Return `value` rounded down to an int."""
    return int(value.to_integral_value(ROUND_FLOOR))


def ceil(value: Decimal) -> int:
    """Return `value` rounded up to an int."""
    return int(value.to_integral_value(ROUND_CEILING))


@dataclass(frozen=True)
class Pool:
    """A published pool between two trades; amounts in its own units, k as a fraction."""

    i: Decimal
    k: Decimal
    base: Decimal
    base_target: Decimal
    quote_target: Decimal

    def fair(self, base: Decimal) -> Decimal:
        """Return the exact marginal price, as a fraction of i, when the pool holds `base`."""
        with localcontext(EXACT):
            if base <= self.base_target:
                return 1 - self.k + self.k * (self.base_target / base) ** 2
            target = self.quote_target / self.i
            ratio = target / self._quote_left(base - self.base_target, target)
            return 1 / (1 - self.k + self.k * ratio**2)

    def _quote_left(self, bought: Decimal, target: Decimal) -> Decimal:
        """Solve (target - q) * (1 - k + k*target/q) = bought for q, in units of base at the anchor."""
        half = (bought - (1 - 2 * self.k) * target) / 2
        if self.k == 1:
            return target**2 / (target + bought)
        product = (1 - self.k) * self.k * target**2
        return ((half**2 + product).sqrt() - half) / (1 - self.k)


@dataclass(frozen=True)
class Outcome:
    """A trade on the ladder beside its published twin; cash in the published quote unit."""

    cash: Decimal
    published: Decimal
    one_rung: Decimal
    """The most that the two may differ: a rung of price on every lot, and four lots at the dearest price.

    One lot each for rounding the target, the cursor and the quantity, and one for the ladder's own step.
    """


def run(pool: Pool, taker: Side, base: Decimal, cash: Decimal, rungs: int = RUNGS_PER_TRADE) -> Outcome:
    """Trade `base` through the ladder that stands for `pool`, before fees, against published `cash`.

    The grid splits the price range of the trade into about `rungs` steps; a trade that ends below its
    lowest rung goes on over a grid 64 times finer. The trade is rounded to lots for the protocol: up when the
    taker buys, down when it sells.
    """
    with localcontext(EXACT):
        pool = replace(pool, k=ceil(pool.k * PPM) / Decimal(PPM))
        quote_target = pool.quote_target / pool.i
        lot = max(pool.base_target, quote_target, pool.base, pool.base + base) / DEPTH_LOTS
        after = pool.base - base if taker == Side.BUY else pool.base + base
        first, last = pool.fair(pool.base), pool.fair(after)
        dearest = max(first, last)
        anchor = floor(ANCHOR_TICKS / max(Decimal(1), dearest / 128))
        rung = max(1, floor(abs(last - first) * anchor / rungs))
        params = curve(
            CurveShape.PMM,
            max(1, ceil(pool.base_target / lot)),
            floor(quote_target / lot),
            k_ppm=int(pool.k * PPM),
        )
        held = pool.base / lot
        net = (floor(held) if taker == Side.BUY else ceil(held)) - params.base_depth_lots
        lots = ceil(base / lot) if taker == Side.BUY else floor(base / lot)
        slack = lots * rung + 4 * ceil(dearest * anchor)
        left, ticks = lots, 0
        while left and rung:
            finer = replace_fields(params, rung_ticks=rung)
            reached, paid, _ = trade(finer, anchor, taker, net, left)
            left, ticks, net, rung = left - abs(reached - net), ticks + paid, reached, rung // 64
        assert left == 0, "the ladder fills the whole published quantity"
        unit = lot * pool.i / anchor
        return Outcome(cash=ticks * unit, published=cash, one_rung=slack * unit)


def assert_agrees(taker: Side, outcome: Outcome) -> None:
    """The ladder is never worse for the protocol than the published curve, and within one rung of it."""
    better = outcome.cash - outcome.published if taker == Side.BUY else outcome.published - outcome.cash
    assert better >= 0, f"the protocol is worse off than the published curve by {-better}"
    assert better <= outcome.one_rung, f"the ladder is {better} away, one rung is {outcome.one_rung}"


def redemption(alpha: Decimal, xu: Decimal, xl: Decimal, lots_per_unit: int, anchor: int, rung: int) -> CurveParams:
    """Return the REDEMPTION curve for the P-AMM segment: par to xu, slope alpha to xl, then flat.

    The drop alpha * (xl - xu) is rounded up to ppm and the slope kept: the floor is at most 1 ppm lower.
    """
    with localcontext(EXACT):
        drop = min(PPM - 1, max(1, ceil(alpha * (xl - xu) * PPM)))
        slope_lots = floor(Decimal(drop) / PPM / alpha * lots_per_unit) if alpha else 1
        return curve(
            CurveShape.REDEMPTION,
            1,
            max(1, slope_lots),
            par_lots=floor(xu * lots_per_unit),
            drop_ppm=drop,
            rung_ticks=rung,
            max_net_lots=lots_per_unit,
        )
