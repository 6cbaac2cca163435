"""Anchored tokens that failed elsewhere, built on the mechanism (`parbook.anchored`): planned, carried out, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from parbook.anchored import basket, token
from parbook.anchored.basket import Quote
from parbook.anchored.state import backing_micro, check, opened, ratio_e12, token_state
from parbook.anchored.terms import IN_KIND, LegTerms, ThrottleTerms, TokenState, TokenTerms
from parbook.errors import InvariantError
from parbook.pools.amounts import E12, MICRO, NANO, Rounding, divide
from parbook.refusals import Refusal
from parbook.simulate.cases import Case, line
from parbook.simulate.world import DAY_NS, HOUR_NS

TOKEN, NATIVE, CASH, ASSETS, OTHER = 1, 2, 10, 11, 12
_START_NS: Final = 1000 * DAY_NS
_MILLION: Final = 10**6 * MICRO


class Standing:
    """A token and its clock. Invariants are tested after every operation."""

    def __init__(self, legs: Mapping[int, int], *, in_kind: bool = True, buffer_e12: int = E12 // 50) -> None:
        self.now_ns = _START_NS
        self.state = opened(
            TokenTerms(
                token_asset=TOKEN,
                native_asset=NATIVE,
                cash_leg=IN_KIND if in_kind else CASH,
                buffer_e12=buffer_e12,
                drift_e12=E12,
                redeem_fee_e12=0,
                issuance=ThrottleTerms(amount_micro=10**17, share_e12=0),
                redemption=ThrottleTerms(amount_micro=10**18, share_e12=1),
            ),
            _START_NS,
        )
        for asset in sorted(legs):
            self.must(self.add(asset))
        self.must(self._do(basket.plan_reweight, basket.reweight, dict(legs)))
        self.observe(dict.fromkeys(legs, NANO))
        self.wait(HOUR_NS)

    def _do(self, plan: Callable[..., Any], carry_out: Callable[..., None], *args: Any, **options: Any) -> Any:
        planned = plan(self.state, *args, self.now_ns, **options)
        if not isinstance(planned, Refusal):
            carry_out(self.state, planned, self.now_ns)
            check(self.state)
        return planned

    def must(self, planned: Any) -> Any:
        """Return a plan; InvariantError when it was refused."""
        if isinstance(planned, Refusal):
            raise InvariantError(f"it was refused: {planned.name}")
        return planned

    def wait(self, ns: int) -> None:
        """Let time pass."""
        self.now_ns += ns

    def observe(self, prices: Mapping[int, int]) -> None:
        """Take fresh prices."""
        self.must(
            self._do(
                basket.plan_observe, basket.observe, {a: Quote(low_nano=p, age_ns=0) for a, p in sorted(prices.items())}
            )
        )

    def add(self, asset: int, claims: dict[int, tuple[int, ...]] | None = None) -> Any:
        """Add a leg without weight."""
        return self._do(basket.plan_add_leg, basket.add_leg, LegTerms(asset=asset, haircut_e12=0, claims=claims or {}))

    def endow(self, asset: int, units_micro: int) -> None:
        """Add the protocol's own units."""
        self.must(self._do(basket.plan_endow, basket.endow, asset, units_micro))

    def mint(self, asset: int, units_micro: int) -> Any:
        """Mint against units of a leg."""
        return self._do(token.plan_mint, token.mint, asset, units_micro)

    def redeem(self, tokens_micro: int, *, in_kind: bool = True) -> Any:
        """Redeem tokens."""
        return self._do(token.plan_redeem, token.redeem, tokens_micro, in_kind=in_kind)

    def haircut(self, holders_micro: int) -> Any:
        """Begin the haircut after the loss order was exhausted."""
        return self._do(basket.plan_haircut, basket.set_haircut, holders_micro)

    @property
    def ratio(self) -> float:
        """The backing ratio."""
        return ratio_e12(self.state, self.now_ns) / E12

    def units(self) -> dict[int, int]:
        """Return the units of each leg."""
        return {leg.asset: leg.quantity_micro for leg in self.state.legs}

    def most(self, asset: int, units_micro: int) -> int:
        """Mint against as many units of a leg as are taken, to a millionth of what is asked; return the units."""
        taken, step = 0, units_micro
        while step >= max(units_micro // 10**6, 1):
            if taken + step <= units_micro and not isinstance(self.mint(asset, step), Refusal):
                taken += step
            else:
                step //= 2
        return taken


def worth_of(units: tuple[tuple[int, int], ...], true: Mapping[int, int]) -> float:
    """Return what units are truly worth, in money."""
    return sum(quantity * true[asset] for asset, quantity in units) / NANO / MICRO


# --- USDR, October 2023 -----------------------------------------------------------------------------


def usdr(*, checked: bool = True) -> Case:
    """Par from the liquid leg until it is empty. Here all get the same of every leg, and the own token is none."""
    del checked
    cash, houses = 11_800_000 * MICRO, 26_567_000 * MICRO
    case = Standing({CASH: 3 * E12 // 10, ASSETS: 7 * E12 // 10})
    own, native = case.add(TOKEN), case.add(NATIVE)
    case.endow(CASH, _MILLION)
    minted = case.most(CASH, cash - _MILLION) + case.most(ASSETS, houses)
    supply = case.state.supply_micro
    here, there, done = [], [], 0
    taken: list[tuple[float, float]] = []
    while case.state.supply_micro > supply // 10:
        part = supply // 20
        plan = case.must(case.redeem(part))
        done += part
        each = worth_of(plan.units, {CASH: NANO, ASSETS: NANO}) / (part / MICRO)
        mix = dict(plan.units).get(CASH, 0) / sum(units for _, units in plan.units)
        taken.append((each, mix))
        here.append((100 * done / supply, each))
        there.append((100 * done / supply, 1.0 if done <= supply * 0.262 else 0.504))
        case.wait(HOUR_NS)
        case.observe({CASH: NANO, ASSETS: NANO})
    first, last = taken[0], taken[-1]
    numbers = {
        "own_refused": float(own is Refusal.CIRCULAR_BACKING and native is Refusal.CIRCULAR_BACKING),
        "supply_share": supply / (45_000_000 * MICRO),
        "first": first[0],
        "last": last[0],
        "first_cash": first[1],
        "last_cash": last[1],
        "ratio_end": case.ratio,
    }
    held = bool(numbers["own_refused"]) and abs(first[0] - last[0]) < 1e-6 and abs(first[1] - last[1]) < 1e-6
    return Case(
        name="usdr",
        title="Par from the liquid leg until it is empty (USDR, 2023)",
        there="Of 45 million USDR 11.8 million were backed by DAI and 14.74 % by the issuer's own TNGBL; 62,810 by "
        "USDR itself. On 11 October 2023 all DAI was redeemed at par, houses were left, and the price fell to 0.504.",
        source="The Block, 11 October 2023; Cointelegraph, 11 October 2023",
        here="The own token and the native token are refused as legs, so that so large a supply is never minted; a "
        "redemption in kind takes the same share of every leg, whoever comes first.",
        held=held,
        numbers=numbers,
        rows=(
            ("Own token, native token as a leg", f"{own.name}, {native.name}"),
            ("Supply that the same assets may back", f"{supply / MICRO:,.0f} of 45,000,000"),
            ("First redeemed, a token: worth, share in cash", f"{first[0]:.6f}, {first[1]:.2%}"),
            ("Last redeemed (of 90 %)", f"{last[0]:.6f}, {last[1]:.2%}"),
            ("Backing ratio at the end", f"{case.ratio:.4f}"),
            ("Minted against units worth", f"{minted / MICRO:,.0f}"),
        ),
        lines=(line("here", "high", here), line("USDR", "low", there)),
        x_title="percent of the supply redeemed",
        y_title="worth of what a token brought",
    )


# --- Iron, June 2021 --------------------------------------------------------------------------------


def iron(*, checked: bool = True) -> Case:
    """A redemption minted a falling token at a lagging average. Here it mints nothing, and a lag costs who redeems."""
    del checked
    case, along, stranger = _falling(alike=False)
    _, alike, other = _falling(alike=True)
    titan, there = 1.0, []
    for step in range(1, _FALLS + 1):
        # There: a quarter of each token is paid in minted TITAN, which is sold into a pool worth 20 % of the supply;
        # below a thousand millionth it is nothing.
        titan = max(titan / (1 + 0.25 * 0.05 / (0.2 * titan)) ** 2, 1e-9)
        there.append((5.0 * step, titan))
    mint = case.mint(NATIVE, MICRO)
    numbers = {
        "minted": float(stranger + other),
        "gain_most": max(y for _, y in along),
        "gain_alike": abs(round(max(y for _, y in alike[2:]), 9)),
        "titan_end": titan,
        "mint_refused": float(mint is Refusal.UNKNOWN_LEG),
        "ratio_end": case.ratio,
    }
    held = stranger + other == 0 and mint is Refusal.UNKNOWN_LEG and numbers["gain_alike"] <= 1e-9
    return Case(
        name="iron",
        title="Mint to redeem, at a lagging average (Iron, 2021)",
        there="Each IRON redeemed paid part of its dollar in newly minted TITAN at a 10-minute average of a falling "
        "price. TITAN fell from 65 dollars to almost nothing on 16 June 2021; its supply became 27,805 billion.",
        source="Iron Finance Post-Mortem, 17 June 2021",
        here="A redemption names units of legs that are there and never mints. While half of the basket falls by 3 % a "
        "step and its price lags a step, the redemption curve pays the first more than their share, and what is left "
        "is for the last; from the haircut on all get the same, and the lag gains nobody anything.",
        held=held,
        numbers=numbers,
        rows=(
            ("Units of anything but the basket that redemptions paid", str(stranger + other)),
            ("Minting against the native token", mint.name if isinstance(mint, Refusal) else "minted"),
            ("Most beyond its true share, along the curve", f"{numbers['gain_most']:+.4f} a token"),
            ("The same once the haircut stands", f"{numbers['gain_alike']:+.4f} a token"),
            ("Native token after the same run, a quarter of it minted (modelled)", f"{titan:.0e} of its price"),
            ("Backing ratio after 90 % left along the curve, at the lagging price", f"{case.ratio:.4f}"),
        ),
        lines=(
            line("beyond the true share, along the curve", "low", along),
            line("with the haircut", "high", alike),
            line("price of TITAN, modelled", "mid", there),
        ),
        x_title="percent of the supply redeemed",
        y_title="a token; the native token's first price",
    )


_FALLS: Final = 18


def _falling(*, alike: bool) -> tuple[Standing, list[tuple[float, float]], int]:
    """Redeem a twentieth of the supply a step while half of the basket falls; `alike`: begin the haircut when due.

    Return the token, what each redeemed token took beyond its true share, and units paid of what is no leg.
    """
    true = {CASH: NANO, ASSETS: NANO}
    case = Standing({CASH: E12 // 2, ASSETS: E12 // 2})
    case.endow(CASH, 20 * _MILLION)
    for asset in (CASH, ASSETS):
        case.must(case.mint(asset, 500 * _MILLION))
    supply, beyond, stranger = case.state.supply_micro, [], 0
    for step in range(1, _FALLS + 1):
        lagging = true[ASSETS]
        true[ASSETS] = divide(true[ASSETS] * 97, 100, Rounding.FLOOR)
        case.observe({CASH: NANO, ASSETS: lagging})
        if alike and case.ratio < 1 and not case.state.haircut:
            case.must(case.haircut(1))
        share = worth_of(tuple(case.units().items()), true) / (case.state.supply_micro / MICRO)
        plan = case.must(case.redeem(supply // 20))
        stranger += sum(units for asset, units in plan.units if asset not in (CASH, ASSETS))
        beyond.append((5.0 * step, worth_of(plan.units, true) / (supply / 20 / MICRO) - share))
        case.wait(HOUR_NS // 6)
    return case, beyond, stranger


# --- Terra, May 2022 --------------------------------------------------------------------------------


def terra(*, checked: bool = True) -> Case:
    """The backing was the native token. Here that is none, so that most of the supply is never minted."""
    del checked
    reserve, wanted = 3_080 * _MILLION, 18_700 * _MILLION
    case = Standing({CASH: E12})
    native = case.add(NATIVE)
    hidden = case.add(OTHER, {OTHER: (NATIVE,)})
    buffer = divide(reserve * 2, 102, Rounding.CEIL)
    case.endow(CASH, buffer)
    case.must(case.mint(CASH, reserve - buffer))
    supply = case.state.supply_micro
    more = case.mint(CASH, MICRO)
    here, there = [], []
    for step in range(11):
        # The native token loses all but a tenth, again and again: nothing here depends on it.
        price = 80.0 * 10 ** (-step / 2)
        here.append((float(step), case.ratio))
        luna = 345e6 * price
        there.append((float(step), min((3.08e9 + luna) / 18.7e9, 2.0)))
    numbers = {
        "native_refused": float(native is Refusal.CIRCULAR_BACKING),
        "hidden_refused": float(hidden is Refusal.CIRCULAR_BACKING),
        "supply_share": supply / wanted,
        "ratio": case.ratio,
        "there_end": there[-1][1],
    }
    held = bool(numbers["native_refused"] and numbers["hidden_refused"]) and case.ratio >= 1
    return Case(
        name="terra",
        title="Backed by what falls with it (Terra, 2022)",
        there="About 18.7 billion UST stood against a right to LUNA and a reserve of about 3.08 billion dollars (7 May "
        "2022). LUNA fell from about 80 dollars to a fraction of a cent and UST below 0.20 within a week.",
        source="Luna Foundation Guard, 16 May 2022; The National, 16 May 2022",
        here="The native token, and what is a claim on it, is refused as a leg: the same reserve backs a sixth of that "
        "supply, and no fall of the native token moves the ratio.",
        held=held,
        numbers=numbers,
        rows=(
            ("Native token as a leg", native.name),
            ("A wrapper of it as a leg", hidden.name),
            ("Supply that the reserve backs", f"{supply / MICRO:,.0f} of 18,700,000,000"),
            ("One token more", more.name if isinstance(more, Refusal) else "minted"),
            ("Backing ratio, whatever the native token does", f"{case.ratio:.4f}"),
            ("There, with LUNA counted, after its fall", f"{there[-1][1]:.3f}"),
        ),
        lines=(line("ratio here", "high", here), line("ratio there, LUNA counted, at most 2", "low", there)),
        x_title="falls of the native token, by the root of ten each",
        y_title="backing ratio",
    )


# --- Stream, November 2025 --------------------------------------------------------------------------


def stream(*, checked: bool = True) -> Case:
    """Two tokens counted each other. Here a circle is no backing; a counterparty that hides its own costs all alike."""
    del checked
    case = Standing({CASH: 35 * E12 // 100, ASSETS: 65 * E12 // 100})
    circle = case.add(OTHER, {OTHER: (20,), 20: (TOKEN,)})
    mutual = case.add(OTHER, {OTHER: (20,), 20: (OTHER,)})
    case.endow(CASH, 4 * _MILLION)
    case.must(case.mint(CASH, 51 * _MILLION))
    case.must(case.mint(ASSETS, 99 * _MILLION))
    supply = case.state.supply_micro
    before = case.ratio
    # What the one counterparty owed is gone; the loss order had nothing left.
    case.observe({CASH: NANO, ASSETS: 0})
    lost = max(supply - backing_micro(case.state, case.now_ns), 0)
    case.must(case.haircut(lost))
    got = []
    for step in range(1, 10):
        plan = case.must(case.redeem(supply // 10))
        got.append((10.0 * step, worth_of(plan.units, {CASH: NANO, ASSETS: 0}) / (supply / 10 / MICRO)))
        case.wait(HOUR_NS)
        case.observe({CASH: NANO, ASSETS: 0})
    there = [(x, 1.0 if x <= 80 else 0.015) for x, _ in got]
    state = token_state(case.state, case.now_ns)
    minted = case.mint(CASH, MICRO)
    numbers = {
        "circle_refused": float(circle is Refusal.CIRCULAR_BACKING and mutual is Refusal.CIRCULAR_BACKING),
        "before": before,
        "first": got[0][1],
        "last": got[-1][1],
        "ratio_end": case.ratio,
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
        here="What leads back to the token, or around in a circle, is refused as a leg. Where one leg of 65 % fails "
        "although nobody knew of it, and the loss order has nothing left, all who redeem get the same, first or last.",
        held=held,
        numbers=numbers,
        rows=(
            ("A leg that is a claim on the token", circle.name),
            ("Two that are claims on each other", mutual.name),
            ("Backing ratio before", f"{before:.4f}"),
            ("After the leg of 65 % is worth nothing, for each", f"{fair:.4f}"),
            ("First redeemed", f"{got[0][1]:.6f}"),
            ("Last redeemed (of 90 %)", f"{got[-1][1]:.6f}"),
            ("Minting meanwhile", minted.name if isinstance(minted, Refusal) else "minted"),
        ),
        lines=(line("here", "high", got), line("deUSD, others' holders", "low", there)),
        x_title="percent of the supply redeemed",
        y_title="worth of what a token brought",
    )


TOKENS: Final[dict[str, Callable[..., Case]]] = {"usdr": usdr, "iron": iron, "terra": terra, "stream": stream}
"""Scenario -> what plays it."""
