"""Anchored tokens that failed elsewhere, played on the exchange: backed by what is none, par until the cash is gone.

Each function plays its situation through commands, at the default terms of token and feeds, and returns a `Case`.
Facts of what happened are public; their sources stand beside them and in docs/simulate.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parbook.pools.amounts import E12, MICRO, NANO, Rounding, divide
from parbook.refusals import Refusal
from parbook.simulate.cases import Case, line
from parbook.simulate.rhythm import DAY_NS
from parbook.simulate.token_runs import iron, stream
from parbook.simulate.token_venue import ISSUER, USD, TokenVenue, said, worth_of

_MILLION: Final = 10**6 * MICRO


# --- USDR, October 2023 -----------------------------------------------------------------------------


def usdr(*, checked: bool = True) -> Case:
    """Par from the liquid leg until it is empty. Here all get the same of every leg, and the own token is none."""
    venue = TokenVenue(checked=checked)
    own, native = venue.add(venue.token), venue.add(venue.native)
    home, hours = _houses(venue)
    supply = venue.supply_micro
    here, there, done = [], [], 0
    taken: list[tuple[float, float]] = []
    # A twentieth of the supply an hour: less than the redemption throttle lets pass.
    for holder in venue.hand_out(20)[:18]:
        part = venue.has(holder, venue.token)
        no, got = venue.redeem_tokens(holder, part)
        venue.must(no)
        done += part
        each = worth_of(got, {venue.usd: NANO, home: NANO}) / (part / MICRO)
        taken.append((each, got.get(venue.usd, 0) / sum(got.values())))
        here.append((100 * done / supply, each))
        there.append((100 * done / supply, 1.0 if done <= supply * 0.262 else 0.504))
        venue.wait()
    first, last, ratio = taken[0], taken[-1], venue.ratio
    cash_share, empty = _from_cash(checked)
    numbers = {
        "own_refused": float(own is Refusal.CIRCULAR_BACKING and native is Refusal.CIRCULAR_BACKING),
        "supply_share": supply / (45_000_000 * MICRO),
        "hours": float(hours),
        "first": first[0],
        "last": last[0],
        "first_cash": first[1],
        "last_cash": last[1],
        "ratio_end": ratio,
        "cash_share": cash_share,
        "cash_short": float(empty is Refusal.LEG_SHORT),
    }
    held = bool(numbers["own_refused"]) and abs(first[0] - last[0]) < 1e-6 and abs(first[1] - last[1]) < 1e-6
    return Case(
        name="usdr",
        title="Par from the liquid leg until it is empty (USDR, 2023)",
        there="Of 45 million USDR 11.8 million were backed by DAI and 14.74 % by the issuer's own TNGBL; 62,810 by "
        "USDR itself. On 11 October 2023 all DAI was redeemed at par, houses were left, and the price fell to 0.504.",
        source="The Block, 11 October 2023; Cointelegraph, 11 October 2023",
        here="The own token and the native token are refused as legs, so that so large a supply is never minted; a "
        "redemption in kind takes the same share of every leg, whoever comes first, less a fee of 10 bp that stays "
        "with the others. A token that was set to pay from a cash leg would give that to the first, as there: the "
        "default is in kind.",
        held=held,
        numbers=numbers,
        rows=(
            ("Own token, native token as a leg", f"{said(own)}, {said(native)}"),
            ("Supply that the same assets may back", f"{supply / MICRO:,.0f} of 45,000,000"),
            ("First redeemed, a token: worth, share in cash", f"{first[0]:.6f}, {first[1]:.2%}"),
            ("Last redeemed (of 90 %)", f"{last[0]:.6f}, {last[1]:.2%}"),
            ("Backing ratio at the end", f"{ratio:.4f}"),
            ("If it paid from a cash leg: gone for cash, then", f"{cash_share:.1%}, {said(empty)}"),
            ("Minted, as fast as the issuance throttle lets, in hours", str(hours)),
        ),
        lines=(line("here", "high", here), line("USDR, modelled", "low", there)),
        x_title="percent of the supply redeemed",
        y_title="worth of what a token brought",
    )


def _houses(venue: TokenVenue) -> tuple[int, int]:
    """Back the token with cash and houses as USDR said it was; return the houses' asset, and the hours it took."""
    home = venue.priced("HOUSES")
    basket = {venue.usd: 11_800_000 * MICRO, home: 26_567_000 * MICRO}
    return home, venue.build(basket, {venue.usd: 3 * E12 // 10, home: 7 * E12 // 10}, _MILLION)


def _from_cash(checked: bool) -> tuple[float, Refusal | None]:
    """Let holders of a token with a cash leg redeem for money, hour by hour; return the share that did, and the end."""
    venue = TokenVenue(checked=checked, cash_leg=USD)
    _houses(venue)
    supply = venue.supply_micro
    for holder in venue.hand_out(100):
        no, _ = venue.redeem_tokens(holder, venue.has(holder, venue.token), in_kind=False)
        if no is not None:
            return 1 - venue.supply_micro / supply, no
        venue.wait()
    return 1.0, None


# --- Terra, May 2022 --------------------------------------------------------------------------------


def _native_falls(venue: TokenVenue) -> tuple[list[tuple[float, float]], list[float], list[tuple[float, float]]]:
    """Let the native token lose all but a tenth, again and again, half of that in half a day; nothing depends on it.

    Return the ratio here, what a token redeemed brought, and the ratio there with LUNA counted, a model.
    """
    (holder,) = venue.hand_out(1)
    here, paid, there = [], [], []
    for step in range(11):
        price = 80.0 * 10 ** (-step / 2)
        venue.prices[venue.native] = round(price * NANO)
        venue.report_prices()
        here.append((float(step), venue.ratio))
        no, got = venue.redeem_tokens(holder, 1000 * MICRO)
        venue.must(no)
        paid.append(worth_of(got, {venue.usd: NANO}) / 1000)
        there.append((float(step), (3.08e9 + 345e6 * price) / 18.7e9))
        venue.wait(DAY_NS // 2)
    return here, paid, there


def terra(*, checked: bool = True) -> Case:
    """The backing was the native token. Here that is none, so that most of the supply is never minted."""
    reserve, wanted = 3_080 * _MILLION, 18_700 * _MILLION
    venue = TokenVenue(checked=checked)
    venue.prices[venue.native] = 80 * NANO
    wrapped = venue.asset("WRAPPED")
    native, hidden = venue.add(venue.native), venue.add(wrapped, {wrapped: (venue.native,)})
    hours = venue.build({venue.usd: reserve}, {venue.usd: E12}, divide(reserve * 2, 102, Rounding.CEIL))
    supply, ratio = venue.supply_micro, venue.ratio
    venue.give(ISSUER, venue.usd, MICRO)
    more = venue.mint(ISSUER, venue.usd, MICRO)
    here, paid, there = _native_falls(venue)
    numbers = {
        "native_refused": float(native is Refusal.CIRCULAR_BACKING),
        "hidden_refused": float(hidden is Refusal.CIRCULAR_BACKING),
        "supply_share": supply / wanted,
        "hours": float(hours),
        "ratio": ratio,
        "ratio_least": min(y for _, y in here),
        "paid_least": min(paid),
        "feed_end": venue.anchor_nano(venue.native) / NANO,
        "there_end": there[-1][1],
    }
    held = bool(numbers["native_refused"] and numbers["hidden_refused"]) and numbers["ratio_least"] >= ratio >= 1
    return Case(
        name="terra",
        title="Backed by what falls with it (Terra, 2022)",
        there="About 18.7 billion UST stood against a right to LUNA and a reserve of about 3.08 billion dollars (7 May "
        "2022). LUNA fell from about 80 dollars to a fraction of a cent and UST below 0.20 within a week.",
        source="Luna Foundation Guard, 16 May 2022; The National, 16 May 2022",
        here="The native token, and what is a claim on it, is refused as a leg: the same reserve backs a sixth of that "
        "supply, and no fall of the native token moves the ratio or what a token brings. The native token's own feed "
        "follows it by 2 % a day, which is what caps are; nothing of the token reads it.",
        held=held,
        numbers=numbers,
        rows=(
            ("Native token as a leg", said(native)),
            ("A wrapper of it as a leg", said(hidden)),
            ("Supply that the reserve backs", f"{supply / MICRO:,.0f} of 18,700,000,000"),
            ("Minted, as fast as the issuance throttle lets, in hours", str(hours)),
            ("One token more", said(more)),
            ("Least backing ratio while the native token falls", f"{numbers['ratio_least']:.4f}"),
            ("Least that a token redeemed meanwhile brought", f"{numbers['paid_least']:.4f}"),
            ("The native token's feed after all falls", f"{numbers['feed_end']:.2f} of 80"),
            ("There, with LUNA counted, after its fall", f"{there[-1][1]:.3f}"),
        ),
        lines=(line("ratio here", "high", here), line("ratio there, LUNA counted, modelled", "low", there)),
        x_title="falls of the native token, by the root of ten each",
        y_title="backing ratio",
    )


TOKENS: Final[dict[str, Callable[..., Case]]] = {"usdr": usdr, "iron": iron, "terra": terra, "stream": stream}
"""Scenario -> what plays it."""
