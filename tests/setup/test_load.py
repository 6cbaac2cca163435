"""listing.toml: what is right becomes whole numbers, what is wrong is named with file, section, key and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from parbook.codes import AnchorMove, CurveShape, Side
from parbook.errors import ListingError
from parbook.oracle.terms import FeedTerms
from parbook.pools.amounts import E12
from parbook.redemption.desk import DeskTerms
from parbook.redemption.queue_state import QueueTerms
from parbook.setup import load_setup
from parbook.setup.terms import RUN_STEPS_MAX, RunTerms
from parbook.setup.text import keys_of
from parbook.treasury.terms import Recycling, TreasuryTerms
from tests.setup.house import EXAMPLE, example, loan, small

HOUR = 3600 * 10**9


def test_the_example_in_whole_numbers():
    setup = load_setup(EXAMPLE / "listing.toml")
    assert (setup.quote, setup.as_of, setup.max_fee_ppm) == ("USDx", date(2026, 1, 15), 10_000)
    assert setup.start_ns == 1_768_435_200 * 10**9
    assert (setup.pool.name, setup.pool.manager, setup.originator) == ("SME-1", 1, 2)
    assert (setup.pool.fee_e12, setup.pool.planned_micro) == (E12 // 100, 10**12)
    assert setup.pool.eligibility.kinds == {1, 2, 3, 4}
    assert (setup.pool.eligibility.balance_micro_max, setup.pool.eligibility.pd_e12_max) == (50_000 * 10**6, E12 // 10)
    assert (setup.pool.limits.obligor_e12, setup.pool.limits.hhi_e12) == (E12 // 20, 6 * E12 // 100)
    assert [(t.name, t.rate_e12, t.minimum_subordination_e12) for t in setup.pool.tranches] == [
        ("S", 6 * E12 // 100, E12 // 5),
        ("J", 0, 0),
    ]
    assert (setup.feed.terms.quorum, setup.feed.terms.cap_ppm) == (2, 20_000)
    assert [source for source, _ in setup.feed.members] == [101, 102, 103]
    senior, junior = setup.tranches
    assert senior.holders == ((21, 420_000 * 10**6), (22, 280_000 * 10**6), (23, 60_000 * 10**6))
    assert senior.market is not None
    assert (senior.market.symbol, senior.market.tick, senior.market.lot) == (
        "SME-1-S", Decimal("0.0001"), Decimal("0.01")
    )  # fmt: skip
    assert senior.treasury is not None
    assert (senior.treasury.reserve_micro, senior.treasury.terms.reserve_floor_micro) == (110_000 * 10**6, 10**10)
    assert senior.treasury.terms.month_e12 == E12 // 10
    params = senior.treasury.params
    assert (params.shape, params.par_lots, params.quote_depth_lots) == (CurveShape.LINEAR, 200_000, 6_000_000)
    assert (params.drop_ppm, params.spread_ppm, params.rung_ticks) == (80_000, 500, 5)
    assert (senior.desk, senior.queue) == (DeskTerms(), QueueTerms())
    assert (junior.market, junior.desk, junior.queue) == (None, None, QueueTerms(epoch_ns=7 * 24 * HOUR))
    assert [(o.tranche, o.side, o.price_ticks, o.qty_lots) for o in setup.orders] == [
        (0, Side.BUY, 9300, 2_000_000),
        (0, Side.SELL, 10_200, 500_000),
    ]
    assert (setup.insurance_micro, setup.backing_e12, setup.run) == (0, None, RunTerms())


def test_every_term_has_a_key_of_its_own_and_is_read(tmp_path: Path):
    path = example(
        tmp_path,
        (
            "[tranche.desk]",
            """[tranche.desk]
