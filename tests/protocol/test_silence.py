"""Syncs that a silence leaves out change nothing: compared with a treasury that looks at its till all the same."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from parbook import canonical
from parbook import messages as m
from parbook.codes import Side, TimeInForce
from parbook.protocol import commands as c
from parbook.protocol import on_treasury
from parbook.protocol.state import PoolEntry, TreasuryEntry
from parbook.treasury import commands as treasuries
from tests.protocol.house import DAY, MICRO, SECOND
from tests.protocol.venue import FOUNDER, GOVERNOR, GUARDIAN, HOUR, INVESTOR, SENIOR, Venue

PLACE = {"pool": 0, "tranche": SENIOR}


def always(_entry: PoolEntry, held: TreasuryEntry) -> int:
    """When a treasury looked at its till before a silence was one."""
    return treasuries.next_due_ns(held.treasury)


def order(side: Side, lots: int) -> m.NewOrder:
    """Return an order that trades with the curve."""
    seller = side is Side.SELL
    return m.NewOrder(
        account=INVESTOR if seller else FOUNDER,
        side=side,
        qty_lots=lots,
        price_ticks=1 if seller else 20_000,
        tif=TimeInForce.IOC,
        instrument=0,
    )


def step(venue: Venue, draw: random.Random) -> None:
    """One thing that happens to a treasury, silences among it, from minutes to weeks."""
    kind, now = draw.randrange(8), venue.now
    if kind < 2:
        venue.pass_to(now + draw.choice([HOUR // 3, 5 * HOUR, DAY, 6 * DAY, 20 * DAY]) + draw.randrange(HOUR))
    elif kind < 4:
        venue.report(draw.randrange(975_000, 985_000), 990_000, 1_000_000, ts=now + HOUR)
        venue.pass_to(venue.now + HOUR)
    elif kind == 4:
        venue.apply(order(Side.SELL, draw.randrange(1, 4_000)))
    elif kind == 5:
        venue.apply(order(Side.BUY, draw.randrange(1, 1_000)))
    elif kind == 6:
        venue.act(c.PauseTreasury(**PLACE, account=GUARDIAN, until_ns=now + draw.randrange(1, 3 * DAY)))
    else:
        venue.act(c.ResumeTreasury(**PLACE, account=draw.choice([GUARDIAN, GOVERNOR])))
        venue.act(c.FundTreasury(**PLACE, account=FOUNDER, amount_micro=draw.randrange(1, MICRO)))


def stands(venue: Venue) -> tuple[Any, ...]:
    """Return all that counts: not how often somebody looked, nor, without a price, what will count with the next."""
    state = msgspec.json.decode(canonical.encode(venue.protocol))
    treasury = state["pools"][0]["tranches"][SENIOR]["treasury"]["treasury"]
    looks = [(treasury, "version"), (treasury, "now_ns"), (treasury["budget"], "noted_ns")]
    looks.append((state["pools"][0]["pool"], "accrued_ns"))
    if state["pools"][0]["shares"] is None:
        looks += [(treasury["budget"], "day_noted"), (treasury["budget"], "month_noted")]
    for part, name in looks:
        del part[name]
    curve = venue.curve
    return (
        state,
        [venue.one.holders(asset) for asset in range(len(venue.one.assets))],
        (curve.quoting, curve.low_ticks, curve.high_ticks, curve.net_lots, curve.cash_notional),
        venue.said,
    )


@pytest.mark.parametrize("seed", range(6))
def test_whether_anybody_looks_at_a_till_without_a_price_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch):
    terms = {"credit_max_ns": random.Random(seed).choice([26 * HOUR, 10 * DAY]), "sync_ns": 7 * HOUR + 11 * SECOND}
    ran, looks = [], []
    for rule in (on_treasury.due_ns_of, always):
        monkeypatch.setattr(on_treasury, "due_ns_of", rule)
        venue = Venue(check=False, rate_e12=0, **terms)
        venue.opened()
        draw, seen = random.Random(seed), []
        for _ in range(40):
            step(venue, draw)
            seen.append(stands(venue))
        venue.one.check()
        ran.append(seen)
        looks.append(venue.protocol.pools[0].tranches[SENIOR].treasury.treasury.version)
    assert ran[0] == ran[1]
    assert looks[0] < looks[1], "there was a silence"
