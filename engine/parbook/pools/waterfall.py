"""Who is paid first, who loses first, and how little is shared among many. Pure functions on integers.

Every function gives away exactly what it was given: payments sum to the cash, losses to the loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from parbook.pools.amounts import MONEY_MICRO_MAX, require_int


class Due(msgspec.Struct, frozen=True):
    """What a tranche with a claim is due in a period."""

    interest_micro: int
    principal_micro: int


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """Where a period's cash went; `interest_micro` and `principal_micro` by tranche, most senior first."""

    fees_micro: int
    interest_micro: tuple[int, ...]
    reserve_micro: int
    principal_micro: tuple[int, ...]
    junior_micro: int

    @property
    def total_micro(self) -> int:
        """What was given away."""
        return (
            self.fees_micro
            + sum(self.interest_micro)
            + self.reserve_micro
            + sum(self.principal_micro)
            + self.junior_micro
        )


def distribute(
    cash_micro: int, fees_micro: int, dues: Sequence[Due], *, reserve_micro: int = 0, reserve_target_micro: int = 0
) -> Paid:
    """Return who gets a period's cash: fees, interest by seniority, the reserve, principal by seniority, the junior."""
    left = require_int("waterfall", "cash_micro", cash_micro, 0, MONEY_MICRO_MAX)
    for name, value in (("fees", fees_micro), ("reserve", reserve_micro), ("reserve_target", reserve_target_micro)):
        require_int("waterfall", f"{name}_micro", value, 0, MONEY_MICRO_MAX)
    for n, due in enumerate(dues):
        require_int(f"waterfall, tranche {n + 1}", "interest_micro", due.interest_micro, 0, MONEY_MICRO_MAX)
        require_int(f"waterfall, tranche {n + 1}", "principal_micro", due.principal_micro, 0, MONEY_MICRO_MAX)
    claims = [fees_micro, *(due.interest_micro for due in dues), max(reserve_target_micro - reserve_micro, 0)]
    claims += [due.principal_micro for due in dues]
    given = []
    for claim in claims:
        part = min(claim, left)
        given.append(part)
        left -= part
    count = len(dues)
    return Paid(
        fees_micro=given[0],
        interest_micro=tuple(given[1 : 1 + count]),
        reserve_micro=given[1 + count],
        principal_micro=tuple(given[2 + count :]),
        junior_micro=left,
    )


def absorb(loss_micro: int, layers_micro: Sequence[int]) -> tuple[list[int], int]:
    """Return what each layer bears of a loss, first to last, and what is left for the holders."""
    left = require_int("loss", "loss_micro", loss_micro, 0, MONEY_MICRO_MAX)
    borne = []
    for n, layer in enumerate(layers_micro):
        part = min(require_int("loss", f"layer {n + 1}", layer, 0, MONEY_MICRO_MAX), left)
        borne.append(part)
        left -= part
    return borne, left


def pro_rata(available: int, requests: Sequence[int]) -> list[int]:
    """Return what each request gets of too little: its share rounded down, then one each by largest remainder.

    Of equal remainders the earlier request comes first. No request gets more than it asked for.
    """
    require_int("pro rata", "available", available, 0, MONEY_MICRO_MAX)
    for n, request in enumerate(requests):
        require_int("pro rata", f"request {n + 1}", request, 0, MONEY_MICRO_MAX)
    total = sum(requests)
    if total <= available:
        return list(requests)
    filled, remainders = [], []
    for n, request in enumerate(requests):
        part, remainder = divmod(available * request, total)
        filled.append(part)
        remainders.append((-remainder, n))
    for _, n in sorted(remainders)[: available - sum(filled)]:
        filled[n] += 1
    return filled
