"""Fair values in three bands: FV = min(EV, (1 - writeoff) x owed), each quantised once.

LOW rounds down, HIGH up, MID to the nearest (ties to even): what the protocol would pay, would ask, and reports. The
cap is rounded down in every band. Sums over assets are sums of whole micro: no order of loans changes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from parbook._value import quantised
from parbook.assets.curve import ZeroCurve
from parbook.assets.holdings import Holdings, sum_micro
from parbook.assets.portfolio import Float64, Int64
from parbook.assets.terms import DEFAULT_STRESS, Band, Stress, stressed
from parbook.pools.amounts import Rounding
from parbook.pools.writeoff import STEPS, WriteOffRule

MODEL: Final = "parbook-value-1"
"""Names the formulas and their roundings; it changes when a value could."""

BAND_ROUNDING: Final = {Band.LOW: Rounding.FLOOR, Band.MID: Rounding.NEAREST, Band.HIGH: Rounding.CEIL}


class Valuation(msgspec.Struct, frozen=True, kw_only=True):
    """Fair values by asset in the tape's order. `capped` says where MID is the cap and not EV."""

    low_micro: Int64
    mid_micro: Int64
    high_micro: Int64
    ev_micro: Float64
    cap_micro: Int64
    capped: NDArray[np.bool_]
    model: str
    input_hash: str

    def total_micro(self, band: Band) -> int:
        """Return the sum of a band."""
        return sum_micro((self.low_micro, self.mid_micro, self.high_micro)[band])


def value(
    holdings: Holdings,
    curve: ZeroCurve,
    *,
    stress: Stress = DEFAULT_STRESS,
    rules: Sequence[WriteOffRule] = STEPS,
) -> Valuation:
    """Return the fair values of all assets. O(assets x months) for level loans; the GIL is released in the kernel.

    A band that would cross the middle is held there: default can bring money sooner (a short lag, a small loss, a
    deep discount), and then a stress would raise the value that the protocol pays.
    """
    cap = holdings.caps_micro(rules)
    evs = {}
    micro = {}
    for band in Band:
        terms = [stressed(row, band, stress) for row in holdings.portfolio.terms]
        evs[band] = holdings.portfolio.expected_values(curve, terms)
        micro[band] = np.minimum(quantised(np.where(holdings.earning, evs[band], 0.0), BAND_ROUNDING[band]), cap)
    return Valuation(
        low_micro=np.minimum(micro[Band.LOW], micro[Band.MID]),
        mid_micro=micro[Band.MID],
        high_micro=np.maximum(micro[Band.HIGH], micro[Band.MID]),
        ev_micro=evs[Band.MID],
        cap_micro=cap,
        capped=micro[Band.MID] == cap,
        model=MODEL,
        input_hash=input_hash(holdings, curve, stress, rules),
    )


def input_hash(holdings: Holdings, curve: ZeroCurve, stress: Stress, rules: Sequence[WriteOffRule]) -> str:
    """Return the SHA-256 of everything a valuation reads, so that a report can be tied to its inputs."""
    digest = hashlib.sha256()
    portfolio = holdings.portfolio
    columns: list[NDArray[Any]] = [*portfolio.monthly, portfolio.monthly_rows]
    columns += [*portfolio.dated, portfolio.dated_rows, holdings.owed_micro, holdings.days_past_due, holdings.states]
    for column in columns:
        digest.update(f"{column.dtype.str} {column.size}\n".encode())
        digest.update(np.ascontiguousarray(column).tobytes())
    settings = (MODEL, portfolio.terms, curve.days, curve.zero_e12, curve.interpolation, stress, tuple(rules))
    digest.update(msgspec.json.encode(settings))
    return digest.hexdigest()
