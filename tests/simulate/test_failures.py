"""Failures of others, played here: what their pages say is asserted, number by number."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import parbook as pb
from parbook.pools.amounts import E12
from parbook.redemption.desk import DeskTerms
from parbook.refusals import Refusal
from parbook.report.simulate_figures import case_figure
from parbook.report.theme import SCRIPT
from parbook.simulate import failures, token_runs
from parbook.simulate.cases import Case
from parbook.simulate.scenarios import CASES
from parbook.simulate.token_venue import TokenVenue
from parbook.simulate.venue import Venue


@pytest.fixture(scope="module")
def played() -> dict[str, Case]:
    """Every failure, played once, invariants tested after every command."""
    return {name: play() for name, play in CASES.items()}


def test_all_of_them_play_as_described(played):
    assert sorted(played) == ["goldfinch", "iron", "maple", "nav-step", "stream", "terra", "usdr"]
    assert all(case.held for case in played.values())
    assert all(case.name == name and case.there and case.source and case.rows for name, case in played.items())


def test_maple_one_name_of_thirty_percent_is_refused_and_if_forced_costs_at_once(played):
    got = played["maple"].numbers
    assert got["refused"] == 1
    assert got["forced"] == 1, "a planned size lets it in"
    assert got["before"] == pytest.approx(1, abs=1e-4)
    # 255 of 850 are gone, 100 of it the junior's: (1000 - 255) / 900, in the very command, before any report.
    assert got["after"] == pytest.approx(got["fair"], abs=1e-8)
    assert got["desk_price"] < got["after"]
    assert got["stayer_after_exit"] >= got["after"]


def test_goldfinch_arrears_count_whatever_the_sources_say(played):
    got = played["goldfinch"].numbers
    assert [got[f"kept_{days}"] for days in (30, 60, 90, 120)] == [0.75, 0.5, 0.25, 0]
    assert (got["line_120"], got["there_120"]) == (0.25, 1)
    # 170 of 1000 lost, 50 of it the junior's: (1000 - 170) / 950.
    assert got["price_end"] == pytest.approx(830 / 950, abs=1e-8)
    assert got["shut_days"] == 26 / 24
    assert got["price_silent"] == 0


def test_a_step_within_band_and_fee_brings_nothing_and_a_wider_one_the_difference(played):
    got = played["nav-step"].numbers
    # The band is 1.6 % of the junior's price, the desk's base fee and its penalty at least 35 bp, its heat the rest.
    assert got["width"] == pytest.approx(0.0211, abs=2e-4)
    assert got["gain_within"] < 0
    assert got["up_step"] == pytest.approx(0.0640, abs=1e-4)
    assert got["up_gain"] == pytest.approx(0.0426, abs=1e-4)
    assert got["up_gain"] == pytest.approx((1 + got["up_step"]) / (1 + got["width"]) - 1, abs=1e-3)
    # A cure of arrears is a step of 8.6 %: what falls short, and said so.
    assert got["cure_step"] == pytest.approx(0.0864, abs=1e-4)
    assert got["cure_gain"] == pytest.approx(0.0635, abs=1e-4)


def test_what_a_step_brings_is_what_the_desk_paid_and_the_buyer_has(monkeypatch):
    """Nothing of it is computed from prices: a desk that pays less is a step that brings less."""
    _, gain = failures._step_up(True, 40)
    dear = lambda **fields: DeskTerms(**({"base_e12": 100 * E12 // 10_000} | fields))  # noqa: E731
    monkeypatch.setattr(failures, "DeskTerms", dear)
    _, less = failures._step_up(True, 40)
    assert (1 + less) / (1 + gain) == pytest.approx((1 - 0.0100 - 0.0009) / (1 - 0.0025 - 0.0009), abs=3e-4)


def test_who_asks_before_a_known_step_down_gets_the_price_after_it(played):
    got = played["nav-step"].numbers
    assert got["down_step"] == pytest.approx(-0.28, abs=1e-9)
    assert got["down_out"] == 1
    assert got["down_gain"] == 0, "72,000 for 100,000 units, on the leaver's own account"
    assert got["stayer_after"] == got["stayer_alone"] == pytest.approx(0.72)


def test_what_a_leaver_gained_by_a_step_down_is_what_he_was_paid(monkeypatch):
    """Where his claim is never paid out he has gained nothing, whatever price the epoch was struck at."""
    monkeypatch.setattr(Venue, "claim", lambda *_: None)
    assert failures._step_down(True)["down_gain"] == -1


def test_usdr_own_token_is_no_backing_and_first_and_last_get_the_same(played):
    got = played["usdr"].numbers
    assert got["own_refused"] == 1
    assert got["supply_share"] == pytest.approx(37_367_000 / 45_000_000)
    assert got["hours"] == 33, "5 % an hour, and a million while that is more"
    assert got["first"] == pytest.approx(0.999, abs=1e-9), "par, less 10 bp that stay"
    assert got["last"] == pytest.approx(got["first"], abs=1e-9)
    assert got["first_cash"] == pytest.approx(11.8 / 38.367, abs=1e-9)
    assert got["last_cash"] == pytest.approx(got["first_cash"], abs=1e-9)
    # 38.367 less what 18 of 20 took, of the two parts that are left.
    left = 37.367 / 20
    assert got["ratio_end"] == pytest.approx((38.367 - 18 * left * 0.999) / (2 * left), abs=1e-6)


def test_usdr_a_cash_leg_would_have_been_as_empty(played):
    got = played["usdr"].numbers
    assert got["cash_short"] == 1
    # 11.8 of 37.367 at 0.999, in hundredths of the supply.
    assert got["cash_share"] == pytest.approx(0.31, abs=1e-9)


def test_iron_nothing_is_minted_to_redeem_and_alike_is_alike(played):
    got = played["iron"].numbers
    assert (got["minted"], got["mint_refused"]) == (0, 1)
    assert got["gain_most"] == pytest.approx(0.0516, abs=1e-4), "along the curve the first get more: it is said"
    assert got["left_alike"] == 16, "two of 18 are out before the ratio is below 1"
    assert 0 <= got["gain_alike"] <= 1e-9, "nobody gets more, nobody less"
    assert got["ratio_end"] == pytest.approx(0.8092, abs=1e-4)
    assert got["titan_end"] < 1e-8


def test_iron_who_gets_less_than_the_others_is_seen_as_well():
    """A figure of who is treated alike is of the largest difference, to either side."""
    fallen = [token_runs.Fallen(False, wide=True) for _ in range(3)]
    for one in fallen:
        one.beyond = [(5.0, 0.5), (10.0, 0.5), (15.0, 0.0), (20.0, -0.25)]
        one.cut = [0.0, -0.25]
    assert token_runs._iron_numbers(*fallen)["gain_alike"] == 0.25


def test_iron_at_the_default_terms_who_leaves_gets_less_than_his_share(played):
    got = played["iron"].numbers
    assert got["gain_plain"] == pytest.approx(-0.0125, abs=1e-4)
    assert got["gain_plain_least"] == pytest.approx(-0.0749, abs=1e-4)
    assert got["throttled_plain"] > 100
    assert got["hours_plain"] == pytest.approx(29.67, abs=0.01)
    assert got["price_true"] == pytest.approx(0.97**18, abs=1e-6)
    # 2 % in the first day, and by then 1 % more.
    assert got["price_plain"] == pytest.approx(0.9702, abs=1e-9)


def test_terra_the_native_token_backs_nothing_and_its_fall_moves_nothing(played):
    got = played["terra"].numbers
    assert (got["native_refused"], got["hidden_refused"]) == (1, 1)
    assert got["supply_share"] == pytest.approx(3.08 / 1.02 / 18.7, rel=1e-6)
    assert got["hours"] == 123
    assert got["ratio"] == pytest.approx(1.02, abs=1e-9)
    assert got["ratio_least"] == got["ratio"]
    assert got["paid_least"] == pytest.approx(0.999, abs=1e-9)
    assert got["feed_end"] == pytest.approx(72.3137, abs=1e-4), "its own feed is held up by caps"
    assert got["there_end"] < 0.17


def test_stream_a_circle_is_no_backing_and_a_hidden_one_costs_all_alike(played):
    got = played["stream"].numbers
    assert got["circle_refused"] == 1
    assert got["before"] == pytest.approx(154 / 150, abs=1e-9)
    assert got["owed_share"] == pytest.approx(99 / 154, abs=1e-12)
    assert "64.3 %" in played["stream"].here
    assert got["mint_refused"] == 1, "not against what sources say is worth nothing, whatever the caps leave of it"
    assert got["first"] == pytest.approx(55 / 150, abs=1e-9)
    assert got["last"] == pytest.approx(got["first"], abs=1e-9)
    assert got["cash_end"] == pytest.approx(55 / 150, abs=1e-9)
    assert got["hours"] == 27


def test_stream_the_caps_put_the_haircut_off_and_who_does_not_wait_gets_less(played):
    got = played["stream"].numbers
    assert got["early_refused"] == 1
    assert (got["days"], got["days_fast"]) == (2, 0)
    # In kind by a ratio that counts the lost leg at 0.99, less the fee.
    assert got["once_first"] == pytest.approx(0.999 * 55 / (55 + 99 * 0.99), abs=1e-6)
    assert got["once_first"] < got["once_last"] < got["first"]


def test_what_a_token_is_played_by_is_journaled(tmp_path):
    exchange: Any = pb.open(tmp_path)
    venue = TokenVenue(exchange=exchange.core)
    home = venue.priced("HOUSES")
    venue.build({venue.usd: 3 * 10**12, home: 7 * 10**12}, {venue.usd: 3 * 10**11, home: 7 * 10**11}, 10**12)
    (holder,) = venue.hand_out(1)
    assert venue.leave(holder)
    assert venue.add(venue.token) is Refusal.CIRCULAR_BACKING
    before = exchange.state_hash()
    exchange.close()
    again = pb.open(tmp_path)
    assert again.state_hash() == before
    again.check()
    again.close()


def test_a_failure_is_data_and_a_figure(played):
    for case in played.values():
        assert msgspec.json.decode(case.to_json(), type=Case) == case
        figure = case_figure(case)
        assert [trace["name"] for trace in figure.data] == [one.name for one in case.lines]
        assert len({trace["line"]["dash"] for trace in figure.data}) == len(figure.data), "not by colour alone"
        for trace in figure.data:
            assert f" {trace['meta']['role']}: " in SCRIPT, "a role without a colour"
            assert len(trace["x"]) == len(trace["y"]) > 1