base = "0.003"
beta = "0.2"
minute_factor = "0.999"
penalty_scale = "0.0006"
penalty_offset = "0.006"
throttle = "0.03"
throttle_window = "12h"
minimum_units = "2"
""",
        ),
        ('reserve_floor = "10000"', 'reserve_floor = "1"\nday_window = "2d"\nrecycling = "retire"\ncredit_max = "90m"'),
        (
            'spread = "0.0005"\n',
            'spread = "0.0005"\nbase_depth = "5"\nk = "0.25"\nmax_net = "70000.01"\n'
            'anchor_move = "lift"\nlift_max = "3"\n',
        ),
        ('# backing = "1.04" ', 'backing = "1.04" '),
        ('insurance = "0"', 'insurance = "12.5"'),
    )
    setup = load_setup(path)
    senior = setup.tranches[0]
    assert senior.desk == DeskTerms(
        base_e12=3 * E12 // 1000,
        beta_e12=E12 // 5,
        minute_factor_e18=999 * 10**15,
        penalty_scale_e12=6 * E12 // 10_000,
        penalty_offset_e12=6 * E12 // 1000,
        throttle_e12=3 * E12 // 100,
        throttle_ns=12 * HOUR,
        minimum_units_micro=2 * 10**6,
    )
    assert senior.treasury is not None
    terms, params = senior.treasury.terms, senior.treasury.params
    assert (terms.day_ns, terms.recycling, terms.credit_max_ns) == (48 * HOUR, Recycling.RETIRE, 90 * 60 * 10**9)
    assert (params.base_depth_lots, params.k_ppm, params.max_net_lots) == (500, 250_000, 7_000_001)
    assert (params.anchor_move, params.lift_max_lots) == (AnchorMove.LIFT, 300)
    assert (setup.backing_e12, setup.insurance_micro) == (104 * E12 // 100, 12_500_000)


@pytest.mark.parametrize("kind", [FeedTerms, TreasuryTerms, DeskTerms, QueueTerms, RunTerms])
def test_no_two_fields_have_one_key(kind):
    keys = keys_of(list(kind.__struct_fields__))
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (('quote = "USDx"', 'quoet = "USDx"'), ["[venue] quote", "missing", "quoet"]),
        (('quote = "USDx"', 'quote = "USDx"\nfoo = 1'), ["[venue] foo", "unknown key", "Known are quote"]),
        (("[report]", "[repotr]"), ["[repotr]", "unknown section", "Did you mean report?"]),
        (("[venue]", "[venu]"), ["[venue]", "missing"]),
        (("as_of = 2026-01-15", 'as_of = "2026-01-15"'), ["[venue] as_of", "no date", "without quotes"]),
        (("as_of = 2026-01-15", "as_of = 1950-01-15"), ["[venue] as_of", "1950-01-15 is outside"]),
        (('max_fee = "0.01"', "max_fee = 0.01"), ["[venue] max_fee", "float", 'max_fee = "0.01"']),
        (('max_fee = "0.01"', 'max_fee = "0.3"'), ["[venue] max_fee", "lies outside"]),
        (("manager = 1", 'manager = "1"'), ["[pool] manager", "no whole number"]),
        (("manager = 1", "manager = 1.0"), ["[pool] manager", "float", "manager = 1."]),
        (("manager = 1", "manager = 4293918720"), ["[pool] manager", "outside 1..4293918719"]),
        (('name = "SME-1"', 'name = "a name that is far too long"'), ["[pool]", "16 characters"]),
        (('fee = "0.01"                     #', 'fee = "1.01" #'), ["[pool] fee", "1.01"]),
        (('"bullet", "invoice"', '"bulet"'), ["[pool.eligibility] kinds", "bulet", "amortising"]),
        (('obligor = "0.05"', 'obligor = "0"'), ["[pool.limits] obligor", "outside 1.."]),
        (('obligor = "0.05"', 'obligor = "0.0000000000001"'), ["[pool.limits] obligor", "Nearest accepted"]),
        (('assets = "loans.csv"', "assets = 7"), ["[tape] assets", "no printable text"]),
        (("quorum = 2", "quorum = 4"), ["[feed] sources", "3 for a quorum of 4"]),
        (("quorum = 2", "quorum = 1"), ["[feed] sources", "majority"]),
        (("quorum = 2", "quorum = 0"), ["[feed] quorum", "0: 0 is outside 1..32"]),
        (('cap = "0.02" ', 'cap = "0.9" '), ["[feed] cap", "'0.9': 900000 is outside 100..500000 (in ppm)"]),
        (('cap = "0.02" ', 'cap = "0.05" '), ["[feed]", "cap is above cap_reference"]),
        (('cap = "0.02" ', 'stale = "1m"\ncap = "0.02" '), ["[feed] stale", "'1m'", "(in ns)"]),
        (('cap = "0.02" ', 'stale = "1 fortnight"\ncap = "0.02" '), ["[feed] stale", "no duration", "26h"]),
        (("{ source = 101,", "{ number = 101,"), ["[feed.sources 1] source", "missing"]),
        (('minimum_subordination = "0.20"', 'minimum_subordination = "2"'), ["[tranche 1] minimum_subordination"]),
        (('rate = "0.06"', 'rat = "0.06"'), ["[tranche 1] rat", "Did you mean rate?"]),
        (("{ account = 22, amount", "{ account = 21, amount"), ["[tranche 1] holders", "twice"]),
        (('amount = "60000"', 'amount = "0"'), ["[tranche 1.holders 3] amount", "outside 1.."]),
        (('tick = "0.0001"', 'tick = "-1"'), ["[tranche 1.market] tick", "-1"]),
        (('symbol = "SME-1-S"', 'symbol = "' + "x" * 33 + '"'), ["[tranche 1.market]", "1 to 32"]),
        (('day = "0.02"  ', 'dya = "0.02"  '), ["[tranche 1.treasury] dya", "Did you mean day"]),
        (('reserve = "110000"', 'reserve = "0"'), ["[tranche 1.treasury] reserve", "outside 1.."]),
        (("[tranche.curve]", "[tranche.curvy]"), ["[tranche 1] curve", "missing"]),
        (('shape = "linear"', 'shape = "round"'), ["[tranche 1.curve] shape", "linear, redemption"]),
        (('par = "2000"', 'par = "2000.001"'), ["[tranche 1.curve] par", "Nearest accepted: 2000.00 or 2000.01"]),
        (('drop = "0.08"', 'drop = "0"'), ["[tranche 1.curve]", "drop_ppm=0 is outside"]),
        (('drop = "0.08"', 'drop = "8"'), ["[tranche 1.curve] drop", "lies outside"]),
        (('side = "buy"', 'side = "bid"'), ["[order 1] side", "buy, sell"]),
        (('price = "0.93"', 'price = "0.93001"'), ["[order 1] price", "Nearest accepted"]),
        (('pd_multiple = "3"', 'pd_multiple = "0.5"'), ["[report] pd_multiple", "outside"]),
        (('late = "3d"', 'late = "31d"'), ["[report] late", "31d"]),
        (("days = 30", "days = 0"), ["[report] days", "outside 1.."]),
        (('every = "1d"\ndays = 30', 'every = "1h"\ndays = 3650'), ["[report]", str(RUN_STEPS_MAX)]),
        (('share = "0.40"', "share = true"), ["[report] share", "bool"]),
        (("[tranche.desk]", "desk = 3"), ["[tranche 1.curve] desk", "unknown key"]),
        (("[pool.limits]", "[pool.limits]\n[pool.limits]"), ["TOML"]),
    ],
)  # fmt: skip
def test_every_fault_names_section_key_and_remedy(tmp_path: Path, change: tuple[str, str], parts: list[str]):
    path = example(tmp_path, change)
    with pytest.raises(ListingError) as error:
        load_setup(path)
    text = str(error.value)
    assert str(path) in text
    assert len(text) < 500 + len(str(path))
    assert [part for part in parts if part not in text] == [], text


def test_an_order_in_a_tranche_that_does_not_trade(tmp_path: Path):
    text = (EXAMPLE / "listing.toml").read_text().replace('tranche = "S"\naccount = 31', 'tranche = "J"\naccount = 31')
    (tmp_path / "listing.toml").write_text(text)
    with pytest.raises(ListingError, match=r"\[order 1\] tranche: 'J' is no tranche that trades. These do: S."):
        load_setup(tmp_path / "listing.toml")


@dataclass
class Bad:
    data: bytes
    said: str


@pytest.mark.parametrize(
    "bad",
    [
        Bad(b"\xff\xfe", "UTF-8"),
        Bad(b"a = [\n", "TOML"),
        Bad(b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        Bad(b"#" * (2**20 + 1), "above 1048576"),
        Bad(b"", r"\[venue\] is missing"),
    ],
)
def test_what_is_no_description(tmp_path: Path, bad: Bad):
    path = tmp_path / "listing.toml"
    path.write_bytes(bad.data)
    with pytest.raises(ListingError, match=bad.said):
        load_setup(path)
    with pytest.raises(ListingError, match="cannot be read"):
        load_setup(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[venue]\n", "venue = 3\n[venues]\n", r"venue: 3 is no section. Write \[venue\]"),
        ('[{ account = 21, amount = "8000" }]', "5", r"\[tranche 1\] holders: 5 is no list of sections"),
        ("[pool.limits]", "[pool.eligibility]\ngroups = [1]\n[pool.limits]", r"\[pool.eligibility\] groups: \[1\] is"),
        ("[pool.limits]", "[pool.eligibility]\nmonth_max = 1\n[pool.limits]", r"month_max.*Did you mean months_max"),
        ("manager = 1", "manager = true", r"\[pool\] manager: True is no whole number"),
        ("quorum = 1", "quorum = true", r"\[feed\] quorum: True is no whole number"),
        ("recovery_rounds = 1", "recovery_rounds = 1\ncap = 0.02", r"\[feed\] cap: 0.02 is a float.*cap = \"0.02\""),
        ("recovery_rounds = 1", "recovery_rounds = 1\ndelay = 5", r"\[feed\] delay: 5 is no duration"),
        ("recovery_rounds = 1", "recovery_rounds = 1\ndelay = \"0.1ns\"", r"\[feed\] delay: '0.1ns' is no duration"),
        ('name = "J"', 'name = "S"', r"\[pool\].*two tranches have one name"),
        ('name = "J"', 'name = "J"\nrate = "0.1"', r"\[pool\].*the last tranche has a rate"),
        ('name = "J"', 'name = ""', r"\[tranche 2\] name: '' is no printable text"),
        ('amount = "4000"', 'amount = "9223372036854.775807"', "what holders invest in all"),
        ('quote = "USDx"', 'quote = "' + "x" * 33 + '"', "1 to 32 printable"),
        ("as_of = 2026-01-15", "as_of = 2026-01-15T00:00:00", r"\[venue\] as_of: .* is no date"),
    ],
)  # fmt: skip
def test_other_shapes_than_those_wanted(tmp_path: Path, old: str, new: str, said: str):
    small(tmp_path, [loan("a")])
    path = tmp_path / "listing.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(ListingError, match=said):
        load_setup(path)


def test_a_description_without_tranches(tmp_path: Path):
    small(tmp_path, [loan("a")])
    path = tmp_path / "listing.toml"
    path.write_text(path.read_text().split("[[tranche]]")[0])
    with pytest.raises(ListingError, match=r"there is no \[\[tranche\]\]"):
        load_setup(path)
