"""Votes on the settings of a venue: what they change, when, and what the guardian may do meanwhile."""

from __future__ import annotations

import pytest

from parbook.governance.state import Change, Choice
from parbook.governance.terms import GovernanceTerms
from parbook.pools.amounts import E12
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol.governed import DESK, FEED, TREASURY, parameter_of
from parbook.refusals import Refusal
from tests.protocol.house import DAY, MICRO
from tests.protocol.venue import HOUR, INVESTOR, SENIOR, Venue

VOTER, OTHER, GUARD = 41, 42, 43
DAY_BUDGET = "treasury/0/0/day_e12"
CAP = "feed/0/cap_ppm"
CLOSED = "pause/desk/0/0"


class Voting(Venue):
    """A venue whose settings are put to the vote of two holders."""

    def __init__(self) -> None:
        super().__init__()
        self.native = self.asset("NTV")
        for account, units in ((VOTER, 6_000), (OTHER, 4_000)):
            self.give(account, self.native, units * MICRO)
        names = (DAY_BUDGET, CAP, "feed/0/cap_reference_ppm", CLOSED, "pause/feed/0", "desk/0/0/base_e12")
        self.do(c.OpenGovernance(terms=GovernanceTerms(), native=self.native, guardian=GUARD, names=names))
        for account, units in ((VOTER, 6_000), (OTHER, 4_000)):
            self.do(c.LockStake(account=account, amount_micro=units * MICRO))
        self.opened()

    def passed(self, *changes: Change) -> None:
        """Propose, vote, and let the timelock run out."""
        self.do(c.ProposeChange(account=VOTER, changes=changes, ts_ns=self.now + 1))
        number = self.protocol.governance.governance.proposals_made
        self.pass_to(self.now + DAY + 1)
        self.do(c.VoteOn(account=VOTER, proposal=number, choice=Choice.FOR))
        self.pass_to(self.now + 3 * DAY)
        self.pass_to(self.now + 2 * DAY)

    def ended(self) -> list[str]:
        """Return what became of proposals."""
        return [said.outcome for said in self.said if isinstance(said, e.ProposalEnded)]


