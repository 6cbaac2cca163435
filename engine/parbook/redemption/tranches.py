"""Which tranche's leavers are paid first when cash is short: the senior's, as far as those above stay protected.

    paying x to tranche i keeps, for each j above it:  sum_{k>j} value_k >= m_j x sum_k value_k,  values after payment

A senior's redemption raises its own protection, a junior's lowers that of all above it. So filling from the top down
is the optimum of any weights that fall with seniority (Tinlake's coordinator: senior 10^6, junior 10^5; Centrifuge:
10^n x 10^(seniority + 1)); tests compare with both by brute force.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.errors import AssetError
from parbook.pools.amounts import E12, MONEY_MICRO_MAX, Rounding, divide, require_int
from parbook.pools.tranches import TRANCHES_MAX

_WHERE: Final = "allocation"


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a tranche is worth, what its leavers would be paid, and how much must lie below it. AssetError if none."""

    value_micro: int
    demand_micro: int
    minimum_subordination_e12: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        require_int(_WHERE, "value_micro", self.value_micro, 0, MONEY_MICRO_MAX)
        require_int(_WHERE, "demand_micro", self.demand_micro, 0, self.value_micro)
        require_int(_WHERE, "minimum_subordination_e12", self.minimum_subordination_e12, 0, E12)


def allocate(cash_micro: int, demands: Sequence[Demand]) -> list[int]:
    """Return the cash for each tranche, most senior first. Rounded down; the pool keeps the rest. O(tranches^2).

    AssetError: cash out of range, no tranche or too many.
    """
    left = require_int(_WHERE, "cash_micro", cash_micro, 0, MONEY_MICRO_MAX)
    if not 1 <= len(demands) <= TRANCHES_MAX:
        raise AssetError(_WHERE, f"there are {len(demands)} tranches", f"Give 1 to {TRANCHES_MAX}.")
    values = [demand.value_micro for demand in demands]
    given = []
    for n, demand in enumerate(demands):
        part = min(demand.demand_micro, left, *(_most(values, j, demands[j]) for j in range(n)))
        given.append(part)
        values[n] -= part
        left -= part
    return given


def _most(values: Sequence[int], above: int, demand: Demand) -> int:
    """Return the most that may be paid below tranche `above`: below - x >= m (total - x)."""
    minimum = demand.minimum_subordination_e12
    if not minimum:
        return MONEY_MICRO_MAX
    spare = E12 * sum(values[above + 1 :]) - minimum * sum(values)
    if spare < 0:
        return 0
    # With all of it below, and nothing above, whatever is paid leaves it so.
    return divide(spare, E12 - minimum, Rounding.FLOOR) if minimum < E12 else MONEY_MICRO_MAX
