"""Expected credit losses by stage, in the manner of IFRS 9: reported, never priced.

    stage 1  loss of the defaults of the next 12 months (or of the life, when shorter)
    stage 2  of the whole life: 30 days past due or more
    stage 3  LGD x what is owed: in default, or 90 days past due or more

Marginal defaults by month on the scheduled balance, discounted at the loan's effective rate. Both thresholds are the
standard's rebuttable presumptions (5.5.11, B5.5.37).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np

from parbook._value import Model, expected_losses
from parbook.assets.holdings import Holdings, share_floor, sum_micro
from parbook.assets.portfolio import Float64, Int64, UInt8, terms_columns
from parbook.pools.amounts import E12
from parbook.pools.states import RECOVERED

LATE_DAYS: Final = 30
DEFAULT_DAYS: Final = 90
YEAR_MONTHS: Final = 12
LIFETIME_MONTHS: Final = 1200


class Stage(IntEnum):
    """Which losses are provided for."""

    TWELVE_MONTHS = 1
    LIFETIME = 2
    DEFAULTED = 3


class Provisions(msgspec.Struct, frozen=True, kw_only=True):
    """Stage and expected loss of each asset, and their sums by stage. Losses are rounded up: nobody is paid by them."""

    stages: UInt8
    loss_micro: Int64
    count: dict[Stage, int]
    owed_micro: dict[Stage, int]
    total_micro: dict[Stage, int]


def stages(holdings: Holdings) -> UInt8:
    """Return the stage of each asset; 0 for one that is not paid out or closed."""
    days = holdings.days_past_due
    recovering = np.isin(holdings.states, [int(state) for state in RECOVERED])
    defaulted = recovering | (days >= DEFAULT_DAYS)
    stage = np.where(defaulted, Stage.DEFAULTED, np.where(days >= LATE_DAYS, Stage.LIFETIME, Stage.TWELVE_MONTHS))
    return np.where(holdings.earning, stage, 0).astype(np.uint8)


def provisions(holdings: Holdings) -> Provisions:
    """Return the provisions of a pool. O(assets x months)."""
    portfolio = holdings.portfolio
    stage = stages(holdings)
    lgd = np.array([row.lgd_e12 for row in portfolio.terms], np.int64)
    loss = np.zeros(len(holdings))
    at = portfolio.monthly_rows
    horizon = np.where(stage[at] == Stage.TWELVE_MONTHS, YEAR_MONTHS, LIFETIME_MONTHS).astype(np.int32)
    loss[at] = expected_losses(portfolio.monthly, Model(terms_columns(portfolio.terms)), horizon)
    loss[portfolio.dated_rows] = _dated_losses(holdings, stage)
    row = np.empty(len(holdings), np.int64)
    row[at], row[portfolio.dated_rows] = portfolio.monthly.terms, portfolio.dated.terms
    owed = holdings.owed_micro
    certain = owed - share_floor(owed, E12 - lgd[row])
    micro = np.where(stage == Stage.DEFAULTED, certain, np.ceil(loss).astype(np.int64))
    micro = np.where(stage == 0, 0, micro)
    return Provisions(
        stages=stage,
        loss_micro=micro,
        count={each: int((stage == each).sum()) for each in Stage},
        owed_micro={each: sum_micro(owed[stage == each]) for each in Stage},
        total_micro={each: sum_micro(micro[stage == each]) for each in Stage},
    )


def _dated_losses(holdings: Holdings, stage: UInt8) -> Float64:
    """Return the losses of dated assets; they bear no rate of their own, so nothing is discounted."""
    dated, losses = holdings.portfolio.dated, []
    horizon_days = 365
    for n, row in enumerate(holdings.portfolio.dated_rows):
        terms = holdings.portfolio.terms[dated.terms[n]]
        loss, alive, last, balance = 0.0, 1.0, 0, float(dated.balance_micro[n])
        for at in range(dated.offsets[n], dated.offsets[n + 1]):
            day = int(dated.day[at])
            reached = day if stage[row] != Stage.TWELVE_MONTHS else min(day, max(horizon_days, last))
            share = -math.expm1((reached - last) / 365 * math.log1p(-min(terms.pd_e12 / E12, 1 - 1e-15)))
            loss += alive * share * balance * (terms.lgd_e12 / E12)
            alive *= 1 - share
            balance -= float(dated.principal_micro[at])
            last = day
        losses.append(loss)
    return np.array(losses)
