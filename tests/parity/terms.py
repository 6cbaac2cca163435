"""Draws what makes an order special, and the venue's own commands, into an array of plain commands."""

from __future__ import annotations

import numpy as np

from parbook.codes import AccountField, CancelReason, CommandKind, OrderType, Peg, SessionState, TimeInForce
from parbook.layouts import SPECIAL_FIELDS
from parbook.records import COMMAND, TERMS, Records
from parbook.sessions import TRANSITIONS
from parbook.units import PRICE_TICKS_MAX
from tests.parity.profiles import Profile
from tests.parity.reading import Reading

LIMIT, MARKET, POST_ONLY, SLIDE, TO_LIMIT, PEGGED = (int(kind) for kind in OrderType)
GTC, IOC, FOK, GTD, DAY, AUCTION = (int(tif) for tif in TimeInForce)
_CALLS = (SessionState.PRE_OPEN, SessionState.AUCTION, SessionState.CLOSING)


def draw_specials(draw: np.random.Generator, profile: Profile, out: Records, reading: Reading) -> Records:
    """Turn some NEW and AMEND rows of `out` into special ones and return the array with their TERMS behind them."""
    terms = np.zeros(len(out), TERMS)
    terms["kind"] = CommandKind.TERMS
    new = out["kind"] == CommandKind.NEW
    rows = np.flatnonzero(new & (draw.random(len(out)) < profile.specials))
    if len(rows):
        _draw_types(draw, profile, out, rows, reading)
        _draw_terms(draw, profile, out, terms, rows, reading)
        out["kind"][rows] = CommandKind.NEW_SPECIAL
    amends = np.flatnonzero((out["kind"] == CommandKind.AMEND) & (draw.random(len(out)) < profile.specials * 0.6))
    out["kind"][amends] = CommandKind.AMEND_SPECIAL
    shows = draw.random(len(amends)) < 0.5
    terms["display_lots"][amends[shows]] = draw.integers(0, 5, int(shows.sum()))
    terms["stop_ticks"][amends[~shows]] = np.maximum(out["price_ticks"][amends[~shows]], 0)
    out["price_ticks"][amends[~shows][draw.random(int((~shows).sum())) < 0.7]] = 0
    return _interleave(draw, profile, out, terms)


def _interleave(draw: np.random.Generator, profile: Profile, out: Records, terms: Records) -> Records:
    """Put each special command's TERMS behind it; some are lost, some stand alone."""
    special = (out["kind"] == CommandKind.NEW_SPECIAL) | (out["kind"] == CommandKind.AMEND_SPECIAL)
    faulty = draw.random(len(out)) < profile.malformed * 0.3
    special ^= faulty & ((out["kind"] >= CommandKind.NEW_SPECIAL) | (draw.random(len(out)) < 0.2))
    before = np.concatenate(([0], np.cumsum(special)[:-1])) if len(out) else np.zeros(0, int)
    at = np.arange(len(out)) + before
    woven = np.zeros(len(out) + int(special.sum()), COMMAND)
    woven[at] = out
    woven[at[special] + 1] = terms[special].view(COMMAND)
    return woven


def _draw_types(draw: np.random.Generator, profile: Profile, out: Records, rows: np.ndarray, reading: Reading) -> None:
    kinds = draw.choice([LIMIT, MARKET, POST_ONLY, SLIDE, TO_LIMIT], len(rows), p=[0.66, 0.14, 0.04, 0.09, 0.07])
    if "peg" in profile.terms:
        share = profile.terms["peg"] / sum(profile.terms.values())
        kinds[draw.random(len(rows)) < share] = PEGGED
    tifs = draw.choice([GTC, IOC, FOK, DAY, AUCTION], len(rows), p=[0.6, 0.12, 0.1, 0.1, 0.08])
    resting = np.isin(kinds, (POST_ONLY, SLIDE, TO_LIMIT, PEGGED)) & (draw.random(len(rows)) < 0.97)
    tifs[resting] = draw.choice([GTC, GTC, DAY], int(resting.sum()))
    market = kinds == MARKET
    tifs[market] = draw.choice([IOC, IOC, FOK, AUCTION, GTC], int(market.sum()))
    if reading.state in _CALLS:
        tifs[(draw.random(len(rows)) < 0.6) & np.isin(kinds, (LIMIT, MARKET))] = AUCTION
    out["order_type"][rows] = kinds
    out["tif"][rows] = tifs


