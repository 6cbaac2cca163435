"""Who bears a loss, how stake is seized, and how it is sold. Nothing is ever minted for a loss.

    excess spread -> junior -> surplus buffer -> insurance cash -> seized stake -> holders' haircut

Stake counts at a price less a haircut. What is seized falls on stake and drafts in proportion, each rounded up
(Reserve Protocol, StRSR.seizeRSR). It goes to a falling-price auction; the proceeds fill the hole first, what is beyond
is the fund's cash, and what they lack when all is sold is the holders' (`plan_give_up`).

A pot whose shares are worth less than 1e-9 micro each begins a new era: its shares are worth nothing, and the dust that
stood against them is seized too.
"""

from __future__ import annotations

from collections.abc import Sequence

from parbook.insurance.formulas import dutch_e18
from parbook.insurance.state import Auction, Fund, at_stake_micro, fund_state, stream
from parbook.insurance.terms import PRICE_NANO_MAX, FundState
from parbook.pools.amounts import E12, E18, MONEY_MICRO_MAX, NANO, Rounding, divide, require_int, share_of
from parbook.pools.shares import Pot, is_thin
from parbook.pools.steps import Plan, carried_out, started
from parbook.pools.waterfall import absorb
from parbook.refusals import Refusal

WHERE = "insurance fund"


class AlarmPlan(Plan, frozen=True, kw_only=True):
    """From now until `until_ns` no stake enters or leaves; `calm_ns`: from when on another alarm may begin."""

    until_ns: int
    calm_ns: int


class LossPlan(Plan, frozen=True, kw_only=True):
    """What each layer bears; they sum to the loss.

    `cash_micro` leaves the fund now; `stake_micro` is to be fetched by native tokens, of stake and of drafts.
    """

    excess_spread_micro: int
    junior_micro: int
    surplus_micro: int
    cash_micro: int
    stake_micro: int
    holders_micro: int
    seized_stake_micro: int
    seized_drafts_micro: int


class AuctionPlan(Plan, frozen=True, kw_only=True):
    """`lot_micro` native tokens are for sale from `best_nano` down to `worst_nano`."""

    lot_micro: int
    best_nano: int
    worst_nano: int
    end_ns: int


class BuyPlan(Plan, frozen=True, kw_only=True):
    """`native_micro` leave for `cost_micro`, of which `cover_micro` fill the hole and `kept_micro` stay in the fund."""

    native_micro: int
    price_e18: int
    cost_micro: int
    cover_micro: int
    kept_micro: int


class GiveUpPlan(Plan, frozen=True, kw_only=True):
    """What seized stake did not fetch: the holders' haircut."""

    holders_micro: int


class FundDuePlan(Plan, frozen=True, kw_only=True):
    """An alarm is over; an auction is over and `unsold_micro` waits for the next."""

    alarm: bool
    auction: bool
    unsold_micro: int


# --- alarm ----------------------------------------------------------------------------------------


def plan_alarm(fund: Fund, now_ns: int) -> Refusal | AlarmPlan:
    """Return the plan to hold all stake while a loss is assessed; ALREADY_SLASHING, ALARM_TOO_SOON. O(1)."""
    started(WHERE, fund, now_ns)
    if fund_state(fund, now_ns) is FundState.SLASHING:
        return Refusal.ALREADY_SLASHING
    if now_ns < fund.calm_ns:
        return Refusal.ALARM_TOO_SOON
    until = now_ns + fund.terms.alarm_ns
    return AlarmPlan(revision=fund.revision, now_ns=now_ns, until_ns=until, calm_ns=until + fund.terms.rest_ns)


def plan_stand_down(fund: Fund, now_ns: int) -> Refusal | AlarmPlan:
    """Return the plan to end an alarm before its time; NOT_SLASHING. O(1)."""
    started(WHERE, fund, now_ns)
    if fund_state(fund, now_ns) is not FundState.SLASHING:
        return Refusal.NOT_SLASHING
    return AlarmPlan(revision=fund.revision, now_ns=now_ns, until_ns=0, calm_ns=now_ns + fund.terms.rest_ns)


def alarm(fund: Fund, plan: AlarmPlan, now_ns: int) -> None:
    """Begin an alarm, or end it, as planned."""
    carried_out(WHERE, fund, plan, now_ns)
    fund.alarm_ns, fund.calm_ns = plan.until_ns, plan.calm_ns


