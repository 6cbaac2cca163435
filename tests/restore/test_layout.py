"""What restoring repeats elsewhere: the flaws' numbers, limits, and records that stand in two languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parbook import exchange_state, state, state_parts
from parbook.flaws import Flaw
from parbook.reference import ledger, outcomes, quotes, restore
from tests.parity.test_layout import defined, enum_numbers, record_layout, struct_layout

EXT = Path(__file__).resolve().parents[2] / "ext" / "parbook"
FLAWS = (EXT / "_flaws.pxd").read_text()
MARKET = (EXT / "_restore.pyx").read_text()
EXCHANGE = (EXT / "_exchange_restore.pyx").read_text()


def test_the_flaws_have_the_same_numbers():
    expected = {f"FLAW_{flaw.name}": int(flaw) for flaw in Flaw}
    assert enum_numbers(FLAWS) == expected | {"FLAW_NONE": 0}
    assert len({flaw.doc for flaw in Flaw}) == len(Flaw)


def test_the_limits_are_the_same():
    assert state_parts.MAX_PROPOSED_ANCHORS == quotes.MAX_PROPOSED_ANCHORS
    assert state_parts.OUTCOMES_MAX == outcomes.OUTCOMES_MAX
    assert state_parts.TXN_WINDOW == ledger.TXN_WINDOW
    assert defined(FLAWS, "PB_POSITION_REACH_LOTS") == restore.POSITION_REACH_LOTS
    assert enum_numbers(EXCHANGE)["SESSIONS_MAX"] == 2**16


@pytest.mark.parametrize(
    ("text", "name", "dtype"),
    [
        (MARKET, "CurveStateRecord", state.CURVE_STATE),
        (EXCHANGE, "BalanceRecord", exchange_state.BALANCE),
        (EXCHANGE, "TierRecord", exchange_state.TIER),
        (EXCHANGE, "SessionRecord", exchange_state.SESSION),
        (EXCHANGE, "OutcomeRecord", exchange_state.OUTCOME),
        (EXCHANGE, "ProfileRecord", exchange_state.MEMBER),
        (EXCHANGE, "ProfileRecord", exchange_state.STATUS),
        (EXCHANGE, "AssetRecord", exchange_state.ASSET),
    ],
)
def test_every_offset(text, name, dtype):
    fields, size = struct_layout(text.replace("char name[128]", "uint64_t name[16]"), name)
    expected, expected_size = record_layout(dtype)
    assert size == expected_size
    assert [(at, np.dtype(kind).itemsize) for _, kind, at in fields] == [
        (at, np.dtype(kind).itemsize) for _, kind, at in expected
    ]
