"""Published trades of the curves this family generalises, executed through the ladder.

Each must agree within one rung (`support.published.Outcome.one_rung`) and always on the protocol's side.
Published fees are taken off the curve's own cash or base afterwards, so both sides are compared before fees.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest

from parbook.codes import CurveShape, Side
from parbook.curve import CurveParams, compile_ladder, n_ask, n_bid
from parbook.units import CURVE_LOTS_MAX, PPM
from tests.support.curves import curve, ladder_fills, trade, vectors
from tests.support.published import EXACT, Pool, assert_agrees, ceil, floor, redemption, run

WAD = Decimal(10**18)


def wad(text: str) -> Decimal:
    """Return an 18-decimals fixed-point integer as a Decimal."""
    return Decimal(text) / WAD


def before_fees(net: Decimal, rates: Decimal) -> Decimal:
    """Return the amount from which fees of `rates` leave `net`."""
    with localcontext(EXACT):
        return net / (1 - rates)


def test_every_dodo_v1_trade() -> None:
    """Each step starts from the targets published after the step before it, so fees kept in the pool count.

    Not compared: setOracle steps, which re-solve a target from quote reserves, while the ladder's state is
    its cursor alone; trades of a few wei, which are less than a lot; k = 1e-9, finer than k_ppm, of which
    only the protocol's side can hold (k is rounded up to 1 ppm).
    """
    compared = one_sided = 0
    for scenario in vectors("dodo_v1_pmm")["scenarios"]:
        pool = scenario["pool"]
        k, rates = wad(pool["k"]), wad(pool["lpFeeRate"]) + wad(pool["mtFeeRate"])
        state = Pool(wad(pool["oracle"]), k, wad(pool["B"]), wad(pool["B"]), wad(pool["Q"]))
        for step in scenario["steps"]:
            if step["op"] == "setOracle" or int(step["amount"]) < 100:
                break
            if step["op"] == "buyBase":
                side, base, cash = Side.BUY, wad(step["amount"]) * (1 + rates), wad(step["pay"])
            else:
                side, base, cash = Side.SELL, wad(step["amount"]), before_fees(wad(step["received"]), rates)
            if k * PPM == int(k * PPM):
                assert_agrees(side, run(state, side, base, cash))
                compared += 1
            else:
                outcome = run(state, side, base, cash)
                assert outcome.cash >= cash if side == Side.BUY else outcome.cash <= cash
                one_sided += 1
            after = step["after"]
            target = after["target"]
            state = Pool(state.i, k, wad(after["B"]), wad(target["base"]), wad(target["quote"]))
    assert (compared, one_sided) == (24, 5)


def adjusted(
    pool: dict[str, Any], base: Decimal, quote: Decimal, targets: tuple[Decimal, Decimal], r: str
) -> tuple[Decimal, Decimal]:
    """Return the targets a v2 pool trades with: the side it is short of is solved anew, the other kept."""
    i, k = wad(pool["i"]), wad(pool["k"])
    base_target, quote_target = targets
    if r == "BELOW_ONE":  # (Q0 - Q) * (1 - k + k*Q0/Q) = i * (B - B0), solved for Q0
        due = i * (base - base_target)
        if k == 0:
            return base_target, quote + due
        half = (1 - 2 * k) * quote / (2 * k)
        return base_target, (half**2 + quote * ((1 - k) * quote + due) / k).sqrt() - half
    if r == "ABOVE_ONE":  # i * (B0 - B) * (1 - k + k*B0/B) = Q - Q0, solved for B0
        due = (quote - quote_target) / i
        if k == 0:
            return base + due, quote_target
        half = (1 - 2 * k) * base / (2 * k)
        return (half**2 + base * ((1 - k) * base + due) / k).sqrt() - half, quote_target
    return base_target, quote_target


def test_every_dodo_v2_trade() -> None:
    """Targets are re-solved before each trade and kept when R changes, as v2 pools do; checked at the end.

    AMM-like pools (i = 1 wei, k = 1) put the anchor 10**20 times below the price, out of a ladder's range;
    constant product looks the same from every point of it, so they are anchored at their own price.
    """
    compared = 0
    for scenario in vectors("dodo_v2_pmm")["scenarios"]:
        pool = scenario["pool"]
        i, k, rates = wad(pool["i"]), wad(pool["k"]), wad(pool["lpFeeRate"]) + wad(pool["mtFeeRate"])
        base, quote, r = wad(pool["B"]), wad(pool["Q"]), pool["R"]
        kept = wad(pool["B0"]), wad(pool["Q0"])
        for step in scenario["steps"]:
            with localcontext(EXACT):
                kept_now = adjusted(pool, base, quote, kept, r)
                if i < Decimal("1e-9"):
                    state = Pool(quote / base, k, base, base, quote)
                elif k == 0 and kept_now[1] == 0:
                    # A constant price has no far end of the curve: the whole quote is budget at the anchor.
                    state = Pool(i, k, base, base, quote)
                else:
                    state = Pool(i, k, base, *kept_now)
            received = before_fees(wad(step["received"]), rates)
            if step["op"] == "sellQuote":
                assert_agrees(Side.BUY, run(state, Side.BUY, received, wad(step["amountIn"])))
            else:
                assert_agrees(Side.SELL, run(state, Side.SELL, wad(step["amountIn"]), received))
            compared += 1
            after = step["after"]
            base, quote = wad(after["poolB"]), wad(after["poolQ"])
            if after["R"] != r:
                kept, r = kept_now, after["R"]
        if scenario["final_targets"] and i > Decimal("1e-9"):
            with localcontext(EXACT):
                solved = adjusted(pool, base, quote, kept, r)
            for mine, published in zip(solved, ("B0", "Q0"), strict=True):
                assert abs(mine - wad(scenario["final_targets"][published])) < Decimal("1e-14"), scenario["name"]
    assert compared == 24


@pytest.mark.parametrize("row", range(7))
def test_uniswap_v2_get_input_price(row: int) -> None:
    """k = 1 anchored at the reserves' ratio. The fee is charged on the input: 997 of 1000 parts trade.

    The file's other rows pay back the same token (a fee without a price) or count pool shares.
    """
    case = vectors("uniswap_v2")["getInputPrice"][row]
    base, quote = wad(case["reserve0"]), wad(case["reserve1"])
    with localcontext(EXACT):
        state = Pool(quote / base, Decimal(1), base, base, quote)
        outcome = run(state, Side.SELL, wad(case["amountIn"]) * 997 / 1000, wad(case["maxOut"]))
    # maxOut is rounded down to a wei; the exact output may be that much higher.
    assert_agrees(Side.SELL, outcome)


@pytest.mark.parametrize("row", range(9))
def test_inverse_amounts(row: int) -> None:
    """The published base amount that moves the marginal price to a limit is the function's value there."""
    case = vectors("dodo_derived_inverse_and_leaks")["inverse"][row]
    with localcontext(EXACT):
        i, k, base_target, quote_target = (Decimal(case[name]) for name in ("i", "k", "B0", "Q0"))
        anchor, rung = 10**9, 10**4
        lot = max(base_target, quote_target / i) / 2**31
        buys = case["side"] == "pool buys base"
        limit = Decimal(case["limitMarginal"]) / i * anchor
        assert limit % rung == 0, "the limit stands on the grid"
        params = curve(
            CurveShape.PMM,
            ceil(base_target / lot),
            floor(quote_target / i / lot),
            k_ppm=int(k * PPM),
            rung_ticks=rung,
        )
        if buys:
            exact = wad(case["inverse_base_in"])
            here, one_rung_on = n_bid(params, anchor, int(limit)), n_bid(params, anchor, int(limit) - rung)
        else:
            exact = base_target - Decimal(case["exact_B_after"])
            here, one_rung_on = -n_ask(params, anchor, int(limit)), -n_ask(params, anchor, int(limit) + rung)
        # The wei that `inverse_base_in` itself is rounded by is far below a lot.
        assert here * lot <= exact < one_rung_on * lot, (here * lot, exact, one_rung_on * lot)

        # Trading up to the limit: the cash is that between the published reserves.
        cash = quote_target - Decimal(case["exact_Q_after"]) if buys else wad(case["inverse_quote_in"])
        side = Side.SELL if buys else Side.BUY
        assert_agrees(side, run(Pool(i, k, base_target, base_target, quote_target), side, exact, cash))