# --- loss -----------------------------------------------------------------------------------------


def stake_value_micro(native_micro: int, native_nano: int, haircut_e12: int) -> int:
    """Return what stake counts, rounded down."""
    return divide(native_micro * native_nano * (E12 - haircut_e12), NANO * E12, Rounding.FLOOR)


def seized_uniformly(amounts: Sequence[int], seize: int) -> list[int]:
    """Return what is taken of each amount so that all lose the same share, each rounded up; seize <= their sum."""
    total = sum(amounts)
    return [divide(amount * seize, total, Rounding.CEIL) if total else 0 for amount in amounts]


def plan_loss(
    fund: Fund,
    loss_micro: int,
    now_ns: int,
    *,
    excess_spread_micro: int,
    junior_micro: int,
    surplus_micro: int,
    native_nano: int,
) -> LossPlan:
    """Return who bears a loss. The layers before the fund say what they can bear; 0 as a price: stake counts nothing.

    Never refused: what nobody bears is the holders'. O(1).
    """
    started(WHERE, fund, now_ns)
    require_int(WHERE, "native_nano", native_nano, 0, PRICE_NANO_MAX)
    at_stake = at_stake_micro(fund)
    worth = min(stake_value_micro(at_stake, native_nano, fund.terms.haircut_e12), MONEY_MICRO_MAX)
    layers = (excess_spread_micro, junior_micro, surplus_micro, fund.cash_micro, worth)
    borne, holders = absorb(loss_micro, layers)
    seize = 0
    if borne[4]:
        counts = native_nano * (E12 - fund.terms.haircut_e12)
        seize = min(at_stake, divide(borne[4] * NANO * E12, counts, Rounding.CEIL))
    stake, drafts = seized_uniformly((fund.stake.micro, fund.drafts.micro), seize)
    return LossPlan(
        revision=fund.revision,
        now_ns=now_ns,
        excess_spread_micro=borne[0],
        junior_micro=borne[1],
        surplus_micro=borne[2],
        cash_micro=borne[3],
        stake_micro=borne[4],
        holders_micro=holders,
        seized_stake_micro=stake,
        seized_drafts_micro=drafts,
    )


def loss(fund: Fund, plan: LossPlan, now_ns: int) -> None:
    """Take the fund's part of a loss, and end the alarm: it is settled."""
    carried_out(WHERE, fund, plan, now_ns)
    stream(fund, now_ns)
    fund.cash_micro -= plan.cash_micro
    fund.stake.micro -= plan.seized_stake_micro
    fund.drafts.micro -= plan.seized_drafts_micro
    fund.seized_micro += plan.seized_stake_micro + plan.seized_drafts_micro
    fund.short_micro = min(fund.short_micro + plan.stake_micro, MONEY_MICRO_MAX)
    if now_ns < fund.alarm_ns:
        fund.alarm_ns, fund.calm_ns = 0, now_ns + fund.terms.rest_ns
    if is_thin(fund.stake):
        fund.indices_e18.append(fund.index_e18)
        fund.stake_era += 1
        fund.seized_micro += fund.stake.micro
        fund.stake = Pot()
    if is_thin(fund.drafts):
        fund.draft_era += 1
        fund.seized_micro += fund.drafts.micro
        fund.drafts = Pot()


# --- sale -----------------------------------------------------------------------------------------


def plan_auction(fund: Fund, low_nano: int, high_nano: int, now_ns: int) -> Refusal | AuctionPlan:
    """Return the plan to put all that was seized up for sale; AUCTION_RUNNING, NOTHING_SEIZED. O(1)."""
    started(WHERE, fund, now_ns)
    require_int(WHERE, "low_nano", low_nano, 1, PRICE_NANO_MAX)
    require_int(WHERE, "high_nano", high_nano, low_nano, PRICE_NANO_MAX)
    if fund.auction:
        return Refusal.AUCTION_RUNNING
    if not fund.seized_micro:
        return Refusal.NOTHING_SEIZED
    worst = max(1, share_of(low_nano, E12 - fund.terms.slippage_e12, Rounding.FLOOR))
    return AuctionPlan(
        revision=fund.revision,
        now_ns=now_ns,
        lot_micro=fund.seized_micro,
        best_nano=high_nano,
        worst_nano=worst,
        end_ns=now_ns + fund.terms.auction_ns,
    )


