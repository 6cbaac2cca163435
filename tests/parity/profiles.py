"""What random streams are made of: how often each kind of command and term occurs, and which instruments they meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parbook.codes import AccountField, Allocation, SessionState, StpMode
from parbook.instrument import Instrument
from parbook.units import QTY_LOTS_MAX

Settings = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Profile:
    """How a stream is drawn. Probabilities are per command; `mid_ticks` 0 spreads prices over the whole domain.

    `terms` weighs what special orders are made of, `venue` the venue's own commands; `settings` are the values an
    instrument's fields may take, drawn anew for every seed. `fields` are what SET_ACCOUNT sets; an `idle_curve` quotes
    without a lot to trade.
    """

    name: str
    mid_ticks: int = 1000
    spread_ticks: int = 12
    extreme: float = 0.0
    malformed: float = 0.002
    curve: float = 0.0
    anchors: float = 0.0
    far_curve: bool = False
    idle_curve: bool = False
    client_ids: int = 0
    accounts: int = 4
    max_orders: int = 2**24
    window: int = 1024
    max_qty: int = 20
    specials: float = 0.0
    wild: float = 0.005
    one_sided: bool = False
    terms: Mapping[str, float] = field(default_factory=dict)
    venue: Mapping[str, float] = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    fields: tuple[AccountField, ...] = tuple(AccountField)


PLAIN = (
    Profile("touch"),
    Profile("thin", spread_ticks=3, max_qty=4),
    Profile("wide", mid_ticks=0, max_qty=1000),
    Profile("extreme", mid_ticks=0, extreme=0.3, max_qty=QTY_LOTS_MAX),
    Profile("low", mid_ticks=6, spread_ticks=6, curve=0.5, anchors=0.05),
    Profile("ids", client_ids=60, window=7),
    Profile("ids-free-at-once", client_ids=30, window=0),
    Profile("ids-window", client_ids=5000, window=300, accounts=40),
    Profile("full", max_orders=25),
    Profile("curve", curve=0.05, anchors=0.01, spread_ticks=20, max_qty=60),
    Profile("curve-anchors", curve=0.1, anchors=0.2, spread_ticks=30, client_ids=200, window=50),
    Profile("curve-wide", mid_ticks=10**9, spread_ticks=10**7, curve=0.3, anchors=0.05, max_qty=10**6),
    Profile("curve-far", mid_ticks=0, curve=0.1, anchors=0.1, far_curve=True, max_qty=2**32),
    Profile("curve-far-edges", mid_ticks=0, extreme=0.2, curve=0.1, anchors=0.1, far_curve=True, max_qty=2**38 - 1),
    Profile("malformed", malformed=0.3, curve=0.1, anchors=0.05, client_ids=20),
)

STP_MODES = tuple(mode for mode in StpMode if mode is not StpMode.DEFAULT)
EVERY_SETTING: Settings = {
    "allocation": tuple(Allocation),
    "stp": (StpMode.OFF, *STP_MODES),
    "reinsert_on_amend": (False, False, True),
    "market_rests": (False, True),
    "max_triggers": (1, 2, 64),
    "stop_through_triggers": (False, True),
    "initial_state": (SessionState.CONTINUOUS,) * 3 + (SessionState.PRE_OPEN, SessionState.CLOSED),
    "curve_in_auction": (False, True),
    "static_band_ppm": (0, 0, 12_000),
    "dynamic_band_ppm": (0, 0, 6000),
    "breach_rests": (False, True),
    "breach_state": (SessionState.CONTINUOUS, SessionState.HALTED, SessionState.AUCTION),
    "max_order_lots": (QTY_LOTS_MAX, 30),
    "max_order_notional": (2**63 - 1, 25_000),
    "price_reach_ppm": (0, 0, 8000),
    "registered_only": (False,) * 5 + (True,),
    "bust_window": (0, 20),
}
COLLARS: dict[str, tuple[Any, ...]] = {
    name: EVERY_SETTING[name] for name in ("dynamic_band_ppm", "static_band_ppm", "breach_rests", "breach_state")
}
EVERY_TERM = {
    "iceberg": 1.0,
    "hidden": 0.8,
    "min": 0.5,
    "stop": 1.0,
    "trail": 0.6,
    "peg": 0.7,
    "amount": 0.4,
    "reduce": 0.5,
    "oco": 0.6,
    "stp": 0.7,
    "expiry": 0.5,
}
SESSIONS = {"state": 0.02}
ACCOUNTS = {"account": 0.03, "kill": 0.002, "deadman": 0.005, "mass": 0.002}
QUOTES = {"quote": 0.1, "reset": 0.01, "account": 0.01}
EVERY_COMMAND = {"state": 0.006, "bust": 0.01, "quote": 0.03, "reset": 0.004} | ACCOUNTS

SPECIAL = (
    Profile("icebergs", specials=0.4, terms={"iceberg": 1, "hidden": 0.5}),
    Profile("hidden-curve", specials=0.4, terms={"hidden": 1, "iceberg": 0.3}, curve=0.1, anchors=0.03),
    Profile("minimum", specials=0.4, terms={"min": 1, "hidden": 0.5, "stp": 0.4}, settings={"stp": STP_MODES}),
    Profile("stops", specials=0.4, terms={"stop": 1}, settings={"stop_through_triggers": (False, True)}),
    Profile("cascades", specials=0.6, terms={"stop": 1, "trail": 1}, spread_ticks=6, settings={"max_triggers": (1, 3)}),
    Profile("trailing", specials=0.4, terms={"trail": 1, "stop": 0.2}, curve=0.1, anchors=0.1),
    Profile("pegs", specials=0.3, terms={"peg": 1}, curve=0.1, anchors=0.05, spread_ticks=8),
    Profile("oco", specials=0.4, terms={"oco": 1, "stop": 1, "expiry": 0.2}),
    Profile(
        "reduce-only",
        specials=0.4,
        terms={"reduce": 1, "stop": 0.3},
        venue={"account": 0.05},
        settings={"stp": STP_MODES},
    ),
    Profile("expiry", specials=0.4, terms={"expiry": 1, "iceberg": 0.2}, venue={"deadman": 0.02, "state": 0.004}),
    Profile("amounts", specials=0.4, terms={"amount": 1}, curve=0.1, anchors=0.03),
    Profile("self-trade", specials=0.4, terms={"stp": 1, "iceberg": 0.6, "hidden": 0.3}, settings={"stp": STP_MODES}),
    Profile("groups", accounts=8, specials=0.3, terms={"stp": 1, "iceberg": 0.5}, venue={"account": 0.03}),
    Profile(
        "pro-rata",
        specials=0.3,
        spread_ticks=4,
        max_qty=60,
        terms={"iceberg": 1, "hidden": 0.4, "stp": 0.4},
        settings={"allocation": (Allocation.PRO_RATA,)},
    ),
    Profile("collars", specials=0.2, terms={"stop": 1, "min": 0.5}, settings=COLLARS, venue={"state": 0.005}),
    Profile("collars-curve", settings=COLLARS, curve=0.1, anchors=0.05, venue={"state": 0.005}),
    Profile("sessions", specials=0.2, terms={"expiry": 0.5, "peg": 0.5, "iceberg": 1, "stop": 0.4}, venue=SESSIONS),
    Profile(
        "auctions-curve",
        specials=0.2,
        terms={"iceberg": 1, "hidden": 0.5},
        venue=SESSIONS,
        curve=0.1,
        anchors=0.03,
        settings={"curve_in_auction": (True,)},
    ),
    Profile("accounts", specials=0.2, terms={"reduce": 0.5, "stop": 1}, venue=ACCOUNTS, accounts=6),
    Profile(
        "walk", specials=0.2, terms={"iceberg": 1, "expiry": 0.3}, venue={"walk": 0.3, "delist": 0.06, "quote": 0.05}
    ),
    Profile(
        "no-reference",
        one_sided=True,
        specials=0.5,
        terms={"anchor_stop": 1},
        curve=0.3,
        idle_curve=True,
        anchors=0.3,
        settings={"max_triggers": (1,)},
    ),
    Profile(
        "full-up",
        specials=0.6,
        terms={"trail": 1, "peg": 1},
        venue={"account": 0.05, "kill": 0.01, "deadman": 0.01},
        accounts=9,
        settings={"max_pegs": (3,), "max_trailing": (3,), "max_accounts": (4,)},
    ),
    Profile("ranges", specials=0.6, terms=EVERY_TERM, wild=0.3),
    Profile("quotes", venue=QUOTES, curve=0.05, anchors=0.02, spread_ticks=10),
    Profile("busts", venue={"bust": 0.05, "account": 0.02}, settings={"bust_window": (1, 5, 40)}),
    Profile("reinsert", specials=0.2, terms=EVERY_TERM, settings={"reinsert_on_amend": (True,)}),
    Profile("special-extreme", specials=0.5, extreme=0.2, terms=EVERY_TERM, settings=EVERY_SETTING, mid_ticks=0),
    Profile("special-malformed", specials=0.5, malformed=0.2, terms=EVERY_TERM, venue=EVERY_COMMAND),
)

NARROW = (
    Profile("to-limit", specials=0.5, terms={"to_limit": 1, "iceberg": 0.4}, curve=0.1, anchors=0.03),
    Profile(
        "dear-stops",
        specials=0.5,
        terms={"anchor_stop": 1, "stop": 0.5},
        mid_ticks=0,
        max_qty=2**26,
        curve=0.1,
        anchors=0.1,
    ),
    Profile("slides", specials=0.5, terms={"slide": 1, "hidden": 0.4}, curve=0.1, anchors=0.05, spread_ticks=6),
    Profile(
        "market-rests",
        specials=0.4,
        terms={"market_gtc": 1, "iceberg": 0.5, "stop": 0.3},
        settings=COLLARS | {"market_rests": (True,)},
        venue={"state": 0.005},
    ),
    Profile(
        "calls",
        specials=0.5,
        terms={"call": 1, "iceberg": 0.4, "hidden": 0.2},
        venue={"auctions": 0.02},
        curve=0.05,
        anchors=0.02,
        settings={"curve_in_auction": (False, True)},
    ),
    Profile(
        "delisted",
        specials=0.4,
        terms={"call": 0.5, "iceberg": 1, "stop": 0.5, "min": 0.3},
        venue={"delist": 0.03, "quote": 0.05, "mass": 0.03},
    ),
    Profile(
        "instrument-limits",
        specials=0.3,
        terms=EVERY_TERM,
        settings={"max_order_lots": (12,), "max_order_notional": (11_000,), "price_reach_ppm": (8000, 4000)},
    ),
    Profile(
        "account-limits",
        specials=0.3,
        terms={"stop": 1, "reduce": 0.5, "iceberg": 0.5},
        venue={"account": 0.05},
        fields=(
            AccountField.POSITION_LOTS,
            AccountField.MAX_LONG_LOTS,
            AccountField.MAX_SHORT_LOTS,
            AccountField.MAX_OPEN_ORDERS,
            AccountField.MAX_ORDER_LOTS,
            AccountField.MAX_ORDER_NOTIONAL,
        ),
    ),
    Profile(
        "rates",
        venue={"account": 0.03, "quote": 0.05},
        fields=(AccountField.RATE_PER_SECOND, AccountField.RATE_BURST),
    ),
    Profile(
        "permissions",
        specials=0.3,
        terms=EVERY_TERM,
        venue={"account": 0.03, "quote": 0.05},
        fields=(AccountField.ALLOWED_TYPES, AccountField.ALLOWED_TIFS, AccountField.DENIED, AccountField.KILLED),
    ),
    Profile(
        "protection",
        venue={"account": 0.02, "quote": 0.2, "reset": 0.02},
        fields=(AccountField.PROTECTION_LOTS, AccountField.PROTECTION_WINDOW_NS),
        spread_ticks=6,
    ),
    Profile("mass", specials=0.3, terms=EVERY_TERM, venue={"mass": 0.02, "kill": 0.02, "deadman": 0.03}),
    Profile(
        "registered-only",
        accounts=6,
        venue={"account": 0.01, "quote": 0.02},
        settings={"registered_only": (True,)},
        fields=(AccountField.STP_GROUP,),
    ),
    Profile(
        "busts-of-all",
        specials=0.3,
        terms={"hidden": 1, "iceberg": 0.5, "call": 0.4},
        venue={"bust": 0.08, "account": 0.02, "auctions": 0.02},
        curve=0.5,
        anchors=0.1,
        spread_ticks=20,
        settings={"bust_window": (40,), "curve_in_auction": (True,)},
        fields=(AccountField.POSITION_LOTS,),
    ),
)
"""One rule each that the wider profiles meet too seldom to be sure of."""

EVERYTHING = tuple(
    Profile(
        f"everything-{number}",
        specials=0.35,
        terms=EVERY_TERM,
        venue=EVERY_COMMAND,
        settings=EVERY_SETTING,
        curve=0.1,
        anchors=0.03,
        client_ids=client_ids,
        window=20,
        spread_ticks=spread_ticks,
        max_orders=max_orders,
    )
    for number, (client_ids, spread_ticks, max_orders) in enumerate(
        [(0, 12, 2**24), (60, 12, 2**24), (0, 5, 2**24), (40, 8, 30), (0, 25, 2**24), (500, 12, 2**24)]
    )
)
PROFILES = PLAIN + SPECIAL + NARROW + EVERYTHING


def instrument_of(profile: Profile, seed: int = 0) -> Instrument:
    """Return an instrument with the profile's limits and one draw of its settings."""
    draw = np.random.Generator(np.random.PCG64([seed, len(profile.name), 77]))
    drawn = {name: choices[int(draw.integers(len(choices)))] for name, choices in profile.settings.items()}
    if profile.mid_ticks == 0:
        drawn.pop("max_order_notional", None)
    return Instrument(symbol=profile.name[:32], max_orders=profile.max_orders, client_id_window=profile.window, **drawn)
