"""A description's own figures in a simulated world, and the command that plays them."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import pytest

from parbook.cli.described import world_of
from parbook.cli.main import main
from parbook.errors import ListingError
from parbook.pools.amounts import E12, MICRO
from parbook.setup import load_setup
from parbook.simulate.scenarios import RUNS
from parbook.simulate.world import World
from tests.setup.house import EXAMPLE

LISTING = EXAMPLE / "listing.toml"


def test_the_figures_are_those_of_the_files():
    world = world_of(LISTING, World())
    setup = load_setup(LISTING)
    assert (world.size_micro, world.junior_e12) == (1_000_000 * MICRO, 24 * E12 // 100)
    assert (world.senior_rate_e12, world.minimum_subordination_e12) == (6 * E12 // 100, E12 // 5)
    treasury = setup.tranches[0].treasury
    assert treasury is not None
    assert world.reserve_micro == treasury.reserve_micro
    assert (world.treasury_day_e12, world.treasury_month_e12) == (treasury.terms.day_e12, treasury.terms.month_e12)
    desk = setup.tranches[0].desk
    assert desk is not None
    assert (world.desk_base_e12, world.desk_throttle_e12) == (desk.base_e12, desk.throttle_e12)
    groups = {row["group"]: row for row in csv.DictReader((EXAMPLE / "groups.csv").read_text().splitlines())}
    rows = list(csv.DictReader((EXAMPLE / "loans.csv").read_text().splitlines()))
    weights = [Fraction(row["balance"]) * (1 - Fraction(row["dilution"] or 0)) for row in rows]
    pds = [Fraction(row.get("pd") or groups[row["group"]]["pd"]) for row in rows]
    lent = sum(weights, Fraction(0))
    mean = sum((weight * pd for weight, pd in zip(weights, pds, strict=True)), Fraction(0)) / lent
    assert world.loans == len(rows)
    assert abs(Fraction(world.pd_e12, E12) - mean) < Fraction(1, 10**6)
    assert abs(Fraction(world.lent_e12, E12) - lent / 1_000_000) < Fraction(1, 10**6)


def test_what_a_description_does_not_say_stays():
    base = RUNS["run40-lagging"]
    world = world_of(LISTING, base)
    assert (world.lateness, world.leaving_e12, world.holders) == (base.lateness, base.leaving_e12, base.holders)


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


def test_a_missing_description_is_told(capsys: pytest.CaptureFixture[str]):
    assert main(["simulate", "nowhere.toml"]) == 2
    assert "nowhere.toml" in capsys.readouterr().err
