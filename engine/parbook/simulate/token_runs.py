"""Runs on anchored tokens, played on the exchange: a leg falls while its price lags, a leg is lost that nobody doubted.

The lag is the venue's own: observations of feeds, what their caps leave of a move, what the throttle lets out.
"""

from __future__ import annotations

from typing import Any, Final

from parbook.anchored.terms import ThrottleTerms, TokenState
from parbook.anchored.token import redemption_room_micro
from parbook.errors import InvariantError
from parbook.pools.amounts import E12, MICRO, NANO, Rounding, divide
from parbook.refusals import Refusal
from parbook.simulate.cases import Case, line
from parbook.simulate.rhythm import DAY_NS, HOUR_NS
from parbook.simulate.token_venue import ISSUER, TokenVenue, said, worth_of

_MILLION: Final = 10**6 * MICRO
WIDE: Final = {"cap_ppm": 500_000, "cap_reference_ppm": 500_000, "min_interval_ns": HOUR_NS // 12}
"""A feed that may move by a half, a round and a day, every five minutes: the widest and fastest that its bounds let."""
OPEN: Final = ThrottleTerms(amount_micro=10**15, share_e12=E12)
"""A redemption throttle that holds nobody back."""
_MONEY_LEAST: Final = 1e-9
"""Less than what a token brings is rounded by."""
_STEP_NS: Final = HOUR_NS // 6
_FALLS: Final = 18


# --- Iron, June 2021 --------------------------------------------------------------------------------


class Fallen:
    """A token while half of its basket falls by 3 % each ten minutes, 18 times, and holders leave as they may.

    `wide`: its feed moves as fast as bounds let, and no throttle holds anybody; else all is at its default.
    """

    def __init__(self, checked: bool, *, wide: bool) -> None:
        terms: dict[str, Any] = {"redemption": OPEN} if wide else {}
        self.venue = venue = TokenVenue(checked=checked, **terms)
        self.falling = venue.priced("FALLING", **(WIDE if wide else {}))
        half = {venue.usd: E12 // 2, self.falling: E12 // 2}
        venue.build({venue.usd: 520 * _MILLION, self.falling: 500 * _MILLION}, half, 20 * _MILLION)
        self.supply = venue.supply_micro
        self.holders = venue.hand_out(20)[:18]
        self.beyond: list[tuple[float, float]] = []
        self.cut: list[float] = []
        """Of those in `beyond` who left once the haircut stood."""
        self.stranger = self.throttled = 0
        self.began_ns = venue.now_ns
        self.gains = 0.0

    @property
    def true(self) -> dict[int, int]:
        """What units are worth, whatever the feeds say."""
        return {self.venue.usd: NANO, self.falling: self.venue.prices[self.falling]}

    @property
    def hours(self) -> float:
        """How long it took."""
        return (self.venue.now_ns - self.began_ns) / HOUR_NS

    def play(self, *, alike: bool) -> Fallen:
        """Let all holders leave, one after the other; `alike`: the governor begins the haircut as soon as he may."""
        step, gone = 0, 0
        while gone < len(self.holders):
            step += 1
            if step <= _FALLS:
                self.fall()
            if alike and self.venue.ratio < 1 and not self.venue.place.token.haircut:
                self.venue.must(self.venue.haircut())
            if self.leave(self.holders[gone]):
                gone += 1
                each = self.gains / (self.supply / 20 / MICRO)
                self.beyond.append((5.0 * gone, each))
                if self.venue.place.token.haircut:
                    self.cut.append(each)
                self.gains = 0.0
            self.venue.wait(_STEP_NS)
        return self

    def fall(self) -> None:
        """Let the sources say what the price was, and then let it fall: they lag a step behind."""
        self.venue.report_prices()
        price = self.venue.prices[self.falling]
        self.venue.prices[self.falling] = divide(price * 97, 100, Rounding.FLOOR)

    def leave(self, holder: int) -> bool:
        """Let a holder redeem what the throttle lets pass; note its gain over its share. Return whether it is out."""
        venue = self.venue
        tokens = min(venue.has(holder, venue.token), redemption_room_micro(venue.place.token, venue.now_ns))
        if tokens < venue.has(holder, venue.token):
            no, _ = venue.redeem_tokens(holder, venue.has(holder, venue.token))
            self.throttled += no is Refusal.REDEMPTION_THROTTLED
        share = worth_of(venue.units(), self.true) / (venue.supply_micro / MICRO)
        no, got = venue.redeem_tokens(holder, tokens)
        venue.must(no)
        self.stranger += sum(units for asset, units in got.items() if asset not in self.true)
        self.gains += worth_of({a: n for a, n in got.items() if a in self.true}, self.true) - tokens / MICRO * share
        return not venue.has(holder, venue.token)


def _titan() -> list[tuple[float, float]]:
    """Model TITAN there: a quarter of each token is paid in it, minted and sold into a pool worth 20 % of the supply.

    Below a thousand millionth it is nothing.
    """
    titan, there = 1.0, []
    for step in range(1, _FALLS + 1):
        titan = max(titan / (1 + 0.25 * 0.05 / (0.2 * titan)) ** 2, 1e-9)
        there.append((5.0 * step, titan))
    return there


def _iron_numbers(along: Fallen, alike: Fallen, plain: Fallen) -> dict[str, float]:
    """Return what the three runs showed. Whoever leaves before the ratio is below 1 is out before a haircut is due."""
    return {
        "minted": float(along.stranger + alike.stranger + plain.stranger),
        "gain_most": max(y for _, y in along.beyond),
        # Where nobody is left for a haircut nothing is shown, and a whole token is as bad as it gets.
        "gain_alike": max((abs(each) for each in alike.cut), default=1.0),
        "left_alike": float(len(alike.cut)),
        "gain_plain": max(y for _, y in plain.beyond),
        "gain_plain_least": min(y for _, y in plain.beyond),
        "throttled_plain": float(plain.throttled),
        "hours_plain": plain.hours,
        "price_plain": plain.venue.anchor_nano(plain.falling) / NANO,
        "price_true": plain.venue.prices[plain.falling] / NANO,
        "ratio_end": along.venue.ratio,
    }


def iron(*, checked: bool = True) -> Case:
    """A redemption minted a falling token at a lagging average. Here it mints nothing, and a lag costs who redeems."""
    along = Fallen(checked, wide=True).play(alike=False)
    alike = Fallen(checked, wide=True).play(alike=True)
    plain = Fallen(checked, wide=False).play(alike=False)
    there = _titan()
    titan = there[-1][1]
    along.venue.give(ISSUER, along.venue.native, MICRO)
    mint = along.venue.mint(ISSUER, along.venue.native, MICRO)
    numbers = _iron_numbers(along, alike, plain) | {
        "titan_end": titan,
        "mint_refused": float(mint is Refusal.UNKNOWN_LEG),
    }
    held = numbers["minted"] == 0 and mint is Refusal.UNKNOWN_LEG and numbers["gain_alike"] <= _MONEY_LEAST
    return Case(
        name="iron",
        title="Mint to redeem, at a lagging average (Iron, 2021)",
        there="Each IRON redeemed paid part of its dollar in newly minted TITAN at a 10-minute average of a falling "
        "price. TITAN fell from 65 dollars to almost nothing on 16 June 2021; its supply became 27,805 billion.",
        source="Iron Finance Post-Mortem, 17 June 2021",
        here="A redemption pays units of legs that are there and never mints. Half of the basket falls by 3 % each ten "
        "minutes and its sources lag a step. At the default terms the caps hold the price up, so that the ratio stays "
        "above 1, everybody gets a little less than his share of every leg, and the throttle makes the run slow. With "
        "a feed as fast as its bounds let and no throttle the ratio falls below 1: the redemption curve pays the first "
        "more than their share, and what is left is for the last; from the haircut on all get the same.",
        held=held and numbers["gain_plain"] < 0,
        numbers=numbers,
        rows=(
            ("Units of anything but the basket that redemptions paid", f"{numbers['minted']:.0f}"),
            ("Minting against the native token", said(mint)),
            ("Default terms: most beyond its true share", f"{numbers['gain_plain']:+.4f} a token"),
            ("Default terms: 90 % out after", f"{plain.hours:.1f} hours, {plain.throttled} times throttled"),
            (
                "Default terms: price at which it then counts",
                f"{numbers['price_plain']:.4f} of {numbers['price_true']:.4f}",
            ),
            (
                "Fast feed, no throttle: most beyond its true share, along the curve",
                f"{numbers['gain_most']:+.4f} a token",
            ),
            ("The same once the haircut stands", f"{numbers['gain_alike']:+.4f} a token"),
            ("Native token after the same run, a quarter of it minted (modelled)", f"{titan:.0e} of its price"),
            ("Backing ratio after 90 % left along the curve, at the lagging price", f"{numbers['ratio_end']:.4f}"),
        ),
        lines=(
            line("beyond the true share, along the curve", "low", along.beyond),
            line("with the haircut", "high", alike.beyond),
            line("at the default terms", "owed", plain.beyond),
            line("price of TITAN, modelled", "mid", there),
        ),
        x_title="percent of the supply redeemed",
        y_title="a token; the native token's first price",
    )


# --- Stream, November 2025 --------------------------------------------------------------------------


class Lost:
    """A token of which a leg of 64.3 % is worth nothing from one moment on, though nobody doubted it before.

    `feed`: terms of that leg's feed. Its sources say so at once, and every twelve hours again.
    """

    def __init__(self, checked: bool, **feed: int) -> None:
        self.venue = venue = TokenVenue(checked=checked)
        self.owed = venue.priced("OWED", **feed)
        other, third = venue.asset("OTHER"), venue.asset("THIRD")
        self.no = {
            "said": venue.add(self.owed, {self.owed: (venue.token,)}),
            "longer": venue.add(self.owed, {self.owed: (third,), third: (venue.token,)}),
            "mutual": venue.add(other, {other: (third,), third: (other,)}),
        }
        # Its claims unsaid, the same leg is taken: a graph knows what it is told.
        weights = {venue.usd: 35 * E12 // 100, self.owed: 65 * E12 // 100}
        venue.build({venue.usd: 55 * _MILLION, self.owed: 99 * _MILLION}, weights, 4 * _MILLION)
        self.before = venue.ratio
        self.share = venue.units()[self.owed] / sum(venue.units().values())
        """Of what backs it, at prices of 1."""
        self.supply = venue.supply_micro
        self.holders = venue.hand_out(10)[:9]
        venue.prices[self.owed] = 0
        venue.report_prices()
        venue.give(ISSUER, self.owed, MICRO)
        self.mint = venue.mint(ISSUER, self.owed, MICRO)
        self.lost_ns = venue.now_ns
        self.early: Refusal | None = None

    def haircut(self) -> float:
        """Ask for the haircut, hour by hour, until it stands; return after how many days it does."""
        self.early = no = self.venue.haircut()
        while no is not None:
            if no is not Refusal.NOT_SHORT:
                raise InvariantError(f"the haircut was refused: {no.name}")
            self.venue.wait()
            no = self.venue.haircut()
        return (self.venue.now_ns - self.lost_ns) / DAY_NS

    def leave(self) -> tuple[list[tuple[float, float]], float]:
        """Let nine of ten leave, as the throttle lets them; return what a token brought each, and hours."""
        began_ns, points = self.venue.now_ns, []
        for number, holder in enumerate(self.holders, 1):
            tokens = self.venue.has(holder, self.venue.token)
            got = self.venue.leave(holder)
            points.append((10.0 * number, worth_of(got, {self.venue.usd: NANO, self.owed: 0}) / (tokens / MICRO)))
        return points, (self.venue.now_ns - began_ns) / HOUR_NS


def stream(*, checked: bool = True) -> Case:
    """Two tokens counted each other. Here a circle is no backing; a counterparty that hides its own costs all alike."""
    waited, hasty, fast = Lost(checked), Lost(checked), Lost(checked, **WIDE)
    days = waited.haircut()
    got, hours = waited.leave()
    at_once, _ = hasty.leave()
    days_fast = fast.haircut()
    there = [(x, 1.0 if x <= 80 else 0.015) for x, _ in got]
    state, minted = waited.venue.report_of_backing().state, waited.mint
    numbers = {
        "circle_refused": float(set(waited.no.values()) == {Refusal.CIRCULAR_BACKING}),
        "before": waited.before,
        "owed_share": waited.share,
        "mint_refused": float(minted is Refusal.TOKEN_NOT_SOUND),
        "early_refused": float(waited.early is Refusal.NOT_SHORT),
        "days": days,
        "days_fast": days_fast,
        "first": got[0][1],
        "last": got[-1][1],
        "hours": hours,
        "once_first": at_once[0][1],
        "once_last": at_once[-1][1],
        "cash_end": waited.venue.units()[waited.venue.usd] / waited.venue.supply_micro,
    }
    fair = 55 / 150
    held = bool(numbers["circle_refused"]) and state is TokenState.HAIRCUT and abs(got[0][1] - got[-1][1]) < 1e-6
    return Case(
        name="stream",
        title="Backing in a circle, one counterparty (Stream and Elixir, 2025)",
        there="Stream said on 4 November 2025 that a manager had lost 93 million dollars; xUSD fell below 0.30. 65 % "
        "of the backing of Elixir's deUSD, 68 million, was owed by Stream, which held about 90 % of what was left of "
        "deUSD and backed xUSD by it. About 80 % of the other holders were redeemed; deUSD fell to 0.015.",
        source="Stabledash, 6 November 2025; Tekedia, November 2025",
        here="What leads back to the token, or around in a circle, is refused as a leg. Where one leg of 64.3 % fails "
        "although nobody knew of it, nothing more is minted from the first report on. The caps hold its price up for "
        "days, and until they have let the ratio below 1 there is no haircut; but in kind it gains nobody anything: "
        "who leaves at once gets a little less than his share. From the haircut on all get the same, first or last.",
        held=held and max(y for _, y in at_once) <= fair,
        numbers=numbers,
        rows=(
            ("A leg that is a claim on the token", said(waited.no["said"])),
            ("Two that are claims on each other", said(waited.no["mutual"])),
            ("Backing ratio before", f"{waited.before:.4f}"),
            ("Minting against the lost leg, at its first report", said(minted)),
            (f"After the leg of {waited.share:.1%} is worth nothing, for each", f"{fair:.4f}"),
            ("Left at once, the first and the last of 90 %", f"{at_once[0][1]:.6f} {at_once[-1][1]:.6f}"),
            ("The haircut at once", said(waited.early)),
            ("Days until there is one; with the widest caps", f"{days:.2f} {days_fast:.2f}"),
            ("First redeemed after that", f"{got[0][1]:.6f}"),
            ("Last redeemed (of 90 %)", f"{got[-1][1]:.6f}"),
            ("Hours in which the throttle lets them out", f"{hours:.0f}"),
        ),
        lines=(
            line("here, after the haircut", "high", got),
            line("here, at once", "mid", at_once),
            line("deUSD, others' holders, modelled", "low", there),
        ),
        x_title="percent of the supply redeemed",
        y_title="worth of what a token brought",
    )
