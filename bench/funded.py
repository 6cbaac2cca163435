"""An exchange whose accounts can pay for whatever the measured flows do, and that charges them for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from bench.workloads import INSTRUMENT, SHAPES
from parbook import messages as m
from parbook._exchange import Exchange
from parbook.codes import EventKind, StpMode
from parbook.instrument import Instrument
from parbook.listing import Asset, Listing
from parbook.records import Records, command_records

QUOTE: Final = 0
"""The asset that everything is paid in. Instrument n trades asset n + 1."""
MAKER_PPM: Final = 100
TAKER_PPM: Final = 500

GUARDED: Final = msgspec.structs.replace(INSTRUMENT, stp=StpMode.CANCEL_NEWEST)
"""The instrument of the flows, with self-trade prevention."""
TRADERS: Final = range(1, 1 + max(shape.accounts for shape in SHAPES.values()) + 16)
"""Every account of the flows: the ordinary ones and the sellers above them."""
SOLE: Final = (7,)

_TOTAL_ATOMS: Final = 2**61
_BASE_ATOMS: Final = 2**40


def named(symbol: int) -> Instrument:
    """Return the instrument with prevention under a symbol of its own."""
    return msgspec.structs.replace(GUARDED, symbol=f"BENCH{symbol}")


def listed(count: int) -> Exchange:
    """Return an exchange of `count` instruments that nobody has any money in; each has a base asset of its own."""
    exchange = Exchange()
    exchange.add_asset(Asset(name="CASH"))
    for number in range(count):
        base = exchange.add_asset(Asset(name=f"ASSET{number}"))
        exchange.add_instrument(Listing(instrument=named(number), base=base, quote=QUOTE))
    return exchange


def payments(accounts: Iterable[int], instruments: int = 1) -> Records:
    """Return the commands that set the fees of tier 0 and give every account its share of every asset."""
    numbers = list(accounts)
    cash = _TOTAL_ATOMS // len(numbers)
    given = [(QUOTE, cash), *((1 + number, _BASE_ATOMS) for number in range(instruments))]
    deposits = [m.Deposit(account=n, asset=asset, amount_atoms=atoms) for n in numbers for asset, atoms in given]
    return command_records([m.SetFees(tier=0, maker_ppm=MAKER_PPM, taker_ppm=TAKER_PPM), *deposits])


def funded(accounts: Iterable[int] = TRADERS, instruments: int = 1) -> Exchange:
    """Return an exchange in which the accounts can pay."""
    exchange = listed(instruments)
    events = exchange.apply_batch(payments(accounts, instruments))
    if EventKind.REJECTED in events["kind"]:
        raise AssertionError("a deposit was refused")
    return exchange


def fees_due(events: Records) -> int:
    """Return the atoms that the fills among the events of book orders owe the venue: both sides, each rounded up."""
    fills = events[events["kind"] == EventKind.TRADE]
    notional = fills["price_ticks"] * fills["qty_lots"]
    return sum(int(np.sum(-(-notional * rate // 1_000_000))) for rate in (MAKER_PPM, TAKER_PPM))
