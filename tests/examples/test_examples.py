"""What the documentation shows, runs; and the figure it shows is what the code draws."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from parbook.codes import Source
from tools import session_tables

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_example_runs(example: Path):
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not done.stderr


def test_the_embedding_example_fills_from_book_and_curve():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "embed.py")], capture_output=True, text=True, check=True
    )
    assert re.search(r"BOOK +800 tokens in +2 fills", done.stdout)
    assert re.search(r"CURVE +19,200 tokens", done.stdout)
    assert "refused: QTY_OUT_OF_RANGE" in done.stdout


def test_the_days_example_opens_halts_and_tells_everybody():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "day.py")], capture_output=True, text=True, check=True
    )
    assert "Uncrossed     price_ticks=9870 paired_lots=500" in done.stdout
    assert re.search(r"Breached .*price_ticks=9405\n.*reason=COLLAR.*\n +StateChanged +state=HALTED", done.stdout)
    assert "best ask: 50 at 9900\nthe feed: 50 at 9900\n" in done.stdout
    assert re.search(r"broker got \d+ of \d+ events", done.stdout)


def test_the_venue_serves_two_clients_and_nothing_is_lost():
    done = subprocess.run(
        [sys.executable, "-X", "dev", str(ROOT / "examples" / "venue.py")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert not done.stderr
    assert "bob: sold 2000, first at 0.9860 to the BOOK\n" in done.stdout
    assert "qty=2000.5 is not a whole number of lots of 1. Nearest accepted: 2000 or 2001." in done.stdout
    assert "alice: bid filled by BOOK, then 200 more; refused: less of the quote asset" in done.stdout
    held = re.search(r"^SME-A: treasury ([\d,]+), alice 700, bob 3,000, fees 0; difference", done.stdout, re.MULTILINE)
    assert held
    assert held[1] == "1,300"
    assert re.findall(r"difference to deposits (\S+)$", done.stdout, re.MULTILINE) == ["0.000000", "0"]


def test_the_listing_example_is_built_and_reported():
    done = subprocess.run(
        [sys.executable, "-m", "parbook", "listing", str(ROOT / "examples" / "listing" / "listing.toml")],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert not done.stderr
    assert done.stdout.startswith("SME-1 on 2026-01-15\n28 assets, net 974,856.05")
    assert re.search(r"^S: reserve ratio +14.47 %", done.stdout, re.MULTILINE)
    assert re.search(r"^Backing ratio of the anchored token +no anchored token$", done.stdout, re.MULTILINE)


def test_the_readme_code_runs_and_says_what_the_readme_promises(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], "README.md", "exec"), {})
    told = capsys.readouterr().out.splitlines()
    seen = "<preview SELL: 300 from the book, 19700 from the curve, average 0.983"
    assert told[0].startswith(seen)
    assert told[0].endswith("bps below fair")
    assert told[1].startswith("True 20000 0.983")
    assert "(<fill 300 @ 0.9850 BOOK>, <fill 1000 @ 0.9845 CURVE>)" in told[1]
    assert (tmp_path / "data").is_dir()
    assert told[2] == "INSUFFICIENT_BASE - less of the base asset is available than the order sells"


def test_the_readme_figure_is_up_to_date():
    figure = runpy.run_path(str(ROOT / "tools" / "readme_figure.py"))
    trades = figure["sweep"]()
    assert {trade.source for trade in trades} == {Source.BOOK, Source.CURVE}
    assert sum(trade.qty_lots for trade in trades) == figure["SOLD"]
    assert figure["draw"](trades) == figure["OUT"].read_text(encoding="utf-8")


def test_the_session_tables_are_those_of_the_code():
    assert session_tables.PAGE.read_text(encoding="utf-8") == session_tables.page()
    assert "| HALTED | refused |" in session_tables.page()


def test_the_buyback_bids_less_in_the_moment_loans_run_late():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "buyback.py")], capture_output=True, text=True, check=True, timeout=60
    )
    before, after = (float(price) for price in re.findall(r"20 units would sell at ([\d.]+)", done.stdout))
    assert (before, after) == (0.99625, 0.8088695)
    assert re.search(r"EpochStruck +paid_micro=79590492 +units_micro=100000000", done.stdout)
    assert "everything is where it was: True" in done.stdout
