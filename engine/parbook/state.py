"""The canonical serialisation of a market's state, and its hash.

It holds everything that can influence a later event, and the last anchor of a withdrawn curve, in an order that
follows from the rules (price, then time), never from memory layout. Layout, all little-endian:

    HEADER                              counters, clock, session, how many of each follow
    CONFIG                              the instrument's numbers, in the order of CONFIG_FIELDS
    CURVE record + CURVE_STATE          only when a curve has been set (ts_ns of the record is 0)
    ANCHOR x proposed                   oldest first
    ACCOUNT x accounts                  by account number
    TRADE x trades                      the bust window, oldest first
    ORDER x open_orders                 section by section, see below
    DEAD_ID x dead_ids                  client ids of dead orders still refused, oldest first

Sections of orders: displayed bids, displayed asks (icebergs among them), hidden bids, hidden asks: each best price
first, and each price first to trade first. Then stops waiting for a TRADE: sells, buys; for an ANCHOR: sells, buys:
each nearest trigger first, and each trigger by arrival there. Then elected stops in their turn, parked pegs by id,
CALL buys, CALL sells by time. Mass cancels walk the orders in this very order.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np

from parbook.records import Records

MAGIC: Final = b"PBSTATE3"

HEADER: Final[np.dtype[np.void]] = np.dtype(
    [
        ("magic", "S8"),
        ("now_ns", "<i8"),
        ("next_seq", "<u8"),
        ("next_command", "<u8"),
        ("next_order_id", "<u8"),
        ("last_trade_ticks", "<i8"),
        ("last_auction_ticks", "<i8"),
        ("phase", "u1"),
        ("closed", "u1"),
        ("delisted", "u1"),
        ("reserved", "u1", (5,)),
        ("indicative_ticks", "<i8"),
        ("indicative_paired_lots", "<i8"),
        ("indicative_surplus_lots", "<i8"),
        ("has_curve", "<u8"),
        ("proposed", "<u8"),
        ("accounts", "<u8"),
        ("trades", "<u8"),
        ("open_orders", "<u8"),
        ("dead_ids", "<u8"),
    ]
)
CONFIG_FIELDS: Final = (
    "collar_ppm",
    "max_orders",
    "client_id_window",
    "allocation",
    "stp",
    "reinsert_on_amend",
    "market_rests",
    "max_pegs",
    "max_trailing",
    "max_triggers",
    "stop_through_triggers",
    "curve_in_auction",
    "static_band_ppm",
    "dynamic_band_ppm",
    "breach_rests",
    "breach_state",
    "max_order_lots",
    "max_order_notional",
    "price_reach_ppm",
    "registered_only",
    "max_accounts",
    "bust_window",
)
CONFIG: Final[np.dtype[np.void]] = np.dtype([(name, "<i8") for name in CONFIG_FIELDS])
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
ACCOUNT: Final[np.dtype[np.void]] = np.dtype(
    [
        ("account", "<u8"),
        ("stp_group", "<i8"),
        ("position_lots", "<i8"),
        ("max_long_lots", "<i8"),
        ("max_short_lots", "<i8"),
        ("max_open_orders", "<i8"),
        ("max_order_lots", "<i8"),
        ("max_order_notional", "<i8"),
        ("rate_per_second", "<i8"),
        ("rate_burst", "<i8"),
        ("allowed_types", "<i8"),
        ("allowed_tifs", "<i8"),
        ("denied", "<i8"),
        ("protection_lots", "<i8"),
        ("protection_window_ns", "<i8"),
        ("killed", "<i8"),
        ("bucket", "<i8"),
        ("bucket_at_ns", "<i8"),
        ("protection_since_ns", "<i8"),
        ("protection_filled_lots", "<i8"),
        ("protected", "<i8"),
        ("deadline_ns", "<i8"),
    ]
)
TRADE: Final[np.dtype[np.void]] = np.dtype(
    [
        ("seq", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("taker_fee_atoms", "<i8"),
        ("maker_fee_atoms", "<i8"),
        ("taker_account", "<u4"),
        ("maker_account", "<u4"),
        ("source", "u1"),
        ("side", "u1"),
        ("busted", "u1"),
        ("reserved", "u1", (5,)),
    ]
)
ORDER: Final[np.dtype[np.void]] = np.dtype(
    [
        ("order_id", "<u8"),
        ("client_id", "<u8"),
        ("account", "<u4"),
        ("session", "<u2"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("tif", "u1"),
        ("place", "u1"),
        ("hidden", "u1"),
        ("reduce_only", "u1"),
        ("stp", "u1"),
        ("peg", "u1"),
        ("trigger", "u1"),
        ("quote_slot", "u1"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("filled_lots", "<i8"),
        ("shown_lots", "<i8"),
        ("display_lots", "<i8"),
        ("stop_ticks", "<i8"),
        ("offset_ticks", "<i8"),
        ("limit_ticks", "<i8"),
        ("expire_ns", "<i8"),
        ("oco_order_id", "<u8"),
        ("trail_ppm", "<u4"),
        ("reserved", "<u4"),
    ]
)
"""`shown_lots` is 0 but for ICEBERG; `limit_ticks` is a peg's worst price; `quote_slot` is 1 + slot, 0 for no quote.
A market order that rests has become LIMIT; a triggered stop keeps its stop_ticks."""
DEAD_ID: Final[np.dtype[np.void]] = np.dtype([("account", "<u8"), ("client_id", "<u8")])


def encode(*parts: Records) -> bytes:
    """Return the serialisation of the parts, given in the order of the layout; some may be empty. O(n)."""
    return b"".join(part.data for part in parts)


def digest(state: bytes) -> str:
    """Return the BLAKE2b-256 of a serialised state as hex digits."""
    return blake2b(state, digest_size=32).hexdigest()