@pytest.mark.parametrize("row", range(3))
def test_round_trips_that_leaked_elsewhere_do_not_profit_here(row: int) -> None:
    """Zero-fee round trips from equilibrium: sell base, spend all the quote on base again.

    On published arithmetic these three ended with more base than they began with.
    """
    case = vectors("dodo_derived_inverse_and_leaks")["zero_fee_round_trip_gains"][row]
    assert int(case["gotBase"]) > int(case["sellBase"])
    base, quote, sold = (int(case[name]) for name in ("B", "Q", "sellBase"))
    with localcontext(EXACT):
        price = Decimal(int(case["i"])) / WAD
        lot = Decimal(max(1, -(-base // 2**31)))
        depths = floor(base / lot), floor(quote / price / lot)
        k_ppm = ceil(Decimal(int(case["k"])) / WAD * PPM)
        lots = floor(sold / lot)
    for anchor, rung in ((100, 1), (1_000, 1), (2**21, 2**11), (2**40, 2**31)):
        params = curve(CurveShape.PMM, *depths, k_ppm=k_ppm, rung_ticks=rung)
        for parts in (1, 7, 65):
            net = cash = 0
            for part in range(parts):
                wanted = lots * (part + 1) // parts - lots * part // parts
                reached, paid, _ = trade(params, anchor, Side.SELL, net, wanted)
                net, cash = reached, cash + paid
            handed_in = net
            assert handed_in > 0
            bought_back = spend(params, anchor, net, cash)
            assert bought_back <= handed_in


def spend(params: CurveParams, anchor: int, net: int, cash: int) -> int:
    """Return how many lots `cash` buys from the ladder, as far as it goes, starting at cursor `net`."""
    start = net
    while True:
        fills = list(ladder_fills(compile_ladder(params, anchor, anchor, net), Side.BUY, net, CURVE_LOTS_MAX))
        for price, lots in fills:
            bought = min(lots, cash // price)
            cash -= bought * price
            net -= bought
            if bought < lots:
                return start - net
        if not fills:
            return start - net


def test_gyroscope_redemptions() -> None:
    """The P-AMM's three segments in one REDEMPTION curve, anchored at 1 with a rung of 50 ppm."""
    units, anchor, rung = 10**9, 10**9, 50_000
    for case in vectors("gyroscope_pamm")["cases"]:
        alpha, xu, xl = (wad(case["derived_18dec"][name]) for name in ("alpha", "xu", "xl"))
        params = redemption(alpha, xu, xl, units, anchor, rung)
        start, lots = ceil(Decimal(case["x"]) * units), floor(Decimal(case["redeem"]) * units)
        reached, ticks, last = trade(params, anchor, Side.SELL, start, lots)
        assert reached - start == lots, case
        published = wad(case["redeemAmount_integer_port"])
        short = published - Decimal(ticks) / units / anchor
        assert 0 <= short <= Decimal(lots * rung + 4 * anchor) / units / anchor, (case["region"], short)
        # The last rung is that of the published marginal price, printed to 12 decimals.
        assert -1 <= Decimal(case["marginal_after"]) * anchor - last <= 2 * rung, case["region"]


def test_gyroscope_edges() -> None:
    """Fully backed: par throughout. At or below the floor ratio: everything pro rata, which is one price."""
    units, anchor, rung = 10**9, 10**9, 1_000
    for case in vectors("gyroscope_pamm")["edges"]:
        ratio = min(Decimal(1), wad(case["b"]) / wad(case["y"]))
        params = curve(
            CurveShape.REDEMPTION,
            1,
            1,
            par_lots=units if ratio == 1 else 0,
            drop_ppm=max(1, ceil((1 - ratio) * PPM)),
            rung_ticks=rung,
            max_net_lots=units,
        )
        lots = floor(wad(case["redeem"]) * units)
        reached, ticks, _ = trade(params, anchor, Side.SELL, 0, lots)
        assert reached == lots
        short = wad(case["out"]) - Decimal(ticks) / units / anchor
        assert 0 <= short <= Decimal(lots * rung + anchor) / units / anchor, case["case"]
