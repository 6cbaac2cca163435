"""Compiled twin of parbook.assets.reference_value for whole portfolios. The GIL is released while it works.

Columns are those of parbook.assets.portfolio (TermsColumns, MonthlyColumns, DatedColumns), C-contiguous; MisuseError
when lengths or ranges disagree. Values are doubles of micro; they equal the reference to 1e-12 of their size.
"""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

@final
class Model:
    """Rows of terms, converted once for all calls."""

    def __init__(self, terms: Any) -> None: ...
    @property
    def count(self) -> int:
        """How many rows of terms."""

    @property
    def lag_months_max(self) -> int:
        """The longest recovery lag."""

def monthly_values(
    loans: Any, model: Model, discount: NDArray[np.float64], out: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return EV of each monthly position. `discount[k]` is DF(k / 12), to the last month plus the longest lag.

    `out`: a contiguous array to write into and return, for callers who value the same pool again and again.
    O(months) for a level loan, O(1) for linear and bullet ones, O(years) for an income; fastest when loans lie by
    terms, repayment and months.
    """

def dated_values(
    assets: Any, model: Model, discount: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return EV of each dated position, and for each flow what is expected to be paid and recovered, undiscounted.

    `discount[d]` is DF(d / 365), to the last day plus the longest lag. O(flows).
    """

def quantised(value: NDArray[np.float64], rounding: int) -> NDArray[np.int64]:
    """Return whole numbers: pools.amounts.Rounding FLOOR, CEIL or NEAREST (ties to even)."""

def joint_defaults(p: NDArray[np.float64], q: NDArray[np.float64], rho: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return reference_value.joint_default of each triple."""

def expected_flows(loans: Any, model: Model, group: NDArray[np.int32], groups: int) -> NDArray[np.float64]:
    """Return [group, component, month]: interest, scheduled, prepaid, defaulted, recovered, and cash after spreads.

    The first five are undiscounted; the last sums all that is cash, discounted by each loan's own spread.
    """

def expected_losses(loans: Any, model: Model, horizon: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return what defaults within `horizon` months are expected to lose, discounted at each loan's effective rate."""

@final
class BucketedPool:
    """Expected flows by risk group and month, ready to be valued again when a rate or a spread moves."""

    def __init__(self, flows: NDArray[np.float64], discount: NDArray[np.float64], fixed: NDArray[np.float64]) -> None:
        """`flows[group, month]`, `discount[month]`, and what each group holds that no rate moves."""

    def value(self, rate_move: float = 0.0, spread_move: float = 0.0) -> float:
        """Return the pool's value after a parallel move of the curve and of all spreads. O(groups x months)."""

    def values(self, rate_move: float, spread_moves: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each group's value, with a move of its own spread."""

    def set_discount(self, discount: NDArray[np.float64]) -> None:
        """Take another curve: DF of the same months."""
