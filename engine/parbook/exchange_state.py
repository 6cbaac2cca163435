"""The canonical serialisation of an exchange's state, around those of its markets in `parbook.state`.

It holds everything that can influence a later event, in an order that follows from numbers, never from memory layout:

    HEADER                        clock, counters of the exchange's own stream, how many of each follow
    ASSET x assets                by index
    LISTING x instruments         by index
    BALANCE x balances            by account, then asset; those of 0 are left out
    TIER x tiers                  by number
    MEMBER x members              by account; those in tier 0 are left out
    STATUS x statuses             by account; those that are ACTIVE are left out
    TXN x txns                    the transaction ids that still count once, oldest first
    SESSION x sessions            by number: those that ever gave a reference
    OUTCOME x outcomes            what can still be said again, oldest first
    SIZE + the market's state     by index; next_command there is the exchange's, now_ns the market's own
"""

from __future__ import annotations

from typing import Final

import numpy as np

from parbook.state import digest, encode

__all__ = [
    "ASSET",
    "BALANCE",
    "HEADER",
    "LISTING",
    "LISTING_FIELDS",
    "MAGIC",
    "MEMBER",
    "OUTCOME",
    "SESSION",
    "SIZE",
    "STATUS",
    "TIER",
    "TXN",
    "digest",
    "encode",
]

MAGIC: Final = b"PBXSTAT1"

HEADER: Final[np.dtype[np.void]] = np.dtype(
    [
        ("magic", "S8"),
        ("now_ns", "<i8"),
        ("next_command", "<u8"),
        ("next_seq", "<u8"),
        ("outcome_window", "<u8"),
        ("assets", "<u8"),
        ("instruments", "<u8"),
        ("balances", "<u8"),
        ("tiers", "<u8"),
        ("members", "<u8"),
        ("statuses", "<u8"),
        ("txns", "<u8"),
        ("sessions", "<u8"),
        ("outcomes", "<u8"),
    ]
)
ASSET: Final[np.dtype[np.void]] = np.dtype(
    [
        ("name", "S128"),
        ("decimals", "<i8"),
        ("inside_atoms", "<i8"),
        ("fees_atoms", "<i8"),
        ("suspense_atoms", "<i8"),
    ]
)
"""`name` is UTF-8: 32 characters may take 128 bytes."""
LISTING_FIELDS: Final = ("base", "quote", "lot_atoms", "tick_atoms", "max_fee_ppm", "treasury")
LISTING: Final[np.dtype[np.void]] = np.dtype([("symbol", "S128"), *((name, "<i8") for name in LISTING_FIELDS)])
BALANCE: Final[np.dtype[np.void]] = np.dtype(
    [("account", "<u4"), ("asset", "<u2"), ("reserved", "<u2"), ("atoms", "<i8")]
)
TIER: Final[np.dtype[np.void]] = np.dtype([("tier", "<u8"), ("maker_ppm", "<i8"), ("taker_ppm", "<i8")])
MEMBER: Final[np.dtype[np.void]] = np.dtype([("account", "<u4"), ("tier", "<u4")])
STATUS: Final[np.dtype[np.void]] = np.dtype([("account", "<u4"), ("status", "<u4")])
TXN: Final[np.dtype[np.void]] = np.dtype([("txn_id", "<u8")])
SESSION: Final[np.dtype[np.void]] = np.dtype([("session", "<u8"), ("last_ref", "<i8")])
OUTCOME: Final[np.dtype[np.void]] = np.dtype(
    [
        ("session_ref", "<i8"),
        ("order_id", "<u8"),
        ("first_seq", "<u8"),
        ("session", "<u2"),
        ("instrument", "<u2"),
        ("code", "<u2"),
        ("reserved", "<u2"),
    ]
)
SIZE: Final[np.dtype[np.void]] = np.dtype([("bytes", "<u8")])
