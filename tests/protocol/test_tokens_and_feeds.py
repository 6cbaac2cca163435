"""What feeds do to an anchored token: which prices are believed, for how long, and what nobody may do at the others."""

from __future__ import annotations

from parbook.anchored.state import token_state
from parbook.anchored.terms import LegStatus, TokenState, TokenTerms
from parbook.oracle.rounds import anchor_at
from parbook.oracle.state import FeedState, Observation
from parbook.pools.amounts import E12
from parbook.protocol import commands as c
from parbook.protocol import prices
from parbook.refusals import Refusal
from tests.protocol.house import DAY, MANAGER, MICRO
from tests.protocol.test_backing import TOKEN_GOVERNOR, Backed
from tests.protocol.venue import ARBITER, FOUNDER, HOUR, INVESTOR, JUNIOR, PAYER, SENIOR, SOURCES

GOVERNED = {"token": 0, "account": TOKEN_GOVERNOR}


def of_units_alone() -> Backed:
    """Return a venue whose token is backed by senior units alone, before these had a price."""
    venue = Backed()
    unit = venue.units[SENIOR]
    venue.do(c.AddLeg(**GOVERNED, asset=unit, haircut_e12=0, claims=((unit, (venue.usd,)),)))
    venue.do(c.Reweight(**GOVERNED, weights=((unit, E12),)))
    venue.do(c.Endow(token=0, account=INVESTOR, asset=unit, quantity_micro=50 * MICRO))
    return venue


def minted(venue: Backed, asset: int) -> Refusal | None:
    """Mint against a unit; return why not."""
    no = venue.act(c.MintTokens(token=0, account=INVESTOR, asset=asset, quantity_micro=MICRO)).no
    return no.refusal if no else None


def test_a_price_is_fresh_from_its_round_on_whoever_looks():
    venue = of_units_alone()
    venue.opened()
    venue.pass_to(venue.now + HOUR - 1)
    assert minted(venue, venue.units[SENIOR]) is Refusal.TOKEN_NOT_SOUND
    venue.pass_to(venue.now + 2)
    assert minted(venue, venue.units[SENIOR]) is None


def test_a_leg_that_came_back_is_not_given_up_because_nobody_looked():
    venue = of_units_alone()
    venue.opened()
    venue.pass_to(venue.now + 28 * HOUR)
    assert token_state(venue.token, venue.now) is TokenState.IFFY
    for _ in range(14):
        venue.report(980_000, 990_000, 1_000_000)
        venue.pass_to(venue.now + 12 * HOUR)
    assert token_state(venue.token, venue.now) is TokenState.SOUND
    assert minted(venue, venue.units[SENIOR]) is None


def test_money_is_never_stale_however_long_nobody_looks():
    venue = Backed()
    venue.pass_to(HOUR)
    venue.do(c.AddLeg(**GOVERNED, asset=venue.usd, haircut_e12=0))
    venue.do(c.Reweight(**GOVERNED, weights=((venue.usd, E12),)))
    venue.do(c.Endow(token=0, account=FOUNDER, asset=venue.usd, quantity_micro=50 * MICRO))
    for hours in (26, 26, 200):
        venue.pass_to(venue.now + hours * HOUR)
        (leg,) = venue.token.legs
        assert leg.status is LegStatus.SOUND
        assert minted(venue, venue.usd) is None


def test_nothing_is_minted_at_a_price_that_the_caps_hold_up():
    venue = Backed().minted()
    unit = venue.units[SENIOR]
    venue.report(700_000, 710_000, 720_000)
    # Not in force yet, and already nobody mints: neither against what has fallen, nor against money beside it.
    assert minted(venue, unit) is Refusal.TOKEN_NOT_SOUND
    venue.pass_to(venue.now + 2 * HOUR)
    assert [minted(venue, asset) for asset in (unit, venue.usd)] == [Refusal.TOKEN_NOT_SOUND] * 2
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    venue.report(968_000, 978_000, 990_000)
    venue.pass_to(venue.now + 2 * HOUR)
    assert minted(venue, unit) is None


def test_what_the_caps_hold_down_may_back():
    venue = Backed().minted()
    venue.report(999_000, 1_000_000, 1_000_000)
    venue.pass_to(venue.now + 2 * HOUR)
    assert anchor_at(venue.protocol.feeds[0].feed, venue.now).state is FeedState.CAPPED
    assert minted(venue, venue.units[SENIOR]) is None


def test_nothing_is_minted_while_a_feed_is_suspended():
    venue = Backed().minted()
    venue.do(c.SuspendFeed(feed=0, account=ARBITER, suspended=True))
    assert minted(venue, venue.units[SENIOR]) is Refusal.TOKEN_NOT_SOUND
    assert minted(venue, venue.usd) is Refusal.TOKEN_NOT_SOUND


def test_a_feed_that_recovers_is_not_minted_at_before_it_is_trusted():
    venue = Backed().minted()
    venue.pass_to(venue.now + 27 * HOUR)
    # The caps hold the first round down: no good one, so that it does not end the distrust.
    for low, no in ((999_000, Refusal.TOKEN_NOT_SOUND), (985_000, None)):
        venue.report(low, 1_000_000, 1_000_000)
        venue.pass_to(venue.now + 3 * HOUR)
        assert token_state(venue.token, venue.now) is TokenState.SOUND
        assert minted(venue, venue.usd) is no


