"""The anchored token, the insurance and the support of the bid, as commands of a venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from parbook.anchored import signing
from parbook.anchored.claims import claims_of, inclusion, is_included
from parbook.anchored.proof import digest, opened, verified
from parbook.anchored.state import ratio_e12, token_state
from parbook.anchored.terms import IN_KIND, TokenState, TokenTerms
from parbook.codes import AccountStatus, Side
from parbook.errors import MisuseError
from parbook.instrument import Instrument
from parbook.insurance.terms import FundTerms
from parbook.listing import Listing
from parbook.messages import NewOrder, SetFees, SetStatus, Transfer
from parbook.oracle.state import Observation
from parbook.pools.amounts import E12, NANO
from parbook.pools.servicing import Action, ServiceRow
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.refusals import Refusal
from parbook.support.state import SupportTerms
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.venue import (
    FOUNDER,
    GOVERNOR,
    HOUR,
    INVESTOR,
    PAYER,
    SENIOR,
    SOURCES,
    Venue,
    feed_terms,
    key,
)

TOKEN_GOVERNOR, STAKER, BIDDER = 51, 52, 53


class Backed(Venue):
    """A venue with a token on senior units and cash, an insured pool, bonds beside the reserve, a native token."""

    def __init__(self, *, check: bool = True, token: dict[str, Any] | None = None, **treasury: Any) -> None:
        super().__init__(check=check, **treasury)
        self.native = self.asset("NTV")
        market = Instrument(symbol="NTV", tick=Decimal("0.0001"), lot=Decimal(1))
        listing = Listing(instrument=market, base=self.native, quote=self.usd, lot_atoms=MICRO, tick_atoms=100)
        for exchange in (self.one, self.two):
            exchange.add_instrument(listing)
        members = tuple((source, key(source)) for source in SOURCES)
        self.do(c.OpenFeed(instrument=2, terms=feed_terms(), arbiter=GOVERNOR, bond_asset=self.usd, members=members))
        terms = TokenTerms(**({"token_asset": 0, "native_asset": 1} | (token or {})))
        self.token_asset = self.do(
            c.OpenToken(name="ANC", native=self.native, cash=self.usd, governor=TOKEN_GOVERNOR, terms=terms)
        ).asset
        self.do(c.OpenFund(pool=0, account=MANAGER, native=self.native, governor=GOVERNOR, terms=FundTerms()))
        place = {"pool": 0, "tranche": SENIOR, "account": GOVERNOR}
        self.do(c.OpenSupport(**place, terms=SupportTerms()))
        self.give(STAKER, self.native, 1_000 * MICRO)
        self.give(BIDDER, self.usd, 5_000 * MICRO)

    def native_price(self, price_nano: int = NANO // 2) -> None:
        """Let the native token's feed report."""
        self.sequence += 1
        for source in SOURCES:
            observation = Observation(
                source=source,
                sequence=self.sequence,
                observed_ns=self.now,
                low_nano=price_nano,
                mid_nano=price_nano,
                high_nano=price_nano,
                model_hash="0" * 64,
                input_hash="0" * 64,
            )
            self.do(c.Observe(feed=1, observation=observation))

    def minted(self) -> Backed:
        """Fair values in force; a basket of senior units and cash, half each; 50 tokens out."""
        self.native_price()
        self.opened()
        governed = {"token": 0, "account": TOKEN_GOVERNOR}
        unit = self.units[SENIOR]
        self.do(c.AddLeg(**governed, asset=unit, haircut_e12=E12 // 10, claims=((unit, (self.usd,)),)))
        self.do(c.AddLeg(**governed, asset=self.usd, haircut_e12=0))
        self.do(c.Reweight(**governed, weights=((self.usd, E12 // 2), (unit, E12 // 2))))
        self.do(c.Endow(token=0, account=FOUNDER, asset=self.usd, quantity_micro=50 * MICRO))
        self.do(c.Endow(token=0, account=INVESTOR, asset=unit, quantity_micro=50 * MICRO))
        self.pass_to(self.now + HOUR)
        for asset in (unit, self.usd) * 5:
            self.do(c.MintTokens(token=0, account=INVESTOR, asset=asset, quantity_micro=5 * MICRO))
        return self

    @property
    def token(self) -> Any:
        """The token's state."""
        return self.protocol.tokens[0].token

    @property
    def fund(self) -> Any:
        """The fund's state."""
        return self.protocol.pools[0].fund.fund


# --- the anchored token -------------------------------------------------------------------------------------------


def test_tokens_are_minted_at_low_value_and_redeemed_for_what_backs_them():
    venue = Backed().minted()
    assert venue.has(INVESTOR, venue.token_asset) == venue.token.supply_micro
    assert 49_990_000 < venue.token.supply_micro <= 50_001_000
    before = venue.has(INVESTOR, venue.units[SENIOR])
    said = venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=3 * MICRO, in_kind=True))
    assert [asset for asset, _ in said.units] == [venue.usd, venue.units[SENIOR]]
    worth = sum(units for _, units in said.units)
    assert 2_990_000 < worth <= 3 * MICRO
    assert venue.has(INVESTOR, venue.units[SENIOR]) > before
    assert ratio_e12(venue.token, venue.now) > E12


def test_a_redemption_never_mints_and_a_mint_needs_backing():
    venue = Backed().minted()
    supplies = [venue.one.inside(asset) for asset in range(len(venue.one.assets))]
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    after = [venue.one.inside(asset) for asset in range(len(venue.one.assets))]
    assert all(new <= old for new, old in zip(after, supplies, strict=True))
    rows = [ServiceRow(f"L{n}", Action.BILL) for n in range(10)]
    rows += [ServiceRow(f"L{n}", Action.ARREARS, days=120) for n in range(9)]
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))
    mint = c.MintTokens(token=0, account=INVESTOR, asset=venue.usd, quantity_micro=MICRO)
    assert venue.no(mint) in (Refusal.BACKING_TOO_LOW, Refusal.OVERWEIGHT)


def test_circular_backing_is_refused_and_the_path_named():
    venue = Backed()
    place = {"token": 0, "account": TOKEN_GOVERNOR}
    loop = c.AddLeg(**place, asset=venue.usd, haircut_e12=0, claims=((venue.usd, (venue.token_asset,)),))
    acted = venue.act(loop)
    assert acted.no is not None
    assert (acted.no.refusal, acted.no.detail) == (Refusal.CIRCULAR_BACKING, "USD -> ANC")
    assert venue.no(c.AddLeg(**place, asset=venue.native, haircut_e12=0)) is Refusal.CIRCULAR_BACKING
    assert venue.no(c.AddLeg(**place, asset=venue.token_asset, haircut_e12=0)) is Refusal.CIRCULAR_BACKING


def test_the_native_token_adds_nothing_to_the_backing():
    venue = Backed().minted()
    before = ratio_e12(venue.token, venue.now)
    venue.native_price(NANO)
    venue.pass_to(venue.now + HOUR)
    venue.do(c.Stake(pool=0, account=STAKER, native_micro=500 * MICRO))
    venue.act(c.Tick())
    assert ratio_e12(venue.token, venue.now) == pytest.approx(before, rel=1e-4)


def test_a_leg_whose_price_is_old_stops_minting():
    venue = Backed().minted()
    venue.pass_to(venue.now + 27 * HOUR)
    assert token_state(venue.token, venue.now) is TokenState.IFFY
    mint = c.MintTokens(token=0, account=INVESTOR, asset=venue.usd, quantity_micro=MICRO)
    assert venue.no(mint) is Refusal.TOKEN_NOT_SOUND
    venue.pass_to(venue.now + 6 * DAY)
    assert token_state(venue.token, venue.now) is TokenState.DISABLED
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    governed = {"token": 0, "account": TOKEN_GOVERNOR}
    venue.do(c.Reweight(**governed, weights=((venue.usd, E12), (venue.units[SENIOR], 0))))
    assert token_state(venue.token, venue.now) is not TokenState.DISABLED


def test_a_haircut_is_everybodys():
    venue = Backed().minted()
    governed = {"token": 0, "account": TOKEN_GOVERNOR}
    venue.do(c.Release(**governed, asset=venue.usd, quantity_micro=74 * MICRO))
    ruined(venue)
    venue.do(c.SetHaircut(**governed, holders_micro=MICRO))
    assert token_state(venue.token, venue.now) is TokenState.HAIRCUT
    first = venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    second = venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    assert all(abs(a - b) <= 1 for (_, a), (_, b) in zip(first.units, second.units, strict=True))
    assert venue.no(c.SetHaircut(**governed)) is Refusal.STILL_SHORT
    venue.do(c.Endow(token=0, account=FOUNDER, asset=venue.usd, quantity_micro=60 * MICRO))
    venue.do(c.SetHaircut(**governed))
    assert venue.no(c.SetHaircut(**governed, holders_micro=MICRO)) is Refusal.NOT_SHORT


def test_a_proof_of_backing_holds_the_hash_of_the_venue_and_everybodys_claim():
    venue = Backed().minted()
    venue.apply(Transfer(account=INVESTOR, target_account=STAKER, asset=venue.token_asset, amount_atoms=7 * MICRO))
    before = venue.one.state_hash()
    data = venue.one.backing_report(0)
    assert data == venue.two.backing_report(0)
    assert venue.one.state_hash() == before
    made = verified(data, None)
    assert (made.exchange_hash, made.supply_micro) == (before, venue.token.supply_micro)
    assert made.backing_micro >= made.supply_micro
    claims = claims_of(venue.one.holders(venue.token_asset))
    assert (made.claims_root, made.claims_count) == (claims.root, 2)
    assert is_included(claims.root, claims.total_micro, inclusion(claims, STAKER))
    venue.pass_to(venue.now + HOUR)
    following = venue.one.backing_report(0, data)
    assert opened(following).previous == digest(data)
    private = bytes(range(32))
    signature = signing.sign(following, private)
    assert signing.verify(following, signature, signing.public_key(private), data) == opened(following)
    with pytest.raises(MisuseError, match="token=1"):
        venue.one.backing_report(1)


def test_a_fee_that_was_taken_in_the_token_is_a_claim_of_the_venues():
    venue = Backed().minted()
    token = venue.token_asset
    market = Instrument(symbol="NTV/ANC", tick=Decimal("0.0001"), lot=Decimal(1))
    listing = Listing(instrument=market, base=venue.native, quote=token, lot_atoms=MICRO, tick_atoms=100)
    for exchange in (venue.one, venue.two):
        number = exchange.add_instrument(listing)
    venue.apply(SetFees(tier=0, maker_ppm=100, taker_ppm=2_000))
    order = {"qty_lots": 10, "price_ticks": 5_000, "instrument": number}
    venue.apply(NewOrder(account=STAKER, side=Side.SELL, **order))
    venue.apply(NewOrder(account=INVESTOR, side=Side.BUY, **order))
    fees = venue.one.fees_taken(token)
    assert fees == 5 * MICRO * 2_100 // 10**6
    data = venue.one.backing_report(0)
    assert data == venue.two.backing_report(0)
    made = verified(data, None)
    claims = claims_of(venue.one.holders(token))
    assert venue.one.holders(token) == {0: fees, STAKER: venue.has(STAKER, token), INVESTOR: venue.has(INVESTOR, token)}
    assert (made.claims_root, made.claims_micro) == (claims.root, venue.token.supply_micro)
    venue.pass_to(venue.now + HOUR)
    assert verified(venue.one.backing_report(0, data), data).chain == 2


def test_what_a_token_refuses():
    venue = Backed().minted()
    assert venue.no(c.MintTokens(token=1, account=INVESTOR, asset=0, quantity_micro=1)) is Refusal.NOT_THERE
    assert venue.no(c.MintTokens(token=0, account=3, asset=venue.usd, quantity_micro=MICRO)) is (
        Refusal.INSUFFICIENT_AVAILABLE
    )
    assert venue.no(c.RedeemTokens(token=0, account=3, tokens_micro=MICRO, in_kind=True)) is (
        Refusal.INSUFFICIENT_AVAILABLE
    )
    assert venue.no(c.DropLeg(token=0, account=FOUNDER, asset=venue.usd)) is Refusal.NOT_ALLOWED
    assert venue.no(c.DropLeg(token=0, account=TOKEN_GOVERNOR, asset=venue.usd)) is Refusal.LEG_IN_USE
    release = c.Release(token=0, account=TOKEN_GOVERNOR, asset=venue.usd, quantity_micro=74 * MICRO)
    venue.do(release)
    release = c.Release(token=0, account=TOKEN_GOVERNOR, asset=venue.units[SENIOR], quantity_micro=25 * MICRO)
    assert venue.no(release) is Refusal.BACKING_TOO_LOW
    terms = TokenTerms(token_asset=0, native_asset=1)
    again = c.OpenToken(name="ANC", native=venue.native, cash=venue.usd, governor=1, terms=terms)
    assert venue.no(again) is Refusal.NAME_TAKEN
    venue.apply(SetStatus(account=INVESTOR, status=AccountStatus.SUSPENDED))
    assert venue.no(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True)) is (
        Refusal.ACCOUNT_SUSPENDED
    )


def test_a_token_with_a_cash_leg_pays_money():
    venue = Backed(token={"cash_leg": 0}).minted()
    before = venue.has(INVESTOR, venue.usd)
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO))
    assert 990_000 < venue.has(INVESTOR, venue.usd) - before <= MICRO
    assert IN_KIND == -1


