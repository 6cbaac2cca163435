"""Cutting a serialised state into its parts: the inverse of the layouts in `parbook.state` and `.exchange_state`.

What stands there once, headers and configuration, is tested here. What the records say is for those who load them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from parbook import exchange_state, state
from parbook.codes import SessionState
from parbook.errors import MisuseError
from parbook.flaws import corruption
from parbook.instrument import Instrument
from parbook.layouts import CURVE
from parbook.listing import TIERS_MAX, Asset, Listing
from parbook.records import Records
from parbook.sessions import KEPT_UNDER_CLOSED
from parbook.units import PRICE_TICKS_MAX

MAX_PROPOSED_ANCHORS = 16
"""No market holds more anchors that wait to activate."""
OUTCOMES_MAX = 2**16
"""How many outcomes an exchange remembers at most, the latest ones of all sessions together."""
TXN_WINDOW = 2**16
"""How many transaction ids of deposits, withdrawals and transfers are remembered, the latest ones."""
COUNTER_MAX = 2**63 - 1
"""Sequence and command numbers end here: what is beyond would take three centuries of a number a nanosecond."""

EXCHANGE = "an exchange"
"""What messages call it; a market is called by its symbol."""


class MarketParts(NamedTuple):
    """A market's state, part by part, as read-only arrays over the same bytes. `header` holds plain integers."""

    header: dict[str, int]
    curve: Records
    curve_state: Records
    anchors: Records
    accounts: Records
    trades: Records
    orders: Records
    dead_ids: Records


class ExchangeParts(NamedTuple):
    """An exchange's state, part by part; `markets` are the bytes of each market's."""

    header: dict[str, int]
    assets: Records
    balances: Records
    tiers: Records
    members: Records
    statuses: Records
    txns: Records
    sessions: Records
    outcomes: Records
    markets: list[memoryview]


class _Cutter:
    """Takes arrays off the front of some bytes, and says so when they end too early."""

    def __init__(self, data: memoryview, where: str) -> None:
        self.data = data
        self.where = f"state of {where}"
        self.at = 0

    def take(self, name: str, dtype: np.dtype[np.void], count: int) -> Records:
        """Return the next `count` records; CorruptionError when so many are not left."""
        start, size = self.at, count * dtype.itemsize
        if size > len(self.data) - start:
            left = len(self.data) - start
            raise corruption(f"{self.where}, byte {start}", f"{count} {name} need {size} bytes, {left} are left")
        self.at += size
        return np.frombuffer(self.data[start : self.at], dtype) if count else np.zeros(0, dtype)

    def header(self, dtype: np.dtype[np.void], magic: bytes) -> dict[str, int]:
        """Return a header's fields but the magic, which must be this one."""
        if bytes(self.data[: len(magic)]) != magic:
            raise corruption(f"{self.where}, byte 0", f"it begins with {bytes(self.data[:8])!r}, not with {magic!r}")
        row = self.take("header", dtype, 1)[0]
        if "reserved" in (dtype.names or ()) and row["reserved"].any():
            raise corruption(f"{self.where}, header", "a reserved byte is not 0")
        return {name: int(row[name]) for name in dtype.names or () if name not in ("magic", "reserved")}

    def test(self, header: dict[str, int], name: str, low: int, high: int) -> None:
        """Test a header's field against its range."""
        if not low <= header[name] <= high:
            raise corruption(f"{self.where}, header", f"{name}={header[name]} is outside {low}..{high}")

    def end(self) -> None:
        """Test that nothing is left over."""
        if self.at != len(self.data):
            more = len(self.data) - self.at
            raise corruption(f"{self.where}, byte {self.at}", f"{more} bytes follow where it should end")


def refuse_other_states(data: object) -> None:
    """Raise MisuseError unless a state comes as bytes, which nobody can change while they are read."""
    if not isinstance(data, bytes):
        raise MisuseError(f"a state is bytes, as state_bytes() returns them, not {type(data).__name__}.")


def cut_market(data: bytes | memoryview, instrument: Instrument) -> MarketParts:
    """Cut a market's state. CorruptionError when it is none, or not one of this instrument. O(1) but for the views."""
    if not isinstance(instrument, Instrument):
        raise MisuseError(f"a market's state needs its Instrument, not {type(instrument).__name__}.")
    cutter = _Cutter(memoryview(data), f"market {instrument.symbol}")
    header = cutter.header(state.HEADER, state.MAGIC)
    _test_config(cutter, instrument)
    _test_counters(cutter, header)
    _test_session(cutter, header)
    for name, high in (
        ("has_curve", 1),
        ("proposed", MAX_PROPOSED_ANCHORS if header["has_curve"] else 0),
        ("accounts", instrument.max_accounts),
        ("trades", instrument.bust_window),
        ("open_orders", instrument.max_orders),
        ("dead_ids", instrument.client_id_window),
    ):
        cutter.test(header, name, 0, high)
    parts = MarketParts(
        header,
        cutter.take("curve", CURVE, header["has_curve"]),
        cutter.take("curve state", state.CURVE_STATE, header["has_curve"]),
        cutter.take("anchors", state.ANCHOR, header["proposed"]),
        cutter.take("accounts", state.ACCOUNT, header["accounts"]),
        cutter.take("trades", state.TRADE, header["trades"]),
        cutter.take("orders", state.ORDER, header["open_orders"]),
        cutter.take("dead ids", state.DEAD_ID, header["dead_ids"]),
    )
    cutter.end()
    return parts