def test_a_leg_that_was_given_up_and_has_no_weight_stops_nothing():
    venue = Backed().minted()
    unit = venue.units[SENIOR]
    venue.pass_to(venue.now + 8 * 24 * HOUR)
    assert token_state(venue.token, venue.now) is TokenState.DISABLED
    venue.do(c.Reweight(**GOVERNED, weights=((venue.usd, E12), (unit, 0))))
    assert minted(venue, venue.usd) is None


def test_a_surplus_that_the_caps_hold_up_is_not_released():
    venue = Backed().minted()
    unit = venue.units[SENIOR]
    release = c.Release(**GOVERNED, asset=venue.usd, quantity_micro=70 * MICRO)
    venue.report(700_000, 710_000, 720_000)
    assert venue.no(release) is Refusal.LEG_NOT_SOUND
    venue.pass_to(venue.now + 8 * 24 * HOUR)
    # What was given up counts nothing, so that no price of it matters: neither to its own units nor to those beside it.
    venue.do(c.Release(**GOVERNED, asset=unit, quantity_micro=MICRO))
    venue.do(c.Release(**GOVERNED, asset=venue.usd, quantity_micro=MICRO))


def test_the_cash_leg_pays_nothing_at_a_ratio_that_the_caps_hold_up():
    venue = Backed(token={"cash_leg": 0}).minted()
    redeem = c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO)
    venue.do(redeem)
    venue.report(700_000, 710_000, 720_000)
    assert venue.no(redeem) is Refusal.LEG_NOT_SOUND
    said = venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO, in_kind=True))
    assert [asset for asset, _ in said.units] == [venue.usd, venue.units[SENIOR]]
    # A haircut is paid all alike at a ratio: what it is of must be known too.
    venue.do(c.SuspendFeed(feed=0, account=ARBITER, suspended=True))
    assert venue.no(redeem) is Refusal.LEG_NOT_SOUND


def observed(venue: Backed, source: int, ppm: int, observed_ns: int) -> None:
    """Let one source say what the pool's assets count for, as it saw it at a time."""
    venue.sequence += 1
    said = Observation(
        source=SOURCES[source],
        sequence=venue.sequence,
        observed_ns=observed_ns,
        low_nano=ppm * 1000,
        mid_nano=ppm * 1000,
        high_nano=ppm * 1000,
        model_hash="0" * 64,
        input_hash="0" * 64,
    )
    venue.do(c.Observe(feed=0, observation=said))


def test_a_leg_follows_a_later_round_though_what_it_rests_on_was_seen_earlier():
    venue = Backed().minted()
    unit = venue.units[JUNIOR]
    venue.do(c.AddLeg(**GOVERNED, asset=unit, haircut_e12=0))
    base = venue.now
    for source in (0, 1):
        observed(venue, source, 980_000, base)
    venue.pass_to(base + 4 * HOUR)
    before = next(leg for leg in venue.token.legs if leg.asset == unit)
    low_nano, seen_ns = before.low_nano, before.seen_ns
    # The third source saw less, a moment before the others saw what they said last.
    observed(venue, 2, 971_000, base - 1)
    observed(venue, 0, 971_000, venue.now)
    venue.pass_to(venue.now + 4 * HOUR)
    after = next(leg for leg in venue.token.legs if leg.asset == unit)
    assert after.low_nano < low_nano
    assert after.seen_ns == seen_ns


def test_only_money_may_be_paid_out_at_a_price():
    venue = Backed()
    terms = TokenTerms(token_asset=0, native_asset=1, cash_leg=venue.units[SENIOR])
    command = c.OpenToken(name="ODD", native=venue.native, cash=venue.usd, governor=1, terms=terms)
    assert venue.no(command) is Refusal.UNKNOWN_LEG


def test_a_leg_that_counts_nothing_stops_nothing():
    venue = Backed(token={"cash_leg": 0}).minted()
    venue.do(c.AddLeg(**GOVERNED, asset=venue.units[JUNIOR], haircut_e12=0))
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO))


def test_units_are_priced_at_the_claim_as_it_is_now_whether_or_not_anybody_looked_at_the_pool():
    venue = Backed(sync_ns=30 * DAY).opened()
    unit = venue.units[SENIOR]
    before = prices.price_of(venue.one.engine, unit, venue.usd)
    venue.pass_to(venue.now + 20 * HOUR)
    price = prices.price_of(venue.one.engine, unit, venue.usd)
    venue.do(c.Service(pool=0, account=MANAGER, payer=PAYER, rows=()))
    assert price == prices.price_of(venue.one.engine, unit, venue.usd)
    assert before is not None
    assert price is not None
    assert price.low_nano - before.low_nano == 114_163, "20 hours of 5 % a year"


def test_a_leg_of_nothing_needs_no_price_for_the_others_to_be_paid_by():
    venue = Backed(token={"cash_leg": 0}).minted()
    venue.do(c.AddLeg(**GOVERNED, asset=venue.asset("PLAN"), haircut_e12=0))
    before = venue.has(INVESTOR, venue.usd)
    venue.do(c.RedeemTokens(token=0, account=INVESTOR, tokens_micro=MICRO))
    assert venue.has(INVESTOR, venue.usd) > before