# --- insurance ----------------------------------------------------------------------------------------------------


def ruined(venue: Backed, loans: int = 10) -> None:
    """Let so many of the ten loans default for good, and the oracle know."""
    rows = [ServiceRow(f"L{n}", Action.BILL) for n in range(10)]
    rows += [ServiceRow(f"L{n}", Action.ARREARS, days=120) for n in range(loans)]
    rows += [ServiceRow(f"L{n}", Action.DEFAULT, days=120) for n in range(loans)]
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=tuple(rows)))


def test_a_hole_is_filled_in_the_loss_order_and_stake_is_sold_not_minted():
    venue = Backed()
    venue.native_price()
    venue.opened()
    venue.do(c.PayIn(pool=0, account=FOUNDER, amount_micro=50 * MICRO))
    venue.do(c.Stake(pool=0, account=STAKER, native_micro=1_000 * MICRO))
    assert venue.no(c.CoverLoss(pool=0, account=GOVERNOR)) is Refusal.LOSS_COVERED
    ruined(venue, 8)
    supply = venue.one.inside(venue.native)
    said = [x for x in venue.act(c.CoverLoss(pool=0, account=GOVERNOR)).said if isinstance(x, e.LossCovered)]
    (covered,) = said
    layers = covered.buffer_micro + covered.cash_micro + covered.stake_micro + covered.holders_micro
    assert layers == covered.loss_micro
    assert covered.cash_micro == 50 * MICRO
    assert covered.stake_micro == 250 * MICRO, "1000 at a half, a half of which counts"
    assert covered.holders_micro > 0
    venue.do(c.AuctionStake(pool=0, account=GOVERNOR))
    venue.pass_to(venue.now + 1500 * 10**9)
    cash = venue.pool.cash_micro
    sold = venue.act(c.BuyStake(pool=0, account=BIDDER, native_micro=500 * MICRO, most_micro=1_000 * MICRO)).said[0]
    assert isinstance(sold, e.StakeSold)
    assert venue.pool.cash_micro == cash + sold.cover_micro
    assert venue.has(BIDDER, venue.native) == 500 * MICRO
    assert venue.one.inside(venue.native) == supply
    assert venue.no(c.CoverLoss(pool=0, account=GOVERNOR)) is Refusal.FUND_DEPLETED


