"""A tape as a pool takes it in: what enters, in which state, what share of it is fair; what is refused."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest

from parbook.assets.kinds import AssetKind
from parbook.assets.reference_value import expected_value
from parbook.assets.terms import Band, stressed
from parbook.errors import AssetError, TapeError
from parbook.pools.account import LoanAccount
from parbook.pools.amounts import E12, MICRO, NANO
from parbook.pools.servicing import Action, ServiceRow
from parbook.pools.states import LoanState
from parbook.pools.writeoff import keep_e12
from parbook.setup import build, load_setup
from parbook.setup.tape import DEBTS, entries_of, months_of, read_tape, service_rows, shares_of
from parbook.venue import Exchange
from tests.setup.house import EXAMPLE, built, legal, loan, small, tape

L = LoanState


def test_an_entry_says_what_the_tape_says(tmp_path: Path):
    rows = [
        loan("a", kind="amortising", seller="s", group="", months=17, pd="0.031"),
        loan("b", kind="revolving", undrawn=500, fee="0.01", balance="250.5"),
        loan("c", kind="invoice", rate="", months="", due_days=31, dilution="0.02"),
        loan("d", kind="invoice", rate="", months="", due_days=30),
        loan("e", kind="invoice", rate="", months="", due_days=-3),
    ]
    got = entries_of(read_tape(small(tmp_path, rows)).assets)
    assert [one.asset_id for one in got] == list("abcde")
    assert [one.kind for one in got] == [1, 4, 3, 3, 3]
    assert [one.principal_micro for one in got] == [10**9, 250_500_000, 980 * MICRO, 10**9, 10**9]
    assert [one.months for one in got] == [17, 12, 2, 1, 1]
    assert (got[0].obligor, got[0].seller, got[0].pd_e12, got[0].legal_hash) == (
        "obligor a", "s", 31 * E12 // 1000, legal("a")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({"state": "funded"}, []),
        ({"state": "funded", "owed": "1005"}, [(Action.BILL, 5 * MICRO, 0)]),
        ({}, [(Action.BILL, 0, 0)]),
        ({"owed": "1010"}, [(Action.BILL, 10 * MICRO, 0)]),
        ({"dpd": 9}, [(Action.BILL, 0, 0), (Action.ARREARS, 0, 9)]),
        ({"state": "late", "dpd": 45, "owed": "1015"}, [(Action.BILL, 15 * MICRO, 0), (Action.ARREARS, 0, 45)]),
        ({"state": "impaired"}, [(Action.BILL, 0, 0), (Action.IMPAIR, 0, 0)]),
        ({"state": "impaired", "dpd": 70}, [(Action.BILL, 0, 0), (Action.ARREARS, 0, 70), (Action.IMPAIR, 0, 0)]),
        ({"state": "defaulted", "dpd": 130, "owed": "1100"}, [(Action.BILL, 0, 0), (Action.DEFAULT, 0, 130)]),
        ({"state": "recovering", "dpd": 200}, [(Action.BILL, 0, 0), (Action.DEFAULT, 0, 200)]),
    ],
)
def test_what_is_in_arrears_enters_by_a_servicers_report(tmp_path: Path, fields: dict[str, Any], rows: list[Any]):
    assets = read_tape(small(tmp_path, [loan("a", **fields)])).assets
    assert service_rows(assets) == tuple(ServiceRow("a", action, amount, days=days) for action, amount, days in rows)


def test_the_pools_books_hold_what_the_tape_says(tmp_path: Path):
    rows = [
        loan("a", state="funded"),
        loan("b", owed="1010"),
        loan("c", state="late", dpd=45, owed="1015"),
        loan("d", state="impaired", dpd=70),
        loan("e", state="defaulted", dpd=100, owed="1100"),
        loan("f", state="recovering", dpd=20),
        loan("g", kind="invoice", rate="", months="", due_days=-31),
    ]
    loans = built(small(tmp_path, rows)).entry.pool.book.loans
    assert {name: (one.state, one.days_past_due) for name, one in loans.items()} == {
        "a": (L.FUNDED, 0), "b": (L.CURRENT, 0), "c": (L.LATE, 45), "d": (L.IMPAIRED, 70), "e": (L.DEFAULTED, 100),
        "f": (L.DEFAULTED, 20), "g": (L.LATE, 31),
    }  # fmt: skip
    assert [loans[name].owed_micro // MICRO for name in "abcdefg"] == [1000, 1010, 1015, 1000, 1000, 1000, 1000]
    assert loans["c"].account == LoanAccount(opening_micro=10**9, performing_micro=10**9, interest_due_micro=15 * MICRO)


@pytest.mark.parametrize("seed", range(6))
def test_books_and_valuation_keep_the_same_of_random_tapes(tmp_path: Path, seed: int):
    """Cap by cap: what the kernel was capped at is what the pool's own arithmetic keeps."""
    rng, rows = random.Random(seed), []
    for number in range(40):
        state = rng.choice(["", "funded", "current", "late", "impaired", "defaulted", "recovering"])
        balance = rng.randrange(10**6, 150 * MICRO)
        fields: dict[str, Any] = {
            "balance": f"{balance / MICRO:.6f}",
            "state": state,
            "dpd": rng.choice([0, 1, 30, 61, 95, 140]),
        }
        if rng.random() < 0.7:
            fields["owed"] = f"{(balance + rng.randrange(10**6)) / MICRO:.6f}"
        if rng.random() < 0.3:
            fields |= {"kind": "invoice", "rate": "", "months": "", "due_days": rng.randrange(-90, 90)}
        rows.append(loan(f"L{number}", **fields))
    venue = built(small(tmp_path, rows))
    book = venue.entry.pool.book
    for asset, cap in zip(venue.tape.assets, venue.tape.valuation.cap_micro, strict=True):
        kept = book.loans[asset.asset_id]
        assert int(cap) == kept.kept_micro(book.rules)
        assert int(cap) == kept.owed_micro * keep_e12(asset.days_past_due) // E12
    venue.exchange.check()


