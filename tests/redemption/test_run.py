"""A redemption run, day by day: the published rows from a plain simulation, and our queue and desk in the same run.

The rows are illustrative and say little of how they were made. What reproduces them: everybody who runs asks on
the first day, loans repay 0.21 % of what is left a day (fitted on the first row), and cash is paid out as it comes.
So the designs `par` and `nav` agree: fair value and what stayers have to 1e-4, the share served in thirty days to
2e-3, the days to clear exactly. Not reproduced: `full`, compared in direction only; the mean wait and
`nav_lag`, not compared at all. Their arrivals and fee base are not stated.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from parbook.pools.amounts import E12, MICRO, NANO
from parbook.redemption import desk as d
from parbook.redemption import queue as q
from parbook.redemption import queue_state as s
from parbook.refusals import Refusal
from tests.assets.support import vectors
from tests.redemption.support import DAY, Pool

REPAID = 0.0021
FEE = 0.0025


class Run(NamedTuple):
    fair: float
    stayer: float
    served: float
    days: int


def rows(design):
    return [row for row in vectors("run_simulation")["rows"] if row["design"] == design]


def simulated(row, par):
    """Who asks first is paid first, at par or at value, less 25 bp; what is not paid waits for the loans."""
    loans, cash, units = (1 - row["reserve"]) * (1 - row["shock"]), row["reserve"], 1.0
    fair, waits, served, days = loans + cash, row["run"], 0.0, 0
    for day in range(1000):
        price = 1 - FEE if par else (loans + cash) / units * (1 - FEE)
        filled = min(waits, cash / price)
        cash, units, waits = cash - filled * price, units - filled, waits - filled
        served += filled if day <= 30 else 0
        days = day
        if waits < 1e-9:
            break
        loans, cash = loans * (1 - REPAID), cash + loans * REPAID
    return Run(fair, (loans + cash) / units, served / row["run"], max(days, 30))


def agrees(row, run):
    assert run.fair == pytest.approx(row["fair_per_unit"], abs=1e-4)
    assert run.stayer == pytest.approx(row["stayer_nav_plus_cash"], abs=1e-4)
    assert run.served == pytest.approx(row["served_30d"], abs=2e-3)
    assert run.days == row["days_to_clear"]
    loss = (run.stayer / run.fair - 1) * 10_000
    assert loss == pytest.approx(row["stayer_loss_vs_fair_bps"], abs=1)


@pytest.mark.parametrize("design", ["par", "nav"])
def test_every_published_row_of_a_design(design):
    found = rows(design)
    assert len(found) == 12
    for row in found:
        agrees(row, simulated(row, design == "par"))


def test_the_queue_in_the_same_runs():
    """Daily epochs, ten accounts, the low price 25 bp below the value: the rows of `nav` again."""
    for row in rows("nav"):
        agrees(row, _queued(row))


def _queued(row):
    supply = 10**6 * MICRO
    cash = round(row["reserve"] * supply)
    loans = round((1 - row["reserve"]) * (1 - row["shock"]) * supply)
    fair, asked = (cash + loans) / supply, round(row["run"] * supply)
    queue = s.opened(s.QueueTerms(), 0)
    for account in range(1, 11):
        q.request(queue, q.plan_request(queue, account, asked // 10, 0), 0)
    served, units = 0, supply
    for day in range(1000):
        now = (day + 1) * DAY
        q.due(queue, q.plan_due(queue, now), now)
        price = (loans + cash) * NANO * 9975 // (units * 10_000)
        plan = q.plan_strike(
            queue,
            now_ns=now + 1,
            price_nano=price,
            observed_ns=now + 1,
            cash_micro=cash,
            exit_value_micro=loans + cash,
            supply_micro=units,
        )
        q.strike(queue, plan, now + 1)
        s.check(queue)
        cash, units = cash - plan.paid_micro, units - plan.units_micro
        served += plan.units_micro if day <= 30 else 0
        if not queue.escrow_units_micro:
            break
        repaid = round(loans * REPAID)
        loans, cash = loans - repaid, cash + repaid
    return Run(fair, (loans + cash) / units, served / asked, max(day, 30))


def test_par_pays_the_first_with_the_money_of_the_last():
    """USDR in 2023: with a loss of 3 % and redemption at par, who stays loses what who runs is paid too much."""
    for par, nav in zip(rows("par"), rows("nav"), strict=True):
        if par["shock"]:
            assert simulated(par, par=True).stayer < simulated(par, par=True).fair - 0.005
            assert simulated(nav, par=False).stayer > simulated(nav, par=False).fair


def test_the_desk_in_the_same_runs():
    """The desk pays at most 2 % a day, falls silent where cash ends, and whoever stays gains, as in `full`."""
    for row in rows("full"):
        supply = 10**6 * MICRO
        cash = round(row["reserve"] * supply)
        pool = Pool(cash=cash, other=round((supply - cash) * (1 - row["shock"])), beta_e12=E12 // 2 - E12 // 5)
        fair, waits, days = (pool.cash + pool.other) / supply, round(row["run"] * supply), 0
        for day in range(30):
            pool.now, days = day * DAY, day
            pool.low = (pool.cash + pool.other) * NANO // pool.supply
            plan = pool.redeem(waits, partial=True)
            if isinstance(plan, Refusal):
                assert plan in {Refusal.DESK_LACKS_CASH, Refusal.DESK_THROTTLED}
            else:
                assert plan.units_micro <= 20_000 * MICRO
                waits -= plan.units_micro
            if waits < MICRO:
                break
            repaid = round(pool.other * REPAID)
            pool.other, pool.cash = pool.other - repaid, pool.cash + repaid
        stayer = (pool.cash + pool.other) / pool.supply
        assert stayer > fair * (1 + FEE * (row["run"] - waits / supply))
        assert row["stayer_nav_plus_cash"] > row["fair_per_unit"]
        assert waits > 0 or days >= row["run"] / 0.02 - 1
        d.check(pool.desk)
