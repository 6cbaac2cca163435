"""CppTrader's scenarios and exchange-core's features through both markets; see docs/conformance.md."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance import page
from tests.conformance.cpptrader import Run, commands_of
from tests.conformance.differences import CPPTRADER, DIFFERENCES, LEFT_OUT_STEPS, RUN_STEPS, WITHOUT_REFERENCE
from tests.conformance.exchange_core import Play, Step, scenarios_of
from tests.conformance.outcome import Outcome
from tests.support.markets import MARKETS
from tests.support.shared import shared_path

FILES = ("engine", "cpptrader_scenarios", "matching")
FEATURES = ("engine", "exchange-core_features")


@pytest.fixture(params=list(MARKETS.values()), ids=list(MARKETS))
def market_class(request):
    """The class of the market under test."""
    return request.param


def differing(ours: Outcome, theirs: Outcome) -> set[tuple[str, str]]:
    """Return (part, what it is here) of each part that differs."""
    return {(part, getattr(ours, part)) for part in Outcome._fields if getattr(ours, part) != getattr(theirs, part)}


@pytest.mark.parametrize("name", CPPTRADER)
def test_cpptraders_scenario(market_class, name):
    text = shared_path("data", *FILES, f"{name}.txt").read_text("utf-8")
    found = differing(Run(market_class).play(text), CPPTRADER[name][1])
    assert found == {(d.part, d.parbook) for d in DIFFERENCES if d.scenario == name}


def test_every_file_is_there():
    assert {path.stem for path in shared_path("data", *FILES).glob("*.txt")} == set(CPPTRADER)


def test_a_market_order_without_a_reference(market_class):
    text = shared_path("data", *FILES, f"{WITHOUT_REFERENCE.scenario}.txt").read_text("utf-8")
    assert Run(market_class, anchor_ticks=0).play(text).refused == WITHOUT_REFERENCE.parbook


def test_a_trailing_stop_entered_after_the_trade_waits_where_theirs_does(market_class):
    commands = list(commands_of(shared_path("data", *FILES, "scenario-13.txt").read_text("utf-8")))
    late = sorted(commands, key=lambda words: words[1] == "trailing")
    outcome = Run(market_class).play("\n".join(" ".join(words) for words in late))
    assert outcome == CPPTRADER["scenario-13"][1]


def test_exchange_cores_features(market_class):
    ran, left_out, scenarios = Counter(), Counter(), 0
    for path in sorted(shared_path("data", *FEATURES).rglob("*.feature")):
        for scenario in scenarios_of(path.read_text("utf-8")):
            play = Play(market_class)
            play.run(scenario)
            ran, left_out, scenarios = ran + play.ran, left_out + play.left_out, scenarios + 1
    assert (scenarios, ran.total(), dict(left_out)) == (5, RUN_STEPS, LEFT_OUT_STEPS)


OUTLINE = """Feature: none
  Background:
    Given New client Ann has a balance:
      | USD | 1 |
  Scenario Outline: one
    When A client Ann places an ASK order 1 at 16@7 (type: GTC, symbol: <symbol>)
    And An <symbol> order book is:
      | bid | price | ask |
      |     | 16    | {lots}   |
    Examples:
      | symbol |
      | AB_C   |
      | D_E    |
"""


def test_a_feature_that_expects_something_else_is_found_out(market_class):
    right, wrong = (list(scenarios_of(OUTLINE.format(lots=lots))) for lots in (7, 8))
    assert [scenario.name for scenario in right] == ["one AB_C", "one D_E"]
    for scenario in right:
        Play(market_class).run(scenario)
    with pytest.raises(AssertionError):
        Play(market_class).run(wrong[0])
    with pytest.raises(AssertionError, match="no step is written like this"):
        Play(market_class).run(right[0]._replace(steps=[Step("Ann sings", [])]))


def test_a_scenario_of_our_own_is_read_to_the_end(market_class):
    outcome = Run(market_class).play(
        "# a comment\nenable matching\nadd limit sell 1 0 30 5\nadd limit sell 2 0 31 5\n\nreplace order 2 3 29 4\n"
        "add slippage market buy 4 0 100 1\nadd limit buy 5 0 20 3\nadd stop buy 6 0 40 2\nreduce order 5 1\n"
        "modify order 5 21 9"
    )
    assert outcome == Outcome(trades="3 x4 @29; 1 x5 @30", bids="21: 5x9", waits="6 buy x2 stop 40")


def test_the_page_is_up_to_date():
    assert page.PAGE.read_text("utf-8") == page.page()
    assert "| scenario-06: a limit order takes two levels | the same |" in page.page()
