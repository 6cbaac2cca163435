"""Which terms go together: reference and core asked for every type, time in force and side with up to two terms.

Random streams draw sensible orders; a combination that nobody would send is as much part of the rules.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

import parbook
import parbook.reference
from parbook.codes import CommandKind, EventKind, OrderType, RejectCode, Side, TimeInForce
from parbook.instrument import Instrument
from parbook.records import COMMAND, TERMS

TERM_VALUES = {
    "hidden": (1, 2),
    "reduce_only": (1, 2),
    "stp": (1, 6),
    "peg": (1, 2, 3, 4),
    "trigger": (1, 2),
    "display_lots": (2, 9),
    "min_lots": (2, 9),
    "stop_ticks": (110, -1),
    "offset_ticks": (2, -2),
    "expire_ns": (5, -5),
    "amount_notional": (500, -1),
    "oco_order_id": (1, 2**40),
    "trail_ppm": (10, 1_000_001),
}


def orders() -> np.ndarray:
    """Return a special NEW, with its TERMS behind it, for every combination."""
    given = [()] + [((name, value),) for name, values in TERM_VALUES.items() for value in values]
    pairs = [one + two for one, two in combinations(given[1:], 2) if one[0][0] != two[0][0]]
    shapes = [
        (kind, tif, side) for kind in range(len(OrderType) + 1) for tif in range(len(TimeInForce) + 1) for side in Side
    ]
    records = np.zeros((len(shapes), len(given) + len(pairs), 2), COMMAND)
    news, terms = records[..., 0], records[..., 1].view(TERMS)
    terms["kind"] = CommandKind.TERMS
    news["kind"], news["account"], news["qty_lots"], news["price_ticks"] = CommandKind.NEW_SPECIAL, 1, 5, 100
    for row, (kind, tif, side) in enumerate(shapes):
        news["order_type"][row], news["tif"][row], news["side"][row] = kind, tif, side
    for column, fields in enumerate(given + pairs):
        for name, value in fields:
            (news if name == "trail_ppm" else terms)[name][:, column] = value
    return records


def test_both_admit_the_same_combinations_of_terms():
    records = orders()
    instrument = Instrument(symbol="TEST", market_rests=True)
    reference, core = parbook.reference.Market(instrument), parbook.Market(instrument)
    setting = np.zeros(3, COMMAND)
    setting["kind"], setting["account"], setting["qty_lots"] = CommandKind.NEW, (8, 9, 9), 1
    setting["side"], setting["price_ticks"] = (Side.SELL, Side.BUY, Side.SELL), (100, 100, 10**6)
    answers = []
    for market in (reference, core):
        market.apply_batch(setting)
        answers.append([market.apply_batch(row.reshape(-1)) for row in records])
    codes = set()
    for row, (expected, got) in enumerate(zip(*answers, strict=True)):
        assert expected.tobytes() == got.tobytes(), records[row, 0, 0]
        codes |= set(expected["code"][expected["kind"] == EventKind.REJECTED])
    assert codes >= {RejectCode.INVALID_TERMS, RejectCode.INVALID_COMBINATION, RejectCode.INVALID_OCO}
    assert reference.state_bytes() == core.state_bytes()
