"""The report: one page that needs no network, with every figure drawn and told in words."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import msgspec
import pytest

from parbook.errors import InputError
from parbook.logs.generate import write_itch, write_native
from parbook.replay.run import ReplayOptions, replay
from parbook.replay.timeline import SAMPLES_MAX, Sample, Timeline
from parbook.report.figures import PRICE_BANDS, figures
from parbook.report.page import _json, render
from parbook.report.summary import UNFILLED_NOTE, conclusion, text_summary

# plotly has no type stubs; an import by name keeps the checker out of it.
go = importlib.import_module("plotly.graph_objects")

LISTING = """
[curve]
shape = "linear"
budget = "250000"
par_lots = 100
depth_lots = 5000
drop_bps = 100
[anchor]
window = "2s"
interval = "10ms"
"""
go = pytest.importorskip("plotly.graph_objects")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path, listing = folder / "a.pbl", folder / "listing.toml"
    write_native(path, 7, 20_000)
    listing.write_text(LISTING)
    return replay(ReplayOptions(log=path, curve=listing))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "a.itch"
    write_itch(path, 7, 3000)
    return replay(ReplayOptions(log=path))


class Page(HTMLParser):
    """Collects tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.scripts = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


def test_nothing_is_loaded_from_anywhere(joint):
    page = Page(render(joint))
    loads = [
        (tag, name, value)
        for tag, attrs in page.tags
        for name, value in attrs.items()
        if name in ("src", "href", "srcset")
    ]
    assert loads == []
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "img", "object", "embed")]
    policy = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0].startswith("default-src 'none'")
    own = page.scripts[1] + page.scripts[2]
    assert not re.search(r"https?:|//\w", own)


def test_the_page_reads_on_a_phone_and_in_the_dark(joint):
    text = render(joint)
    page = Page(text)
    names = {attrs["name"]: attrs["content"] for tag, attrs in page.tags if tag == "meta" and "name" in attrs}
    assert names["viewport"] == "width=device-width, initial-scale=1"
    assert names["color-scheme"] == "light dark"
    assert "@media (prefers-color-scheme: dark)" in text
    assert 'matchMedia("(prefers-color-scheme: dark)")' in page.scripts[2]


def test_every_figure_is_there_drawn_and_told_in_words(joint, book):
    for result, expected in (
        (joint, ["depth", "price", "volume", "reserve", "inventory"]),
        (book, ["depth", "price", "volume"]),
    ):
        page = Page(render(result))
        plots = [attrs for tag, attrs in page.tags if "data-figure" in attrs]
        assert [plot["data-figure"] for plot in plots] == expected
        assert all(plot["role"] == "img" and len(plot["aria-label"]) > 40 for plot in plots)
        specs = json.loads(page.scripts[1])
        assert list(specs) == expected
        for spec in specs.values():
            assert spec["data"]
            assert any(value is not None for value in spec["data"][-1]["y"])
            for trace in spec["data"]:
                # Plotly's own validation: an unknown property or value raises.
                go.Figure(data=[trace], layout=spec["layout"])


def test_lines_that_share_a_figure_differ_in_more_than_colour(joint):
    for figure in figures(joint):
        looks = [
            trace["line"]["dash"] for trace in figure.data if trace["type"] == "scatter" and "dash" in trace["line"]
        ]
        assert len(set(looks)) == len(looks)


def test_a_band_is_not_filled_where_the_curve_does_not_quote(book):
    quotes = [(5, 7), None, None, (6, 8), (5, 8), None]
    timeline = Timeline()
    timeline.samples = [
        Sample(
            message=n + 1,
            ts_ns=n * 10**9,
            low_ticks=9,
            high_ticks=9,
            bids=((1, 1),),
            rung_bids=() if quote is None else tuple((price, 1) for price in quote),
            rung_asks=tuple((price + 9, 1) for price in quote or ()),
        )
        for n, quote in enumerate(quotes)
    ]
    fields = {name: getattr(book, name) for name in book.__struct_fields__}
    price = figures(type(book)(**fields | {"timeline": timeline, "tick": "1", "lot": "1"}))[1]
    for name, up in (("rungs to buy", 0), ("rungs to sell", 9)):
        (band,) = [trace for trace in price.data if trace["name"] == name]
        outlines, outline = [], []
        for time, value in zip([*band["x"], None], [*band["y"], None], strict=True):
            if time is None:
                outlines.append(outline)
                outline = []
            else:
                outline.append((int(time[17:19]), value - up))
        # Each sample holds until the next: seconds 0 to 1, and 3 to 5 with a step at 4. Highs, then lows back.
        assert outlines == [
            [(0, 7), (1, 7), (1, 5), (0, 5), (0, 7)],
            [(3, 8), (4, 8), (4, 8), (5, 8), (5, 5), (4, 5), (4, 6), (3, 6), (3, 8)],
        ]