def test_leavers_do_not_escape_a_slash():
    venue = Backed()
    venue.native_price()
    venue.opened()
    venue.do(c.Stake(pool=0, account=STAKER, native_micro=1_000 * MICRO))
    shares = venue.fund.stakers[str(STAKER)].stake.shares
    venue.do(c.Unstake(pool=0, account=STAKER, shares=shares))
    ruined(venue)
    venue.do(c.CoverLoss(pool=0, account=GOVERNOR))
    venue.pass_to(venue.now + 15 * DAY)
    assert venue.no(c.ClaimStake(pool=0, account=STAKER)) is Refusal.NOTHING_CLAIMABLE


def test_premiums_come_from_the_pool_and_stream_to_stakers():
    venue = Backed()
    venue.native_price()
    venue.opened()
    venue.do(c.Stake(pool=0, account=STAKER, native_micro=1_000 * MICRO))
    venue.pass_to(venue.now + 30 * DAY)
    said = venue.act(c.PayPremium(pool=0)).said[0]
    assert isinstance(said, e.PremiumPaid)
    assert said.charge_micro == pytest.approx(700 * MICRO * 31 / 36500, rel=0.05)
    venue.pass_to(venue.now + 30 * DAY)
    before = venue.has(STAKER, venue.usd)
    venue.do(c.ClaimStake(pool=0, account=STAKER))
    assert 0 < venue.has(STAKER, venue.usd) - before <= said.stakers_micro


