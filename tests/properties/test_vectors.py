"""The 60 published joint matches, through both implementations, with their exact fills.

A vector names a cursor, a book and a taker. The cursor is reached through the public API: a curve of the same
shape is set, its anchor activated, and one account trades it to `s` while nothing rests. Then the curve is withdrawn,
the book entered beside it, and the same anchor activated again; cursor and cash survive a withdrawal. The book only
stands on the side opposite to the taker, so it clips the curve's other side, which the taker never meets, and no vector
has to be skipped. Ladder and rungs are those compiled at `s`, as in the file.
"""

import pytest

from parbook.codes import Side, Source
from parbook.curve import CurveParams, n_ask, n_bid
from parbook.instrument import Instrument
from parbook.messages import NewOrder, ProposeAnchor, SetCurve, Trade, WithdrawCurve
from tests.support.curves import vector_curve, vectors
from tests.support.markets import MARKETS

both = pytest.mark.parametrize("market_class", MARKETS.values(), ids=MARKETS.keys())
COUNT = 60
FAR_TICKS = 2**40
BUDGET = 2**60


def reached(market_class, vector):
    """Return a market with the vector's cursor and book, reached without touching anything private."""
    market = market_class(Instrument(symbol="VECTOR"))
    row = vector["curve"]
    params = with_budget(vector_curve(row))
    anchor = ProposeAnchor(low_ticks=row["anchor"], high_ticks=row["anchor"])
    market.apply(SetCurve(params=params))
    market.apply(anchor)
    side = Side.SELL if vector["s"] > 0 else Side.BUY
    if vector["s"]:
        placed = market.place(1, side, abs(vector["s"]), 1 if side is Side.SELL else FAR_TICKS, tif=2)
        assert placed.ok, "the curve does not reach this cursor"
    assert market.curve.net_lots == vector["s"]
    market.apply(WithdrawCurve())
    maker_side = Side.SELL if vector["taker"] == "buy" else Side.BUY
    for price, lots in vector["opposite_book_best_first"]:
        assert market.place(2, maker_side, lots, price).leaves_lots == lots
    market.apply(anchor)
    return market


def with_budget(params):
    fields = {name: getattr(params, name) for name in CurveParams.__struct_fields__}
    return CurveParams(**(fields | {"budget_notional": BUDGET}))


@both
def test_every_published_match(market_class):
    played = 0
    for number, vector in enumerate(vectors("reference_ladder_and_matching")["matching"]):
        market = reached(market_class, vector)
        taker = Side[vector["taker"].upper()]
        order = NewOrder(account=3, side=taker, qty_lots=vector["qty"], price_ticks=vector["limit"], tif=1)
        trades = [e for e in market.apply(order) if isinstance(e, Trade)]
        got = [["B" if t.source is Source.BOOK else "C", t.price_ticks, t.qty_lots] for t in trades]
        assert got == vector["fills"], f"vector {number}"
        assert market.curve.net_lots == vector["s_after"], f"vector {number}"
        assert sum(t.qty_lots for t in trades) == vector["filled"], f"vector {number}"
        assert sum(t.qty_lots * t.price_ticks for t in trades) == vector["notional"], f"vector {number}"
        market.check()
        played += 1
    assert played == COUNT


@both
def test_every_published_ladder(market_class):
    """What a market publishes as depth sums up to the file's N_bid and N_ask at every price of the file."""
    for row in vectors("reference_ladder_and_matching")["ladder"]:
        params = with_budget(vector_curve(row))
        market = market_class(Instrument(symbol="LADDER"))
        market.apply(SetCurve(params=params))
        market.apply(ProposeAnchor(low_ticks=row["anchor"], high_ticks=row["anchor"]))
        depth = market.depth(1000)
        bids, asks = depth[depth["side"] == 0], depth[depth["side"] == 1]
        last_bid, last_ask = int(bids["price_ticks"].min()), int(asks["price_ticks"].max())
        for price, wants, offers in row["rows_price_Nbid_Nask"]:
            assert (n_bid(params, row["anchor"], price), n_ask(params, row["anchor"], price)) == (wants, offers)
            # Beyond its 256 rungs a compiled ladder withholds quotes.
            if wants >= 0 and price >= last_bid:
                assert bids["qty_lots"][bids["price_ticks"] >= price].sum() == wants
            if offers <= 0 and price <= last_ask:
                assert -asks["qty_lots"][asks["price_ticks"] <= price].sum() == offers