def test_a_vote_changes_a_budget_after_its_timelock():
    venue = Voting()
    treasury = venue.protocol.pools[0].tranches[SENIOR].treasury.treasury
    venue.do(c.ProposeChange(account=VOTER, changes=(Change(name=DAY_BUDGET, value=E12 // 10),), ts_ns=venue.now + 1))
    venue.pass_to(venue.now + DAY + 1)
    venue.do(c.VoteOn(account=VOTER, proposal=1, choice=Choice.FOR))
    venue.do(c.VoteOn(account=OTHER, proposal=1, choice=Choice.AGAINST))
    venue.pass_to(venue.now + 3 * DAY)
    assert venue.ended() == ["QUEUED"]
    assert treasury.terms.day_e12 == E12 // 20
    venue.pass_to(venue.now + 2 * DAY)
    assert venue.ended() == ["QUEUED", "EXECUTED"]
    assert venue.protocol.pools[0].tranches[SENIOR].treasury.treasury.terms.day_e12 == E12 // 10


def test_what_the_mechanism_cannot_take_is_held_back_whole():
    venue = Voting()
    both = (Change(name=CAP, value=400_000), Change(name=DAY_BUDGET, value=0))
    venue.passed(*both)
    assert venue.ended() == ["QUEUED"]
    held = [said for said in venue.said if isinstance(said, e.ProposalHeldBack)]
    assert "cap_ppm is above cap_reference_ppm" in held[0].reason
    assert venue.protocol.pools[0].tranches[SENIOR].treasury.treasury.terms.day_e12 == E12 // 20
    assert venue.no(c.ExecuteProposal(proposal=1)) is Refusal.GOVERNANCE_OUT_OF_BOUNDS
    venue.pass_to(venue.now + 3 * DAY)
    assert venue.ended() == ["QUEUED", "EXPIRED"]


def test_the_guardian_makes_it_safer_and_it_ends_by_itself():
    venue = Voting()
    desk = c.Redeem(pool=0, tranche=SENIOR, account=INVESTOR, units_micro=MICRO)
    venue.do(c.Guard(account=GUARD, name=CLOSED, value=1))
    assert venue.no(desk) is Refusal.DESK_CLOSED
    assert venue.no(c.Guard(account=GUARD, name=CLOSED, value=1)) is Refusal.GOVERNANCE_GUARDED
    assert venue.no(c.Guard(account=OTHER, name=CAP, value=1_000)) is Refusal.GOVERNANCE_NOT_GUARDIAN
    assert venue.no(c.Guard(account=GUARD, name=CAP, value=20_000)) is Refusal.GOVERNANCE_WRONG_DIRECTION
    for _ in range(3):
        venue.report(980_000, 990_000, 1_000_000, ts=venue.now + 23 * HOUR)
        venue.pass_to(venue.now + HOUR)
    assert any(isinstance(said, e.GuardEnded) for said in venue.said)
    venue.do(desk)


def test_the_guardian_stops_a_feed_and_with_it_the_bid():
    venue = Voting()
    venue.do(c.Guard(account=GUARD, name="pause/feed/0", value=1))
    assert not venue.curve.quoting
    venue.pass_to(venue.now + 3 * DAY)
    assert not venue.curve.quoting, "it comes back with good rounds alone"
    venue.report(980_000, 990_000, 1_000_000)
    venue.pass_to(venue.now + HOUR)
    assert venue.curve.quoting


def test_a_vote_under_a_guard_waits_for_its_end():
    venue = Voting()
    venue.do(c.ProposeChange(account=VOTER, changes=(Change(name=CAP, value=20_000),), ts_ns=venue.now + 1))
    venue.pass_to(venue.now + DAY + 1)
    venue.do(c.VoteOn(account=VOTER, proposal=1, choice=Choice.FOR))
    venue.pass_to(venue.now + 4 * DAY)
    venue.do(c.Guard(account=GUARD, name=CAP, value=5_000))
    venue.pass_to(venue.now + DAY)
    assert venue.ended() == ["QUEUED", "EXECUTED"]
    assert venue.protocol.feeds[0].feed.terms.cap_ppm == 5_000
    venue.pass_to(venue.now + 2 * DAY)
    assert venue.protocol.feeds[0].feed.terms.cap_ppm == 20_000


def test_stake_is_locked_and_comes_back():
    venue = Voting()
    assert venue.has(VOTER, venue.native) == 0
    venue.do(c.UnlockStake(account=VOTER, amount_micro=1_000 * MICRO))
    assert venue.has(VOTER, venue.native) == 1_000 * MICRO
    assert venue.no(c.LockStake(account=VOTER, amount_micro=1_001 * MICRO)) is Refusal.INSUFFICIENT_AVAILABLE
    assert venue.no(c.UnlockStake(account=VOTER, amount_micro=5_001 * MICRO)) is Refusal.GOVERNANCE_STAKE_MISSING


def test_what_is_refused():
    venue = Voting()
    assert venue.no(c.OpenGovernance(terms=GovernanceTerms(), native=venue.native)) is Refusal.ALREADY_THERE
    assert venue.no(c.Govern(names=(CAP,))) is Refusal.GOVERNANCE_PARAMETER_EXISTS
    assert venue.no(c.Govern(names=("feed/0/quorum",))) is Refusal.GOVERNANCE_UNKNOWN_PARAMETER
    assert venue.no(c.VoteOn(account=VOTER, proposal=9, choice=Choice.FOR)) is Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    assert venue.no(c.CancelProposal(account=VOTER, proposal=9)) is Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    assert venue.no(c.ExecuteProposal(proposal=9)) is Refusal.GOVERNANCE_UNKNOWN_PROPOSAL
    other = Venue()
    assert other.no(c.LockStake(account=VOTER, amount_micro=1)) is Refusal.NOT_THERE
    assert other.no(c.OpenGovernance(terms=GovernanceTerms(), native=99)) is Refusal.NOT_THERE
    names = ("nonsense",)
    assert other.no(c.OpenGovernance(terms=GovernanceTerms(), native=0, names=names)) is (
        Refusal.GOVERNANCE_UNKNOWN_PARAMETER
    )
    assert other.no(c.OpenGovernance(terms=GovernanceTerms(), native=0, names=(CAP, CAP))) is (
        Refusal.GOVERNANCE_PARAMETER_EXISTS
    )


def test_every_setting_that_can_be_governed_has_a_name():
    venue = Venue()
    for kind, table in (("feed/0", FEED), ("treasury/0/0", TREASURY), ("desk/0/0", DESK)):
        for field, rule in table.items():
            terms = parameter_of(venue.one.engine, f"{kind}/{field}")
            assert terms is not None
            assert (terms.safer, terms.low <= terms.value <= terms.high) == (rule.safer, True)


@pytest.mark.parametrize(
    "name", ["", "/", "feed", "feed/x/cap_ppm", "feed/9/cap_ppm", "pause/treasury/0/0", "desk/0/1/base_e12", "pause"]
)
def test_names_that_mean_nothing(name: str):
    assert parameter_of(Venue(check=False).one.engine, name) is None


def test_it_goes_on_from_its_state():
    venue, other = Voting(), Voting()
    other.reload()
    for one in (venue, other):
        one.passed(Change(name=DAY_BUDGET, value=E12 // 10))
    assert venue.one.state_hash() == other.one.state_hash()
