"""Units for what leavers left behind, which are the buffer's: they leave as anybody's would, after everybody else."""

from __future__ import annotations

import pytest

from parbook.pools.amounts import E12
from parbook.pools.limits import Limits
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import TrancheState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.redemption.queue_state import QueueTerms
from tests.protocol.house import MANAGER, MICRO
from tests.protocol.venue import ARBITER, BORROWER, HOUR, INVESTOR, PAYER, SOURCES, Venue, feed_terms, key, loan

WATERFALL = c.RunWaterfall(pool=1, account=MANAGER)
HERE = {"pool": 1, "tranche": 0}


class Emptied(Venue):
    """A second pool of one tranche. All left it at the exit price, which counted its one loan for nothing; it pays."""

    def __init__(self) -> None:
        super().__init__()
        terms = PoolTerms(
            name="ONE",
            manager=MANAGER,
            tranches=(TrancheTerms(name="U"),),
            limits=Limits(obligor_e12=E12, counterparty_e12=E12),
        )
        self.do(c.OpenPool(terms=terms, quote=self.usd))
        members = tuple((source, key(source)) for source in SOURCES)
        self.do(c.OpenFeed(pool=1, terms=feed_terms(), arbiter=ARBITER, bond_asset=self.usd, members=members))
        self.do(c.Invest(**HERE, account=INVESTOR, amount_micro=100 * MICRO))
        self.do(c.AddLoans(pool=1, account=MANAGER, originator=BORROWER, entries=(loan(500, 50),)))
        self.serve(ServiceRow("L500", Action.BILL), ServiceRow("L500", Action.IMPAIR))
        self.do(c.OpenQueue(**HERE, account=MANAGER, terms=QueueTerms()))
        self.leave(100 * MICRO)
        assert self.supply == 0
        self.serve(ServiceRow("L500", Action.CURE))
        self.do(c.Invest(**HERE, account=INVESTOR, amount_micro=10 * MICRO))

    def tell(self, ppm: int) -> None:
        """Let the sources of the second pool report, and let an hour pass."""
        self.report(ppm, ts=self.now + HOUR, feed=1)
        self.pass_to(self.now + HOUR)

    def serve(self, *rows: ServiceRow) -> None:
        """Report on the loan."""
        self.do(c.Service(pool=1, account=MANAGER, payer=PAYER, rows=rows))

    def ask(self, units_micro: int) -> int:
        """Ask to leave; return when the epoch ends."""
        self.do(c.RequestExit(**HERE, account=INVESTOR, units_micro=units_micro))
        end_ns: int = self.second.tranches[0].queue.queue.epoch_end_ns
        return end_ns

    def leave(self, units_micro: int) -> None:
        """Leave by an epoch."""
        self.pass_to(self.ask(units_micro))
        self.tell(1_000_000)

    @property
    def second(self):
        """The second pool."""
        return self.protocol.pools[1]

    @property
    def supply(self) -> int:
        """How many units of it there are."""
        return self.one.inside(self.second.tranches[0].asset)

    @property
    def buffer(self) -> tuple[int, int]:
        """Cash and units of its buffer."""
        account, asset = self.second.buffer_account, self.second.tranches[0].asset
        return self.has(account, self.usd), self.has(account, asset)


def left(venue: Venue) -> list[e.BufferLeft]:
    """Run the waterfall and return which units of the buffer's left."""
    return [one for one in venue.act(WATERFALL).said if isinstance(one, e.BufferLeft)]


def test_the_buffers_units_leave_as_cash_comes_in_and_nobody_gains_by_it():
    venue = Emptied()
    assert venue.buffer == (0, 50 * MICRO), "50 in cash went to the leavers, 50 is lent"
    (part,) = left(venue)
    assert (part.units_micro, part.paid_micro) == (10 * MICRO, 10 * MICRO), "what the pool has in cash"
    assert left(venue) == []
    venue.serve(ServiceRow("L500", Action.PAY, 50 * MICRO))
    (rest,) = left(venue)
    assert (rest.units_micro, rest.paid_micro) == (40 * MICRO, 40 * MICRO)
    assert venue.buffer == (50 * MICRO, 0)
    assert venue.supply == 10 * MICRO
    assert venue.second.pool.cash_micro == 10 * MICRO
    assert venue.second.pool.tranches[0].ownerless_micro == 0


def test_they_wait_for_whoever_waits_in_the_queue():
    venue = Emptied()
    end_ns = venue.ask(4 * MICRO)
    assert left(venue) == []
    venue.pass_to(end_ns)
    venue.tell(1_000_000)
    (part,) = left(venue)
    assert part.paid_micro == 6 * MICRO


@pytest.mark.parametrize("hours", [27, 200])
def test_they_do_not_leave_at_a_price_that_nobody_trusts(hours: int):
    venue = Emptied()
    venue.pass_to(venue.now + hours * HOUR)
    assert left(venue) == []


def test_they_do_not_leave_what_is_gated():
    venue = Emptied()
    venue.do(c.SetTranche(**HERE, account=MANAGER, state=TrancheState.GATED))
    assert left(venue) == []


def test_a_price_that_falls_is_rounded_for_those_who_stay():
    venue = Emptied()
    venue.tell(990_001)
    (part,) = left(venue)
    assert part.paid_micro == 10 * MICRO
    assert part.units_micro == -(-part.paid_micro * 10**9 // part.price_nano)
    venue.serve(ServiceRow("L500", Action.PAY, 50 * MICRO))
    (rest,) = left(venue)
    assert venue.buffer == (10 * MICRO + rest.paid_micro, 0)


def test_what_a_buffer_has_goes_on_from_its_state():
    venue, other = Emptied(), Emptied()
    other.reload()
    assert left(venue) == left(other)
    assert venue.one.state_hash() == other.one.state_hash()
