"""Draw docs/joint-depth.svg: one large sell order, filled by book and curve. `python tools/readme_figure.py`."""

from __future__ import annotations

from pathlib import Path

import parbook as pb

OUT = Path(__file__).resolve().parents[1] / "docs" / "joint-depth.svg"
FAIR, FLOOR_DROP_PPM, SOLD = 9_870, 30_000, 20_000
BIDS = ((9_868, 1_500), (9_850, 2_400), (9_835, 900), (9_815, 1_800), (9_790, 2_600), (9_760, 1_200))
WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 860, 380, 70, 64, 760, 250


def sweep() -> list[pb.Trade]:
    """Return the fills of a market-wide sale against the bids and a linear buyback."""
    market = pb.Market(pb.Instrument(symbol="SME-A/USDx", tick="0.0001"))
    curve = pb.CurveParams(
        shape=pb.CurveShape.LINEAR,
        base_depth_lots=24_000,
        quote_depth_lots=24_000,
        par_lots=1_000,
        drop_ppm=FLOOR_DROP_PPM,
        rung_ticks=5,
        budget_notional=10**9,
        max_net_lots=24_000,
    )
    market.apply(pb.SetCurve(params=curve))
    market.apply(pb.ProposeAnchor(low_ticks=FAIR, high_ticks=FAIR))
    for account, (price_ticks, lots) in enumerate(BIDS, start=1):
        market.place(account, pb.Side.BUY, lots, price_ticks)
    first = market.next_seq
    market.place(99, pb.Side.SELL, SOLD, 9_500, tif=pb.TimeInForce.IOC)
    return [event for event in pb.events_from_records(market.events(first)) if isinstance(event, pb.Trade)]


def draw(trades: list[pb.Trade]) -> str:
    """Return the SVG: lots sold from left to right, price downwards, a bar per fill."""
    top, bottom = FAIR + 20, min(trade.price_ticks for trade in trades) - 25

    def y(price_ticks: int) -> float:
        return TOP + (top - price_ticks) / (top - bottom) * PLOT_H

    bars, sold = [], 0
    for trade in trades:
        x, width = LEFT + sold / SOLD * PLOT_W, trade.qty_lots / SOLD * PLOT_W
        kind = "book" if trade.source is pb.Source.BOOK else "curve"
        height = TOP + PLOT_H - y(trade.price_ticks)
        box = f'x="{x:.2f}" y="{y(trade.price_ticks):.2f}" width="{width:.2f}" height="{height:.2f}"'
        bars.append(f'<rect class="{kind}" {box}/>')
        sold += trade.qty_lots
    average = sum(t.qty_lots * t.price_ticks for t in trades) / sold
    by_curve = sum(t.qty_lots for t in trades if t.source is pb.Source.CURVE)
    axis = "".join(
        f'<text x="{LEFT - 10}" y="{y(p) + 4:.1f}" text-anchor="end">{p / 10_000:.4f}</text>'
        f'<line class="grid" x1="{LEFT}" x2="{LEFT + PLOT_W}" y1="{y(p):.1f}" y2="{y(p):.1f}"/>'
        for p in range(FAIR, bottom, -50)
    )
    ticks = "".join(
        f'<text x="{LEFT + lots / SOLD * PLOT_W:.1f}" y="{TOP + PLOT_H + 20}" text-anchor="middle">{lots:,}</text>'
        for lots in range(0, SOLD + 1, 5_000)
    )
    split = f"people's bids {sold - by_curve:,} · buyback curve {by_curve:,}"
    discount = f"average {average / 10_000:.4f}, {(1 - average / FAIR) * 100:.2f}% under fair value"
    style = (
        "text{font:13px system-ui,sans-serif;fill:#333}.title{font-size:17px;font-weight:600}.book{fill:#1f6fb2}"
        ".curve{fill:#e39b3b}.grid{stroke:#8884;stroke-dasharray:2 4}.fair{stroke:#2a9d5c;stroke-width:2}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.book{fill:#5aa9e6}.curve{fill:#f0b45c}}"
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 aria-label="A sale of {sold:,} tokens filled jointly by resting bids and the buyback curve">
<style>{style}</style>
<text class="title" x="{LEFT}" y="24">One sale of {sold:,} tokens, one matching path</text>
<text x="{LEFT}" y="46">{split} · {discount}</text>
{axis}
{"".join(bars)}
<line class="fair" x1="{LEFT}" x2="{LEFT + PLOT_W}" y1="{y(FAIR):.1f}" y2="{y(FAIR):.1f}"/>
<text x="{LEFT + PLOT_W}" y="{y(FAIR) - 6:.1f}" text-anchor="end">oracle fair price</text>
{ticks}
<text x="{LEFT + PLOT_W / 2}" y="{TOP + PLOT_H + 42}" text-anchor="middle">tokens sold, in the order of the fills</text>
<rect class="book" x="{LEFT}" y="{HEIGHT - 16}" width="12" height="12"/>
<text x="{LEFT + 18}" y="{HEIGHT - 5}">book</text>
<rect class="curve" x="{LEFT + 70}" y="{HEIGHT - 16}" width="12" height="12"/>
<text x="{LEFT + 88}" y="{HEIGHT - 5}">curve</text>
</svg>
"""


if __name__ == "__main__":
    OUT.write_text(draw(sweep()), encoding="utf-8")
