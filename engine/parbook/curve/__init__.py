"""The protocol's curve: two integer functions of price, compiled to a ladder of rungs.

CurveParams            shape, depth, limits (from `parbook.messages`)
n_bid, n_ask           the cursor up to which it buys, down to which it sells, at a price
validate               the reject code of bad parameters; `curve_parameter_error` says why
compile_ladder         parameters, anchors and cursor in, Ladder out
Ladder, Rung           the compiled steps; `Ladder.check` verifies axioms M and X
MAX_RUNGS              most rungs a side
"""

from __future__ import annotations

from parbook.curve.compile import MAX_RUNGS_BEHIND, compile_ladder
from parbook.curve.ladder import MAX_RUNGS, Ladder, Rung
from parbook.curve.shapes import curve_parameter_error, n_ask, n_bid, validate
from parbook.messages import CurveParams

__all__ = [
    "MAX_RUNGS",
    "MAX_RUNGS_BEHIND",
    "CurveParams",
    "Ladder",
    "Rung",
    "compile_ladder",
    "curve_parameter_error",
    "n_ask",
    "n_bid",
    "validate",
]
