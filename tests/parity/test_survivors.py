"""Ids of old pages are kept in other forms than those of young ones: what survives must be found, and leave, as ever.

The release build calls a page of ids old once half a million newer ids were given, the checked build once two
hundred were: the streams are long, and hold the core against a dict rather than the reference, which takes minutes.
"""

from __future__ import annotations

import numpy as np
import pytest

from parbook import Market
from parbook.codes import CommandKind, EventKind, Side
from parbook.instrument import Instrument
from parbook.records import COMMAND, Records
from tests.restore.damage import cut

INSTRUMENT = Instrument(symbol="AGED")
PAGE_IDS = 64
YOUNG_IDS = 8192 * PAGE_IDS
SPAN_IDS = 2**21 * PAGE_IDS
"""So many the directory of the release build spans, up to twice as many before it gives up its beginning."""
BATCH = 32_768
PRICES = 50


def entering(draw: np.random.Generator, count: int) -> Records:
    """Orders that rest, at few prices of both sides, each with its own quantity."""
    rows = np.zeros(count, COMMAND)
    rows["kind"] = CommandKind.NEW
    rows["account"] = 1
    rows["side"] = draw.integers(0, 2, count)
    away = draw.integers(1, PRICES, count)
    rows["price_ticks"] = np.where(rows["side"] == Side.BUY, 1_000 - away, 1_000 + away)
    rows["qty_lots"] = draw.integers(1, 1_000, count)
    return rows


def leaving(ids: np.ndarray) -> Records:
    rows = np.zeros(len(ids), COMMAND)
    rows["kind"] = CommandKind.CANCEL
    rows["account"] = 1
    rows["order_id"] = ids
    return rows


def survivors(draw: np.random.Generator, market: Market, count: int, kept_of_page: int) -> dict[int, int]:
    """Let `count` orders enter and leave but for so many of a page, by draw; return lots by ids. For 0 one of 9,973."""
    rested: dict[int, int] = {}
    for _ in range(count // BATCH + 1):
        rows = entering(draw, BATCH)
        ids = market.apply_batch(rows)["order_id"]
        kept = draw.random(BATCH) < kept_of_page / PAGE_IDS if kept_of_page else ids % 9_973 == 7
        gone = draw.permutation(ids[~kept])
        assert len(ids) == BATCH
        assert (market.apply_batch(leaving(gone))["kind"] == EventKind.CANCELLED).all()
        rested |= dict(zip(ids[kept].tolist(), rows["qty_lots"][kept].tolist(), strict=True))
    return rested


def agree(market: Market, rested: dict[int, int]) -> None:
    market.check()
    found = market.live_orders()
    assert dict(zip(found["order_id"].tolist(), found["qty_lots"].tolist(), strict=True)) == rested


@pytest.mark.parametrize("kept_of_page", [0, 1, 2, 5, 13, 15, 40])
def test_survivors_are_found_and_leave(kept_of_page):
    draw = np.random.default_rng(kept_of_page)
    market = Market(INSTRUMENT)
    rested = survivors(draw, market, YOUNG_IDS + 4 * BATCH, kept_of_page)
    agree(market, rested)
    assert market.order(YOUNG_IDS * 9) is None
    assert market.order(0) is None
    ids = draw.permutation(list(rested))
    for part in np.array_split(ids, 5):
        everybody = draw.permutation(np.concatenate([part, part + 1, part[:50]]))
        kinds = market.apply_batch(leaving(everybody))["kind"]
        gone = set(everybody.tolist()) & set(rested)
        assert (kinds == EventKind.CANCELLED).sum() == len(gone)
        for order_id in gone:
            del rested[order_id]
        agree(market, rested)
    assert not rested
    market.place(account=1, side=Side.BUY, qty_lots=5, price_ticks=100)
    market.check()


@pytest.mark.parametrize("kept_of_page", [1, 3, 14, 16])
def test_survivors_of_a_restored_market(kept_of_page):
    """A state names orders by price: an old page is filled in any order, and through every form."""
    draw = np.random.default_rng(kept_of_page)
    market = Market(INSTRUMENT)
    rested = survivors(draw, market, YOUNG_IDS + 2 * BATCH, kept_of_page)
    restored = Market.from_state(INSTRUMENT, market.state_bytes())
    agree(restored, rested)
    assert restored.memory_bytes <= 1.5 * market.memory_bytes
    rows = np.concatenate([entering(draw, BATCH), leaving(draw.permutation(list(rested))[: len(rested) * 2 // 3])])
    assert market.apply_batch(rows).tobytes() == restored.apply_batch(rows).tobytes()
    restored.check()
    assert market.state_hash() == restored.state_hash()


@pytest.mark.parametrize("jump_ids", [4 * SPAN_IDS, SPAN_IDS - 3 * BATCH])
@pytest.mark.parametrize("kept_of_page", [0, 1, 3, 20])
def test_survivors_far_behind_are_found_by_number(kept_of_page, jump_ids):
    """Ids jump, as if as many orders had come and gone: all pages leave the directory at once, or one after another."""
    draw = np.random.default_rng(kept_of_page)
    market = Market(INSTRUMENT)
    rested: dict[int, int] = {}
    taken = []
    for lap in range(4):
        rested |= survivors(draw, market, YOUNG_IDS + BATCH if lap == 1 else BATCH, kept_of_page)
        agree(market, rested)
        parts = cut(market.state_bytes())
        parts.header["next_order_id"] += jump_ids
        parts.header["next_seq"] += jump_ids
        jumped = Market.from_state(INSTRUMENT, parts.bytes())
        agree(jumped, rested)
        rows = np.concatenate([entering(draw, BATCH), leaving(draw.permutation(list(rested))[: len(rested) // 3])])
        events = jumped.apply_batch(rows)
        placed, gone = events[:BATCH], events[BATCH:]
        assert (gone["kind"] == EventKind.CANCELLED).all()
        rested |= dict(zip(placed["order_id"].tolist(), placed["qty_lots"].tolist(), strict=True))
        for order_id in gone["order_id"].tolist():
            del rested[order_id]
        agree(jumped, rested)
        everybody = draw.permutation(list(rested))
        stay = everybody[: len(everybody) // 10]
        jumped.apply_batch(leaving(everybody[len(stay) :]))
        rested = {order_id: rested[order_id] for order_id in stay.tolist()}
        agree(jumped, rested)
        market = jumped
        taken.append(market.memory_bytes)
    # A directory without end would have 8 bytes for 64 ids: 67 MB for the four shorter jumps.
    assert max(taken) < 60_000_000


def test_what_survivors_take_is_bounded():
    """One of 64 stays: each takes its order, and of the ids little more than its entry of the directory."""
    market = Market(INSTRUMENT)
    draw = np.random.default_rng(1)
    rested = survivors(draw, market, YOUNG_IDS * 4, 1)
    taken = market.memory_bytes
    # Much of it for the batch that just came and went. A page for each would make it 500.
    assert taken < 400 * len(rested)
    for _ in range(2):
        # Pages and quarters that were given up serve again.
        market.apply_batch(leaving(np.array(list(rested))))
        market.check()
        rested = survivors(draw, market, YOUNG_IDS * 4, 1)
        agree(market, rested)
        assert market.memory_bytes == taken
