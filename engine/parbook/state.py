"""The canonical serialisation of a market's state, and its hash.

It holds everything that can influence a later event, and the last anchor of a withdrawn curve, in an order that
follows from the rules (price, then time), never from memory layout. Layout, all little-endian:

    HEADER                              counters, clock, limits, how many of each follow
    CURVE record + CURVE_STATE          only when a curve has been set (ts_ns of the record is 0)
    ANCHOR x proposed                   oldest first
    ORDER x open_orders                 bids best first, then asks best first; each price first to trade first
    DEAD_ID x dead_ids                  client ids of dead orders still refused, oldest first
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np

from parbook.records import Records

MAGIC: Final = b"PBSTATE1"

HEADER: Final[np.dtype[np.void]] = np.dtype(
    [
        ("magic", "S8"),
        ("now_ns", "<i8"),
        ("next_seq", "<u8"),
        ("next_command", "<u8"),
        ("next_order_id", "<u8"),
        ("last_trade_ticks", "<i8"),
        ("collar_ppm", "<i8"),
        ("max_orders", "<u8"),
        ("client_id_window", "<u8"),
        ("has_curve", "<u8"),
        ("proposed", "<u8"),
        ("open_orders", "<u8"),
        ("dead_ids", "<u8"),
    ]
)
CURVE_STATE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("quoting", "<u8"),
        ("low_ticks", "<i8"),
        ("high_ticks", "<i8"),
        ("net_lots", "<i8"),
        ("cash_notional", "<i8"),
        ("compiled_at_net_lots", "<i8"),
    ]
)
ANCHOR: Final[np.dtype[np.void]] = np.dtype([("low_ticks", "<i8"), ("high_ticks", "<i8"), ("effective_at_ns", "<i8")])
ORDER: Final[np.dtype[np.void]] = np.dtype(
    [
        ("order_id", "<u8"),
        ("client_id", "<u8"),
        ("account", "<u4"),
        ("side", "u1"),
        ("post_only", "u1"),
        ("reserved", "<u2"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("filled_lots", "<i8"),
    ]
)
DEAD_ID: Final[np.dtype[np.void]] = np.dtype([("account", "<u8"), ("client_id", "<u8")])


def encode(
    header: Records, curve: Records, curve_state: Records, anchors: Records, orders: Records, dead_ids: Records
) -> bytes:
    """Return the serialisation of the given parts. `curve` and `curve_state` are empty without a curve. O(n)."""
    return b"".join(part.tobytes() for part in (header, curve, curve_state, anchors, orders, dead_ids))


def digest(state: bytes) -> str:
    """Return the BLAKE2b-256 of a serialised state as hex digits."""
    return blake2b(state, digest_size=32).hexdigest()
