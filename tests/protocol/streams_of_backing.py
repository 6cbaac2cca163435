"""Random commands of votes, anchored tokens, insurance and support, for streams over a venue that has them."""

from __future__ import annotations

from parbook.anchored.terms import TokenTerms
from parbook.governance.state import Change, Choice
from parbook.governance.terms import GovernanceTerms
from parbook.insurance.terms import FundTerms
from parbook.oracle.state import Observation
from parbook.pools.amounts import E12, NANO
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import LoanState
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.support.state import SupportTerms
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.streams import PEOPLE, Flows, Stream
from tests.protocol.test_backing import TOKEN_GOVERNOR, Backed
from tests.protocol.venue import GOVERNOR, GUARDIAN, PAYER, SENIOR

SETTINGS = (
    "treasury/0/0/day_e12",
    "treasury/0/0/loss_max_e12",
    "feed/0/cap_ppm",
    "feed/0/cap_reference_ppm",
    "feed/0/stale_ns",
    "desk/0/0/base_e12",
    "desk/0/0/throttle_e12",
    "pause/desk/0/0",
    "pause/feed/0",
)


class WholeVenue(Backed):
    """With votes as well; everybody has some native tokens."""

    def __init__(self, *, check: bool = True) -> None:
        super().__init__(check=check)
        for account in PEOPLE:
            self.give(account, self.native, 3_000 * MICRO)
        terms = GovernanceTerms(pending_ns=DAY // 8, voting_ns=DAY // 2, threshold_micro=100 * MICRO)
        self.do(c.OpenGovernance(terms=terms, native=self.native, guardian=GUARDIAN, names=SETTINGS))


class BackingStream(Stream):
    """Asks all that `Stream` asks, and all of the backing."""

    venue: WholeVenue

    def token(self) -> int:
        """Return a token's number."""
        return self.index(len(self.venue.protocol.tokens)) if self.draw.random() < 0.1 else 0

    def asset(self) -> int:
        """Return an asset, mostly a leg."""
        legs = [leg.asset for leg in self.venue.token.legs]
        return self.draw.choice(legs) if self.draw.random() < 0.85 else self.index(len(self.venue.one.assets))

    def owned(self, account: int, asset: int) -> int:
        """Return a part of what somebody has."""
        most = self.venue.one.available(account, asset) if asset < len(self.venue.one.assets) else MICRO
        return self.micro(most // self.draw.choice([1, 10, 100]))

    # --- votes ----------------------------------------------------------------------------------------

    def open_governance(self) -> c.Order:
        """Once more: it is there already."""
        return c.OpenGovernance(terms=GovernanceTerms(), native=self.venue.native)

    def govern(self) -> c.Order:
        """Another setting, or one that there is none of."""
        names = (
            "treasury/0/0/month_e12",
            "desk/0/0/beta_e12",
            "feed/1/cap_ppm",
            "feed/9/cap_ppm",
            "nonsense",
            "desk/x/0/a",
        )
        return c.Govern(names=(self.draw.choice(names),))

    def lock(self) -> c.Order:
        """Votes."""
        account = self.person()
        return c.LockStake(account=account, amount_micro=self.owned(account, self.venue.native))

    def unlock(self) -> c.Order:
        """Back."""
        return c.UnlockStake(account=self.person(), amount_micro=self.micro(500 * MICRO))

    def change(self) -> Change:
        """A value of a setting, near the bounds now and then."""
        state = self.venue.protocol.governance
        assert state is not None
        name = self.draw.choice(sorted(state.governance.parameters))
        parameter = state.governance.parameters[name]
        low, high = parameter.terms.low, parameter.terms.high
        value = self.draw.choice([low, high, parameter.terms.value, self.draw.randint(low, high), high + 1])
        return Change(name=name, value=min(value, 2**63 - 1))

    def propose(self) -> c.Order:
        """One or two changes."""
        changes = tuple(self.change() for _ in range(self.draw.randint(1, 2)))
        return c.ProposeChange(account=self.person(), changes=changes)

    def proposal(self) -> int:
        """Return a proposal's number, mostly of one there is."""
        state = self.venue.protocol.governance
        assert state is not None
        made = state.governance.proposals_made
        return self.draw.randint(max(made - 1, 1), made + (self.draw.random() < 0.1) or 1)

    def vote(self) -> c.Order:
        """Mostly for it."""
        choice = self.draw.choice([Choice.FOR, Choice.FOR, Choice.FOR, Choice.AGAINST, Choice.ABSTAIN])
        return c.VoteOn(account=self.person(), proposal=self.proposal(), choice=choice)

    def cancel_proposal(self) -> c.Order:
        """By somebody, or the guardian."""
        return c.CancelProposal(account=self.draw.choice([*PEOPLE, GUARDIAN]), proposal=self.proposal())

    def execute(self) -> c.Order:
        """Again."""
        return c.ExecuteProposal(proposal=self.proposal())

    def guard(self) -> c.Order:
        """Safer, or not."""
        change = self.change()
        return c.Guard(account=self.one_of(GUARDIAN), name=change.name, value=change.value)

    # --- the token --------------------------------------------------------------------------------------

    def open_token(self) -> c.Order:
        """Another token."""
        terms = TokenTerms(token_asset=0, native_asset=1)
        name = f"T{self.draw.randrange(3)}" if self.draw.random() < 0.9 else "USD"
        native, cash = (self.index(len(self.venue.one.assets)) for _ in range(2))
        return c.OpenToken(name=name, native=native, cash=cash, governor=TOKEN_GOVERNOR, terms=terms)

    def add_leg(self) -> c.Order:
        """Any asset, with any claims."""
        count = len(self.venue.one.assets)
        claims = tuple(
            (self.draw.randrange(count), (self.draw.randrange(count),)) for _ in range(self.draw.randint(0, 2))
        )
        asset = self.index(count)
        haircut_e12 = self.draw.randrange(E12)
        return c.AddLeg(
            token=self.token(), account=self.one_of(TOKEN_GOVERNOR), asset=asset, haircut_e12=haircut_e12, claims=claims
        )

    def drop_leg(self) -> c.Order:
        """An empty one, or not."""
        return c.DropLeg(token=self.token(), account=self.one_of(TOKEN_GOVERNOR), asset=self.asset())

    def reweight(self) -> c.Order:
        """Weights that sum to one, mostly."""
        number = self.token()
        tokens = self.venue.protocol.tokens
        legs = [leg.asset for leg in tokens[number].token.legs] if number < len(tokens) else [0]
        cuts = sorted(self.draw.randint(0, E12) for _ in legs[1:])
        weights = [high - low for low, high in zip([0, *cuts], [*cuts, E12], strict=True)] if legs else []
        if self.draw.random() < 0.1 and weights:
            weights[0] = max(weights[0] - 1, 0)
        pairs = tuple(zip(legs, weights, strict=True))
        return c.Reweight(token=number, account=self.one_of(TOKEN_GOVERNOR), weights=pairs)

    def endow(self) -> c.Order:
        """Into the basket."""
        account, asset = self.person(), self.asset()
        return c.Endow(token=self.token(), account=account, asset=asset, quantity_micro=self.owned(account, asset))

    def release(self) -> c.Order:
        """Out of it."""
        return c.Release(
            token=self.token(),
            account=self.one_of(TOKEN_GOVERNOR),
            asset=self.asset(),
            quantity_micro=self.micro(20 * MICRO),
        )

    def mint(self) -> c.Order:
        """Tokens for a leg."""
        account, asset = self.person(), self.asset()
        return c.MintTokens(token=self.token(), account=account, asset=asset, quantity_micro=self.owned(account, asset))

    def redeem_tokens(self) -> c.Order:
        """A leg for tokens."""
        account = self.person()
        tokens = self.owned(account, self.venue.token_asset)
        return c.RedeemTokens(
            token=self.token(), account=account, tokens_micro=tokens, in_kind=self.draw.random() < 0.8
        )

    def set_haircut(self) -> c.Order:
        """For all holders alike."""
        return c.SetHaircut(
            token=self.token(), account=self.one_of(TOKEN_GOVERNOR), holders_micro=self.draw.choice([0, 0, MICRO])
        )

    # --- insurance --------------------------------------------------------------------------------------

    def open_fund(self) -> c.Order:
        """For another pool."""
        return c.OpenFund(
            pool=self.pool(), account=self.manager(), native=self.venue.native, governor=GOVERNOR, terms=FundTerms()
        )

    def stake(self) -> c.Order:
        """At stake."""
        account = self.person()
        return c.Stake(pool=self.pool(), account=account, native_micro=self.owned(account, self.venue.native))

    def unstake(self) -> c.Order:
        """Out again."""
        account = self.person()
        staker = self.venue.fund.stakers.get(str(account))
        return c.Unstake(pool=self.pool(), account=account, shares=self.micro(staker.stake.shares if staker else 1))

    def claim_stake(self) -> c.Order:
        """What may leave."""
        return c.ClaimStake(pool=self.pool(), account=self.person())

    def pay_premium(self) -> c.Order:
        """Up to now."""
        return c.PayPremium(pool=self.pool())

    def pay_in(self) -> c.Order:
        """Cash for good."""
        account = self.person()
        return c.PayIn(pool=self.pool(), account=account, amount_micro=self.owned(account, self.venue.usd))

    def alarm(self) -> c.Order:
        """Begins or ends."""
        return c.Alarm(pool=self.pool(), account=self.one_of(GOVERNOR), begins=self.draw.random() < 0.5)

    def cover(self) -> c.Order:
        """A hole, where there is one."""
        return c.CoverLoss(pool=self.pool(), account=self.one_of(GOVERNOR))

    def auction(self) -> c.Order:
        """What was seized."""
        return c.AuctionStake(pool=self.pool(), account=self.one_of(GOVERNOR))

    def buy(self) -> c.Order:
        """Of the lot."""
        native = self.micro(200 * MICRO)
        return c.BuyStake(
            pool=self.pool(), account=self.person(), native_micro=native, most_micro=self.micro(500 * MICRO)
        )

    def give_up(self) -> c.Order:
        """What it did not fetch."""
        return c.GiveUp(pool=self.pool(), account=self.one_of(GOVERNOR))

    def native_price(self) -> c.Order:
        """What a source says the native token is worth."""
        source = self.draw.randint(1, 3)
        self.sequences[1, source] += 1
        price = NANO // 2 + self.draw.randrange(1_000_000)
        ts = self.time()
        observation = Observation(
            source=source,
            sequence=self.venue.sequence + self.sequences[1, source],
            observed_ns=max(ts, self.venue.now),
            low_nano=price,
            mid_nano=price,
            high_nano=price,
            model_hash="0" * 64,
            input_hash="0" * 64,
        )
        return c.Observe(feed=1, observation=observation, ts_ns=max(ts, self.venue.now))

    # --- support ------------------------------------------------------------------------------------------

    def open_support(self) -> c.Order:
        """For another treasury."""
        return c.OpenSupport(**self.place(), account=self.one_of(GOVERNOR), terms=SupportTerms())

    def bond(self) -> c.Order:
        """Beside the reserve."""
        account = self.person()
        return c.Bond(pool=0, tranche=SENIOR, account=account, amount_micro=self.owned(account, self.venue.usd))

    def unbond(self) -> c.Order:
        """Begin to leave."""
        account = self.person()
        support = self.venue.protocol.pools[0].tranches[SENIOR].treasury.support
        bonder = support.support.bonders.get(str(account)) if support else None
        return c.Unbond(**self.place(), account=account, shares=self.micro(bonder.bond.shares if bonder else 1))

    def claim_bond(self) -> c.Order:
        """What may leave."""
        return c.ClaimBond(**self.place(), account=self.person())

    def ruin(self) -> c.Order:
        """Report that much of the first pool has defaulted."""
        rows = tuple(
            ServiceRow(name, Action.DEFAULT, days=max(loan.days_past_due, 130))
            for name, loan in sorted(self.venue.pool.book.loans.items())
            if loan.state in (LoanState.CURRENT, LoanState.LATE, LoanState.IMPAIRED) and self.draw.random() < 0.9
        )
        return c.Service(pool=0, account=MANAGER, payer=PAYER, rows=rows)

    def kinds(self) -> dict[str, int]:
        """Return what may be asked, and how often."""
        return super().kinds() | BACKING

    def hints(self) -> list[str]:
        """Return what is possible and seldom, votes, losses and auctions among it."""
        hints = super().hints()
        governance, fund = self.venue.protocol.governance, self.venue.fund
        if governance is not None and governance.governance.proposals:
            hints += ["vote"] * 3
        if self.venue.protocol.pools[0].trusted:
            hints.append("cover")
        if fund.seized_micro:
            hints += ["auction"] * 2
        if fund.auction:
            hints += ["buy"] * 2
        if fund.short_micro:
            hints.append("give_up")
        return hints


BACKING: dict[str, int] = {
    "open_governance": 1,
    "govern": 1,
    "lock": 4,
    "unlock": 2,
    "propose": 4,
    "vote": 6,
    "cancel_proposal": 1,
    "execute": 1,
    "guard": 2,
    "open_token": 2,
    "add_leg": 1,
    "drop_leg": 1,
    "reweight": 1,
    "endow": 3,
    "release": 2,
    "mint": 8,
    "redeem_tokens": 8,
    "set_haircut": 1,
    "open_fund": 1,
    "stake": 5,
    "unstake": 3,
    "claim_stake": 3,
    "pay_premium": 2,
    "pay_in": 2,
    "alarm": 1,
    "cover": 2,
    "auction": 2,
    "buy": 3,
    "give_up": 1,
    "native_price": 8,
    "open_support": 1,
    "bond": 4,
    "unbond": 3,
    "claim_bond": 3,
    "ruin": 1,
}
"""How often each is asked, by the name of what draws it."""


class BackedFlows(Flows):
    """Counts the token's supply as well."""

    def count(self, venue: Backed, said: list[e.Said]) -> None:  # type: ignore[override]
        """Count what was issued and burned."""
        super().count(venue, said)
        for one in said:
            if isinstance(one, e.TokenOpened):
                self.inside[one.asset] = 0
            elif isinstance(one, e.Minted):
                self.inside[venue.protocol.tokens[one.token].token.terms.token_asset] += one.tokens_micro
            elif isinstance(one, e.TokensRedeemed):
                self.inside[venue.protocol.tokens[one.token].token.terms.token_asset] -= one.tokens_micro
