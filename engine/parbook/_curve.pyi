"""Compiled twin of parbook.curve; other compiled modules use its C functions, tests these."""

from parbook.codes import RejectCode
from parbook.curve.ladder import Ladder
from parbook.messages import CurveParams

def validate(params: CurveParams) -> RejectCode | None:
    """Return the RejectCode that refuses `params`, or None. Equals parbook.curve.validate."""

def compile_ladder(params: CurveParams, low_ticks: int, high_ticks: int, net_lots: int) -> Ladder:
    """Return the ladder around `net_lots`. Equals parbook.curve.compile_ladder, MisuseError included."""

def square_root(n: int, up: bool) -> int:
    """Return the exact square root of n, 0 <= n < 2**126, rounded down, or up when `up` is true."""