def test_an_alarm_holds_stake_and_ends_by_itself():
    venue = Backed()
    venue.do(c.Stake(pool=0, account=STAKER, native_micro=1_000 * MICRO))
    shares = venue.fund.stakers[str(STAKER)].stake.shares
    venue.do(c.Unstake(pool=0, account=STAKER, shares=shares))
    venue.pass_to(venue.now + 14 * DAY)
    venue.do(c.Alarm(pool=0, account=GOVERNOR))
    assert venue.no(c.ClaimStake(pool=0, account=STAKER)) is Refusal.FUND_SLASHING
    venue.pass_to(venue.now + 5 * DAY)
    venue.do(c.ClaimStake(pool=0, account=STAKER))
    assert venue.has(STAKER, venue.native) == 1_000 * MICRO
    assert venue.no(c.Alarm(pool=0, account=GOVERNOR)) is Refusal.ALARM_TOO_SOON


def test_what_a_fund_refuses():
    venue = Backed()
    assert venue.no(c.CoverLoss(pool=0, account=MANAGER)) is Refusal.NOT_ALLOWED
    assert venue.no(c.CoverLoss(pool=0, account=GOVERNOR)) is Refusal.NO_FAIR_VALUE
    assert venue.no(c.Stake(pool=1, account=STAKER, native_micro=1)) is Refusal.NOT_THERE
    assert venue.no(c.Stake(pool=0, account=STAKER, native_micro=1_001 * MICRO)) is Refusal.INSUFFICIENT_AVAILABLE
    assert venue.no(c.AuctionStake(pool=0, account=GOVERNOR)) is Refusal.NO_FAIR_VALUE
    assert venue.no(c.GiveUp(pool=0, account=GOVERNOR)) is Refusal.NOTHING_SEIZED
    assert venue.no(c.BuyStake(pool=0, account=BIDDER, native_micro=1, most_micro=1)) is Refusal.NO_AUCTION
    again = c.OpenFund(pool=0, account=MANAGER, native=venue.native, governor=GOVERNOR, terms=FundTerms())
    assert venue.no(again) is Refusal.ALREADY_THERE
    assert venue.no(c.PayIn(pool=0, account=3, amount_micro=1)) is Refusal.INSUFFICIENT_AVAILABLE


