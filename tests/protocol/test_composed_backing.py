"""What the composer answers for in tokens, insurance and support: prices, holes, and money that is there."""

from __future__ import annotations

from parbook import messages as m
from parbook.codes import Side, TimeInForce
from parbook.pools.amounts import E12, NANO
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol import prices
from parbook.refusals import Refusal
from parbook.support.state import SupportTerms
from parbook.treasury.terms import TreasuryTerms
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.test_backing import BIDDER, STAKER, TOKEN_GOVERNOR, Backed, ruined
from tests.protocol.venue import FOUNDER, GOVERNOR, GUARDIAN, INVESTOR, JUNIOR, SENIOR


def test_a_token_is_redeemed_at_the_prices_of_the_moment():
    venue = Backed().minted()
    ruined(venue, 6)
    unit = venue.units[SENIOR]
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    price = prices.price_of(venue.one.engine, unit, venue.usd)
    (leg,) = (leg for leg in venue.token.legs if leg.asset == unit)
    assert price is not None
    assert leg.low_nano == price.low_nano < NANO * 9 // 10


def test_a_basket_names_each_leg_once():
    venue = Backed().minted()
    weights = ((venue.usd, 0), (venue.usd, E12 // 2), (venue.units[SENIOR], E12 // 2))
    assert venue.no(c.Reweight(token=0, account=TOKEN_GOVERNOR, weights=weights)) is Refusal.WEIGHTS_OFF


def insured(stake: int) -> Backed:
    """Return a venue with so many native tokens at stake, at a half each, and bands five per cent apart."""
    venue = Backed()
    venue.native_price()
    venue.opened(900_000, 950_000, 1_000_000)
    venue.give(STAKER, venue.native, 9_000 * MICRO)
    venue.do(c.Stake(pool=0, account=STAKER, native_micro=stake * MICRO))
    ruined(venue, 8)
    return venue


def test_a_hole_is_what_is_missing_at_the_middle():
    venue = insured(1_000)
    acted = venue.act(c.CoverLoss(pool=0, account=GOVERNOR))
    (covered,) = (one for one in acted.said if isinstance(one, e.LossCovered))
    # Of ten loans of 80 two count, at 0.95, beside 200 in cash; the senior claims 700 and an hour's interest.
    claim = venue.pool.tranches[SENIOR].claim_micro
    assert covered.loss_micro == claim - 160 * MICRO * 95 // 100 - 200 * MICRO


def test_what_seized_stake_will_bring_is_not_asked_for_again():
    venue = insured(9_000)
    venue.do(c.CoverLoss(pool=0, account=GOVERNOR))
    seized = venue.fund.seized_micro
    assert seized > 0
    assert venue.no(c.CoverLoss(pool=0, account=GOVERNOR)) is Refusal.LOSS_COVERED
    assert venue.fund.seized_micro == seized


def test_a_lot_costs_no_more_than_its_buyer_says():
    venue = insured(1_000)
    venue.do(c.CoverLoss(pool=0, account=GOVERNOR))
    venue.do(c.AuctionStake(pool=0, account=GOVERNOR))
    buy = c.BuyStake(pool=0, account=BIDDER, native_micro=100 * MICRO, most_micro=MICRO)
    assert venue.no(buy) is Refusal.AMOUNT_OUT_OF_RANGE


def test_bonds_that_the_curve_spent_wait_until_the_money_is_back():
    venue = Backed()
    place = {"pool": 0, "tranche": JUNIOR}
    terms = TreasuryTerms(day_e12=E12, month_e12=E12)
    params = venue.protocol.pools[0].tranches[SENIOR].treasury.params
    treasury = c.OpenTreasury(
        **place, account=MANAGER, terms=terms, params=params, guardian=GUARDIAN, governor=GOVERNOR
    )
    venue.do(treasury)
    venue.do(c.OpenSupport(**place, account=GOVERNOR, terms=SupportTerms()))
    venue.opened()
    venue.do(c.Bond(**place, account=BIDDER, amount_micro=50 * MICRO))
    sale = {"account": INVESTOR, "side": Side.SELL, "qty_lots": 6_000, "price_ticks": 5_000, "tif": TimeInForce.IOC}
    trades = [event for event in venue.apply(m.NewOrder(**sale, instrument=1)) if isinstance(event, m.Trade)]
    assert sum(trade.qty_lots for trade in trades) > 4_000
    held = venue.protocol.pools[0].tranches[JUNIOR].treasury
    shares = held.support.support.bonders[str(BIDDER)].bond.shares
    venue.do(c.Unbond(**place, account=BIDDER, shares=shares))
    venue.pass_to(venue.now + 8 * DAY)
    claim = c.ClaimBond(**place, account=BIDDER)
    assert venue.no(claim) is Refusal.RESERVE_SHORT
    venue.do(c.FundTreasury(**place, account=FOUNDER, amount_micro=60 * MICRO))
    before = venue.has(BIDDER, venue.usd)
    venue.do(claim)
    assert venue.has(BIDDER, venue.usd) - before == 50 * MICRO
