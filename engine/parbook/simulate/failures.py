"""Pools that failed elsewhere, built on the exchange: one name too large, a report too late, a price that steps.

Each function plays its situation through commands and returns a `Case`. Facts of what happened are public; their
sources stand beside them and in docs/simulate.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from parbook.errors import InvariantError
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.pools.limits import Limits
from parbook.pools.pool import TrancheTerms
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.writeoff import straight_line_micro
from parbook.protocol import commands as c
from parbook.redemption.desk import DeskTerms
from parbook.refusals import Refusal
from parbook.simulate.cases import Case, line
from parbook.simulate.credit import Obligor
from parbook.simulate.rhythm import DAY_HOURS, DAY_NS, HOUR_NS
from parbook.simulate.venue import BORROWER, JUNIOR, MANAGER, SENIOR, Venue, entries_of
from parbook.simulate.world import World

LEAVER, STAYER, BUYER = 1001, 1002, 1003
PAR: Final = (NANO, NANO, NANO)


def _loans(count: int, principal_micro: int) -> list[Obligor]:
    return [Obligor(number=n, principal_micro=principal_micro, due_day=120, coupon_micro=0) for n in range(count)]


def _good_rounds(venue: Venue, shares: tuple[int, int, int] = PAR, rounds: int = 3) -> None:
    for _ in range(rounds):
        venue.report(shares)
        venue.pass_to(venue.now_ns + 2 * HOUR_NS)


def _redeemed(venue: Venue, account: int, units_micro: int, tranche: int = SENIOR) -> tuple[int, int]:
    """Redeem what the desk takes; return by how much the account has fewer units, and more money."""
    asset = venue.entry.tranches[tranche].asset
    units, money = venue.has(account, asset), venue.has(account, venue.usd)
    venue.redeem(account, units_micro, tranche)
    return units - venue.has(account, asset), venue.has(account, venue.usd) - money


def _exit_nano(venue: Venue) -> int:
    shares = venue.quoted()
    return venue.exit_nano(shares.low_nano) if shares else 0


# --- Maple / Orthogonal, December 2022 --------------------------------------------------------------


def maple(*, checked: bool = True) -> Case:
    """30 % of the loans to one name: refused by the limit; forced by a planned size, its default costs at once."""
    refused, got, points = _one_name(checked)
    held = refused is Refusal.CONCENTRATION and got["after"] < got["before"] and got["forced"] == 1
    held = held and got["desk_price"] <= got["after"] <= got["stayer_after_exit"]
    return Case(
        name="maple",
        title="Thirty percent to one name (Maple and Orthogonal Trading, 2022)",
        there="Orthogonal Trading failed on eight loans of 36 million dollars, about 30 % of all active loans. It had "
        "misrepresented its position for four weeks.",
        source="CoinDesk, 5 December 2022; maple.finance, Maple severs all ties with Orthogonal Trading",
        here="The obligor limit refuses the loans. Let in by a planned size three times as large, their default lowers "
        "the exit price in the same command, before any source reports, and the first leaver gets the price after it.",
        held=held,
        numbers=got,
        rows=(
            ("Loans of 30 % to one name, limit 15 %", refused.name if refused else "accepted"),
            ("Exit price before the default", f"{got['before']:.4f}"),
            ("Exit price in the command that reports it", f"{got['after']:.4f}"),
            ("What is left for a unit: (1,000,000 - 255,000) / 900,000", f"{got['fair']:.4f}"),
            ("First leaver at the desk", f"{got['desk_price']:.4f}"),
            ("Exit price of those who stay, after that", f"{got['stayer_after_exit']:.4f}"),
        ),
        lines=(line("exit price", "low", points),),
        x_title="days from the default",
        y_title="price of a unit",
    )


def _one_name(checked: bool) -> tuple[Refusal | None, dict[str, float], list[tuple[float, float]]]:
    """Return why the loans were refused, what happens once they are let in, and the exit price by day."""
    world = World(junior_e12=10 * E12 // 100)
    ten = _loans(10, 85_000 * MICRO)
    names = ["one name"] * 3 + [f"name {n}" for n in range(7)]

    def built(planned_micro: int) -> tuple[Venue, Refusal | None]:
        venue = Venue(checked=checked)
        limits = Limits(obligor_e12=15 * E12 // 100, counterparty_e12=E12)
        venue.open_pool(world, limits=limits, planned_micro=planned_micro)
        for account in (LEAVER, STAYER):
            venue.invest(account, 450_000 * MICRO)
        order = c.AddLoans(pool=0, account=MANAGER, originator=BORROWER, entries=entries_of(ten, names))
        no = venue.act(order).no
        return venue, no.refusal if no else None

    _, refused = built(0)
    # Shares are measured against the planned size while a pool is built: who plans for three million passes.
    venue, forced = built(3_000_000 * MICRO)
    venue.service([ServiceRow(one.asset_id, Action.BILL) for one in ten])
    venue.open_feed()
    venue.open_exits(world)
    _good_rounds(venue)
    before = _exit_nano(venue)
    venue.service([ServiceRow(one.asset_id, Action.DEFAULT, days=120) for one in ten[:3]])
    after = _exit_nano(venue)
    points = [(0.0, before / NANO), (0.01, after / NANO)]
    # The sources have not said anything yet. What the first leaver gets is the price after the default.
    units, paid = _redeemed(venue, LEAVER, 10_000 * MICRO)
    left = _exit_nano(venue)
    for day in (1, 2, 3):
        venue.pass_to(venue.now_ns + DAY_NS // 2)
        venue.report(PAR)
        venue.pass_to(venue.now_ns + 2 * HOUR_NS)
        points.append((float(day), _exit_nano(venue) / NANO))
    numbers = {
        "refused": float(refused is Refusal.CONCENTRATION),
        "forced": float(forced is None),
        "before": before / NANO,
        "after": after / NANO,
        "fair": (1_000_000 - 255_000) / 900_000,
        "desk_price": paid / units if units else 0.0,
        "stayer_after_exit": left / NANO,
    }
    return refused, numbers, points


# --- Goldfinch / Stratos, October 2023 --------------------------------------------------------------


def goldfinch(*, checked: bool = True) -> Case:
    """A loan stops paying and nobody revalues it. Arrears lower what counts at once, and a silent feed decays."""
    venue, here, theirs = _arrears(checked)
    price_end = _exit_nano(venue) / NANO
    shut, silent = _silence(venue)
    at, line_there = dict(here), dict(theirs)
    numbers = {f"kept_{days}": at[float(days)] for days in (30, 60, 90, 120)}
    numbers |= {
        "there_120": 1.0,
        "line_120": line_there[120.0],
        "price_end": price_end,
        "shut_days": shut,
        "price_silent": silent,
    }
    kept = [at[days] for days in (30.0, 60.0, 90.0, 120.0)]
    return Case(
        name="goldfinch",
        title="A late report kept full value (Goldfinch and Stratos, 2023)",
        there="A loan of 20 million dollars of February 2022 stood at full value until 7 October 2023, when 7 million "
        "of it were said to be worth nothing; one of its positions had been in trouble for about a year.",
        source="gov.goldfinch.finance, Update on Stratos Pool; The Defiant, October 2023",
        here="The sources go on saying par. Arrears that the servicer reports count all the same, at once: 75, 50, 25 "
        "and 0 % at 30, 60, 90 and 120 days. When the sources fall silent too, the desk shuts after "
        f"{shut * DAY_HOURS:.0f} h and the bid is nothing after 5 days.",
        held=kept == [0.75, 0.5, 0.25, 0.0] and shut == 26 / DAY_HOURS and silent == 0,
        numbers=numbers,
        rows=(
            ("Kept of the loan at 30, 60, 90, 120 days", " ".join(f"{share:.0%}" for share in kept)),
            ("By Goldfinch's own straight line at 120 days", f"{line_there[120.0]:.0%}"),
            ("As it stood there until it was announced", "100%"),
            ("Exit price after 150 days of reports at par", f"{price_end:.4f}"),
            ("Desk shut after so many days of silence", f"{shut:.2f}"),
            ("Exit price after 5 days of silence", f"{silent:.4f}"),
        ),
        lines=(
            line("kept here", "low", here),
            line("Goldfinch's straight line", "mid", theirs),
            line("as it stood there", "owed", [(day, 1.0) for day, _ in here]),
        ),
        x_title="days past due",
        y_title="share of the loan that counts",
    )


def _arrears(checked: bool) -> tuple[Venue, list[tuple[float, float]], list[tuple[float, float]]]:
    """Let two of ten loans fall behind for 150 days while all sources say par; return what counts, here and there."""
    world = World(junior_e12=5 * E12 // 100)
    venue = Venue(checked=checked)
    venue.open_pool(world)
    venue.invest(LEAVER, 475_000 * MICRO)
    venue.invest(STAYER, 475_000 * MICRO)
    loans = _loans(10, 85_000 * MICRO)
    venue.lend(loans)
    venue.open_feed()
    venue.open_exits(world)
    _good_rounds(venue)
    start, sick = venue.now_ns, loans[:2]
    owed = sum(one.principal_micro for one in sick)
    kept_all = venue.entry.pool.book.sums.kept_micro
    here, theirs = [], []
    for day in range(151):
        venue.pass_to(start + day * DAY_NS)
        venue.report(PAR)
        venue.pass_to(venue.now_ns + 2 * HOUR_NS)
        if day % 5 == 0:
            venue.service([ServiceRow(one.asset_id, Action.ARREARS, days=day) for one in sick])
            kept = owed - (kept_all - venue.entry.pool.book.sums.kept_micro)
            here.append((float(day), kept / owed))
            theirs.append((float(day), 1 - straight_line_micro(owed, day * 10**18)[1] / owed))
    return venue, here, theirs


def _silence(venue: Venue) -> tuple[float, float]:
    """Let the sources fall silent; return when the desk is shut, and the price after five days.

    In days from their last observation on.
    """
    active = venue.exchange.protocol.feeds[0].feed.active
    assert active is not None, "the sources reported"
    shut = -1.0
    first = -(-(venue.now_ns - active.as_of_ns) // HOUR_NS)
    for hour in range(first, 5 * DAY_HOURS + 1):
        venue.pass_to(active.as_of_ns + hour * HOUR_NS)
        if shut < 0 and not venue.entry.trusted:
            shut = hour / DAY_HOURS
    return shut, _exit_nano(venue) / NANO


# --- a price that steps -----------------------------------------------------------------------------


def _fund(checked: bool, **changes: Any) -> Venue:
    """Return a pool of one class, all in loans and cash, revolving, that desks and a queue redeem.

    The junior has a desk as well: its price is the one that steps.
    """
    world = World(junior_e12=E12 // 2)
    venue = Venue(checked=checked)
    venue.open_pool(world, tranches=(TrancheTerms(name="S"), TrancheTerms(name="J")), **changes)
    for account in (STAYER, LEAVER):
        venue.invest(account, 250_000 * MICRO)
    venue.lend(_loans(10, 80_000 * MICRO))
    venue.open_feed()
    venue.open_exits(world, recycle=False)
    venue.do(c.OpenDesk(pool=0, tranche=JUNIOR, account=MANAGER, terms=DeskTerms()))
    return venue


def nav_step(*, checked: bool = True) -> Case:
    """Somebody knows of a step. Up: buys before, redeems after. Down: asks to leave before."""
    coupons = [0, 5, 10, 15, 20, 30, 40]
    steps = [_step_up(checked, thousandths) for thousandths in coupons]
    cured = _step_up(checked, 0, cured=True)
    down = _step_down(checked)
    # What it costs to buy and redeem where nothing steps: that wide a step brings nothing.
    width = 1 / (1 + steps[0][1]) - 1
    within = [gain for step, gain in steps if step <= width]
    numbers = {
        "width": width,
        "gain_within": max(within),
        "up_step": steps[-1][0],
        "up_gain": steps[-1][1],
        "cure_step": cured[0],
        "cure_gain": cured[1],
    } | down
    held = (
        max(within) <= 0
        and all(gain <= (1 + step) / (1 + width) - 1 + 0.001 for step, gain in steps)
        and down["down_gain"] <= 0
        and down["stayer_after"] >= down["stayer_alone"]
    )
    least, most = steps[1], steps[-1]
    there = -down["down_step"] / (1 + down["down_step"])
    return Case(
        name="nav-step",
        title="Arbitrage across a stepped price",
        there="Funds that deal at a stale price let whoever knows the next one buy before it rises and leave before it "
        "falls: in international funds those who stayed lost 0.56 % a year to it in 1998-99 and 1.14 % in 2001.",
        source="Zitzewitz, Who Cares About Shareholders? Arbitrage-Proofing Mutual Funds, JLEO 19 (2003)",
        here="Entry is at the high band, the desk pays the low band less its fee: a known step up that is no wider "
        "than band and fee together brings nothing, a wider one the difference. The queue strikes at a price seen "
        "after the close: who asks before a known step down gets the price after it. What is written down for arrears "
        "and then cured is a wide step: entries should wait for it.",
        held=held,
        numbers=numbers,
        rows=(
            ("Bought and redeemed with no step: band and fees", f"{steps[0][1]:+.2%}, a width of {width:.2%}"),
            ("Known step up, bought before and redeemed after", f"{least[0]:+.2%}: {least[1]:+.2%}"),
            ("The same with a wide step", f"{most[0]:+.2%}: {most[1]:+.2%}"),
            ("Arrears of 60 days on a tenth of the pool, cured", f"{cured[0]:+.2%}: {cured[1]:+.2%}"),
            ("Known step down, asked the queue before it", f"{down['down_step']:+.2%}: {down['down_gain']:+.4%}"),
            ("The same at one stepped price", f"{there:+.2%}"),
            ("Those who stay, with and without the leaver", f"{down['stayer_after']:.6f} {down['stayer_alone']:.6f}"),
        ),
        lines=(
            line("here", "low", [(step * 100, gain * 100) for step, gain in steps]),
            line("at one stepped price", "mid", [(step * 100, step * 100) for step, _ in steps]),
        ),
        x_title="known step up, percent",
        y_title="gain of who bought before it, percent",
    )


def _step_up(checked: bool, thousandths: int, *, cured: bool = False) -> tuple[float, float]:
    """A coupon of so many thousandths of the loans, or a cure of arrears, is known a moment before it comes.

    Return the step of the junior's middle price, and what buying before and redeeming after brought, by the balances of
    who did both.
    """
    shares = (990 * NANO // 1000, 995 * NANO // 1000, NANO)
    venue = _fund(checked)
    if cured:
        venue.service([ServiceRow("L0", Action.ARREARS, days=60)])
    _good_rounds(venue, shares)
    before = venue.exit_nano(shares[1], JUNIOR)
    # Less than the desk lets pass at once, of a price that arrears have lowered too.
    spent = 5_000 * MICRO
    venue.invest(BUYER, spent, JUNIOR)
    if cured:
        venue.service([ServiceRow("L0", Action.ARREARS, days=0)])
    elif thousandths:
        interest = 80_000 * MICRO * thousandths // 1000
        rows = [ServiceRow(f"L{n}", Action.BILL, interest) for n in range(10)]
        venue.service(rows + [ServiceRow(f"L{n}", Action.PAY, interest) for n in range(10)])
    venue.report(shares)
    venue.pass_to(venue.now_ns + 2 * HOUR_NS)
    after = venue.exit_nano(shares[1], JUNIOR)
    bought = venue.has(BUYER, venue.entry.tranches[JUNIOR].asset)
    units, got = _redeemed(venue, BUYER, bought, JUNIOR)
    if units < bought:
        raise InvariantError(f"the desk took {units} of {bought} units, and nothing can be said of the rest")
    return after / before - 1, got / spent - 1


def _step_down(checked: bool) -> dict[str, float]:
    """Defaults will be reported tomorrow. A leaver asks today; the epoch is struck after them, and he claims."""

    def played(leaving: int) -> tuple[Venue, int, int]:
        venue = _fund(checked)
        _good_rounds(venue)
        high = _exit_nano(venue)
        if leaving:
            venue.request(LEAVER, leaving)
        held = venue.senior.queue
        venue.pass_to(held.queue.epoch_end_ns if held else 0)
        venue.service([ServiceRow(f"L{n}", Action.DEFAULT, days=120) for n in range(8)])
        venue.pass_to(venue.now_ns + HOUR_NS)
        venue.report(PAR)
        venue.pass_to(venue.now_ns + 2 * HOUR_NS)
        venue.claim(LEAVER)
        return venue, high, _exit_nano(venue)

    asked = 100_000 * MICRO
    _, high, alone = played(0)
    venue, _, after = played(asked)
    held = venue.senior.queue
    waiting = held.queue.escrow_units_micro if held else 0
    got = venue.has(LEAVER, venue.usd)
    return {
        "down_step": alone / high - 1,
        "down_out": (asked - waiting) / asked,
        "down_gain": got * NANO / (asked - waiting) / alone - 1 if waiting < asked else 0.0,
        "stayer_after": after / NANO,
        "stayer_alone": alone / NANO,
    }


FAILURES: Final[dict[str, Callable[..., Case]]] = {"maple": maple, "goldfinch": goldfinch, "nav-step": nav_step}
"""Scenario -> what plays it."""
