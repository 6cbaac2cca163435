"""What FOK and min_lots foresee is what execution does; a sample of `make feasibility`. The cases: `feasibility`."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from parbook.codes import CommandKind, OrderType, Side, StpMode, TimeInForce
from parbook.interface import MarketProtocol
from parbook.records import TERMS, Records
from tests.properties import feasibility
from tests.properties.feasibility import DisagreementError, Reached
from tests.support.markets import MARKETS


def sample(market: str, seeds: int, count: int) -> Reached:
    reached: Reached = Counter()
    for seed in range(seeds):
        reached += feasibility.run(MARKETS[market], seed, count)
    return reached


def test_the_reference_accepts_a_condition_exactly_when_execution_meets_it():
    reached = sample("reference", 14, 12)
    verdicts = {verdict: reached[verdict, "cases"] for verdict in feasibility.VERDICTS}
    assert min(verdicts.values()) >= 10, verdicts


def test_the_core_does_too_and_the_cases_meet_every_feature_under_every_verdict():
    table, missing = feasibility.coverage(sample("core", 80, feasibility.ROUND_CASES))
    assert not missing, f"{missing}\n{table}"


# --- the harness can say no ---------------------------------------------------------------------


class Misled:
    """A core that is told something else about an order with a condition: as if its test had overlooked a rule."""

    def __init__(self, instrument):
        self.market: MarketProtocol = MARKETS["core"](instrument)

    def __getattr__(self, name):
        return getattr(self.market, name)

    def apply_batch(self, commands: Records) -> Records:
        if len(commands) == 2 and commands["kind"][0] == CommandKind.NEW_SPECIAL:
            commands = commands.copy()
            self.mislead(commands[:1], commands[1:].view(TERMS))
        return self.market.apply_batch(commands)

    def mislead(self, order: Records, terms: Records) -> None:
        raise NotImplementedError


class OverlooksSelfTrade(Misled):
    """FOK counts lots that self-trade prevention withholds."""

    def mislead(self, order, terms):
        if order["tif"][0] == TimeInForce.FOK:
            terms["stp"] = StpMode.OFF


class OverlooksTheLastLot(Misled):
    """FOK is content with one lot less."""

    def mislead(self, order, terms):
        if order["tif"][0] == TimeInForce.FOK and order["qty_lots"][0] > 1:
            order["qty_lots"] -= 1


class OverlooksTheMinimum(Misled):
    """A minimum is never tested."""

    def mislead(self, order, terms):
        terms["min_lots"] = 0


class OverlooksHidden(Misled):
    """FOK believes depth: more than book and curve show within its limit, it gives up."""

    def mislead(self, order, terms):
        if order["tif"][0] == TimeInForce.FOK and order["order_type"][0] == OrderType.LIMIT:
            depth, buys = self.market.depth(1000), order["side"][0] == Side.BUY
            opposite = depth[depth["side"] != order["side"][0]]
            prices, limit_ticks = opposite["price_ticks"], order["price_ticks"][0]
            shown = opposite[prices <= limit_ticks if buys else prices >= limit_ticks]
            if order["qty_lots"][0] > shown["qty_lots"].sum():
                order["price_ticks"] = 1 if buys else 10**6


@pytest.mark.parametrize("market", [OverlooksSelfTrade, OverlooksTheLastLot, OverlooksTheMinimum, OverlooksHidden])
def test_a_test_that_overlooks_a_rule_is_found_and_shrunk(market):
    with pytest.raises(DisagreementError, match=r"shrunk to \d{1,2} commands and the order") as caught:
        feasibility.run(market, 2, 2000)
    assert "    bound " in str(caught.value)


def test_a_history_is_cut_between_commands_only():
    for seed in range(5):
        for case in feasibility.cases(MARKETS["core"], seed, 40):
            last = case.history[-1]
            assert isinstance(last, np.ndarray)
            assert last["kind"][-1] not in (CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL)
            assert last["kind"][0] != CommandKind.TERMS
