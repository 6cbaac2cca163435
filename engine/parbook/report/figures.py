"""The report's figures as Plotly specifications: plain dictionaries, bounded in size, without colours.

A trace says in `meta` which role it plays; the page's script gives roles their colours, light or dark. Roles
that stand in one figure also differ in dash or fill, so that colour never tells alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import dropwhile, pairwise
from typing import Any, Final

import msgspec
import numpy as np

from parbook.replay.result import CurveReport, ReplayResult
from parbook.replay.timeline import DEPTH_LEVELS, Levels, Sample
from parbook.units import from_units

PRICE_BANDS: Final = 60
"""Rows of the depth figure."""
_CLIPPED_PERCENT: Final = 5
"""The depth figure leaves out this share of level prices at each end: quotes far from the market."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: `description` says in words what it shows, for those who do not see it."""

    name: str
    title: str
    description: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]


def figures(result: ReplayResult) -> list[Figure]:
    """Return the figures of a replay; those of the curve only when there was one. O(samples x levels)."""
    samples = list(dropwhile(lambda sample: not sample.bids and not sample.asks, result.timeline.samples))
    if not samples:
        return []
    drawer = _Drawer(samples, Decimal(result.tick), Decimal(result.lot))
    out = [drawer.depth(), drawer.price(), drawer.volume()]
    if result.curve is not None:
        out += [drawer.reserve(result.curve), drawer.inventory(result.curve)]
    return out


