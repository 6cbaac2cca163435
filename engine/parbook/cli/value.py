"""`parbook value`: the fair value of a pool of loans and other assets, and of its tranches."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from parbook.assets.holdings import Holdings
from parbook.assets.nav import Cash, net_asset_value
from parbook.assets.schema import CellError, date_cell, scaled
from parbook.assets.tape import read_assets, read_curve, read_flows, read_groups
from parbook.cli.arguments import count
from parbook.cli.output import atomic_output, check_output, print_out
from parbook.errors import AssetError
from parbook.pools.amounts import E12, MONEY_MICRO_MAX
from parbook.pools.limits import Limits
from parbook.pools.tranches import Tranche
from parbook.report.nav_page import render_nav
from parbook.report.nav_summary import text_summary
from parbook.report.page import require_plotly

_AMOUNT = scaled(6, 0, MONEY_MICRO_MAX, "Write an amount such as 12500.50.")
_SHARE = scaled(12, 1, E12, "Write a fraction such as 0.05.")
_T = TypeVar("_T")


def add_parser(commands: Any) -> None:
    """Add the subcommand to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "value",
        help="the fair value of a pool of loans, and of its tranches",
        description="Value a tape of loans, invoices, leases, real estate, power or carbon (CSV, or Parquet with "
        "pyarrow) on a curve of zero rates, in three bands. docs/valuation.md lists columns and formulas.",
    )
    parser.add_argument("pool", metavar="POOL", type=Path, help="the tape: one asset a row")
    parser.add_argument("--curve", metavar="RATES", type=Path, required=True, help="zero rates: days,zero or date,zero")
    parser.add_argument("--groups", metavar="FILE", type=Path, help="risk groups: group,pd,lgd,cpr,spread,lag")
    parser.add_argument("--flows", metavar="FILE", type=Path, help="deliveries of power and carbon, by id")
    parser.add_argument("--as-of", metavar="DATE", type=_date, help="day of valuation; else the curve's first date")
    for name, text in (
        ("cash", "cash of the pool"),
        ("claimable", "of that cash, promised to leavers"),
        ("fees", "fees owed"),
        ("unrealised", "losses known and not yet taken, which an exit price bears"),
    ):
        parser.add_argument(f"--{name}", metavar="AMOUNT", type=_amount, default=0, help=f"{text}; 0 if not given")
    parser.add_argument(
        "--tranche",
        metavar="NAME=CLAIM[/UNITS]",
        type=_tranche,
        action="append",
        default=[],
        help="a tranche, most senior first; the last without a claim, as junior or junior=/UNITS",
    )
    parser.add_argument("--obligor-limit", metavar="SHARE", type=_share, default=E12 // 20, help="default: 0.05")
    parser.add_argument("--seller-limit", metavar="SHARE", type=_share, default=E12 // 10, help="default: 0.10")
    parser.add_argument("--faults", metavar="N", type=count, default=20, help="list so many faults of a file")
    parser.add_argument("--report", metavar="OUT.html", type=Path, help="write a self-contained page (needs plotly)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Value the pool, write what was asked for, and return 0."""
    if args.report is not None:
        # Whatever would spoil the report is said before the work, not after it.
        require_plotly()
        check_output(args.report, (args.pool, args.curve, args.groups, args.flows))
    curve = read_curve(args.curve, as_of=args.as_of, limit=args.faults)
    groups = None if args.groups is None else read_groups(args.groups, limit=args.faults)
    flows = None if args.flows is None else read_flows(args.flows, as_of=curve.as_of, limit=args.faults)
    assets = read_assets(args.pool, as_of=curve.as_of, groups=groups, flows=flows, limit=args.faults)
    nav = net_asset_value(
        Holdings.of(assets),
        curve,
        cash=Cash(
            cash_micro=args.cash,
            claimable_micro=args.claimable,
            fees_micro=args.fees,
            unrealised_micro=args.unrealised,
        ),
        tranches=args.tranche,
        limits=Limits(obligor_e12=args.obligor_limit, counterparty_e12=args.seller_limit),
    )
    if args.report is not None:
        with atomic_output(args.report) as path:
            path.write_text(render_nav(nav, args.pool.name), encoding="utf-8")
    if args.json:
        print_out(nav.to_json())
    elif not args.quiet:
        print_out(text_summary(nav))
        if args.report is not None:
            print_out(f"report: {args.report}")
    return 0


def _date(text: str) -> date:
    return _read(date_cell, text)


def _amount(text: str) -> int:
    return _read(_AMOUNT, text)


def _share(text: str) -> int:
    return _read(_SHARE, text)


def _tranche(text: str) -> Tranche:
    """Return a tranche; its units are as many as its claim when they are not given."""
    name, _, rest = text.partition("=")
    claim, _, units = rest.partition("/")
    if not name:
        raise argparse.ArgumentTypeError(f"{text!r} has no name: write senior=700000/700000")
    claim_micro = _amount(claim) if claim else 0
    try:
        return Tranche(name=name, claim_micro=claim_micro, supply_micro=_amount(units) if units else claim_micro)
    except AssetError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _read(reader: Callable[[str], _T], text: str) -> _T:
    try:
        return reader(text)
    except CellError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error.reason}. {error.remedy}") from None