def _draw_terms(
    draw: np.random.Generator, profile: Profile, out: Records, terms: Records, rows: np.ndarray, reading: Reading
) -> None:
    """Give every row one main term, by the profile's weights, and some of them more."""
    pegged = rows[out["order_type"][rows] == PEGGED]
    others = rows[(out["order_type"][rows] != PEGGED) | (draw.random(len(rows)) < 0.15)]
    weights = {name: weight for name, weight in profile.terms.items() if name != "peg"} or {"none": 1.0}
    names = list(weights)
    chosen = draw.choice(len(names), len(others), p=np.array(list(weights.values())) / sum(weights.values()))
    second = draw.choice(len(names), len(others))
    doubled = draw.random(len(others)) < 0.15
    for number, name in enumerate(names):
        mine = others[(chosen == number) | (doubled & (second == number))]
        if len(mine) and name != "none":
            _TERMS[name](draw, profile, out, terms, mine, reading)
    pegged = pegged[out["order_type"][pegged] == PEGGED]
    terms["peg"][pegged] = draw.integers(1, len(Peg), len(pegged))
    far = PRICE_TICKS_MAX if profile.extreme else 4
    terms["offset_ticks"][pegged] = draw.integers(-far, far, len(pegged), endpoint=True)
    for name in ("display_lots", "stop_ticks", "trail_ppm", "min_lots", "amount_notional"):
        column = out if name == "trail_ppm" else terms
        column[name][pegged[draw.random(len(pegged)) < 0.97]] = 0
    _add_strays(draw, out, terms, rows[draw.random(len(rows)) < 0.02])
    for name in ("display_lots", "min_lots", "stop_ticks", "offset_ticks", "expire_ns", "amount_notional"):
        # A term that is there already goes beyond its range, so that it is not just one too many.
        there = rows[(terms[name][rows] != 0) & (draw.random(len(rows)) < profile.extreme * 0.1 + profile.wild)]
        terms[name][there] = draw.choice([-1, 1, 5, 2**60 - 1, 2**60, 2**62, -(2**61)], len(there))
        stray = rows[draw.random(len(rows)) < profile.wild * 0.05]
        terms[name][stray] = draw.choice([-1, 1, 5], len(stray))


def _add_strays(draw: np.random.Generator, out: Records, terms: Records, rows: np.ndarray) -> None:
    """Give rows a term that need not go with the others: any of them with any."""
    names = [*SPECIAL_FIELDS[CommandKind.NEW_SPECIAL][2], "trail_ppm"]
    for row in rows:
        name = names[int(draw.integers(len(names)))]
        (out if name == "trail_ppm" else terms)[name][row] = draw.integers(1, 4)


def _limits_only(draw, out, mine, tifs=(GTC, GTC, DAY)):
    """Make most of the rows plain limits that rest, so that a term which only goes with those is not just refused."""
    most = mine[(out["order_type"][mine] != PEGGED) & (draw.random(len(mine)) < 0.9)]
    out["order_type"][most] = draw.choice([LIMIT, LIMIT, LIMIT, POST_ONLY, SLIDE], len(most))
    out["tif"][most] = draw.choice(tifs, len(most))
    return most


def _iceberg(draw, _profile, out, terms, mine, _reading):
    _limits_only(draw, out, mine, (GTC, GTC, DAY, AUCTION))
    terms["display_lots"][mine] = draw.integers(1, 6, len(mine))


def _hidden(draw, _profile, out, terms, mine, _reading):
    terms["hidden"][_limits_only(draw, out, mine)] = 1


def _minimum(draw, _profile, out, terms, mine, _reading):
    out["order_type"][mine] = draw.choice([LIMIT, LIMIT, MARKET], len(mine))
    out["tif"][mine] = draw.choice([GTC, IOC, FOK, DAY], len(mine))
    out["tif"][mine[out["order_type"][mine] == MARKET]] = IOC
    terms["min_lots"][mine] = draw.integers(1, 8, len(mine))


