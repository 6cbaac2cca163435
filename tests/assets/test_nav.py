"""`parbook value`: numbers, summary, JSON, page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from parbook.assets.holdings import Holdings
from parbook.assets.nav import Cash, net_asset_value
from parbook.assets.tape import read_assets, read_curve, read_flows, read_groups
from parbook.cli.main import main
from parbook.errors import AssetError, InputError
from parbook.pools.amounts import MICRO
from parbook.pools.tranches import Tranche
from parbook.report.nav_figures import flows, nav_figures
from parbook.report.nav_page import render_nav
from parbook.report.nav_summary import money, text_summary

POOL = Path(__file__).resolve().parents[2] / "examples/pool"
FILES = [str(POOL / "pool.csv"), "--curve", str(POOL / "rates.csv"), "--groups", str(POOL / "groups.csv")]
FILES += ["--flows", str(POOL / "flows.csv")]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TRANCHES = [
    Tranche(name="senior", claim_micro=600_000 * MICRO, supply_micro=600_000 * MICRO),
    Tranche(name="junior", supply_micro=300_000 * MICRO),
]


@pytest.fixture(scope="module")
def holdings():
    day = date(2026, 1, 15)
    return Holdings.of(
        read_assets(
            POOL / "pool.csv",
            as_of=day,
            groups=read_groups(POOL / "groups.csv"),
            flows=read_flows(POOL / "flows.csv", as_of=day),
        )
    )


@pytest.fixture(scope="module")
def nav(holdings):
    cash = Cash(cash_micro=25_000 * MICRO, claimable_micro=5_000 * MICRO, fees_micro=1_200 * MICRO)
    return net_asset_value(holdings, read_curve(POOL / "rates.csv"), cash=cash, tranches=TRANCHES)


def test_everything_adds_up(nav, holdings):
    for parts in (nav.groups, nav.kinds, nav.late):
        for field in ("owed_micro", "low_micro", "mid_micro", "high_micro", "assets"):
            assert sum(getattr(part, field) for part in parts) == getattr(nav, field)
    assert nav.low_micro <= nav.mid_micro <= nav.high_micro
    assert nav.net_mid_micro == nav.mid_micro + (25_000 - 5_000 - 1_200) * MICRO
    for band, net in (("low", nav.net_low_micro), ("mid", nav.net_mid_micro), ("high", nav.net_high_micro)):
        assert sum(each.value_micro for each in nav.tranches[band]) == net
    assert nav.obligors.total_micro == nav.mid_micro
    assert sum(stage.assets for stage in nav.stages) == len(holdings)
    by_name = {each.name: each.change_micro for each in nav.sensitivities}
    assert by_name["rates -100 bp"] > by_name["rates -1 bp"] > 0 > by_name["rates +1 bp"] > by_name["rates +100 bp"]
    assert any(breach.startswith("obligor Unit 12 holds") for breach in nav.breaches)
    opening = sum(int(each) for each in holdings.portfolio.monthly.balance_micro)
    assert sum(month.scheduled_micro + month.prepaid_micro + month.defaulted_micro for month in nav.flows) == (
        pytest.approx(opening, abs=300)
    )


def test_cash_promised_beyond_what_is_there_is_refused(holdings):
    with pytest.raises(AssetError, match="claimable 6 exceeds cash 5"):
        net_asset_value(holdings, read_curve(POOL / "rates.csv"), cash=Cash(cash_micro=5, claimable_micro=6))


def test_the_summary_says_it_in_words(nav):
    text = text_summary(nav)
    assert text.startswith("12 assets that owe 1,197,308.16 are worth ")
    assert "reported, not priced" in text
    assert re.search(r"^Junior +worth [\d,.]+; entry \d\.\d{9}, exit", text, re.MULTILINE)
    assert "note: Limit passed: obligor Unit 12" in text
    assert money(-1) == "-0.01"
    assert money(1_234_567_899_999) == "1,234,567.89"


# --- the command ----------------------------------------------------------------------------------


def call(capsys, *args):
    code = main(["value", *(str(arg) for arg in args)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_a_summary(capsys):
    code, out, err = call(capsys, *FILES, "--cash", "25000", "--tranche", "senior=600000", "--tranche", "junior=/5")
    assert (code, err) == (0, "")
    assert "Senior" in out
    assert "entry 1.000000000" in out
    code, out, err = call(capsys, *FILES, "--quiet")
    assert (code, out, err) == (0, "", "")


def test_json_is_one_object_that_stays(capsys):
    code, out, _ = call(capsys, *FILES, "--json", "--tranche", "junior=/900000")
    nav = json.loads(out)
    assert code == 0
    assert list(nav) == [
        "model", "input_hash", "as_of", "assets", "owed_micro", "low_micro", "mid_micro", "high_micro", "capped",
        "cash", "net_low_micro", "net_mid_micro", "net_high_micro", "groups", "kinds", "late", "flows", "stages",
        "sensitivities", "tranches", "obligors", "sellers", "breaches",
    ]  # fmt: skip
    assert nav["as_of"] == "2026-01-15"
    assert nav["tranches"]["mid"][0]["value_micro"] == nav["mid_micro"]
    assert len(nav["input_hash"]) == 64


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["none.csv", "--curve", str(POOL / "rates.csv")], "none.csv: it cannot be read"),
        ([FILES[0]], "required: --curve"),
        ([*FILES[:3]], "neither the row nor group 'A' has it"),
        ([*FILES, "--cash", "1e3"], "it is no plain decimal number"),
        ([*FILES, "--claimable", "5"], "claimable 5000000 exceeds cash 0"),
        ([*FILES, "--tranche", "=5"], "has no name"),
        ([*FILES, "--tranche", "a=5"], "the last tranche has a claim"),
        ([*FILES, "--tranche", "a=99999999999999"], "outside"),
        ([*FILES, "--as-of", "15.1.2026"], "it is no date"),
        ([*FILES, "--as-of", "2026-02-01"], "column date, '2026-01-15': it lies 17 days before"),
        ([*FILES, "--report", "no/such/nav.html"], "there is no directory"),
        ([*FILES, "--report", FILES[0]], "writing there would replace what is read"),
        ([*FILES, "--obligor-limit", "0"], "it is outside"),
    ],
)
def test_wrong_input_ends_with_2_and_one_message(capsys, args, says):
    code, out, err = call(capsys, *args)
    assert (code, out) == (2, "")
    assert says in err


# --- the page -------------------------------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.attributes = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]


def test_the_page_needs_no_network_and_holds_every_figure(capsys, tmp_path):
    path = tmp_path / "nav.html"
    code, out, _ = call(capsys, *FILES, "--tranche", "junior=/9", "--report", path)
    assert code == 0
    assert out.endswith(f"report: {path}\n")
    text = path.read_text()
    page = Page(text)
    assert not [value for _, name, value in page.attributes if name in ("src", "href")]
    drawn = [value for _, name, value in page.attributes if name == "data-figure"]
    assert drawn == ["bands", "tranches", "flows", "late", "obligors"]
    assert "Net asset value of pool.csv" in text
    assert "Print &amp; Co" not in text  # not among the largest; what is shown is escaped
    assert "✗ Limits passed" in text


def test_names_are_escaped(holdings):
    import msgspec

    names = msgspec.structs.replace(
        holdings.obligors, names=tuple(f"</script><b>{name}" for name in holdings.obligors.names)
    )
    nav = net_asset_value(msgspec.structs.replace(holdings, obligors=names), read_curve(POOL / "rates.csv"))
    text = render_nav(nav, "<i>pool")
    assert "</script><b>" not in text
    assert "<i>pool" not in text


def test_figures_stay_small_and_carry_no_colour(nav):
    for figure in nav_figures(nav):
        for trace in figure.data:
            assert "color" not in json.dumps(trace)
            assert len(trace["x"]) == len(trace["y"]) <= 60
            assert trace["meta"]["role"]
        assert figure.description.endswith(".")
    monthly, quarterly = flows(nav.flows[:60]), flows(nav.flows * 2)
    assert monthly.title == "Expected cash by month"
    assert quarterly.title == "Expected cash by 3 months"
    assert sum(quarterly.data[0]["y"]) == pytest.approx(2 * sum(each.interest_micro for each in nav.flows) / MICRO)


def test_without_plotly_the_remedy_is_named(nav, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(InputError, match=r"pip install parbook\[plot\]"):
        render_nav(nav, "pool")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_draws_every_bar(nav, tmp_path):
    probe = """<script>setTimeout(() => { document.title = JSON.stringify([...document.querySelectorAll(".plot")]
      .map((plot) => plot.querySelectorAll(".bars .point path").length > 0)); }, 1500);</script>"""
    page = tmp_path / "page.html"
    page.write_text(render_nav(nav, "pool").replace("</body>", probe + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom",
            "--virtual-time-budget=6000", f"--user-data-dir={tmp_path / 'profile'}", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr[-500:]
    assert json.loads(title[1]) == [True] * 5
