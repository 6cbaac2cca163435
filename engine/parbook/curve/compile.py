"""From the two curve functions to at most 256 rungs a side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from parbook.curve.ladder import MAX_RUNGS, Ladder, Rung
from parbook.curve.shapes import curve_parameter_error, n_ask, n_bid
from parbook.errors import MisuseError
from parbook.messages import CurveParams
from parbook.units import CURVE_LOTS_MAX, CURVE_PRICE_TICKS_MAX, checked_int

MAX_RUNGS_BEHIND: Final = 64
"""Most rungs a side that the cursor has already passed. They quote again when it moves back."""


def compile_ladder(params: CurveParams, low_ticks: int, high_ticks: int, net_lots: int) -> Ladder:
    """Return the rungs around cursor `net_lots`; bids hang on `low_ticks`, asks on `high_ticks`.

    A rung is a grid price where the function changes: a bid (g, n_bid(g)) with n_bid(g) > n_bid(next grid
    price above), an ask (g, n_ask(g)) with n_ask(g) < n_ask(next grid price below); beyond the highest and
    lowest grid price of 1..CURVE_PRICE_TICKS_MAX stand min_net_lots and max_net_lots. A rung is *ahead* when
    the curve would trade there now (N_bid > net_lots, N_ask < net_lots), otherwise *behind*. Each side keeps
    the nearest MAX_RUNGS_BEHIND behind and fills up to MAX_RUNGS with the nearest ahead.

    Cutting the window is safe for the protocol: where a rung is missing, the next dearer bid (or cheaper ask)
    sets the function in its place, so N_bid can only fall and N_ask only rise. Any subset of rungs therefore
    keeps axioms M and X and does nothing but withhold quotes.

    Raises MisuseError unless the parameters are valid, 1 <= low_ticks <= high_ticks <= CURVE_PRICE_TICKS_MAX
    and net_lots is a cursor. Each rung is found by galloping from its neighbour and bisecting:
    O(rungs * log(price range)).
    """
    if (error := curve_parameter_error(params)) is not None:
        raise MisuseError(f"CurveParams.{error}.")
    checked_int(low_ticks, "low_ticks", 1, CURVE_PRICE_TICKS_MAX)
    checked_int(high_ticks, "high_ticks", low_ticks, CURVE_PRICE_TICKS_MAX)
    checked_int(net_lots, "net_lots", -CURVE_LOTS_MAX, CURVE_LOTS_MAX)
    rung_ticks = params.rung_ticks
    top = CURVE_PRICE_TICKS_MAX // rung_ticks

    def bid(index: int) -> int:
        return n_bid(params, low_ticks, index * rung_ticks) if index <= top else params.min_net_lots

    # Counting the grid downwards and lots negatively turns asks into bids.
    def mirrored_ask(index: int) -> int:
        return -n_ask(params, high_ticks, (top + 1 - index) * rung_ticks) if index <= top else -params.max_net_lots

    bids = _window(bid, top, net_lots)
    asks = _window(mirrored_ask, top, -net_lots)
    return Ladder(
        bids=tuple(Rung(index * rung_ticks, lots) for index, lots in bids),
        asks=tuple(Rung((top + 1 - index) * rung_ticks, -lots) for index, lots in asks),
    )


def _window(value: Callable[[int], int], top: int, net_lots: int) -> list[tuple[int, int]]:
    """Return the chosen (grid index, lots) of `value`, indices falling and lots rising.

    `value` is non-increasing on 1..top + 1, and its value at top + 1 is where it starts.
    """
    held = max(net_lots, value(top + 1))
    edge = _last_where(lambda index: value(index) <= held, top + 1, 1)
    behind = list(islice(_behind(value, top, edge), MAX_RUNGS_BEHIND))
    ahead = islice(_ahead(value, edge), MAX_RUNGS - len(behind))
    return [*reversed(behind), *ahead]


def _ahead(value: Callable[[int], int], edge: int) -> Iterator[tuple[int, int]]:
    """Yield the rungs below `edge`, nearest first; `value` is higher at edge - 1 than at edge."""
    while edge > 1:
        index = edge - 1
        lots = value(index)
        yield index, lots
        edge = _last_where(lambda i, lots=lots: value(i) <= lots, index, 1)  # type: ignore[misc]


def _behind(value: Callable[[int], int], top: int, edge: int) -> Iterator[tuple[int, int]]:
    """Yield the rungs from `edge` upwards, nearest first, down to where `value` starts."""
    start = value(top + 1)
    while (lots := value(edge)) > start:
        index = _last_where(lambda i, lots=lots: value(i) >= lots, edge, top)  # type: ignore[misc]
        yield index, lots
        edge = index + 1


def _last_where(holds: Callable[[int], bool], start: int, end: int) -> int:
    """Return the last index from `start` towards `end` at which `holds` is still true.

    `holds(start)` is true, and once false it stays false. Gallops, then bisects: O(log distance).
    """
    step = 1 if end >= start else -1
    good, stride = start, 1
    while good != end:
        bad = good + step * min(stride, abs(end - good))
        if holds(bad):
            good, stride = bad, stride * 2
            continue
        while abs(bad - good) > 1:
            middle = (good + bad) // 2
            if holds(middle):
                good = middle
            else:
                bad = middle
        break
    return good
