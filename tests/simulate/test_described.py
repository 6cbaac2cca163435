"""A description's own figures in a simulated world, and the command that plays them."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from parbook.cli import described
from parbook.cli.described import world_of
from parbook.cli.main import main
from parbook.errors import ListingError
from parbook.pools.amounts import E12, MICRO
from parbook.protocol import events as e
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.refusals import Refusal
from parbook.setup import load_setup
from parbook.simulate.agents import holders_of, way_of, ways_of
from parbook.simulate.bound import Tier
from parbook.simulate.rhythm import DAY_NS
from parbook.simulate.run import Run
from parbook.simulate.scenarios import RUNS
from parbook.simulate.venue import BIDDER
from parbook.simulate.world import World
from tests.setup.house import EXAMPLE, example, loan, small

LISTING = EXAMPLE / "listing.toml"
MARKET = '[tranche.market]\nsymbol = "S"\ntick = "0.00005"\nlot = "0.01"\n'
TREASURY = '[tranche.treasury]\nguardian = 4\ngovernor = 5\nfounder = 6\nreserve = "500"\n'
CURVE = '[tranche.curve]\nshape = "linear"\ndepth = "600.55"\npar = "20.99"\ndrop = "0.08"\nrung = "0.00035"\n'
DESK, QUEUE = "[tranche.desk]\n", '[tranche.queue]\nepoch = "12h"\n'


def described_world(folder: Path, senior: str = "", rest: str = "", base: World | None = None) -> World:
    """Return the world of a pool of 12,000 with 8 loans of 1000, and what else is given."""
    small(folder, [loan(f"L{n}") for n in range(8)], senior=senior, rest=rest)
    return world_of(folder / "listing.toml", World() if base is None else base)


def test_the_figures_are_those_of_the_files():
    world = world_of(LISTING, World())
    setup = load_setup(LISTING)
    assert (world.size_micro, world.junior_e12) == (1_000_000 * MICRO, 24 * E12 // 100)
    assert (world.senior_rate_e12, world.minimum_subordination_e12) == (6 * E12 // 100, E12 // 5)
    assert world.fee_e12 == E12 // 100
    first = setup.tranches[0]
    assert first.treasury is not None
    assert (world.reserve_micro, world.treasury_terms) == (110_000 * MICRO, first.treasury.terms)
    assert world.treasury_terms.reserve_floor_micro == 10_000 * MICRO
    assert (world.desk_terms, world.queue_terms) == (first.desk, first.queue)
    assert (world.feed_terms, world.sources) == (setup.feed.terms, 3)
    assert world.feed_terms.recovery_rounds == 2
    groups = {row["group"]: row for row in csv.DictReader((EXAMPLE / "groups.csv").read_text().splitlines())}
    rows = list(csv.DictReader((EXAMPLE / "loans.csv").read_text().splitlines()))
    weights = [Fraction(row["balance"]) * (1 - Fraction(row["dilution"] or 0)) for row in rows]
    pds = [Fraction(row.get("pd") or groups[row["group"]]["pd"]) for row in rows]
    lent = sum(weights, Fraction(0))
    mean = sum((weight * pd for weight, pd in zip(weights, pds, strict=True)), Fraction(0)) / lent
    assert world.loans == len(rows)
    assert abs(Fraction(world.pd_e12, E12) - mean) < Fraction(1, 10**6)
    assert abs(Fraction(world.lent_e12, E12) - lent / 1_000_000) < Fraction(1, 10**6)


def test_the_curve_and_the_bids_are_the_description_s_in_whole_units_and_ticks_of_the_run(tmp_path: Path):
    world = world_of(LISTING, World())
    curve = world.curve_params
    assert curve is not None
    assert (curve.par_lots, curve.quote_depth_lots, curve.base_depth_lots) == (2_000, 60_000, 60_000)
    assert (curve.drop_ppm, curve.spread_ppm, curve.rung_ticks) == (80_000, 500, 5)
    assert (world.bids, world.makers) == (((9_300, 20_000),), 0), "the offer is left out: nobody buys"
    orders = "".join(
        f'[[order]]\ntranche = "S"\naccount = 31\nside = "buy"\nprice = "{price}"\nquantity = "{quantity}"\n'
        for price, quantity in (("0.93335", "2.99"), ("0.9", "0.5"))
    )
    fine = described_world(tmp_path, MARKET + TREASURY + CURVE, orders)
    assert fine.bids == ((9_333, 2),), "ticks and units rounded down, and less than a unit is none"
    assert (fine.curve_params.par_lots, fine.curve_params.quote_depth_lots, fine.curve_params.rung_ticks) == (
        20,
        600,
        4,
    )


def test_bids_rest_in_the_book_and_take_what_is_sold(tmp_path: Path):
    orders = '[[order]]\ntranche = "S"\naccount = 31\nside = "buy"\nprice = "0.99"\nquantity = "300"\n'
    run = Run(described_world(tmp_path, MARKET + QUEUE, orders), 3, checked=True)
    assert run.venue.best_bid_ticks() == 9_900
    result = run.play(until_out=True)
    market = result.outcome.tiers[Tier.MARKET]
    assert run.venue.has(BIDDER, run.venue.senior.asset) == market.units_micro == 300 * MICRO
    assert market.paid_micro == 297 * MICRO
    assert result.outcome.reserve_loss_micro == 0, "there is no reserve"


@pytest.mark.parametrize(
    ("senior", "ways"),
    [
        (MARKET + TREASURY + CURVE + DESK + QUEUE, (Tier.MARKET, Tier.DESK, Tier.QUEUE)),
        (MARKET + DESK + QUEUE, (Tier.MARKET, Tier.DESK, Tier.QUEUE)),
        (MARKET + TREASURY + CURVE + QUEUE, (Tier.MARKET, Tier.QUEUE)),
        (DESK + QUEUE, (Tier.DESK, Tier.QUEUE)),
        (DESK, (Tier.DESK,)),
        (QUEUE, (Tier.QUEUE,)),
        (MARKET + TREASURY + CURVE, (Tier.MARKET,)),
        ("", ()),
    ],
    ids=lambda value: value if isinstance(value, str) and not value else None,
)
def test_what_a_description_leaves_out_is_not_there(tmp_path: Path, senior: str, ways: tuple[Tier, ...]):
    """No reserve, desk, queue, market or maker is invented; who would have left that way leaves by the next."""
    world = described_world(tmp_path, senior)
    assert ways_of(world) == ways
    assert world.makers == 0
    assert world.reserve_micro == (500 * MICRO if TREASURY in senior else 0)
    run = Run(world, 3, checked=True)
    place = run.venue.senior
    assert (place.treasury is not None) == (TREASURY in senior)
    assert ((place.desk is not None), (place.queue is not None)) == (DESK in senior, QUEUE in senior)
    assert (place.instrument >= 0) == (MARKET in senior)
    wants = {one.tier for one in run.people if one.leaving_micro}
    assert wants <= set(ways) or not ways
    outcome = run.play(until_out=True).outcome
    assert outcome.leaving_micro > 0
    used = {Tier[one.tier.upper()] for one in outcome.tiers if one.units_micro}
    assert used <= set(ways)
    assert outcome.within_bounds
    if Tier.QUEUE in ways:
        assert outcome.out_day > 0, "the queue lets all of them out in the end"
    if not ways:
        assert (outcome.out_micro, outcome.out_day) == (0, -1)
    if TREASURY not in senior:
        assert outcome.tiers[Tier.MARKET].units_micro == 0, "nobody bids"


def test_the_next_way_is_the_next_that_is_there():
    both = (Tier.MARKET, Tier.QUEUE)
    assert [way_of(tier, both) for tier in Tier] == [Tier.MARKET, Tier.QUEUE, Tier.QUEUE]
    assert [way_of(tier, (Tier.MARKET, Tier.DESK)) for tier in Tier] == [Tier.MARKET, Tier.DESK, Tier.MARKET]
    assert [way_of(tier, (Tier.DESK,)) for tier in Tier] == [Tier.DESK] * 3
    assert [way_of(tier, ()) for tier in Tier] == list(Tier)


def test_who_leaves_does_not_hang_on_which_ways_there_are():
    full, bare = World(), World(desk_terms=None)
    same = [(a, b) for a, b in zip(holders_of(full, 7), holders_of(bare, 7), strict=True) if a.leaving_micro]
    assert same
    assert all((a.account, a.leaving_micro, a.mind_day) == (b.account, b.leaving_micro, b.mind_day) for a, b in same)
    assert {(a.tier, b.tier) for a, b in same} >= {(Tier.DESK, Tier.QUEUE), (Tier.QUEUE, Tier.QUEUE)}


def test_the_run_is_that_of_the_report_and_the_queue_has_its_epochs(tmp_path: Path):
    report = '[report]\nshare = "0.25"\npd_multiple = "1.5"\nlgd_add = "0.05"\nlate = "2d"\n'
    world = described_world(tmp_path, QUEUE + '[tranche.desk]\nbeta = "0.02"\nthrottle_window = "2d"\n', report)
    assert (world.leaving_e12, world.pd_times_e12) == (E12 // 4, 3 * E12 // 2)
    assert (world.lgd_plus_e12, world.oracle_late_days) == (E12 // 20, 2)
    assert world.queue_terms == QueueTerms(epoch_ns=DAY_NS // 2)
    assert world.desk_terms == DeskTerms(beta_e12=E12 // 50, throttle_ns=2 * DAY_NS)
    run = Run(world, 3, checked=True)
    assert run.credit.terms(7).pd == pytest.approx(0.02 * 1.5)
    asked = sum(one.leaving_micro for one in run.people) / sum(one.units_micro for one in run.people)
    assert asked == pytest.approx(0.25, abs=2e-4)


def test_a_world_in_which_nothing_happens_keeps_its_own_run(tmp_path: Path):
    calm = RUNS["calm"]
    world = described_world(tmp_path, QUEUE, '[report]\nshare = "0.25"\npd_multiple = "2"\n', calm)
    assert world.calm
    assert (world.leaving_e12, world.pd_times_e12) == (calm.leaving_e12, E12)


def test_what_a_description_does_not_say_stays():
    base = RUNS["run40-lagging"]
    world = world_of(LISTING, base)
    assert (world.lateness, world.leaving_e12, world.holders) == (base.lateness, base.leaving_e12, base.holders)


def test_the_senior_is_the_first_tranche_and_has_none_of_another_s_ways(tmp_path: Path):
    middle = '[[tranche]]\nname = "M"\nholders = [{ account = 23, amount = "2000" }]\n'
    world = described_world(tmp_path, QUEUE + middle + DESK, MARKET.replace('"S"', '"J"') + TREASURY + CURVE)
    assert (world.size_micro, world.junior_e12) == (14_000 * MICRO, round(6 * E12 / 14))
    assert (world.desk_terms, world.treasury_terms, world.reserve_micro, world.market) == (None, None, 0, False)
    assert world.queue_terms is not None


def test_sources_report_more_often_where_the_feed_would_go_stale(tmp_path: Path):
    path = example(tmp_path, ("recovery_rounds = 2", 'recovery_rounds = 2\nstale = "8h"\nfresh = "5h"\ndelay = "90m"'))
    world = world_of(path, World())
    assert world.report_hours == 6, "6 h and the delay are less than 8 h, 7 h are not"
    assert world.sources == 3
    assert Run(world, 3, checked=False).venue.entry.trusted


def test_sources_report_so_that_the_least_interval_leaves_no_gap(tmp_path: Path):
    path = example(tmp_path, ("recovery_rounds = 2", 'recovery_rounds = 2\nmin_interval = "13h"\nstale = "20h"'))
    world = world_of(path, RUNS["calm"])
    assert world.report_hours < 12, "every 12 h one report in two would come too soon, and the next a day later"
    result = Run(msgspec.structs.replace(world, horizon_days=20), 3, checked=False).play()
    assert all(point.feed == "OK" for point in result.points[1:])


@pytest.mark.parametrize("seed", range(3, 7))
def test_a_pool_that_is_lent_to_the_last_unit_is_paid_to_the_last(tmp_path: Path, seed):
    path = example(
        tmp_path,
        ('amount = "280000"', 'amount = "208053"'),
        ('amount = "100000"', 'amount = "80000"'),
        ('minimum_subordination = "0.20"', 'minimum_subordination = "0.05"'),
    )
    world = world_of(path, World())
    assert world.lent_e12 > 999 * 10**9
    assert sum(one.units_micro for one in holders_of(world, seed)) // MICRO == world.size_micro * (
        E12 - world.junior_e12
    ) // (E12 * MICRO)
    assert Run(world, seed, checked=False).venue.entry.trusted


@pytest.mark.parametrize(
    ("change", "where", "why", "remedy"),
    [
        (('late = "3d"', 'late = "36h"'), "[report] late", "no whole number of days", '"2d"'),
        (('{ account = 21, amount = "420000" }', '{ account = 21, amount = "20000" }'), "[tape] assets",
         "its balances add up to 908052200000 micro, and holders invest 600000000000", "[tranche] holders add up"),
        (("recovery_rounds = 2", 'recovery_rounds = 2\nstale = "2h"\nfresh = "30m"\ndelay = "90m"'),
         "[feed] stale", "between hourly reports", "raise stale"),
        (('"420000"', '"92233720368.547758"'), "[tranche] holders", "size_micro=", "Check the number"),
        (('reserve = "110000"', 'reserve = "92233720369"'), "[tranche 1.treasury] reserve", "reserve_micro=",
         "Check the number"),
        (('rate = "0.06"', 'rate = "1.5"'), "[tranche 1] rate", "senior_rate_e12=1500000000000", "Check the number"),
        (('late = "3d"', 'late = "1001d"'), "[report] late", "oracle_late_days=1001", "Check the number"),
        (('minimum_subordination = "0.20"', 'minimum_subordination = "0.30"'), "[tranche 1] minimum_subordination",
         "minimum_subordination_e12=300000000000 is more than the junior has", "raise junior_e12"),
        (("recovery_rounds = 2", 'recovery_rounds = 2\nmin_interval = "26h"'), "[feed] stale", "between hourly reports",
         "min_interval"),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused_with_its_place(tmp_path: Path, change, where, why, remedy):
    days = ("days = 30", "days = 2000")
    path = example(tmp_path, change, *([days] if "1001d" in change[1] else []))
    with pytest.raises(ListingError) as caught:
        world_of(path, World())
    assert caught.value.where == f"{path}, {where}"
    assert why in caught.value.reason
    assert remedy in caught.value.remedy


def test_more_loans_than_a_run_has_are_refused_and_none_is_left_out(tmp_path: Path, monkeypatch):
    small(tmp_path, [loan(f"L{n}") for n in range(8)])
    path = tmp_path / "listing.toml"
    monkeypatch.setattr(described, "LOANS_MAX", 7)
    with pytest.raises(ListingError) as caught:
        world_of(path, World())
    assert caught.value.where == f"{path}, [tape] assets"
    assert "8 assets, and a run is simulated with at most 7" in caught.value.reason
    monkeypatch.setattr(described, "LOANS_MAX", 8)
    assert world_of(path, World()).loans == 8


def test_a_pool_of_one_tranche_has_no_run_to_play(tmp_path: Path):
    for name in ("loans.csv", "groups.csv", "rates.csv"):
        (tmp_path / name).write_text((EXAMPLE / name).read_text())
    text = LISTING.read_text()
    head, *tranches = text.split("[[tranche]]")
    (tmp_path / "one.toml").write_text(f"{head}[[tranche]]{tranches[-1].split('[[order')[0]}")
    with pytest.raises(ListingError, match="a senior above a junior"):
        world_of(tmp_path / "one.toml", World())


def test_the_command_plays_it(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", str(LISTING), "--scenario", "run40", "--seed", "3", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["world"]["junior_e12"] == 24 * E12 // 100
    assert run["world"]["oracle_late_days"] == 3
    assert msgspec.convert(run["world"], World) == world_of(LISTING, RUNS["run40"]), "the world is data"


def test_the_command_says_where_a_description_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = example(tmp_path, ('late = "3d"', 'late = "36h"'))
    assert main(["simulate", str(path)]) == 2
    assert f"{path}, [report] late: " in capsys.readouterr().err


def test_a_feed_that_takes_no_report_of_these_loans_is_told_and_where(tmp_path: Path, capsys):
    path = example(tmp_path, ("recovery_rounds = 2", 'recovery_rounds = 2\nprice_max = "0.5"'))
    assert main(["simulate", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"{path}, [feed]: " in told
    assert "price_max" in told


def test_a_report_that_the_feed_does_not_take_makes_it_old_and_not_the_run_wrong(tmp_path: Path):
    """After the shock bands are wider than 5 %: nobody hears of them until it is over, and the desk stays shut."""
    path = example(tmp_path, ("recovery_rounds = 2", 'recovery_rounds = 2\nconfidence_max = "0.05"'))
    run = Run(world_of(path, World(failing_e12=E12 // 3)), 3, checked=True)
    outcome = run.play().outcome
    assert outcome.within_bounds
    refused = [one.code for one in run.venue.said if isinstance(one, e.Refused)]
    assert Refusal.ORACLE_BAND_TOO_WIDE in refused
    assert outcome.feed_down_hours > 24 * (World().oracle_late_days + 7)


def test_a_missing_description_is_told(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", "nowhere.toml"]) == 2
    assert "nowhere.toml" in capsys.readouterr().err
