"""Memory after making and dropping many exchanges with everything in them: `python -m tests.exchange.leaks`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from parbook import messages as m
from parbook._exchange import Exchange
from parbook.codes import CurveShape, OrderType, Peg, Side, StpMode
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.records import Records, command_records

BASE, QUOTE = Asset(name="BASE"), Asset(name="QUOTE")
LISTING = Listing(
    instrument=Instrument(symbol="X", stp=StpMode.CANCEL_NEWEST, bust_window=4), base=0, quote=1, treasury=3
)
CURVE = m.SetCurve(
    params=m.CurveParams(
        shape=CurveShape.LINEAR, base_depth_lots=9, quote_depth_lots=9, budget_notional=900, drop_ppm=9
    )
)
ALLOWED_BYTES = 1 << 21
"""Growth that is no leak: the allocators' own, whatever the count."""


def commands() -> Records:
    """Return commands after which an exchange has balances, sessions, registered accounts, and orders of all sorts."""
    some = [m.Deposit(account=a, asset=s, amount_atoms=10**9, txn_id=10 * a + s) for a in (1, 2, 3) for s in (0, 1)]
    some += [m.SetTier(account=2, tier=0), m.SetStatus(account=9, status=1)]
    some += [m.NewOrder(account=1, side=Side.BUY, qty_lots=5, price_ticks=p, client_id=p) for p in range(90, 99)]
    some += [m.NewOrder(account=2, side=Side.SELL, qty_lots=3, price_ticks=95, session=1, session_ref=1)]
    some += [m.NewOrder(account=2, side=Side.SELL, qty_lots=9, price_ticks=120, display_lots=2)]
    some += [m.NewOrder(account=2, side=Side.SELL, qty_lots=9, price_ticks=120, stop_ticks=80)]
    pegged = m.NewOrder(
        account=1, side=Side.BUY, qty_lots=1, price_ticks=80, order_type=OrderType.PEGGED, peg=Peg.PRIMARY
    )
    some += [pegged, m.Quote(account=2, slot=1, ask_ticks=130, ask_lots=2), m.DeadMan(account=1, timeout_ns=9)]
    return command_records(
        [*some, m.SetAccount(account=1, field=5, value=100), m.ProposeAnchor(low_ticks=50, high_ticks=60)]
    )


def one(records: Records) -> None:
    """Make an exchange, let everything happen in it, and drop it."""
    exchange = Exchange(outcome_window=8)
    exchange.add_asset(BASE)
    exchange.add_asset(QUOTE)
    exchange.add_instrument(LISTING)
    exchange.apply_batch(records[:6])
    exchange.apply(CURVE)
    exchange.apply_batch(records)
    exchange.place(0, 1, 0, 1, 99)


def resident_bytes() -> int:
    """Return what this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth_bytes(count: int, progress: bool = False) -> int:
    """Return how much memory grew over `count` exchanges, the first few, which warm the allocators up, left out."""
    records = commands()
    for _ in range(500):
        one(records)
    before = resident_bytes()
    for number in range(count):
        one(records)
        if progress and number % 10_000 == 0:
            print(f"\rleaks: {number:,} of {count:,}", end="", file=sys.stderr, flush=True)
    return resident_bytes() - before


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    count = parser.parse_args().count
    grown = growth_bytes(count, progress=True)
    print(f"\nleaks: {count:,} exchanges made and dropped, resident memory grew by {grown:,} bytes")
    return 0 if grown < ALLOWED_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
