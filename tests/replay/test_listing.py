"""listing.toml: what is right becomes exact integers, what is wrong is named with key, value and remedy."""

from pathlib import Path

import numpy as np
import pytest

from parbook.codes import AnchorMove, CurveResale, CurveShape
from parbook.errors import InputError, ListingError
from parbook.instrument import Instrument
from parbook.replay.anchors import FileAnchors
from parbook.replay.listing import load_listing

INSTRUMENT = Instrument(symbol="RWA", tick="0.0001", lot="1")
GOOD = {
    "shape": '"linear"',
    "budget": '"250000"',
    "par_lots": "1000",
    "depth_lots": "240000",
    "drop_bps": '"300.5"',
    "spread_bps": "25",
    "rung": '"0.0005"',
    "k": '"0.25"',
    "min_net_lots": "-10",
    "max_net_lots": "99",
    "activation_delay": '"1.5s"',
    "anchor_move": '"lift"',
    "lift_max_lots": "7",
    "resale": '"above_high"',
}


def load(tmp_path, extra="", **changes):
    path = tmp_path / "listing.toml"
    keys = {key: value for key, value in (GOOD | changes).items() if value is not None}
    path.write_text("[curve]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) + extra)
    return load_listing(path)


def test_human_units_become_exact_integers(tmp_path):
    params = load(tmp_path).set_curve(INSTRUMENT).params
    assert params.shape is CurveShape.LINEAR
    assert params.anchor_move is AnchorMove.LIFT
    assert params.resale is CurveResale.ABOVE_HIGH
    assert params.budget_notional == 2_500_000_000
    assert (params.drop_ppm, params.spread_ppm, params.k_ppm) == (30_050, 2_500, 250_000)
    assert (params.rung_ticks, params.par_lots, params.quote_depth_lots, params.base_depth_lots) == (
        5,
        1000,
        240_000,
        240_000,
    )
    assert (params.min_net_lots, params.max_net_lots, params.lift_max_lots) == (-10, 99, 7)
    assert params.activation_delay_ns == 1_500_000_000


def test_resale_is_along_unless_it_is_said(tmp_path):
    assert load(tmp_path, resale=None).set_curve(INSTRUMENT).params.resale is CurveResale.ALONG


def test_the_example_is_a_valid_listing():
    listing = load_listing(Path(__file__).resolve().parents[2] / "examples" / "listing.toml")
    assert listing.set_curve(INSTRUMENT).params.quote_depth_lots == 240_000
    assert (listing.window_ns, listing.interval_ns) == (60 * 10**9, 10**9)


@pytest.mark.parametrize(
    ("extra", "changes", "parts"),
    [
        ("", {"budgte": "1"}, ["[curve] budgte", "unknown key", "Did you mean budget?"]),
        ("[curv]\na = 1\n", {}, ["[curv]", "unknown section", "Did you mean curve?"]),
        ("[anchor]\nwindw = '1s'\n", {}, ["[anchor] windw", "Did you mean window?"]),
        ("", {"shape": '"square"'}, ["[curve] shape", "square"]),
        ("", {"par_lots": '"12"'}, ["[curve] par_lots", "'12'", "int"]),
        ("", {"par_lots": "true"}, ["[curve] par_lots", "True"]),
        ("", {"budget": "250000.5"}, ["[curve] budget", "float", 'budget = "250000.5"']),
        ("", {"budget": '"0.00005"'}, ["[curve] budget", "0.00005", "Nearest accepted", "0.0001"]),
        ("", {"budget": '"-5"'}, ["[curve] budget", "-50000", "outside 0..", "ticks x lots"]),
        ("", {"budget": '"many"'}, ["[curve] budget", "many", "not a number"]),
        ("", {"rung": '"0.00015"'}, ["[curve] rung", "0.00015", "tick"]),
        ("", {"rung": '"0"'}, ["[curve] rung", "outside 1.."]),
        ("", {"k": '"1.5"'}, ["[curve] k", "1500000", "outside 0..1000000"]),
        ("", {"drop_bps": "10000"}, ["[curve] drop_bps", "outside 1..999999"]),
        ("", {"spread_bps": "-1"}, ["[curve] spread_bps", "-100", "outside"]),
        ("", {"depth_lots": "4294967296"}, ["[curve] base_depth_lots", "4294967296", "outside"]),
        ("", {"min_net_lots": "1"}, ["[curve] min_net_lots", "outside"]),
        ("", {"activation_delay": '"5 parsecs"'}, ["[curve] activation_delay", "5 parsecs", "30s"]),
        ("", {"budget": None}, ["budget", "missing"]),
        ("[anchor]\nband_bps = 10000\n", {}, ["[anchor] band_bps", "outside"]),
        ("[anchor]\nwindow = '0s'\n", {}, ["[anchor] window", "0s"]),
        ("[listing]\ntick = '0.01'\n", {}, ["[listing] tick", "0.01", "0.0001", "rung"]),
        ("[listing]\nsymbol = 'XYZ'\n", {}, ["[listing] symbol", "XYZ", "RWA"]),
        ("oops\n", {}, ["TOML", "line 16"]),
        ("", {"shape": '"linaer"'}, ["[curve] shape", "linaer", "one of linear, pmm, redemption"]),
        ("", {"anchor_move": '"clop"'}, ["[curve] anchor_move", "clop", "one of clip, lift"]),
        ("", {"resale": '"above high"'}, ["[curve] resale", "above high", "one of along, above_high"]),
        ("", {"resale": "1"}, ["[curve] resale", "1"]),
        ("", {"par_lots": "1000.0"}, ["[curve] par_lots", "float", "par_lots = 1000."]),
        ("", {"par_lots": "0x" + "f" * 4000}, ["[curve] par_lots", "16000 bits"]),
        ("", {"budget": "0x" + "f" * 4000}, ["[curve] budget", "16000 bits"]),
        ("", {"k": "[" * 5000 + "]" * 5000}, ["TOML", "nested too deeply"]),
        ("", {"activation_delay": '"' + "1" * 5000 + 's"'}, ["[curve] activation_delay", "...", "30s"]),
        ("[anchor]\nfile = 'a\\u0000b'\n".replace("'", '"'), {}, ["[anchor] file", "NUL"]),
    ],
)
def test_every_fault_names_key_value_and_remedy(tmp_path, extra, changes, parts):
    with pytest.raises(ListingError) as error:
        load(tmp_path, extra, **changes).set_curve(INSTRUMENT)
    text = str(error.value)
    assert "listing.toml" in text
    assert len(text) < 500 + len(str(tmp_path))
    assert [part for part in parts if part not in text] == []


def test_a_missing_curve_section_a_missing_file_and_a_binary_one(tmp_path):
    path = tmp_path / "listing.toml"
    path.write_text("[listing]\n")
    with pytest.raises(ListingError, match=r"\[curve\] is missing"):
        load_listing(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ListingError, match="UTF-8"):
        load_listing(path)
    with pytest.raises(ListingError, match="cannot be read"):
        load_listing(tmp_path)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("time,price\n1,1\n", ["line 1", "time,price", "ts_ns,low,high"]),
        ("ts_ns,price\n1,1.00005\n", ["line 2", "1.00005", "Nearest accepted"]),
        ("ts_ns,price\n1,-1\n", ["line 2", "outside"]),
        ("ts_ns,price\n1,1e30\n", ["line 2", "outside"]),
        ("ts_ns,price\n1,one\n", ["line 2", "'one'"]),
        ("ts_ns,price\n1.5,1\n", ["line 2", "1.5", "nanoseconds"]),
        ("ts_ns,price\n-1,1\n", ["line 2", "-1"]),
        ("ts_ns,price\n5,1\n4,1\n", ["line 3", "before the previous"]),
        ("ts_ns,low,high\n5,2,1\n", ["line 2", "above high"]),
        ("ts_ns,price\n5\n", ["line 2", "1 columns"]),
        ("ts_ns,price\n", ["no anchor"]),
        ("", ["line 1", "missing"]),
        ("ts_ns,price\n1,1\n2," + "1" * 200_000 + "\n", ["line 3", "no CSV"]),
    ],
)
def test_every_fault_of_an_anchor_file_names_its_line(tmp_path, text, parts):
    path = tmp_path / "anchors.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        FileAnchors(path, INSTRUMENT)
    assert [part for part in ["anchors.csv", *parts] if part not in str(error.value)] == []


def test_an_anchor_file_from_a_spreadsheet_starts_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "anchors.csv"
    path.write_text("ts_ns,price\n7,1.0001\n", encoding="utf-8-sig")
    (one,) = FileAnchors(path, INSTRUMENT).due(np.array([7]), [])
    assert (one.ts_ns, one.low_ticks, one.high_ticks) == (7, 10_001, 10_001)
