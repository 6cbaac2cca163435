"""A penalty for leaving that grows as a pool's cash runs out: the marginal one is 50000 / (x + 50) bp.

`x` is the share of the pool that is liquid, in bp. Leaving takes it from `before` to `after` and costs the average of
the marginal penalty between, so that leaving in parts costs what leaving at once does, but for rounding. As in TrueFi.
"""

from __future__ import annotations

from typing import Final

from parbook.errors import AssetError
from parbook.pools.amounts import E18, require_int

_SCALE: Final = 50_000
_OFFSET: Final = 50
_BP: Final = 10_000


def exit_penalty_bps(before_bps: int, after_bps: int) -> int:
    """Return the average penalty in whole bp, rounded down; 0..1000."""
    require_int("penalty", "before_bps", before_bps, 0, _BP)
    require_int("penalty", "after_bps", after_bps, 0, _BP)
    if after_bps > before_bps:
        raise AssetError("penalty", f"liquidity grows from {before_bps} to {after_bps} bp", "Leaving only takes.")
    if after_bps == before_bps:
        # No liquidity in the pool at all stays at the first marginal penalty; full liquidity has none.
        return 0 if before_bps == _BP else _SCALE // (before_bps + _OFFSET)
    ratio = ln_e18(before_bps + _OFFSET, after_bps + _OFFSET)
    return _SCALE * ratio // (before_bps - after_bps) // E18


def ln_e18(above: int, below: int) -> int:
    """Return ln(above / below) in 1e-18 for above >= below > 0, within 1e-15: integers only, the same everywhere.

    Twice the inverse hyperbolic tangent of (a - b) / (a + b), after halvings that bring a / b under 2.
    """
    require_int("logarithm", "below", below, 1, above)
    halvings = 0
    while above > 2 * below:
        below *= 2
        halvings += 1
    return _atanh_twice(above, below) + halvings * _atanh_twice(2, 1)


def _atanh_twice(above: int, below: int) -> int:
    ratio = (above - below) * E18 * E18 // (above + below)
    square = ratio * ratio // (E18 * E18)
    total, term, n = 0, ratio, 1
    while term:
        total += term // n
        term = term * square // (E18 * E18)
        n += 2
    return 2 * total // E18
