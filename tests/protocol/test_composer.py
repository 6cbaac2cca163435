"""What the composer alone answers for: what a state forgets not, what is held, what follows what, in which order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from parbook import messages as m
from parbook.codes import Side, TimeInForce
from parbook.messages import Transfer
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import TrancheState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.records import command_records
from parbook.redemption.desk import DeskTerms
from parbook.refusals import Refusal
from tests.protocol.house import MANAGER, MICRO, SECOND
from tests.protocol.venue import BORROWER, GUARDIAN, HOUR, INVESTOR, JUNIOR, PAYER, SENIOR, Venue, loan

PLACE = {"pool": 0, "tranche": SENIOR, "account": INVESTOR}


def test_a_contract_that_was_freed_and_pledged_again_is_so_after_a_reload():
    venue = Venue()
    rows = (ServiceRow("L0", Action.PAY, 80 * MICRO), ServiceRow("L0", Action.CLOSE))
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=rows))
    adding = c.AddLoans(pool=0, account=MANAGER, originator=BORROWER, entries=(loan(0, 80, asset_id="again"),))
    venue.do(adding)
    venue.reload()
    assert venue.no(adding) is Refusal.DUPLICATE_ASSET


def test_what_an_order_holds_is_not_there_for_the_protocol():
    venue = Venue().opened()
    free = venue.one.available(INVESTOR, venue.usd)
    price, lots = 5_000, free // 2 // (5_000 * 100)
    buying = m.NewOrder(account=INVESTOR, side=Side.BUY, qty_lots=lots, price_ticks=price, instrument=0)
    venue.apply(buying)
    held = venue.one.held(INVESTOR, venue.usd)
    assert held > 0
    invest = c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=free - held + 1)
    assert venue.no(invest) is Refusal.INSUFFICIENT_AVAILABLE
    venue.do(c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=free - held))


def test_money_that_comes_in_moves_the_bid_at_once():
    """At the low band the senior is short by 20 of 700; what comes in below it stands behind it."""
    venue = Venue().opened(600_000, 650_000, 700_000)
    assert venue.curve.low_ticks == 680 * 10_000 // 700
    venue.do(c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=10 * MICRO))
    assert venue.curve.low_ticks == 690 * 10_000 // 700


def test_nobody_enters_at_a_price_that_decays():
    venue = Venue().opened()
    venue.pass_to(venue.now + 30 * HOUR)
    assert venue.protocol.pools[0].shares is not None
    invest = c.Invest(pool=0, tranche=JUNIOR, account=INVESTOR, amount_micro=MICRO)
    assert venue.no(invest) is Refusal.NO_FAIR_VALUE


def test_the_desk_pays_by_the_low_band():
    """The junior alone feels the bands: at 0.9 of 800 lent it is 220 of 300, at 0.95 260."""
    venue = Venue(feed={"confidence_max_ppm": 500_000}).opened(900_000, 950_000, 1_000_000)
    venue.do(c.OpenDesk(pool=0, tranche=JUNIOR, account=MANAGER, terms=DeskTerms()))
    low = venue.exit_prices()[JUNIOR][0]
    acted = venue.act(c.Redeem(pool=0, tranche=JUNIOR, account=INVESTOR, units_micro=MICRO))
    said = next(one for one in acted.said if isinstance(one, e.Redeemed))
    assert low * 98 // 100_000 <= said.paid_micro <= low // 1000


def test_a_tranche_that_closed_stays_closed():
    venue = Venue()
    for state in (TrancheState.GATED, TrancheState.CLOSED):
        venue.do(c.SetTranche(pool=0, tranche=JUNIOR, account=MANAGER, state=state))
    for state in TrancheState:
        again = c.SetTranche(pool=0, tranche=JUNIOR, account=MANAGER, state=state)
        assert venue.no(again) is Refusal.TRANCHE_STATE


def test_what_falls_due_happens_at_its_own_time():
    """A day passes in one command: each step of it is said at the time it belongs to."""
    venue = Venue().opened()
    venue.said.clear()
    start = venue.now
    venue.pass_to(start + 40 * HOUR)
    times = [one.ts_ns for one in venue.said]
    assert times == sorted(times)
    assert len(set(times)) > 10
    stale = [one for one in venue.said if isinstance(one, e.Anchored)]
    assert stale[0].age_ns == 26 * HOUR
    steps = {later.ts_ns - one.ts_ns for one, later in pairwise(stale)}
    assert steps == {HOUR}


def test_an_epoch_that_ends_as_a_round_comes_into_force_is_not_struck_by_it():
    """Both at one moment: the epoch first, and then a round that was seen before it closed."""
    venue = Venue().opened()
    venue.do(c.RequestExit(**PLACE, units_micro=50 * MICRO))
    close = venue.protocol.pools[0].tranches[SENIOR].queue.queue.epoch_end_ns
    venue.report(985_000, 990_000, 1_000_000, ts=close - HOUR)
    venue.pass_to(close)
    closed = [one for one in venue.said if isinstance(one, e.EpochClosed)]
    anchored = [one for one in venue.said if isinstance(one, e.Anchored) and one.ts_ns == close]
    assert closed[-1].seq < anchored[-1].seq
    assert not [one for one in venue.said if isinstance(one, e.EpochStruck)]


@pytest.mark.parametrize("together", [False, True])
def test_a_batch_lets_fall_due_what_comes_at_its_commands_own_times(together: bool):

    venue = Venue()
    venue.report(980_000, 990_000, 1_000_000)
    due = venue.now + HOUR
    sale = {"account": INVESTOR, "side": Side.SELL, "qty_lots": 100, "price_ticks": 9_000, "tif": TimeInForce.IOC}
    orders = [m.NewOrder(**sale, ts_ns=ts, instrument=0) for ts in (due - 1, due)]
    if together:
        venue.one.apply_batch(command_records(orders))
    else:
        for order in orders:
            venue.one.apply(order)
    till = venue.protocol.pools[0].tranches[SENIOR].till
    assert venue.one.balance(till, venue.units[SENIOR]) == MICRO, "the second finds a bid, the first none"


def test_units_in_escrow_are_nobodys_to_sell():
    venue = Venue().opened()
    venue.do(c.RequestExit(**PLACE, units_micro=650 * MICRO))
    queue = venue.protocol.pools[0].tranches[SENIOR].queue
    assert venue.has(queue.escrow_account, venue.units[SENIOR]) == 650 * MICRO
    venue.apply(Transfer(account=INVESTOR, target_account=21, asset=venue.units[SENIOR], amount_atoms=51 * MICRO))
    assert venue.has(21, venue.units[SENIOR]) == 0


def test_what_a_command_makes_due_is_due_for_the_next_order():
    """A pause ends long before the next sync of the till: nothing else is due then."""
    venue = Venue().opened()
    until = venue.now + 600 * SECOND
    venue.do(c.PauseTreasury(pool=0, tranche=SENIOR, account=GUARDIAN, until_ns=until))
    assert venue.sell(1, ts=until - 1) == 0
    assert venue.sell(1, ts=until) == 100


def test_names_of_pools_are_taken_whatever_their_tranches_are_called():
    """A contract is pledged to `pool/asset`: two pools of one name would pledge for each other."""
    venue = Venue()
    tranches = (TrancheTerms(name="other"),)
    again = c.OpenPool(terms=PoolTerms(name="SME", manager=MANAGER, tranches=tranches), quote=venue.usd)
    assert venue.no(again) is Refusal.NAME_TAKEN
