"""How much could be bought and how long leaving takes: figures of the listing report, by running the buckets daily.

Nothing is resold, retired or repaid meanwhile, and price and supply stay: what the treasury can do from what it has.
Each day has a good round, all that may be spent is spent, and then a day passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from parbook.pools.amounts import E12, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int
from parbook.pools.throttle import available_micro, credited, drained
from parbook.pools.tranches import PRICE_NANO_MAX
from parbook.treasury.budget import capacities
from parbook.treasury.state import Treasury
from parbook.treasury.syncs import units_room_micro
from parbook.treasury.terms import DAY_NS

DAYS_MAX: Final = 3650
HORIZONS: Final = (1, 7, 30)
SHARES_E12: Final = (E12 // 10, E12 // 5, 2 * E12 // 5)


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind the supply. Amounts and shares rounded down, days up."""

    reserve_ratio_e12: int
    """Reserve and till, over the supply's value at the low price; 1 and more is more than all of it."""
    bought_micro: tuple[int, ...]
    """What could be bought within each of HORIZONS days."""
    coverage_e12: tuple[int, ...]
    """The same over the supply's value."""
    exit_days: tuple[int | None, ...]
    """Days until each of SHARES_E12 of the supply's value is bought, the first being 1; None: not in DAYS_MAX."""


def coverage(
    treasury: Treasury, *, till_micro: int, reserve_micro: int, supply_micro: int, price_low_nano: int
) -> Coverage:
    """Return the figures as of the treasury's last sync, as if it were active and the feed sound. O(DAYS_MAX)."""
    for name, value in (("till_micro", till_micro), ("reserve_micro", reserve_micro), ("supply_micro", supply_micro)):
        require_int("coverage", name, value, 0, MONEY_MICRO_MAX)
    require_int("coverage", "price_low_nano", price_low_nano, 0, PRICE_NANO_MAX)
    value = supply_micro * price_low_nano
    totals = list(_totals(treasury, till_micro + reserve_micro, supply_micro, price_low_nano))
    bought = tuple(totals[min(days, len(totals)) - 1] for days in HORIZONS)
    return Coverage(
        reserve_ratio_e12=_ratio(till_micro + reserve_micro, value),
        bought_micro=bought,
        coverage_e12=tuple(_ratio(amount, value) for amount in bought),
        exit_days=tuple(_days(totals, share, value) for share in SHARES_E12),
    )


def _totals(treasury: Treasury, money_micro: int, supply_micro: int, price_low_nano: int) -> Iterator[int]:
    """Yield what was bought in all by the end of each day, up to the day on which money or room ends."""
    terms = treasury.terms
    most = capacities(terms, supply_micro, price_low_nano)
    day, month = treasury.budget.day, treasury.budget.month
    money = max(money_micro - terms.reserve_floor_micro, 0)
    room = units_room_micro(terms, treasury.inventory, supply_micro, price_low_nano)
    left = min(money, divide(room * price_low_nano, NANO, Rounding.FLOOR))
    total = 0
    for _ in range(DAYS_MAX):
        spent = min(available_micro(day, most.day_micro), available_micro(month, most.month_micro), left - total)
        total += spent
        yield total
        if total == left:
            return
        day = credited(drained(day, spent), most.day_micro, DAY_NS, terms.day_ns)
        month = credited(drained(month, spent), most.month_micro, DAY_NS, terms.month_ns)


def _ratio(amount_micro: int, value: int) -> int:
    return divide(amount_micro * NANO * E12, value, Rounding.FLOOR) if value else 0


def _days(totals: list[int], share_e12: int, value: int) -> int | None:
    wanted = divide(value * share_e12, NANO * E12, Rounding.FLOOR)
    return next((day for day, total in enumerate(totals, 1) if total >= wanted), None)