def test_the_summary_says_what_the_json_says(joint):
    text = text_summary(joint)
    assert f"{joint.curve.bought_lots:,} for" in text
    assert "protocol would have bought" in conclusion(joint)
    assert "20,000" in text
    assert Page(render(joint)).text.count(conclusion(joint)) == 1


def changed(result, **fields):
    return type(result)(**{name: getattr(result, name) for name in result.__struct_fields__} | fields)


def test_notes_and_what_was_not_compared_stand_on_page_and_terminal(joint):
    result = changed(joint, notes=["An <excerpt>."], counts={"aggressors_not_compared": 3, "skipped_messages": 4})
    for text in (text_summary(result), Page(render(result)).text):
        assert "An <excerpt>." in text
        assert "3 aggressors were not compared" in text
        assert "4 messages were skipped" in text


@pytest.mark.parametrize(("more", "said"), [(1, True), (0, False), (-1, False)])
def test_the_page_explains_why_more_is_left_unfilled_with_the_curve_only_when_it_is(joint, more, said):
    unfilled = {"unfilled_alone_buy_lots": 4, "unfilled_alone_sell_lots": 6, "unfilled_joint_buy_lots": 9}
    curve = msgspec.structs.replace(joint.curve, **unfilled, unfilled_joint_sell_lots=1 + more)
    result = changed(joint, curve=curve)
    assert (UNFILLED_NOTE in Page(render(result)).text) is said
    assert (UNFILLED_NOTE in text_summary(result)) is said


def test_the_words_under_reserve_and_inventory_are_exact_though_the_samples_are_not(joint):
    samples = joint.timeline.samples
    timeline = Timeline()
    timeline.samples = [samples[0], samples[-1]]
    words = {figure.name: figure.description for figure in figures(changed(joint, timeline=timeline))}
    curve = joint.curve
    assert min(s.cash_notional for s in timeline.samples) > curve.budget_notional - curve.reserve_used_max_notional
    least = (curve.budget_notional - curve.reserve_used_max_notional) / 10_000
    assert f"{least:,.4f} at its lowest" in words["reserve"]
    assert f"between {curve.net_lots_min:,} and {curve.net_lots_max:,}" in words["inventory"]


def test_figures_are_bounded_whatever_the_length():
    timeline = Timeline()
    for message in range(1, 50_001):
        timeline.offer(message, lambda message=message: Sample(message=message, ts_ns=message))
        assert len(timeline.samples) <= SAMPLES_MAX
    timeline.close(50_000, lambda: Sample(message=50_000, ts_ns=50_000))
    gaps = {b.message - a.message for a, b in zip(timeline.samples, timeline.samples[1:-1], strict=False)}
    assert gaps == {timeline.stride}
    assert len(timeline.samples) >= SAMPLES_MAX // 2
    assert timeline.samples[-1].message == 50_000


def test_the_depth_figure_has_at_most_its_bands(joint):
    heat = figures(joint)[0].data[0]
    assert len(heat["z"]) <= PRICE_BANDS
    assert {len(row) for row in heat["z"]} == {len(joint.timeline.samples)}


def test_all_text_is_escaped(book):
    evil = "<script>alert(1)</script>&\"'"
    result = type(book)(
        **{name: getattr(book, name) for name in book.__struct_fields__} | {"log": evil, "symbols": [evil]}
    )
    page = render(result)
    assert "<script>alert" not in page
    assert evil in Page(page).text


def test_no_text_in_the_figures_data_can_end_their_script():
    text = _json({"name": "</script><script>"})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><script>"}


def test_no_messages_make_a_page_without_figures(book):
    result = type(book)(**{name: getattr(book, name) for name in book.__struct_fields__} | {"timeline": Timeline()})
    assert not [tag for tag, attrs in Page(render(result)).tags if "data-figure" in attrs]


def test_without_plotly_the_remedy_is_named(book, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(InputError, match=r"pip install parbook\[plot\]"):
        render(book)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_draws_every_figure_within_the_page(joint, tmp_path, width):
    text = render(joint)
    # The page tells what it drew in its title, which --dump-dom prints. The policy stays as shipped.
    probe = """<script>setTimeout(() => { document.title = JSON.stringify(
      [...document.querySelectorAll(".plot")].map((plot) => [plot.querySelectorAll(".main-svg").length > 0,
        plot.querySelector(".main-svg").getBoundingClientRect().width <= plot.clientWidth + 1])); }, 1500);</script>"""
    page = tmp_path / "page.html"
    page.write_text(text.replace("</body>", probe + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom",
            "--virtual-time-budget=6000", f"--window-size={width},900", f"--user-data-dir={tmp_path / 'profile'}",
            page.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr[-500:]
    assert json.loads(title[1]) == [[True, True]] * 5
