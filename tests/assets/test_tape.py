"""Tapes: what is read, and what is said of everything that is wrong."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from parbook.assets import tables
from parbook.assets.curve import ZeroCurve
from parbook.assets.holdings import Holdings
from parbook.assets.kinds import AssetKind, Dated, Monthly, Repayment
from parbook.assets.schema import ASSET_COLUMNS, CURVE_COLUMNS, FLOW_COLUMNS, GROUP_COLUMNS, CellError, scaled
from parbook.assets.tape import ONLY, read_assets, read_curve, read_flows, read_groups
from parbook.errors import AssetError, InputError, ParbookError, TapeError
from parbook.pools.amounts import E12, MICRO
from parbook.pools.states import LoanState

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/pool"
AS_OF = date(2026, 1, 15)


def written(folder, text, name="pool.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder, text, **options):
    with pytest.raises(TapeError) as caught:
        read_assets(written(folder, text), **options)
    return caught.value


def example():
    flows = read_flows(EXAMPLES / "flows.csv", as_of=AS_OF)
    return read_assets(EXAMPLES / "pool.csv", as_of=AS_OF, groups=read_groups(EXAMPLES / "groups.csv"), flows=flows)


# --- what is read -------------------------------------------------------------------------------


def test_the_example_holds_every_kind():
    assets = example()
    assert {asset.kind for asset in assets} == set(AssetKind)
    by_id = {asset.asset_id: asset for asset in assets}
    first = by_id["L-1"]
    assert (first.obligor, first.seller, first.group, first.days_past_due) == ("Bakery North", "Kiva Hub", "A", 0)
    assert first.position == Monthly(
        repayment=Repayment.LEVEL, balance_micro=48_250_750_000, rate_e12=145 * 10**9, months=31
    )
    assert first.owed_micro == 48_731_200_000
    assert (first.terms.pd_e12, first.terms.lgd_e12, first.terms.lag_months) == (15 * 10**9, 350 * 10**9, 9)
    assert by_id["L-2"].position.repayment is Repayment.LINEAR
    assert by_id["L-5"].state is LoanState.DEFAULTED
    assert by_id["R-1"].position.income_micro == pytest.approx(60 * MICRO)
    assert (by_id["I-1"].terms.seller_pd_e12, by_id["I-1"].terms.correlation_e12) == (4 * 10**10, 3 * 10**11)
    assert by_id["I-1"].position.balance_micro == 49_000 * MICRO
    # Due on 2 January: thirteen days late, whatever the tape says.
    assert (by_id["I-2"].days_past_due, by_id["I-2"].position.flows[0].day) == (13, 0)
    assert by_id["W-1"].position.months == 36
    # What is owed of a building is all its rent and the reversion.
    assert by_id["E-1"].owed_micro > by_id["E-1"].position.balance_micro == 310_000 * MICRO
    assert isinstance(by_id["P-1"].position, Dated)
    assert len(by_id["P-1"].position.flows) == 3
    assert len(Holdings.of(assets).portfolio.terms) < len(assets)


def test_a_curve_by_dates_or_by_days(tmp_path):
    curve = read_curve(EXAMPLES / "rates.csv")
    assert curve.as_of == AS_OF
    assert curve.days[:3] == (0, 90, 181)
    assert curve.zero_e12[-1] == 45 * 10**9
    later = read_curve(EXAMPLES / "rates.csv", as_of=date(2026, 1, 10))
    assert later.days[0] == 5
    path = written(tmp_path, "\ufeffDays , ZERO\n0,0.01\n\n365,-0.0025\n")
    assert read_curve(path) == ZeroCurve(days=(0, 365), zero_e12=(10**10, -25 * 10**8))


def test_parquet_says_what_csv_says(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": ["a", "b"],
        "kind": ["bullet", "invoice"],
        "obligor": ["x", "y"],
        "balance": [Decimal("100.25"), Decimal("7")],
        "rate": ["0.1", None],
        "months": [12, None],
        "due": [None, date(2026, 3, 1)],
        "pd": [Decimal("0.01"), Decimal("0.02")],
        "lgd": [Decimal("0.4"), Decimal("1E-1")],
    }
    path = tmp_path / "pool.parquet"
    parquet.write_table(arrow.table(columns), path)
    text = "id,kind,obligor,balance,rate,months,due,pd,lgd\n"
    text += "a,bullet,x,100.25,0.1,12,,0.01,0.4\nb,invoice,y,7,,,2026-03-01,0.02,0.1\n"
    assert read_assets(path, as_of=AS_OF) == read_assets(written(tmp_path, text), as_of=AS_OF)

    parquet.write_table(arrow.table(columns | {"pd": [0.01, 0.02]}), path)
    with pytest.raises(TapeError, match=r"column pd, '0\.01': a float is not exact") as caught:
        read_assets(path, as_of=AS_OF)
    assert [fault.row for fault in caught.value.faults] == [2, 3]
    with pytest.raises(InputError, match="it is no Parquet file"):
        read_assets(written(tmp_path, "PAR0", "bad.parquet"))
    with pytest.raises(InputError, match="cannot be read"):
        read_assets(tmp_path / "none.parquet")


def test_parquet_without_pyarrow_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"pip install parbook\[arrow\]"):
        read_assets(written(tmp_path, "", "pool.parquet"))


def test_the_core_does_not_import_arrow():
    code = "import sys, parbook.assets.tape, parbook.cli.main; print('pyarrow' in sys.modules, 'plotly' in sys.modules)"
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# --- what is refused ------------------------------------------------------------------------------

HEADER = "id,kind,obligor,balance,rate,months,pd,lgd,payment,dpd,state\n"
GOOD = "L{},amortising,x,1000,0.1,12,0.02,0.4,,,\n"


def test_every_fault_is_told_with_its_place(tmp_path):
    text = HEADER + GOOD.format(1)
    text += "L2,amortizing,x,12 000,10%,1.5,2,0.4,,-3,\n"  # row 3: six faults
    text += "L1,bullet,,1000.0000001,0.1,12,0.02,,,,gone\n"  # row 4: four, and the id is there already
    text += "L5,bullet,x,1000,0.1,12,0.02,0.4\n"  # row 5: too few cells
    text += "L6,bullet,x,1000,0.1,12,0.02,0.4,50,,\n"  # row 6: bullets have no payment
    text += "L7,amortising,x,1000,0.1,12,0.02,0.4,5,,\n"  # row 7: does not cover the interest
    text += "L8,bullet,x,1000,0.1,,0.02,,,,\n"  # row 8: no months
    text += "L9,bullet,x,1000,0.1,9,0.02,,,,\n"  # row 9: no lgd
    error = faults(tmp_path, text)
    places = [(fault.row, fault.column) for fault in error.faults]
    assert places == [
        (3, "kind"), (3, "balance"), (3, "rate"), (3, "months"), (3, "pd"), (3, "dpd"),
        (4, "obligor"), (4, "balance"), (4, "state"), (5, ""), (6, "payment"), (7, ""), (8, "months"), (9, "lgd"),
    ]  # fmt: skip
    assert error.total == 14
    said = {(fault.row, fault.column): fault for fault in error.faults}
    assert said[3, "kind"].remedy == "Did you mean amortising?"
    assert said[3, "balance"].value == "12 000"
    assert said[3, "pd"].reason == "it is outside 0..1"
    assert said[3, "pd"].remedy == "Write a fraction: 0.06 for 6 %."
    assert said[4, "balance"].reason == "it has more than 6 decimals"
    assert said[4, "obligor"].reason == "it is empty"
    assert said[6, "payment"].reason == "bullet does not know it; amortising does"
    assert "does not cover the first month's interest" in said[7, ""].reason
    assert said[9, "lgd"].reason == "neither the row nor group '' has it"
    text = str(error)
    assert "pool.csv: 14 faults" in text
    assert "row 3, column rate, '10%': it is no plain decimal number. Write a fraction: 0.12 for 12 %." in text
    assert all(fault.remedy.endswith((".", "?")) for fault in error.faults)


def test_faults_are_counted_beyond_the_limit(tmp_path):
    text = HEADER + "".join(f"L{n},bullet,x,1000,0.1,12,2,0.4,,,\n" for n in range(50))
    error = faults(tmp_path, text, limit=3)
    assert (len(error.faults), error.total) == (3, 50)
    assert str(error).endswith("... and 47 more")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("id,kind,obligor\n", "holds no asset"),
        ("id,kind,oblgor\n", "column oblgor: there is no such column. Did you mean obligor?"),
        ("id,kind\n", "column obligor: the column is missing. Add it."),
        ("id,kind,obligor,id\n", "column id: the column is there twice"),
        ('id,kind,obligor\n"a,bullet,x\n', "it is no CSV"),
        ("id,kind,obligor\na,power,x\n", "column pd: neither|its deliveries are missing"),
        ("id,kind,obligor,balance,pd,lgd\na,invoice,x,5,0,0\n", "it needs either due or due_days"),
        ("id,kind,obligor,balance,pd,lgd,due\na,invoice,x,5,0,0,2026-01-01\n", "a date needs the day of valuation"),
        ("id,kind,obligor,balance,pd,lgd,due\na,invoice,x,5,0,0,2026-02-30\n", "there is no such day"),
        (
            "id,kind,obligor,balance,pd,lgd,due_days,seller_pd\na,invoice,x,5,0,0,9,0.1\n",
            "column correlation: recourse needs it",
        ),
        ("id,kind,obligor,legal_hash\na,bullet,x,abc\n", "it is no SHA-256"),
        ("id,kind,obligor\n" + "a" * 201 + ",bullet,x\n", "it has 201 characters"),
        ("id,kind,obligor\na\tb,bullet,x\n", "cannot be printed"),
    ],
)
def test_a_wrong_tape_says_why(tmp_path, text, says):
    with pytest.raises(ParbookError, match=says):
        read_assets(written(tmp_path, text))


def test_an_asset_is_there_once(tmp_path):
    paper = "f" * 64
    text = "id,kind,obligor,legal_hash,balance,rate,months,pd,lgd\n"
    text += f"a,bullet,x,{paper},1,0,1,0,0\nb,bullet,x,{paper},1,0,1,0,0\na,bullet,x,,1,0,1,0,0\n"
    error = faults(tmp_path, text)
    assert [(fault.row, fault.column, fault.reason) for fault in error.faults] == [
        (3, "legal_hash", "it is in row 2 already"),
        (4, "id", "it is in row 2 already"),
    ]


def test_files_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "pool.csv"
    path.write_bytes(b"id,kind,obligor\n\xff\xfe")
    with pytest.raises(InputError, match=r"byte 16: it is not UTF-8"):
        read_assets(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_assets(tmp_path / "none.csv")


def test_groups_flows_and_curves_are_checked_as_well(tmp_path):
    with pytest.raises(TapeError, match="column group, 'A': it is there twice"):
        read_groups(written(tmp_path, "group,pd,lgd\nA,0.1,0.1\nA,0.1,0.1\n"))
    with pytest.raises(TapeError, match="before the day of valuation"):
        read_flows(written(tmp_path, "id,date,quantity,price\nP,2026-01-14,1,1\n"), as_of=AS_OF)
    with pytest.raises(TapeError, match="it needs either date or days"):
        read_flows(written(tmp_path, "id,quantity,price\nP,1,1\n"))
    with pytest.raises(TapeError, match=r"row 3: day 5 does not follow day 5\. Sort"):
        read_curve(written(tmp_path, "days,zero\n5,0.01\n5,0.02\n"))
    with pytest.raises(AssetError, match="holds no point"):
        read_curve(written(tmp_path, "days,zero\n"))
    flows = read_flows(written(tmp_path, "id,days,quantity,price\nP,1,1,1\n", "f.csv"))
    with pytest.raises(TapeError, match="'P': the flows of this asset have no row"):
        read_assets(written(tmp_path, HEADER + GOOD.format(1)), flows=flows)


def test_numbers_are_read_exactly_or_refused():
    read = scaled(6, -(10**9), 10**9, "hint")
    assert [read(text) for text in ("1", "-1.5", "+0.000001", "00.1000000000")] == [10**6, -1_500_000, 1, 100_000]
    for text in ("1e3", "1,000", "nan", "", "1.", ".5", "0x1", "\u0661", "1_0", "0.0000001", "1000.000001"):
        with pytest.raises(CellError, match="it ") as caught:
            read(text)
        assert caught.value.remedy


@pytest.mark.parametrize("seed", range(40))
def test_no_mutated_tape_crashes(tmp_path, seed):
    """Whatever is done to the bytes: assets, or a ParbookError."""
    rng = random.Random(seed)
    text = bytearray((EXAMPLES / "pool.csv").read_bytes())
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(text))
        match rng.randrange(3):
            case 0:
                text[at] = rng.randrange(256)
            case 1:
                del text[at : at + rng.randint(1, 40)]
            case _:
                text[at:at] = rng.choice([b",", b'"', b"\n", b"999999999999", b"-", b"\x00", "é".encode()])
    path = tmp_path / "pool.csv"
    path.write_bytes(bytes(text))
    # The deliveries are left out, so that even an unharmed tape is refused.
    with pytest.raises(ParbookError, match=r"pool\.csv.*: \S"):
        read_assets(path, as_of=AS_OF, groups=read_groups(EXAMPLES / "groups.csv"))


def test_every_column_has_a_meaning_and_the_special_ones_exist():
    for schema in (ASSET_COLUMNS, GROUP_COLUMNS, FLOW_COLUMNS, CURVE_COLUMNS):
        names = [column.name for column in schema]
        assert len(names) == len(set(names))
        assert all(column.meaning for column in schema)
    assert set(ONLY) <= {column.name for column in ASSET_COLUMNS}
    assert tables.ROWS_MAX > 10**6
    assert scaled(12, 0, E12, "h")("1") == E12
