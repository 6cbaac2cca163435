"""Whatever is passed for whatever argument: an answer, or one of parbook's own errors and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

import parbook as pb
from tests.venue.conftest import BUYBACK, Place, opened

JUNK = (
    [None, True, -1, 0, 1, 2**31, 2**32, 2**63, 2**64, 10**5000, 1.5, float("nan"), "", "x", "nan", "1e999999", "\x00",
     "0.5", "\ud800", Decimal("NaN"), Decimal("1e400"), b"1", [], {}, object(), (1,), {"buy"}, pb.Side.SELL]
)  # fmt: skip


def calls(place: Place) -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Return each call with arguments that make sense."""
    ex, mkt, usd, loan = place
    order = {"instrument": mkt, "account": 7, "ts": 0}
    named = order | {"order_id": 1, "client_id": "a", "session": 1, "session_ref": 1}
    terms = {"display": "1", "min_qty": 0, "stop": 1, "offset": 1, "trail_bps": 1, "amount": 5, "expire": 9, "oco": 1}
    choices = {"hidden": False, "reduce_only": False, "stp": "off", "peg": "none", "trigger": "trade", "type": "limit"}
    money = {"account": 7, "asset": usd, "amount": "1", "txn_id": 0, "ts": 0}
    listing = {"symbol": "X", "base": loan, "quote": usd, "tick": "1", "lot": "1", "max_fee_bps": 1, "treasury": 1}
    rules = {"curve": BUYBACK, "stp": "off", "collar_bps": 1, "allocation": "price_time", "bust_window": 1}
    return {
        "place": (ex.place, named | terms | choices | {"side": "buy", "qty": 1, "price": 1, "tif": "gtc"}),
        "place_fast": (ex.place, order | {"side": 0, "qty_lots": 1, "price_ticks": 1, "client_id": 7, "stop_ticks": 1}),
        "amend": (ex.amend, named | {"qty": 1, "price": 1, "display": 1, "stop": 1}),
        "reduce": (ex.reduce, named | {"qty": 1}),
        "cancel": (ex.cancel, named),
        "quote": (ex.quote, order | {"slot": 1, "bid": 1, "bid_qty": 1, "ask": 2, "ask_lots": 1, "session": 1}),
        "mass_cancel": (ex.mass_cancel, order | {"session": 1, "side": "buy", "reason": "mass"}),
        "kill": (ex.kill, order),
        "dead_man": (ex.dead_man, order | {"timeout_ns": 5}),
        "bust": (ex.bust, {"instrument": mkt, "trade_id": 1, "ts": 0}),
        "deposit": (ex.deposit, money),
        "withdraw": (ex.withdraw, money),
        "transfer": (ex.transfer, money | {"target": 8}),
        "set_fees": (ex.set_fees, {"tier": 0, "maker_bps": 0, "taker_bps": 1, "ts": 0}),
        "set_tier": (ex.set_tier, {"account": 7, "tier": 0, "ts": 0}),
        "set_status": (ex.set_status, {"account": 7, "status": "active", "ts": 0}),
        "set_account": (ex.set_account, order | {"max_long": 5, "denied": ["amend"], "killed": False, "stp_group": 1}),
        "set_state": (ex.set_state, {"instrument": mkt, "state": "halted", "ts": 0}),
        "set_curve": (ex.set_curve, {"instrument": mkt, "curve": BUYBACK, "ts": 0}),
        "observe": (ex.observe, {"instrument": mkt, "price": 1, "conf": 0, "source": "nav", "ts": 0}),
        "advance": (ex.advance, {"instrument": mkt, "ts": 5}),
        "add_asset": (ex.add_asset, {"name": "Z", "decimals": 2}),
        "add_instrument": (ex.add_instrument, listing | rules),
        "preview": (ex.preview, {"instrument": mkt, "account": 7, "side": "buy", "qty": 1, "price": 1}),
        "depth": (ex.depth, {"instrument": mkt, "levels": 5}),
        "balances": (ex.balances, {"account": 7}),
        "events": (ex.events, {"since": 0}),
        "aevents": (ex.aevents, {"since": 0}),
        "client_text": (ex.client_text, {"account": 7, "client_id": 1}),
        "apply": (ex.apply, {"command": pb.Advance(ts_ns=1)}),
        "apply_batch": (ex.apply_batch, {"commands": pb.command_records([])}),
    }


def standing(place: Place) -> tuple[str, int, int, int]:
    """Return all that a failed call may not have changed."""
    return place.ex.state_hash(), place.ex.next_event, len(place.ex.instruments), len(place.ex.assets)


@pytest.mark.parametrize("name", list(calls(opened(None))))
def test_an_exception_is_parbooks_own_and_changes_nothing(name: str):
    place = opened(None)
    call, sound = calls(place)[name]
    for argument, junk in product(sound, JUNK):
        before = standing(place)
        try:
            call(**sound | {argument: junk})
        except pb.ParbookError:
            assert standing(place) == before, argument
        handles = [(handle.name, handle.decimals) for handle in place.ex.assets]
        assert handles == [(asset.name, asset.decimals) for asset in place.ex.core.assets]


@pytest.mark.parametrize("field", pb.LinearBuyback.__struct_fields__)
def test_a_curve_of_nonsense_is_refused(place: Place, field: str):
    sound = {"budget": 10, "depth_lots": 5, "drop_bps": 100}
    for junk in JUNK:
        before = standing(place)
        try:
            place.ex.set_curve(place.mkt, pb.LinearBuyback(**sound | {field: junk}))
        except pb.ParbookError:
            assert standing(place) == before