def test_shares_are_fair_value_over_what_is_kept_low_down_and_high_up():
    """Against the plain reference of the kernel, band by band."""
    whole = read_tape(load_setup(EXAMPLE / "listing.toml"))
    sums = dict.fromkeys(Band, 0)
    kept = 0
    for asset in whole.assets:
        cap = asset.owed_micro * keep_e12(asset.days_past_due) // E12
        kept += cap
        if asset.state in (L.DEFAULTED, L.RECOVERING):
            continue  # 131 days past due: nothing of it is kept, whatever comes back
        values = {}
        for band, rounded in ((Band.LOW, floor), (Band.MID, round), (Band.HIGH, ceil)):
            value = expected_value(asset.position, stressed(asset.terms, band), whole.curve)
            values[band] = min(rounded(Fraction(value)), cap)
        sums[Band.LOW] += min(values[Band.LOW], values[Band.MID])
        sums[Band.MID] += values[Band.MID]
        sums[Band.HIGH] += max(values[Band.HIGH], values[Band.MID])
    shares = shares_of(whole)
    assert kept == whole.kept_micro
    # The kernel's last bits may differ from the reference's: one micro an asset is far below one part in 1e9 here.
    assert abs(shares.low_nano - sums[Band.LOW] * NANO // kept) <= 1
    assert abs(shares.mid_nano - round(Fraction(sums[Band.MID] * NANO, kept))) <= 1
    assert abs(shares.high_nano - ceil(Fraction(sums[Band.HIGH] * NANO, kept))) <= 1
    totals = [whole.valuation.total_micro(band) for band in Band]
    assert shares.low_nano == totals[0] * NANO // kept
    assert shares.high_nano == -(-totals[2] * NANO // kept)
    assert shares.low_nano * kept <= totals[0] * NANO
    assert shares.high_nano * kept >= totals[2] * NANO


def test_the_months_of_dated_assets_are_begun_ones(tmp_path: Path):
    for days, months in ((-4, 1), (0, 1), (1, 1), (30, 1), (31, 2), (365, 12), (366, 13)):
        row = loan("a", kind="invoice", rate="", months="", due_days=days)
        (asset,) = read_tape(small(tmp_path, [row])).assets
        assert months_of(asset) == months, days


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "lease", "rent": 10, "balance": "", "rate": ""}, "a lease is no debt .* holds amortising, bullet,"),
        ({"kind": "real_estate", "rent": 10, "rate": ""}, "real estate is owned, not owed"),
        ({"state": "closed"}, "its state is closed"),
        ({"state": "draft"}, "its state is draft"),
        ({"legal_hash": ""}, "no legal_hash.*pledged once"),
        ({"balance": 0}, "its balance is 0"),
        ({"owed": "999.99"}, "owes 999990000 micro and has a balance of 1000000000"),
    ],
)
def test_what_a_pool_cannot_hold_is_refused(tmp_path: Path, fields: dict[str, Any], said: str):
    with pytest.raises(AssetError, match=f"asset bad: .*{said}"):
        read_tape(small(tmp_path, [loan("good"), loan("bad", **fields)]))


def test_deliveries_are_refused_by_name():
    assert set(DEBTS) | {AssetKind.LEASE, AssetKind.REAL_ESTATE, AssetKind.POWER, AssetKind.CARBON} == set(AssetKind)


def test_faults_of_the_tape_are_those_of_the_tape(tmp_path: Path):
    with pytest.raises(TapeError, match=r"row 3, column legal_hash.*in row 2 already"):
        read_tape(small(tmp_path, [loan("a"), loan("b", legal_hash=legal("a"))]))
    with pytest.raises(TapeError, match="row 2, column kind"):
        read_tape(small(tmp_path, [loan("a", kind="bulet")]))


def test_a_tape_of_which_nothing_counts_has_no_share(tmp_path: Path):
    setup = small(tmp_path, [loan("a", state="defaulted", dpd=150)])
    with pytest.raises(AssetError, match="nothing of it still counts"):
        build(Exchange(), setup)
    tape(tmp_path, [loan("a")])
    assert shares_of(read_tape(setup)).mid_nano > 0
