"""The exchange an anchored token is played on: assets with markets and feeds, a basket, people who mint and redeem.

Everything goes through commands of `BackedExchange`, and what somebody got is read off his balances. Token and feeds
have their default terms unless a case says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from parbook.anchored.proof import Report, opened
from parbook.anchored.terms import TokenTerms
from parbook.anchored.token import issuance_room_micro, redemption_room_micro
from parbook.errors import InvariantError
from parbook.instrument import Instrument
from parbook.listing import Listing
from parbook.messages import Transfer
from parbook.oracle.rounds import anchor_at
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12, MICRO, NANO, Rounding, divide
from parbook.protocol import commands as c
from parbook.protocol import events as e
from parbook.protocol.answers import Acted
from parbook.protocol.exchange import BackedExchange
from parbook.protocol.state import TokenEntry
from parbook.refusals import Refusal
from parbook.simulate.rhythm import HOUR_NS
from parbook.simulate.venue import (
    ARBITER,
    FOUNDER,
    GOVERNOR,
    HOLDERS,
    MEMBERS,
    SOURCES,
    START_NS,
    TICK,
    TICKS,
    Venue,
)

USD: Final = 0
"""The asset that is money: the first of every venue here."""
ISSUER: Final = 9
"""Mints against units, and hands the tokens to holders."""
_REPORT_NS: Final = 12 * HOUR_NS
"""Sources report twice a day, as those of a pool do."""
_HOURS_MAX: Final = 10_000


class TokenVenue(Venue):
    """A venue with one token, a native token, money, and whatever assets a case lists. `terms`: of the token."""

    def __init__(self, *, checked: bool = True, exchange: BackedExchange | None = None, **terms: Any) -> None:
        super().__init__(checked=checked, exchange=exchange)
        self.pass_to(START_NS)
        self.feeds: dict[int, int] = {}
        self.reported_ns = 0
        self.prices: dict[int, int] = {}
        self.native = self.priced("NATIVE")
        # Which assets these are the protocol says; the numbers given here are not looked at.
        fields = {"token_asset": 0, "native_asset": 1} | terms
        order = c.OpenToken(
            name="TOKEN", native=self.native, cash=self.usd, governor=GOVERNOR, terms=TokenTerms(**fields)
        )
        (said,) = (one for one in self.do(order) if isinstance(one, e.TokenOpened))
        self.token = said.asset

    # --- assets and their prices ----------------------------------------------------------------

    def priced(self, name: str, price_nano: int = NANO, **terms: Any) -> int:
        """Add an asset with a market in money and a feed of three sources; return it. `terms`: of the feed."""
        asset = self.asset(name)
        market = Instrument(symbol=name, tick=TICK, lot=Decimal(1))
        listing = Listing(instrument=market, base=asset, quote=self.usd, lot_atoms=MICRO, tick_atoms=MICRO // TICKS)
        instrument = self.exchange.add_instrument(listing)
        feed_terms = FeedTerms(**({"quorum": 2} | terms))
        order = c.OpenFeed(
            instrument=instrument, terms=feed_terms, arbiter=ARBITER, bond_asset=self.usd, members=MEMBERS
        )
        (said,) = (one for one in self.do(order) if isinstance(one, e.FeedOpened))
        self.feeds[asset], self.prices[asset] = said.feed, price_nano
        return asset

    def report_prices(self) -> None:
        """Let all sources report every price as it is now, without a band. None is below the least a feed takes."""
        self.sequence += 1
        self.reported_ns = self.now_ns
        for asset, feed in self.feeds.items():
            least = self.exchange.protocol.feeds[feed].feed.terms.price_min_nano
            price = max(self.prices[asset], least)
            for source in SOURCES:
                self.observe(feed, source, (price, price, price))

    def wait(self, ns: int = HOUR_NS) -> None:
        """Let time pass; sources report on time."""
        self.pass_to(self.now_ns + ns)
        if self.now_ns - self.reported_ns >= _REPORT_NS:
            self.report_prices()

    def anchor_nano(self, asset: int) -> int:
        """Return the low price that an asset's feed says now."""
        return anchor_at(self.exchange.protocol.feeds[self.feeds[asset]].feed, self.now_ns).low_nano

    # --- the basket -----------------------------------------------------------------------------

    @property
    def place(self) -> TokenEntry:
        """The token's place."""
        return self.exchange.protocol.tokens[0]

    @property
    def supply_micro(self) -> int:
        """Tokens that there are, as the ledger has it."""
        return self.exchange.inside(self.token)

    def units(self) -> dict[int, int]:
        """Return the units of each leg that lie in the vault, as the ledger has it."""
        vault = self.place.vault_account
        return {leg.asset: self.has(vault, leg.asset) for leg in self.place.token.legs}

    def report_of_backing(self) -> Report:
        """Return the proof of backing of this moment."""
        return opened(self.exchange.backing_report(0))

    @property
    def ratio(self) -> float:
        """The backing ratio, as the proof of backing says it."""
        return self.report_of_backing().ratio_e12 / E12

    def add(self, asset: int, claims: Mapping[int, tuple[int, ...]] | None = None) -> Refusal | None:
        """Let the governor add a leg; return why not."""
        pairs = tuple((claim, below) for claim, below in (claims or {}).items())
        return refusal(self.act(c.AddLeg(token=0, account=GOVERNOR, asset=asset, haircut_e12=0, claims=pairs)))

    def build(self, basket: Mapping[int, int], weights: Mapping[int, int], buffer_micro: int) -> int:
        """Fill the basket at prices of 1: of each leg the founder endows its share of the buffer, the issuer mints.

        He mints hour by hour, as much as the issuance throttle lets. Return after how many hours all is minted.
        """
        for asset in sorted(basket):
            self.must(self.add(asset))
        self.do(c.Reweight(token=0, account=GOVERNOR, weights=tuple(sorted(weights.items()))))
        for _ in range(3):
            # A new feed is believed after three good rounds, a leg once its price was fresh for an hour.
            self.report_prices()
            self.pass_to(self.now_ns + 2 * HOUR_NS)
        whole, left = sum(basket.values()), {}
        for asset, micro in sorted(basket.items()):
            endowed = divide(micro * buffer_micro, whole, Rounding.CEIL)
            self.give(FOUNDER, asset, endowed)
            self.do(c.Endow(token=0, account=FOUNDER, asset=asset, quantity_micro=endowed))
            self.give(ISSUER, asset, micro - endowed)
            left[asset] = micro - endowed
        start_ns, minted = self.now_ns, sum(left.values())
        while self.supply_micro < minted:
            room = issuance_room_micro(self.place.token, self.now_ns)
            # In slices small enough that no leg grows overweight before the next has followed.
            step = min(room, (self.supply_micro + buffer_micro) // 16)
            for asset, micro in left.items():
                part = min(self.has(ISSUER, asset), divide(step * micro, minted, Rounding.FLOOR))
                if part:
                    self.must(self.mint(ISSUER, asset, part))
            if step == room:
                self.wait()
        return (self.now_ns - start_ns) // HOUR_NS

    def mint(self, account: int, asset: int, units_micro: int) -> Refusal | None:
        """Let an account mint against units of a leg; return why not."""
        return refusal(self.act(c.MintTokens(token=0, account=account, asset=asset, quantity_micro=units_micro)))

    def must(self, no: Refusal | None) -> None:
        """InvariantError where something was refused."""
        if no is not None:
            raise InvariantError(f"it was refused: {no.name}")

    def haircut(self) -> Refusal | None:
        """Let the governor begin the haircut: what the loss order left is what is missing; return why not."""
        made = self.report_of_backing()
        lost = max(made.supply_micro - made.backing_micro, 1)
        return refusal(self.act(c.SetHaircut(token=0, account=GOVERNOR, holders_micro=lost)))

    # --- holders --------------------------------------------------------------------------------

    def hand_out(self, count: int) -> list[int]:
        """Let the issuer hand all tokens to so many holders, alike; return their accounts."""
        part = self.supply_micro // count
        holders = list(range(HOLDERS + 1, HOLDERS + 1 + count))
        for holder in holders:
            self.apply(Transfer(account=ISSUER, target_account=holder, asset=self.token, amount_atoms=part))
        return holders

    def redeem_tokens(
        self, account: int, tokens_micro: int, *, in_kind: bool = True
    ) -> tuple[Refusal | None, dict[int, int]]:
        """Let an account redeem; return why not, and what it has more of than before, whatever it is."""
        assets = [number for number in range(len(self.exchange.assets)) if number != self.token]
        before = {number: self.has(account, number) for number in assets}
        order = c.RedeemTokens(token=0, account=account, tokens_micro=tokens_micro, in_kind=in_kind)
        no = refusal(self.act(order))
        more = {number: self.has(account, number) - before[number] for number in assets}
        return no, {number: micro for number, micro in more.items() if micro}

    def leave(self, account: int) -> dict[int, int]:
        """Let an account redeem all it has, as soon as the redemption throttle lets it; return what it got."""
        got: dict[int, int] = {}
        for _ in range(_HOURS_MAX):
            part = min(self.has(account, self.token), redemption_room_micro(self.place.token, self.now_ns))
            if part:
                no, more = self.redeem_tokens(account, part)
                self.must(no)
                got = {asset: got.get(asset, 0) + more.get(asset, 0) for asset in {*got, *more}}
            if not self.has(account, self.token):
                return got
            self.wait()
        raise InvariantError(f"account {account} is not out after {_HOURS_MAX} hours")


def refusal(acted: Acted) -> Refusal | None:
    """Return why a command was refused, None where it was not."""
    return acted.no.refusal if acted.no is not None else None


def said(no: Refusal | None, otherwise: str = "accepted") -> str:
    """Return what came of a command, in a word."""
    return no.name if no is not None else otherwise


def worth_of(units: Mapping[int, int], true: Mapping[int, int]) -> float:
    """Return what units are truly worth, in money."""
    return sum(quantity * true[asset] for asset, quantity in sorted(units.items())) / NANO / MICRO
