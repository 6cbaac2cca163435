"""Curves in a person's units; each becomes the `CurveParams` of one instrument. Formulas: `parbook.curve.shapes`.

Whatever can have decimals is text, int or Decimal. Lots are whole numbers. Common fields:

    budget               cash the curve may spend, in the quote asset; its treasury must own it
    depth_lots           lots between par and floor; Pmm: lots the budget buys at the anchor
    base_depth_lots      how slowly the price rises when the curve sells (default: depth_lots)
    k                    curvature where it sells, and of Pmm: 0 constant price, 1 constant product
    spread_bps           fee inside the quotes, on each side
    rung                 grid of its prices (default: the tick)
    min_net_lots         0: never sells more than it has bought; negative: the treasury must own that many lots
    max_net_lots         stops buying here
    activation_delay_ns  time between an anchor's proposal and its activation
    anchor_move          "clip" or "lift", and lift_max_lots: see `parbook.codes.AnchorMove`
    resale               "along": sells back along the curve, from just above its bid; "above_high": sells nothing
                         below the high anchor
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Final

import msgspec

from parbook.codes import AnchorMove, CurveResale, CurveShape
from parbook.curve.shapes import curve_parameter_error
from parbook.errors import MisuseError
from parbook.messages import CurveParams
from parbook.units import CURVE_LOTS_MAX, PPM, to_units
from parbook.venue.choices import chosen
from parbook.venue.grid import Exact, InstrumentHandle, ppm_of

_GIVEN_AS: Final = {
    "quote_depth_lots": "depth_lots",
    "budget_notional": "budget (in ticks x lots)",
    "k_ppm": "k (in ppm)",
    "spread_ppm": "spread_bps (in ppm)",
    "rung_ticks": "rung (in ticks)",
    "drop_ppm": "drop_bps (in ppm)",
}


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What all shapes have in common."""

    shape: ClassVar[CurveShape]

    budget: Exact
    depth_lots: int
    base_depth_lots: int | None = None
    k: Exact = "0.5"
    spread_bps: Exact = 0
    rung: Exact | None = None
    min_net_lots: int = 0
    max_net_lots: int = CURVE_LOTS_MAX
    activation_delay_ns: int = 0
    anchor_move: AnchorMove | str = AnchorMove.CLIP
    lift_max_lots: int = 0
    resale: CurveResale | str = CurveResale.ALONG

    def params(self, instrument: InstrumentHandle) -> CurveParams:
        """Return the curve in the ticks and lots of an instrument; MisuseError or ConversionError when it is none."""
        where = f"{instrument.name} curve"
        params = CurveParams(
            shape=self.shape,
            base_depth_lots=self.depth_lots if self.base_depth_lots is None else self.base_depth_lots,
            quote_depth_lots=self.depth_lots,
            budget_notional=to_units(self.budget, instrument.value_step, f"{where} budget", "tick x lot", 0, 2**62),
            k_ppm=to_units(self.k, Decimal(1) / PPM, f"{where} k", "ppm", 0, PPM),
            spread_ppm=ppm_of(self.spread_bps, f"{where} spread_bps"),
            rung_ticks=1 if self.rung is None else instrument.price_ticks(self.rung, "curve rung"),
            min_net_lots=self.min_net_lots,
            max_net_lots=self.max_net_lots,
            activation_delay_ns=self.activation_delay_ns,
            anchor_move=chosen(AnchorMove, self.anchor_move, f"{where} anchor_move"),
            lift_max_lots=self.lift_max_lots,
            resale=chosen(CurveResale, self.resale, f"{where} resale"),
            **self._slope(where),
        )
        reason = curve_parameter_error(params)
        if reason is not None:
            field, _, rest = reason.partition("=")
            raise MisuseError(f"{where}: {_GIVEN_AS.get(field, field)}={rest}. Set it inside that range.")
        return params

    def _slope(self, where: str) -> dict[str, int]:
        return {}


class _Sloped(Curve, frozen=True, kw_only=True):
    """Par, then a straight slope. `par_lots` at the anchor; `drop_bps` from there to the floor."""

    drop_bps: Exact
    par_lots: int = 0

    def _slope(self, where: str) -> dict[str, int]:
        return {"par_lots": self.par_lots, "drop_ppm": ppm_of(self.drop_bps, f"{where} drop_bps")}


class LinearBuyback(_Sloped, frozen=True, kw_only=True):
    """Buys `par_lots` at the anchor, then down a straight slope, then nothing; resells along the Pmm."""

    shape = CurveShape.LINEAR


class Redemption(_Sloped, frozen=True, kw_only=True):
    """As LinearBuyback, then everything that is left at the floor while its cash lasts. It never sells."""

    shape = CurveShape.REDEMPTION


class Pmm(Curve, frozen=True, kw_only=True):
    """Proactive market maker: quotes both ways around the anchor."""

    shape = CurveShape.PMM
