"""What is refused after a look at money that no sync has found yet has moved nothing; and what is not, is paid."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.codes import OrderType, Side, TimeInForce, Trigger
from parbook.pools.amounts import E12
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import PoolState, TrancheState
from parbook.protocol import commands as c
from parbook.protocol.commands import Order
from parbook.redemption.desk import DeskTerms
from parbook.refusals import Refusal
from parbook.support.state import SupportTerms
from parbook.treasury.terms import Recycling, TreasuryTerms
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.test_backing import BIDDER, STAKER, Backed
from tests.protocol.venue import FOUNDER, GOVERNOR, GUARDIAN, HOUR, INVESTOR, JUNIOR, PAYER, SENIOR, Venue, loan

PLACE = {"pool": 0, "tranche": SENIOR}
BELOW = {"pool": 0, "tranche": JUNIOR}


def test_whoever_leaves_is_paid_out_of_the_till_when_the_reserve_lies_there():
    venue = Backed(day_e12=E12, month_e12=E12, inventory_units_max_e12=E12)
    venue.do(c.Bond(**PLACE, account=BIDDER, amount_micro=100 * MICRO))
    venue.opened()
    entry = venue.protocol.pools[0].tranches[SENIOR]
    assert (venue.has(entry.treasury.reserve_account, venue.usd), venue.has(entry.till, venue.usd)) == (0, 600 * MICRO)
    venue.do(c.Unbond(**PLACE, account=BIDDER, shares=100 * MICRO))
    assert venue.has(entry.treasury.reserve_account, venue.usd) == 100 * MICRO
    venue.pass_to(venue.now + 7 * DAY)
    before = venue.has(BIDDER, venue.usd)
    venue.do(c.ClaimBond(**PLACE, account=BIDDER))
    assert venue.has(BIDDER, venue.usd) - before == 100 * MICRO


def lossy() -> Backed:
    """Return a venue whose junior's curve has just sold below what it paid, and no sync knows.

    BIDDER has bonds, and has one share, STAKER a thousand, that may be claimed.
    """
    venue = Backed()
    params = venue.protocol.pools[0].tranches[SENIOR].treasury.params
    terms = TreasuryTerms(day_e12=E12, month_e12=E12, loss_max_e12=E12)
    by = {"account": MANAGER, "guardian": GUARDIAN, "governor": GOVERNOR}
    venue.do(c.OpenTreasury(**BELOW, **by, terms=terms, params=params))
    venue.do(c.OpenSupport(**BELOW, account=GOVERNOR, terms=SupportTerms(first_loss_e12=0)))
    venue.give(STAKER, venue.usd, MICRO)
    for account, amount in ((BIDDER, 100 * MICRO), (STAKER, 1000)):
        venue.do(c.Bond(**BELOW, account=account, amount_micro=amount))
    for account, shares in ((BIDDER, 1), (STAKER, 1000)):
        venue.do(c.Unbond(**BELOW, account=account, shares=shares))
    venue.pass_to(7 * DAY)
    venue.opened()
    trade(venue, INVESTOR, Side.SELL, 5_000)
    rows = [ServiceRow(f"L{n}", Action.BILL) for n in range(2)]
    rows += [ServiceRow(f"L{n}", Action.ARREARS, days=120) for n in range(2)]
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))
    assert trade(venue, FOUNDER, Side.BUY, 9_900) > 1_000
    return venue


def trade(venue: Venue, account: int, side: Side, price_ticks: int) -> int:
    """Trade junior units with the curve at once; return the lots."""
    order = {"account": account, "side": side, "qty_lots": 4_000, "price_ticks": price_ticks, "tif": TimeInForce.IOC}
    events = venue.apply(m.NewOrder(**order, instrument=1))
    return sum(event.qty_lots for event in events if isinstance(event, m.Trade))


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (c.Unbond(**BELOW, account=BIDDER, shares=1), Refusal.BOND_TOO_SMALL),
        (c.ClaimBond(**BELOW, account=BIDDER), Refusal.NOTHING_UNBONDED),
    ],
    ids=lambda value: value.name if isinstance(value, Refusal) else type(value).__name__,
)
def test_a_share_that_an_unfound_loss_leaves_nothing_of_is_refused_and_the_loss_stays_unfound(
    command: Order, refusal: Refusal
):
    """`no` tests that nothing moved: it was refused after the loss had been shared out."""
    venue = lossy()
    assert venue.no(command) is refusal
    bonds = venue.protocol.pools[0].tranches[JUNIOR].treasury.support.support
    assert bonds.lost_out_micro == 0
    venue.do(c.FundTreasury(**BELOW, account=FOUNDER, amount_micro=1))
    assert bonds.lost_out_micro > 0


def test_a_stop_that_waits_for_an_anchor_does_not_take_the_units_that_are_being_burned():
    """The claim grows past a tick between two syncs, and burning looks at prices."""
    venue = Venue(recycling=Recycling.RETIRE, sync_ns=30 * DAY).opened()
    venue.sell(20)
    venue.pass_to(venue.now + 24 * HOUR)
    stop = venue.curve.low_ticks + 1
    order = {"account": FOUNDER, "side": Side.BUY, "qty_lots": 1_000, "order_type": OrderType.MARKET}
    venue.apply(m.NewOrder(**order, tif=TimeInForce.IOC, stop_ticks=stop, trigger=Trigger.ANCHOR, instrument=0))
    venue.do(c.RetireUnits(**PLACE, account=GOVERNOR))
    assert venue.one.inside(venue.units[SENIOR]) == 680 * MICRO


@pytest.mark.parametrize(
    "command",
    [
        c.Invest(**BELOW, account=3, amount_micro=MICRO),
        c.AddLoans(pool=0, account=MANAGER, originator=FOUNDER, entries=(loan(0), loan(0))),
        c.Service(pool=0, account=MANAGER, payer=PAYER, rows=(ServiceRow("nobody", Action.PAY, 1),)),
        c.SetPool(pool=0, account=MANAGER, state=PoolState.RAISING),
        c.SetTranche(**PLACE, account=MANAGER, state=TrancheState.OPEN),
        c.OpenDesk(**PLACE, account=MANAGER, terms=DeskTerms()),
        c.Redeem(**PLACE, account=INVESTOR, units_micro=1),
        c.RequestExit(**PLACE, account=3, units_micro=MICRO),
        c.CancelExit(**PLACE, account=3),
        c.ClaimExit(**PLACE, account=3),
        c.PauseTreasury(**PLACE, account=GUARDIAN, until_ns=1),
        c.RetireUnits(**PLACE, account=GOVERNOR),
        c.CoverLoss(pool=0, account=GOVERNOR),
    ],
    ids=lambda command: type(command).__name__,
)
def test_asking_grows_no_claim(command: Order):
    venue = Backed(sync_ns=30 * DAY).opened()
    accrued_ns = venue.pool.accrued_ns
    venue.pass_to(venue.now + HOUR)
    venue.no(command)
    assert venue.pool.accrued_ns == accrued_ns