def auction(fund: Fund, plan: AuctionPlan, now_ns: int) -> None:
    """Begin the auction."""
    carried_out(WHERE, fund, plan, now_ns)
    fund.seized_micro -= plan.lot_micro
    fund.auction = Auction(
        left_micro=plan.lot_micro,
        best_nano=plan.best_nano,
        worst_nano=plan.worst_nano,
        start_ns=now_ns,
        end_ns=plan.end_ns,
    )


def plan_buy(fund: Fund, native_micro: int, now_ns: int) -> Refusal | BuyPlan:
    """Return the plan to buy of the lot at the price of the moment, the cost rounded up; NO_AUCTION, LOT_SHORT.

    FUND_LIMIT. O(1).
    """
    started(WHERE, fund, now_ns)
    require_int(WHERE, "native_micro", native_micro, 1, MONEY_MICRO_MAX)
    sale = fund.auction
    if sale is None or now_ns >= sale.end_ns:
        return Refusal.NO_AUCTION
    if native_micro > sale.left_micro:
        return Refusal.LOT_SHORT
    scale = E18 // NANO
    price = dutch_e18(
        sale.best_nano * scale, sale.worst_nano * scale, now_ns - sale.start_ns, sale.end_ns - sale.start_ns
    )
    cost = divide(native_micro * price, E18, Rounding.CEIL)
    cover = min(cost, fund.short_micro)
    if fund.cash_micro + fund.unpaid_micro + fund.owed_micro + cost > MONEY_MICRO_MAX:
        return Refusal.FUND_LIMIT
    return BuyPlan(
        revision=fund.revision,
        now_ns=now_ns,
        native_micro=native_micro,
        price_e18=price,
        cost_micro=cost,
        cover_micro=cover,
        kept_micro=cost - cover,
    )


def buy(fund: Fund, plan: BuyPlan, now_ns: int) -> None:
    """Sell of the lot; the auction ends with its last token."""
    carried_out(WHERE, fund, plan, now_ns)
    assert fund.auction is not None  # the plan's revision says so
    fund.auction.left_micro -= plan.native_micro
    fund.sold_out_micro += plan.native_micro
    fund.short_micro -= plan.cover_micro
    fund.cash_micro += plan.kept_micro
    if not fund.auction.left_micro:
        fund.auction = None


def plan_give_up(fund: Fund, now_ns: int) -> Refusal | GiveUpPlan:
    """Return the plan to leave the rest of a hole to the holders once all is sold; AUCTION_RUNNING, NOTHING_SEIZED."""
    started(WHERE, fund, now_ns)
    if fund.auction or fund.seized_micro:
        return Refusal.AUCTION_RUNNING
    if not fund.short_micro:
        return Refusal.NOTHING_SEIZED
    return GiveUpPlan(revision=fund.revision, now_ns=now_ns, holders_micro=fund.short_micro)


def give_up(fund: Fund, plan: GiveUpPlan, now_ns: int) -> None:
    """Forget the rest of the hole: the holders bear it."""
    carried_out(WHERE, fund, plan, now_ns)
    fund.short_micro = 0


# --- time -----------------------------------------------------------------------------------------


def next_due_ns(fund: Fund) -> int:
    """Return when an alarm or an auction ends; 0: neither runs. O(1)."""
    times = [fund.alarm_ns, fund.auction.end_ns if fund.auction else 0]
    return min((time for time in times if time), default=0)


def plan_due(fund: Fund, now_ns: int) -> FundDuePlan:
    """Return the plan to end what is over. Nothing hangs on the moment: an auction sells nothing past its end. O(1)."""
    started(WHERE, fund, now_ns)
    over = fund.auction if fund.auction and now_ns >= fund.auction.end_ns else None
    return FundDuePlan(
        revision=fund.revision,
        now_ns=now_ns,
        alarm=0 < fund.alarm_ns <= now_ns,
        auction=over is not None,
        unsold_micro=over.left_micro if over else 0,
    )


def due(fund: Fund, plan: FundDuePlan, now_ns: int) -> None:
    """End what is over; what was not sold waits for another auction."""
    carried_out(WHERE, fund, plan, now_ns)
    if plan.alarm:
        fund.alarm_ns = 0
    if plan.auction:
        fund.seized_micro += plan.unsold_micro
        fund.auction = None