# --- support ------------------------------------------------------------------------------------------------------


def test_bonds_earn_of_what_the_curve_realises():
    venue = Backed().opened()
    venue.do(c.Bond(pool=0, tranche=SENIOR, account=BIDDER, amount_micro=500 * MICRO))
    venue.sell(30)
    venue.pass_to(venue.now + HOUR)
    order = NewOrder(account=FOUNDER, side=Side.BUY, qty_lots=3_000, price_ticks=11_000, instrument=0)
    venue.apply(order)
    venue.pass_to(venue.now + 8 * DAY)
    support = venue.protocol.pools[0].tranches[SENIOR].treasury.support
    assert support.realised_micro > 0
    before = venue.has(BIDDER, venue.usd)
    venue.do(c.ClaimBond(pool=0, tranche=SENIOR, account=BIDDER))
    earned = venue.has(BIDDER, venue.usd) - before
    assert 0 < earned <= support.realised_micro // 2
    shares = support.support.bonders[str(BIDDER)].bond.shares
    venue.do(c.Unbond(pool=0, tranche=SENIOR, account=BIDDER, shares=shares))
    venue.pass_to(venue.now + 8 * DAY)
    venue.do(c.ClaimBond(pool=0, tranche=SENIOR, account=BIDDER))
    assert venue.has(BIDDER, venue.usd) >= 5_000 * MICRO


def test_what_support_refuses():
    venue = Backed().opened()
    place = {"pool": 0, "tranche": SENIOR}
    assert venue.no(c.Bond(**place, account=3, amount_micro=MICRO)) is Refusal.INSUFFICIENT_AVAILABLE
    assert venue.no(c.Unbond(**place, account=3, shares=1)) is Refusal.BOND_SHORT
    assert venue.no(c.ClaimBond(**place, account=3)) is Refusal.NOTHING_UNBONDED
    assert venue.no(c.Bond(pool=0, tranche=1, account=BIDDER, amount_micro=1)) is Refusal.NOT_THERE
    assert venue.no(c.OpenSupport(**place, account=FOUNDER, terms=SupportTerms())) is Refusal.NOT_ALLOWED
    assert venue.no(c.OpenSupport(**place, account=GOVERNOR, terms=SupportTerms())) is Refusal.ALREADY_THERE


def test_everything_goes_on_from_its_state():
    venue, other = Backed().minted(), Backed().minted()
    other.reload()
    for one in (venue, other):
        one.apply(Transfer(account=INVESTOR, target_account=STAKER, asset=one.usd, amount_atoms=MICRO))
        one.do(c.Stake(pool=0, account=STAKER, native_micro=10 * MICRO))
        one.do(c.Bond(pool=0, tranche=SENIOR, account=BIDDER, amount_micro=50 * MICRO))
        one.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
        one.pass_to(one.now + 2 * DAY)
    assert venue.one.state_hash() == other.one.state_hash()
