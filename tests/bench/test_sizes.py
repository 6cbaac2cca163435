"""Cost against size: the sweeps run, the curve of each size has that many rungs, the figure shows every point."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from bench import plot, sizes
from bench.measure import QUICK
from bench.plot import Point
from parbook.codes import Side


@pytest.mark.parametrize("count", sizes.RUNGS)
def test_the_curve_has_as_many_rungs_as_the_sweep_says(count):
    depth = sizes.laddered(count).depth(1_000)
    assert len(depth) == count
    assert (depth["side"] == Side.BUY).all()
    assert (depth["price_ticks"] < 9_000 + 1).all()


def test_a_written_sweep_is_figures_and_numbers(tmp_path, capsys):
    (tmp_path / "sizes.json").write_text(json.dumps({"sweeps": {"orders": {"points": []}}}))
    assert sizes.main(["--quick", "--only", "rungs,levels", "--write", str(tmp_path)]) == 0
    kept = json.loads((tmp_path / "sizes.json").read_text())["sweeps"]
    assert set(kept) == {"orders", "levels", "rungs"}
    assert [point["size"] for point in kept["rungs"]["points"]] == list(sizes.RUNGS)
    for sweep in (kept["levels"], kept["rungs"]):
        assert sweep["machine"]["python"]
        assert all(point["low"] <= point["median"] <= point["high"] for point in sweep["points"])
        assert sweep["title"] in capsys.readouterr().out or sweep is kept["rungs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sizes-levels.svg", "sizes-rungs.svg", "sizes.json"]


def test_the_other_sweeps_run():
    for sweep in (sizes.orders, sizes.instruments):
        samples = sweep(QUICK)
        assert list(samples) == sorted(samples)
        assert all(len(taken) == QUICK.rounds for taken in samples.values())


# --- the figure ---------------------------------------------------------------------------------

POINTS = [Point(0, 10, 8, 12), Point(1, 20, 18, 22), Point(1_000, 30, 30, 30), Point(10_000_000, 95, 90, 199)]


def test_every_point_is_drawn_with_its_range():
    text = plot.figure("cost & size", "orders", POINTS)
    root = ET.fromstring(text)
    name = "{http://www.w3.org/2000/svg}"
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter(f"{name}circle")]
    assert len(dots) == 4
    assert dots == sorted(dots)
    assert [y for _, y in dots] == sorted((y for _, y in dots), reverse=True)
    assert len(list(root.iter(f"{name}path"))) == 4
    words = {label.text for label in root.iter(f"{name}text")}
    assert {"cost & size", "orders", "0", "1", "1 k", "10 M", "200", "95"} <= words
    assert "prefers-color-scheme: dark" in text
    assert all(0 <= float(at) <= 640 for at in re.findall(r' x="([\d.]+)"', text))


def test_the_axis_is_logarithmic():
    x = plot._places([1, 10, 100, 10_000])
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert x[3] - x[2] == pytest.approx(2 * (x[1] - x[0]), abs=0.2)


@pytest.mark.parametrize(("value", "step"), [(0.3, 0.5), (1, 1), (1.01, 2), (4.9, 5), (51, 100), (200, 200)])
def test_steps_are_round(value, step):
    assert plot.step_above(value) == pytest.approx(step)


@pytest.mark.parametrize(("size", "text"), [(0, "0"), (10, "10"), (4_000, "4 k"), (1_000_000, "1 M"), (2_500, "2.5 k")])
def test_sizes_are_short(size, text):
    assert plot.short_count(size) == text