def _waiting(draw, out, terms, mine):
    out["order_type"][mine] = draw.choice([LIMIT, MARKET], len(mine))
    out["tif"][mine] = draw.choice([GTC, IOC, FOK, DAY], len(mine))
    market = mine[out["order_type"][mine] == MARKET]
    out["tif"][market] = draw.choice([IOC, IOC, FOK, GTC], len(market))
    terms["trigger"][mine] = draw.random(len(mine)) < 0.15
    for name in ("display_lots", "hidden", "min_lots", "amount_notional"):
        terms[name][mine] = 0


def _stop(draw, profile, out, terms, mine, _reading):
    _waiting(draw, out, terms, mine)
    reach = profile.spread_ticks
    terms["stop_ticks"][mine] = np.maximum(out["price_ticks"][mine] + draw.integers(-reach, reach + 1, len(mine)), 1)


def _anchor_stop(draw, profile, out, terms, mine, reading):
    _stop(draw, profile, out, terms, mine, reading)
    out["order_type"][mine] = MARKET
    out["tif"][mine] = IOC
    terms["trigger"][mine] = 1


def _trail(draw, _profile, out, terms, mine, _reading):
    _waiting(draw, out, terms, mine)
    terms["stop_ticks"][mine] = 0
    by_share = draw.random(len(mine)) < 0.4
    out["trail_ppm"][mine[by_share]] = draw.choice([1, 2000, 6000, 10**6], int(by_share.sum()))
    terms["offset_ticks"][mine[~by_share]] = draw.integers(1, 9, int((~by_share).sum()))


def _amount(draw, _profile, out, terms, mine, _reading):
    out["order_type"][mine] = MARKET
    out["tif"][mine] = IOC
    out["side"][mine[draw.random(len(mine)) < 0.95]] = 0
    terms["amount_notional"][mine] = draw.integers(1, 20_000, len(mine))


def _reduce(draw, _profile, out, terms, mine, _reading):
    most = mine[draw.random(len(mine)) < 0.95]
    out["order_type"][most] = draw.choice([LIMIT, LIMIT, MARKET], len(most))
    out["tif"][most[out["order_type"][most] == MARKET]] = IOC
    terms["reduce_only"][mine] = 1


def _oco(draw, _profile, out, terms, mine, reading):
    if not len(reading.orders):
        return
    partner = reading.orders[draw.integers(0, len(reading.orders), len(mine))]
    terms["oco_order_id"][mine] = partner["order_id"]
    out["account"][mine] = np.where(draw.random(len(mine)) < 0.95, partner["account"], out["account"][mine])
    waits = draw.random(len(mine)) < 0.5
    _waiting(draw, out, terms, mine[waits])
    terms["stop_ticks"][mine[waits]] = np.maximum(out["price_ticks"][mine[waits]], 1)
    _limits_only(draw, out, mine[~waits])
    out["side"][mine[~waits]] = 1 - partner["side"][~waits]


def _slide(draw, _profile, out, _terms, mine, _reading):
    out["order_type"][mine] = SLIDE
    out["tif"][mine] = draw.choice([GTC, GTC, DAY], len(mine))


def _to_limit(draw, _profile, out, _terms, mine, _reading):
    out["order_type"][mine] = TO_LIMIT
    out["tif"][mine] = draw.choice([GTC, GTC, DAY], len(mine))


def _market_gtc(_draw, _profile, out, _terms, mine, _reading):
    out["order_type"][mine] = MARKET
    out["tif"][mine] = GTC


def _call(draw, _profile, out, _terms, mine, _reading):
    out["order_type"][mine] = draw.choice([LIMIT, MARKET], len(mine))
    out["tif"][mine] = AUCTION


def _stp(draw, _profile, _out, terms, mine, _reading):
    terms["stp"][mine] = draw.integers(1, 6, len(mine))