class _Drawer:
    def __init__(self, samples: Sequence[Sample], tick: Decimal, lot: Decimal) -> None:
        self.samples = samples
        self.tick = tick
        self.lot = lot
        self.times = [str(np.datetime64(sample.ts_ns, "ns").astype("datetime64[us]")) for sample in samples]

    def depth(self) -> Figure:
        """Lots resting at each price over time, bid and ask sides."""
        low, high = self._depth_range()
        edges = np.linspace(low, high, min(PRICE_BANDS, max(int(high - low), 1)) + 1)
        bands = np.zeros((len(edges) - 1, len(self.samples)))
        for column, sample in enumerate(self.samples):
            for price, lots in (*sample.bids, *sample.asks):
                if low <= price <= high:
                    row = min(int(np.searchsorted(edges, price, "right")) - 1, len(bands) - 1)
                    bands[row, column] += lots
        size = bands * float(self.lot)
        most = float(size.max()) or 1.0
        decades = [10**power for power in range(int(np.log10(most)) + 1)] if most >= 1 else [most]
        heat = {
            "type": "heatmap",
            "x": self.times,
            "y": [float(middle) * float(self.tick) for middle in (edges[:-1] + edges[1:]) / 2],
            "z": [[round(float(np.log10(1 + cell)), 3) if cell else None for cell in row] for row in size],
            "text": [[f"{cell:g}" if cell else "" for cell in row] for row in size],
            "hovertemplate": "%{x}<br>price %{y}<br>quantity %{text}<extra></extra>",
            "colorscale": "Viridis",
            "colorbar": {
                "title": {"text": "quantity", "side": "right"},
                "tickvals": [float(np.log10(1 + decade)) for decade in decades],
                "ticktext": [f"{decade:g}" for decade in decades],
                "thickness": 12,
            },
            "meta": {"role": "heat"},
        }
        best = [
            self._line("best bid", "bid", lambda s: s.bids[0][0] if s.bids else None, "solid"),
            self._line("best ask", "ask", lambda s: s.asks[0][0] if s.asks else None, "dot"),
        ]
        first, last = self.samples[0], self.samples[-1]
        return Figure(
            name="depth",
            title="Depth of the book over time",
            description="Quantity resting at each price, brighter for more, with the best bid as a solid and the best "
            f"ask as a dotted line. It starts at {self._quote(first)} and ends at {self._quote(last)}.",
            data=[heat, *best],
            layout=_layout("price", y_range=[low * float(self.tick), high * float(self.tick)]),
        )

    def price(self) -> Figure:
        """Best bid, best ask and trades against the anchor and the curve's rungs."""
        data: list[dict[str, Any]] = []
        anchored = [sample for sample in self.samples if sample.high_ticks]
        if anchored:
            data += self._band("rungs to buy", "rung_bid", lambda s: _span(s.rung_bids))
            data += self._band("rungs to sell", "rung_ask", lambda s: _span(s.rung_asks))
            data += self._band("anchor", "anchor", lambda s: (s.low_ticks, s.high_ticks) if s.high_ticks else None)
        data += [
            self._line("best bid", "bid", lambda s: s.bids[0][0] if s.bids else None, "solid"),
            self._line("best ask", "ask", lambda s: s.asks[0][0] if s.asks else None, "dot"),
            self._line("last trade", "trade", lambda s: s.last_trade_ticks or None, "dash"),
        ]
        text = (
            f"Best bid (solid), best ask (dotted) and last trade (dashed), ending at {self._quote(self.samples[-1])}."
        )
        if anchored:
            end = anchored[-1]
            text += (
                f" The anchor is a band, at the end {self._price(end.low_ticks)} to {self._price(end.high_ticks)};"
                f" shaded areas are the curve's nearest {DEPTH_LEVELS} prices to buy at (below) and to sell at (above)."
            )
        return Figure(
            name="price",
            title="Price, anchor and rungs" if anchored else "Price",
            description=text,
            data=data,
            layout=_layout("price", y_range=self._price_range()),
        )

    def volume(self) -> Figure:
        """Quantity traded so far in the book and with the curve."""
        end = self.samples[-1]
        title, layout = "Traded", _layout("quantity")
        data = [self._line("book", "book", lambda s: s.book_lots, "solid", lots=True)]
        text = f"Quantity traded since the start: {self._lots(end.book_lots)} in the book (solid)"
        if any(sample.high_ticks for sample in self.samples):
            data.append(self._line("curve bought", "bought", lambda s: s.bought_lots, "dash", lots=True))
            data.append(self._line("curve sold", "sold", lambda s: s.sold_lots, "dot", lots=True))
            title = "Traded in book and curve"
            bought, sold = self._lots(end.bought_lots), self._lots(end.sold_lots)
            # The curve's part is small beside the book's: it has an axis of its own below.
            for trace in data[1:]:
                trace["yaxis"] = "y2"
            below = layout["yaxis"] | {"domain": [0, 0.44], "title": {"text": "curve"}, "nticks": 4}
            layout["yaxis"] |= {"domain": [0.56, 1], "title": {"text": "book"}, "nticks": 4}
            layout |= {"yaxis2": below}
            layout["xaxis"]["anchor"] = "y2"
            text += f", {bought} bought (dashed) and {sold} sold (dotted) by the curve, on an axis of its own below"
        return Figure(
            name="volume",
            title=title,
            description=f"{text}.",
            data=data,
            layout=layout,
        )

    def reserve(self, curve: CurveReport) -> Figure:
        """The curve's cash."""
        line = self._line("cash in reserve", "bought", lambda s: s.cash_notional, "solid", value=True)
        value = self.tick * self.lot
        # Between two samples it may have been lower than in any.
        least = curve.budget_notional - curve.reserve_used_max_notional
        end = self.samples[-1].cash_notional
        return Figure(
            name="reserve",
            title="Reserve",
            description=f"Cash the curve holds: {from_units(end, value):,f} at the end, "
            f"{from_units(least, value):,f} at its lowest.",
            data=[line],
            layout=_layout("cash"),
        )

    def inventory(self, curve: CurveReport) -> Figure:
        """The curve's cursor."""
        line = self._line("net bought", "anchor", lambda s: s.net_lots, "solid", lots=True) | {"fill": "tozeroy"}
        return Figure(
            name="inventory",
            title="Inventory of the curve",
            description=f"Net quantity bought since the start: {self._lots(curve.net_lots)} at the end, between "
            f"{self._lots(curve.net_lots_min)} and {self._lots(curve.net_lots_max)}.",
            data=[line],
            layout=_layout("quantity"),
        )

    # --- traces ---------------------------------------------------------------------------------

    def _line(
        self,
        name: str,
        role: str,
        pick: Callable[[Sample], int | None],
        dash: str,
        *,
        lots: bool = False,
        value: bool = False,
    ) -> dict[str, Any]:
        unit = float(self.lot if lots else self.tick * self.lot if value else self.tick)
        picked = [pick(sample) for sample in self.samples]
        return {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": self.times,
            "y": [None if number is None else round(number * unit, 10) for number in picked],
            "line": {"shape": "hv", "dash": dash, "width": 1.5},
            "meta": {"role": role},
        }

    def _band(self, name: str, role: str, pick: Callable[[Sample], tuple[int, int] | None]) -> list[dict[str, Any]]:
        """Return the area between low and high over time; nothing is filled where `pick` gives no span.

        One closed outline for each unbroken run of spans. Plotly's fill between two lines would be simpler, but
        it spans gaps.
        """
        x: list[str | None] = []
        y: list[float | None] = []
        unit = float(self.tick)
        for start, stop in _runs([pick(sample) for sample in self.samples]):
            spans = [span for sample in self.samples[start:stop] if (span := pick(sample)) is not None]
            # A sample holds until the next one.
            times = [*self.times[start:stop], self.times[min(stop, len(self.times) - 1)]]
            steps = [time for pair in pairwise(times) for time in pair]
            low = [round(span[0] * unit, 10) for span in spans for _ in range(2)]
            high = [round(span[1] * unit, 10) for span in spans for _ in range(2)]
            if x:
                x.append(None)
                y.append(None)
            x += [*steps, *reversed(steps), steps[0]]
            y += [*high, *reversed(low), high[0]]
        if not x:
            return []
        return [
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": x,
                "y": y,
                "line": {"width": 1},
                "fill": "toself",
                "hoveron": "points",
                "meta": {"role": role, "band": True},
            }
        ]

    # --- ranges and words -----------------------------------------------------------------------

    def _depth_range(self) -> tuple[float, float]:
        prices = [price for sample in self.samples for price, _ in (*sample.bids, *sample.asks)]
        if not prices:
            return 0.0, 1.0
        low, high = np.percentile(prices, [_CLIPPED_PERCENT, 100 - _CLIPPED_PERCENT])
        return float(np.floor(low)), float(np.ceil(high)) + 1

    def _price_range(self) -> list[float]:
        """Return a y-range around quotes, trades and anchors; lone quotes far away do not flatten the rest."""
        near: list[int] = []
        for sample in self.samples:
            near += [sample.low_ticks, sample.high_ticks, sample.last_trade_ticks]
            near += [side[0][0] for side in (sample.bids, sample.asks) if side]
        prices = [price for price in near if price]
        if not prices:
            return [0.0, 1.0]
        low, high = np.percentile(prices, [2, 98])
        margin = max((high - low) * 0.25, 2.0)
        return [float(low - margin) * float(self.tick), float(high + margin) * float(self.tick)]

    def _price(self, ticks: int) -> str:
        return format(from_units(ticks, self.tick), "f")

    def _lots(self, lots: int) -> str:
        return f"{from_units(lots, self.lot):,f}"

    def _quote(self, sample: Sample) -> str:
        bid = self._price(sample.bids[0][0]) if sample.bids else "no bid"
        ask = self._price(sample.asks[0][0]) if sample.asks else "no ask"
        return f"{bid} / {ask}"


def _runs(spans: Sequence[object | None]) -> list[tuple[int, int]]:
    """Return (start, stop) of every unbroken run of entries that are not None."""
    runs: list[tuple[int, int]] = []
    for index, span in enumerate(spans):
        if span is None:
            continue
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _span(levels: Levels) -> tuple[int, int] | None:
    """Return lowest and highest price of some rungs."""
    if not levels:
        return None
    prices = [price for price, _ in levels]
    return min(prices), max(prices)


def _layout(y_title: str, y_range: list[float] | None = None) -> dict[str, Any]:
    y_axis: dict[str, Any] = {"title": {"text": y_title}, "automargin": True, "tickformat": ",~f", "nticks": 7}
    if y_range is not None:
        y_axis["range"] = y_range
    return {
        "xaxis": {
            "type": "date",
            "automargin": True,
            "nticks": 5,
            "hoverformat": "%H:%M:%S.%f",
            "tickformatstops": [
                {"dtickrange": [None, 999], "value": "%H:%M:%S.%L"},
                {"dtickrange": [1000, None], "value": "%H:%M:%S"},
            ],
        },
        "yaxis": y_axis,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "closest",
    }