def _test_config(cutter: _Cutter, instrument: Instrument) -> None:
    config = cutter.take("configuration", state.CONFIG, 1)[0]
    for name in state.CONFIG_FIELDS:
        if config[name] != int(getattr(instrument, name)):
            of_instrument = int(getattr(instrument, name))
            reason = f"{name} is {config[name]} where the instrument says {of_instrument}"
            raise corruption(f"{cutter.where}, configuration", reason)


def _test_counters(cutter: _Cutter, header: dict[str, int]) -> None:
    for name, low, high in (
        ("now_ns", 0, COUNTER_MAX),
        ("next_seq", 1, COUNTER_MAX),
        ("next_command", 1, COUNTER_MAX),
        # Every order was announced by an event of its own.
        ("next_order_id", 1, header["next_seq"]),
        ("last_trade_ticks", 0, PRICE_TICKS_MAX),
        ("last_auction_ticks", 0, PRICE_TICKS_MAX),
    ):
        cutter.test(header, name, low, high)


def _test_session(cutter: _Cutter, header: dict[str, int]) -> None:
    """Test the three layers, and that nothing is indicated where no uncross is ahead."""
    for name, high in (("phase", SessionState.CLOSING), ("closed", 1), ("delisted", 1)):
        cutter.test(header, name, 0, int(high))
    kept = KEPT_UNDER_CLOSED | {SessionState.PRE_OPEN}
    if header["closed"] and header["phase"] not in kept:
        raise corruption(f"{cutter.where}, header", f"phase {header['phase']} cannot lie under a close")
    indicates = header["phase"] in (SessionState.AUCTION, SessionState.CLOSING)
    indicates = indicates and not (header["closed"] or header["delisted"])
    cutter.test(header, "indicative_ticks", 0, PRICE_TICKS_MAX if indicates else 0)
    cutter.test(header, "indicative_paired_lots", 0, COUNTER_MAX if header["indicative_ticks"] else 0)
    if header["indicative_surplus_lots"] and not header["indicative_ticks"]:
        raise corruption(f"{cutter.where}, header", "a surplus is indicated without a price")


def cut_exchange(data: bytes, assets: Sequence[Asset], listings: Sequence[Listing]) -> ExchangeParts:
    """Cut an exchange's state. CorruptionError when it is none, or not one of these assets and listings. O(parts)."""
    for what, items, kind in (("assets", assets, Asset), ("listings", listings, Listing)):
        if not isinstance(items, Sequence) or not all(isinstance(item, kind) for item in items):
            raise MisuseError(f"{what} must be a sequence of {kind.__name__}, by index, as the exchange had them.")
    cutter = _Cutter(memoryview(data), EXCHANGE)
    header = cutter.header(exchange_state.HEADER, exchange_state.MAGIC)
    for name, low, high in (
        ("now_ns", 0, COUNTER_MAX),
        ("next_command", 1, COUNTER_MAX),
        ("next_seq", 1, COUNTER_MAX),
        ("outcome_window", 1, OUTCOMES_MAX),
        ("tiers", 1, TIERS_MAX),
        ("txns", 0, TXN_WINDOW),
        ("outcomes", 0, header["outcome_window"]),
    ):
        cutter.test(header, name, low, high)
    for name, given in (("assets", len(assets)), ("instruments", len(listings))):
        if header[name] != given:
            raise corruption(f"{cutter.where}, header", f"it has {header[name]} {name} where {given} are given")
    of_assets = cutter.take("assets", exchange_state.ASSET, header["assets"])
    of_listings = cutter.take("instruments", exchange_state.LISTING, header["instruments"])
    _test_names(cutter, of_assets, of_listings, assets, listings)
    balances, tiers, members, statuses, txns, sessions, outcomes = (
        cutter.take(name, dtype, header[name])
        for name, dtype in (
            ("balances", exchange_state.BALANCE),
            ("tiers", exchange_state.TIER),
            ("members", exchange_state.MEMBER),
            ("statuses", exchange_state.STATUS),
            ("txns", exchange_state.TXN),
            ("sessions", exchange_state.SESSION),
            ("outcomes", exchange_state.OUTCOME),
        )
    )
    markets = []
    for _ in listings:
        size = int(cutter.take("size of a market", exchange_state.SIZE, 1)[0]["bytes"])
        start = cutter.at
        cutter.take("bytes of a market", np.dtype([("byte", "u1")]), size)
        markets.append(cutter.data[start : cutter.at])
    cutter.end()
    return ExchangeParts(header, of_assets, balances, tiers, members, statuses, txns, sessions, outcomes, markets)


def _test_names(
    cutter: _Cutter, of_assets: Records, of_listings: Records, assets: Sequence[Asset], listings: Sequence[Listing]
) -> None:
    """Test that the state's assets and instruments are those it is to be restored with, to the byte."""
    for number, asset in enumerate(assets):
        _test_row(cutter, f"asset {number}", of_assets[number], {"name": asset.name, "decimals": asset.decimals})
    for number, listing in enumerate(listings):
        fields = {name: getattr(listing, name) for name in exchange_state.LISTING_FIELDS}
        fields |= {"symbol": listing.instrument.symbol}
        _test_row(cutter, f"instrument {number}", of_listings[number], fields)


def _test_row(cutter: _Cutter, where: str, row: np.void, fields: dict[str, Any]) -> None:
    for name, given in fields.items():
        kept = row[name].item()
        expected = given.encode() if isinstance(given, str) else given
        if kept != expected:
            raise corruption(f"{cutter.where}, {where}", f"{name} is {kept!r} where {expected!r} is given")
