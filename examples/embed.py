"""Embed parbook: a holder of a receivable token sells more than people bid for, and the buyback fills the rest."""

import parbook as pb

loan = pb.Instrument(symbol="SME-A/USDx", tick="0.0001", lot="1")
market = pb.Market(loan)


def ticks(price: str) -> int:
    """Exact, or a ConversionError that names the nearest accepted prices."""
    return loan.price_ticks(price)


# The protocol's buyback: 1,000 tokens at fair value, then down a straight slope, 3% over 240,000 tokens.
buyback = pb.CurveParams(
    shape=pb.CurveShape.LINEAR,
    base_depth_lots=240_000,
    quote_depth_lots=240_000,
    par_lots=1_000,
    drop_ppm=30_000,
    spread_ppm=2_500,
    budget_notional=250_000 * 10_000,  # 250,000 USDx, in ticks x lots
    max_net_lots=240_000,
)
market.apply(pb.SetCurve(params=buyback))
market.apply(pb.ProposeAnchor(low_ticks=ticks("0.9870"), high_ticks=ticks("0.9876"), ts_ns=1_000))

# People quote around it.
market.place(account=1, side=pb.Side.BUY, qty_lots=500, price_ticks=ticks("0.9852"), ts_ns=2_000)
market.place(account=2, side=pb.Side.BUY, qty_lots=300, price_ticks=ticks("0.9840"), ts_ns=2_001)

# A holder wants out of 20,000.
before = market.next_seq
sold = market.place(
    account=7, side=pb.Side.SELL, qty_lots=20_000, price_ticks=ticks("0.9600"), tif=pb.TimeInForce.IOC, ts_ns=3_000
)
trades = [event for event in pb.events_from_records(market.events(before)) if isinstance(event, pb.Trade)]
for source in (pb.Source.BOOK, pb.Source.CURVE):
    fills = [trade for trade in trades if trade.source is source]
    lots = sum(fill.qty_lots for fill in fills)
    price = sum(fill.qty_lots * fill.price_ticks for fill in fills) / lots
    print(f"{source.name:5}  {lots:6,} tokens in {len(fills):3} fills, average {price / 10_000:.5f}")
print(f"all    {sold.filled_lots:6,} of 20,000, average {sold.notional / sold.filled_lots / 10_000:.5f}")

curve = market.curve
assert curve is not None
print(f"curve  holds {curve.net_lots:,} tokens and {curve.cash_notional / 10_000:,.2f} USDx")

# A refusal is a value, not an exception.
refused = market.place(account=7, side=pb.Side.SELL, qty_lots=0, price_ticks=ticks("0.9600"), ts_ns=3_001)
print(f"refused: {refused.refusal.name}: {refused.refusal.doc}" if refused.refusal else "accepted")
