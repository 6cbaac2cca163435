"""The fee of a redemption: an integral over what is redeemed, so that parts never cost less than the whole.

    fee = f0 V  +  V beta (h + u/2) / (S + h)  +  a L [ln(C + c L) - ln(C - V + c L)],   V = u P

u units at the low price P of S in circulation; h units redeemed lately, which decay; C unreserved cash, L all other
assets. The middle term integrates a base rate of `beta x h / (S + h)`: redeeming takes from S what it adds to h, so
`S + h` stays. The last integrates a marginal penalty of `a / (C/L + c)` (TrueFi's, with C/L for C/(C+L)): redeeming
takes from C and leaves L. All three therefore add up over parts, as fractions, without an error; the payout is the
floor of V - fee, and floors of parts never exceed the floor of the sum.

`ln_e18` is a function of one point here, so that its error of 1e-15 cancels but for the ends. Those are charged.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from parbook.pools.amounts import E12, E18, NANO
from parbook.pools.penalty import ln_e18

LN_ERROR_E18: Final = 2000
"""Twice the error of a logarithm: added to each difference, so that the penalty is never below the true one."""


class Path(NamedTuple):
    """Where a redemption begins. `cash_fine` is in 1e-9 micro."""

    price_nano: int
    supply_micro: int
    heat_micro: int
    cash_fine: int
    other_micro: int


def payout_micro(path: Path, units_micro: int, *, base_e12: int, beta_e12: int, scale_e12: int, offset_e12: int) -> int:
    """Return the payout, rounded down; below 1 where the fee takes all. Needs V <= C, u <= S. O(1)."""
    gross = units_micro * path.price_nano
    run = 2 * (path.supply_micro + path.heat_micro)
    # Everything over the denominator E12 x run x E18, in 1e-9 micro.
    fee = gross * (base_e12 * run + beta_e12 * (2 * path.heat_micro + units_micro)) * E18
    if path.other_micro:
        logs = _log(path, path.cash_fine, offset_e12) - _log(path, path.cash_fine - gross, offset_e12)
        fee += scale_e12 * path.other_micro * NANO * (logs + LN_ERROR_E18) * run
    over = E12 * run * E18
    return (gross * over - fee) // (over * NANO)


def _log(path: Path, cash_fine: int, offset_e12: int) -> int:
    # In 1e-12 micro, where C + c L is whole.
    return ln_e18(cash_fine * (E12 // NANO) + path.other_micro * offset_e12, 1)


def marginal_e12(path: Path, *, base_e12: int, beta_e12: int, scale_e12: int, offset_e12: int) -> int:
    """Return the fee of the next unit as a rate, each part rounded up."""
    heat = -(-beta_e12 * path.heat_micro // max(path.supply_micro + path.heat_micro, 1))
    if not path.other_micro:
        return base_e12 + heat
    fine = path.other_micro * NANO
    # a / (C/L + c) = a L E12 / (C E12 + c L), with C and L in 1e-9 micro.
    penalty = -(-scale_e12 * fine * E12 // (path.cash_fine * E12 + offset_e12 * fine))
    return base_e12 + heat + penalty