def _expiry(draw, _profile, out, terms, mine, _reading):
    _limits_only(draw, out, mine, (GTD,))
    gtd = mine[out["tif"][mine] == GTD]
    now_ns = out["ts_ns"].max()
    terms["expire_ns"][gtd] = np.maximum(out["ts_ns"][gtd], now_ns // 2) + draw.integers(0, 400, len(gtd))


_TERMS = {
    "iceberg": _iceberg,
    "hidden": _hidden,
    "min": _minimum,
    "stop": _stop,
    "anchor_stop": _anchor_stop,
    "trail": _trail,
    "amount": _amount,
    "reduce": _reduce,
    "oco": _oco,
    "slide": _slide,
    "to_limit": _to_limit,
    "market_gtc": _market_gtc,
    "call": _call,
    "stp": _stp,
    "expiry": _expiry,
}

# --- the venue's own commands -------------------------------------------------------------------

_VALUES = {
    AccountField.STP_GROUP: (1, 2, 3),
    AccountField.POSITION_LOTS: (-30, 0, 0, 30),
    AccountField.MAX_LONG_LOTS: (20, 60, 2**62, 2**62),
    AccountField.MAX_SHORT_LOTS: (20, 60, 2**62, 2**62),
    AccountField.MAX_OPEN_ORDERS: (0, 4, 12, 2**32, 2**32),
    AccountField.MAX_ORDER_LOTS: (10, 2**38 - 1, 2**38),
    AccountField.MAX_ORDER_NOTIONAL: (9000, 2**63 - 1),
    AccountField.RATE_PER_SECOND: (0, 0, 10**8, 10**9),
    AccountField.RATE_BURST: (1, 3, 40),
    AccountField.ALLOWED_TYPES: (255, 255, 255, 5),
    AccountField.ALLOWED_TIFS: (255, 255, 255, 3),
    AccountField.DENIED: (0, 0, 0, 0, 1, 2, 4, 8, 16, 32),
    AccountField.PROTECTION_LOTS: (0, 6, 15),
    AccountField.PROTECTION_WINDOW_NS: (0, 50, 10**6),
    AccountField.KILLED: (0, 0, 0, 2),
}
_WAY_TO_CONTINUOUS = {
    SessionState.PRE_OPEN: SessionState.AUCTION,
    SessionState.AUCTION: SessionState.CONTINUOUS,
    SessionState.HALTED: SessionState.CONTINUOUS,
    SessionState.CLOSING: SessionState.CLOSED,
}


def draw_venue(draw: np.random.Generator, profile: Profile, out: Records, reading: Reading) -> None:
    """Turn some rows into the venue's own commands."""
    for name, share in profile.venue.items():
        rows = np.flatnonzero(draw.random(len(out)) < share)
        if len(rows):
            out["order_type"][rows] = 0
            _VENUE[name](draw, profile, out, rows, reading)
    if reading.state is not SessionState.CONTINUOUS and "state" in profile.venue and len(out) > 4:
        _return_to_continuous(draw, out, reading)


def _return_to_continuous(draw: np.random.Generator, out: Records, reading: Reading) -> None:
    state = reading.state
    for row in np.sort(draw.integers(0, len(out), 5)):
        beneath = SessionState.CLOSED if reading.header["closed"] else reading.phase
        under_close = reading.phase if reading.phase in (SessionState.HALTED, SessionState.AUCTION) else 1
        step = {SessionState.DELISTED: beneath, SessionState.CLOSED: SessionState(under_close)} | _WAY_TO_CONTINUOUS
        state = step.get(state, SessionState.CONTINUOUS)
        out["kind"][row] = CommandKind.SET_STATE
        out["order_type"][row] = state
        if state is SessionState.CONTINUOUS:
            return


def _state(draw, _profile, out, rows, reading):
    out["kind"][rows] = CommandKind.SET_STATE
    allowed = sorted(TRANSITIONS[reading.state] - {SessionState.DELISTED}) or [reading.phase]
    targets = draw.choice(allowed, len(rows))
    wild = draw.random(len(rows)) < 0.25
    targets[wild] = draw.integers(0, 8, int(wild.sum()))
    out["order_type"][rows] = targets


def _walk(draw, _profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.SET_STATE
    out["order_type"][rows] = draw.integers(0, 7, len(rows))


def _auctions(_draw, _profile, out, rows, reading):
    """Move to and fro between AUCTION and CONTINUOUS, so that about half of the orders gather."""
    gathers = (np.arange(len(rows)) % 2 == 0) ^ (reading.state is SessionState.AUCTION)
    out["kind"][rows] = CommandKind.SET_STATE
    out["order_type"][rows] = np.where(gathers, SessionState.AUCTION, SessionState.CONTINUOUS)


def _delist(_draw, _profile, out, rows, reading):
    """Delist and relist in turn."""
    delisted = reading.state is SessionState.DELISTED
    beneath = SessionState.CLOSED if reading.header["closed"] else reading.phase
    leaves = (np.arange(len(rows)) % 2 == 0) ^ delisted
    out["kind"][rows] = CommandKind.SET_STATE
    out["order_type"][rows] = np.where(leaves, SessionState.DELISTED, beneath)


def _account(draw, profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.SET_ACCOUNT
    for row in rows:
        field = profile.fields[int(draw.integers(len(profile.fields)))]
        out["order_type"][row] = field
        out["qty_lots"][row] = _VALUES[field][int(draw.integers(len(_VALUES[field])))] if draw.random() < 0.97 else -1
    odd = rows[draw.random(len(rows)) < 0.02]
    out["order_type"][odd] = draw.choice([0, 16, 255], len(odd))


def _kill(draw, _profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.KILL
    # Half of the killed may go on soon.
    lifted = rows[(draw.random(len(rows)) < 0.8) & (rows + 3 < len(out))] + 3
    out["kind"][lifted] = CommandKind.SET_ACCOUNT
    out["order_type"][lifted] = AccountField.KILLED
    out["account"][lifted] = out["account"][lifted - 3]
    out["qty_lots"][lifted] = 0


def _deadman(draw, _profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.DEADMAN
    out["qty_lots"][rows] = draw.choice([0, 1, 50, 500, 2**63 - 1, -1], len(rows))


def _mass(draw, profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.MASS_CANCEL
    out["account"][rows] = draw.integers(0, profile.accounts + 1, len(rows))
    out["session"][rows] = draw.integers(0, 3, len(rows))
    out["side"][rows] = draw.integers(0, 4, len(rows))
    reasons = [CancelReason.MASS, CancelReason.MASS, CancelReason.DISCONNECTED, CancelReason.REQUESTED]
    out["order_type"][rows] = draw.choice(reasons, len(rows))


def _quote(draw, profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.QUOTE
    out["order_id"][rows] = draw.choice([0, 0, 1, 2, 15, 16], len(rows))
    middle = np.maximum(out["price_ticks"][rows], 3)
    reach = profile.spread_ticks
    out["price_ticks"][rows] = np.maximum(middle - draw.integers(0, reach, len(rows)), 1)
    out["high_ticks"][rows] = middle + draw.integers(0, reach, len(rows))
    out["qty_lots"][rows] = draw.choice([0, 4, 9, 9, 20], len(rows))
    out["client_id"][rows] = draw.choice([0, 4, 9, 9, 20], len(rows))
    odd = rows[draw.random(len(rows)) < 0.02]
    out[["qty_lots", "price_ticks", "high_ticks"][int(draw.integers(3))]][odd] = draw.choice([-1, 0, 2**61], len(odd))


def _reset(_draw, _profile, out, rows, _reading):
    out["kind"][rows] = CommandKind.RESET_PROTECTION


def _bust(draw, _profile, out, rows, reading):
    out["kind"][rows] = CommandKind.BUST
    if len(reading.trades):
        # Every source alike: most trades are between two orders, and those would be all that is ever busted.
        share = 1 / np.bincount(reading.trades["source"])[reading.trades["source"]]
        out["order_id"][rows] = draw.choice(reading.trades["seq"], len(rows), p=share / share.sum())
    wild = rows[draw.random(len(rows)) < 0.1]
    out["order_id"][wild] = draw.integers(0, 1000, len(wild))


_VENUE = {
    "state": _state,
    "walk": _walk,
    "auctions": _auctions,
    "delist": _delist,
    "account": _account,
    "kill": _kill,
    "deadman": _deadman,
    "mass": _mass,
    "quote": _quote,
    "reset": _reset,
    "bust": _bust,
}
