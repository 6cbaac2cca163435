"""How much of what is owed still counts, by days past due.

Steps are the model's policy (30/60/90/120 days keep 75/50/25/0 %). The straight line is here because protocols use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.errors import AssetError
from parbook.pools.amounts import E12, Rounding, divide, require_int, share_of

DAYS_PAST_DUE_MAX: Final = 36_500


class WriteOffRule(msgspec.Struct, frozen=True):
    """From `days` past due on, `writeoff_e12` of what is owed is given up; `penalty_e12` is added to its rate."""

    days: int
    writeoff_e12: int
    penalty_e12: int = 0


STEPS: Final = tuple(WriteOffRule(30 * n, E12 * n // 4) for n in range(1, 5))
"""30/60/90/120 days: 25, 50, 75, 100 % written off."""


def pick(rules: Sequence[WriteOffRule], days: int) -> WriteOffRule | None:
    """Return the rule that applies: of those reached the largest write-off, then penalty, then the first."""
    reached = [rule for rule in rules if rule.days <= days]
    return max(reached, key=lambda rule: (rule.writeoff_e12, rule.penalty_e12), default=None)


def keep_e12(days: int, rules: Sequence[WriteOffRule] = STEPS) -> int:
    """Return the share that still counts at `days` past due."""
    require_int("write-off", "days", days, 0, DAYS_PAST_DUE_MAX)
    rule = pick(rules, days)
    return E12 if rule is None else E12 - rule.writeoff_e12


def checked_rules(rules: Sequence[WriteOffRule]) -> tuple[WriteOffRule, ...]:
    """Return rules by days when the later never keeps more; AssetError otherwise."""
    ordered = tuple(sorted(rules, key=lambda rule: rule.days))
    for n, rule in enumerate(ordered):
        require_int("write-off", "days", rule.days, 0, DAYS_PAST_DUE_MAX)
        require_int("write-off", "writeoff_e12", rule.writeoff_e12, 0, E12)
        if n and rule.writeoff_e12 < ordered[n - 1].writeoff_e12:
            raise AssetError(
                f"write-off, {rule.days} days", "it gives up less than an earlier step", "Let write-offs only grow."
            )
    return ordered


def straight_line_micro(
    owed_micro: int, late_days_e18: int, *, grace_days: int = 30, full_days: int = 120
) -> tuple[int, int]:
    """Return (share in whole percent, amount) given up: min(1, max(0, late - grace) / full) of what is owed.

    Days late are a fraction in 1e-18, as accounts that divide interest owed by interest a day have it. The amount is
    rounded down, and so is the percentage, which is only for display.
    """
    e18 = 10**18
    over = min(max(late_days_e18 - grace_days * e18, 0), full_days * e18)
    return over * 100 // (full_days * e18), divide(owed_micro * over, full_days * e18, Rounding.FLOOR)


def kept_micro(owed_micro: int, days: int, rules: Sequence[WriteOffRule] = STEPS) -> int:
    """Return the amount that still counts, rounded down."""
    return share_of(owed_micro, keep_e12(days, rules), Rounding.FLOOR)
