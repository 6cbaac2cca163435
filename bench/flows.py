"""B16: the three public order flows through the core's own loop, checked against their known answers.

The flows and their generator live beside the repository, under PARBOOK_SHARED or ../shared.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.bars import NOT_JUDGED, Row, skipped
from bench.build import compile_c, extension
from bench.measure import BUILD, ROOT, Settings, Spread, UnavailableError, interleave, note, timed
from bench.workloads import INSTRUMENT, batches, feed
from parbook import Market
from parbook.codes import CommandKind, EventKind, Side, TimeInForce
from parbook.records import COMMAND, EVENT, Records

FLOWS: Final = ("itch", "deep", "wide")
MESSAGES: Final = 2_000_000

# ns per message of the fastest peers, as PERFORMANCE.md has them from another machine.
_QUOTED: Final[dict[str, dict[str, float]]] = {
    "itch": {"llmes": 13.9, "QuantCup": 24.0, "geseq": 33.9, "CppTrader": 56.7},
    "deep": {"llmes": 37.2, "QuantCup": 39.4, "geseq": 66.5, "CppTrader": 151.3},
    "wide": {"QuantCup": 50.4, "geseq": 91.0, "CppTrader": 382.5},
}

_RECORD: Final = np.dtype("u1, u1, <u2, <u4, <i8, <u8, <u8")
_RECORD.names = ("kind", "side", "pad", "qty", "price", "id", "account")
_LIMIT, _CANCEL, _REDUCE, _MARKET, _IOC = range(5)
_KINDS: Final = np.array([CommandKind.NEW, CommandKind.CANCEL, CommandKind.REDUCE, CommandKind.NEW, CommandKind.NEW])
_FAR_TICKS: Final = 2**30

_M64: Final = 2**64 - 1
_K: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)


def shared() -> Path:
    """Return the folder of the flows; UnavailableError when it is not there."""
    path = Path(os.environ.get("PARBOOK_SHARED", ROOT.parent / "shared")) / "flows"
    if not path.exists():
        raise UnavailableError("the public flows are absent (set PARBOOK_SHARED)")
    return path


def load(name: str, messages: int = MESSAGES) -> Records:
    """Generate a flow at seed 1, unless build/bench has it, and return it as COMMAND records."""
    program = compile_c(shared() / "gen_flow.c", "-ffp-contract=off")
    path = BUILD / f"{name}-{messages}.bin"
    if not path.exists():
        part = path.with_suffix(".part")
        command = [str(program), name, str(messages), "1", str(part)]
        subprocess.run(command, check=True, capture_output=True)
        part.rename(path)
    return commands_of(np.fromfile(path, _RECORD))


def commands_of(flow: Records) -> Records:
    """Translate records of a flow: its ids are dense from 1, as the engine's are.

    A market order of the flow takes whatever rests, so it becomes an IOC order at a limit that no order of a
    flow reaches and whose notional is legal.
    """
    kind = flow["kind"]
    entered = (kind == _LIMIT) | (kind == _MARKET) | (kind == _IOC)
    far = np.where(flow["side"] == Side.BUY, _FAR_TICKS, 1)
    out = np.zeros(len(flow), COMMAND)
    out["kind"] = _KINDS[kind]
    out["side"] = np.where(entered, flow["side"], 0)
    out["tif"] = np.where((kind == _MARKET) | (kind == _IOC), TimeInForce.IOC, TimeInForce.GTC)
    out["account"] = flow["account"]
    out["order_id"] = np.where(entered, 0, flow["id"])
    out["price_ticks"] = np.where(kind == _MARKET, far, np.where(entered, flow["price"], 0))
    out["qty_lots"] = flow["qty"]
    return out


# --- known answers ------------------------------------------------------------------------------


def _mix(z: int) -> int:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    z &= _M64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _M64
    return z ^ (z >> 31)


def _weigh(*values: int) -> int:
    return _mix(sum(value * factor for value, factor in zip(values, _K, strict=False)))


def answers(market: Market, trades: Records) -> dict[str, Any]:
    """Return totals and order-sensitive checksums of a market and all its TRADE events, as expected.json names them.

    trade_hash chains h = mix(h + maker K1 + taker K2 + price K3 + lots K4); the sums are over mix(side K1 +
    price K2 + lots K3 [+ orders K4]) of each level and mix(side K1 + price K2 + leaves K3 + id K4 + place K5)
    of each resting order, all modulo 2**64.
    """
    chained = 0
    columns = [trades[name].tolist() for name in ("other_id", "order_id", "price_ticks", "qty_lots")]
    for maker, taker, price, lots in zip(*columns, strict=True):
        chained = _mix(chained + maker * _K[0] + taker * _K[1] + price * _K[2] + lots * _K[3])
    levels = market.depth(2**31 - 1)
    level_sum = vol_sum = order_sum = 0
    for level in levels:
        side, price, lots, orders = (int(level[name]) for name in ("side", "price_ticks", "qty_lots", "orders"))
        level_sum += _weigh(side, price, lots, orders)
        vol_sum += _weigh(side, price, lots)
        for place, order_id in enumerate(market.queue(side, price)):
            order = market.order(order_id)
            if order is None:
                raise AssertionError(f"order {order_id} is queued and does not rest")
            order_sum += _weigh(side, price, order.qty_lots - order.filled_lots, order_id, place)
    return {
        "trades": len(trades),
        "qty": int(trades["qty_lots"].sum()),
        "notional": int((trades["qty_lots"] * trades["price_ticks"]).sum()),
        "trade_hash": f"{chained:016x}",
        "resting": market.open_orders,
        "levels": len(levels),
        "level_sum": f"{level_sum & _M64:016x}",
        "vol_sum": f"{vol_sum & _M64:016x}",
        "order_sum": f"{order_sum & _M64:016x}",
    }


def run(commands: Records) -> tuple[Market, Records]:
    """Apply the commands to a fresh market; return it and its TRADE events. AssertionError at any refusal."""
    market = Market(INSTRUMENT)
    trades = [np.empty(0, EVENT)]
    for part in batches(commands):
        events = market.apply_batch(part)
        if (events["kind"] == EventKind.REJECTED).any():
            raise AssertionError("a command of the flow was refused")
        trades.append(events[events["kind"] == EventKind.TRADE])
    return market, np.concatenate(trades)


def verify(name: str, messages: int, commands: Records) -> int:
    """Check a whole flow against expected.json and return how many answers agree; AssertionError at the first not.

    A flow cut short has no known answers: 0.
    """
    market, trades = run(commands)
    expected = json.loads((shared() / "expected.json").read_text())[name]
    if messages != expected["n"]:
        return 0
    found = answers(market, trades)
    for key, value in found.items():
        if value != expected[key]:
            raise AssertionError(f"{name}: {key} is {value}, expected {expected[key]}")
    return len(found)


# --- the row ------------------------------------------------------------------------------------


def flow_rows(settings: Settings) -> list[Row]:
    """Return B16's own half: ns per message on each flow, beside what peers took on another machine."""
    messages = settings.size(MESSAGES)
    try:
        loaded = {name: load(name, messages) for name in FLOWS}
    except UnavailableError as error:
        return [skipped("B16", str(error))]
    agree = {}
    for name, commands in loaded.items():
        note(f"B16 {name}: checking against the known answers")
        agree[name] = verify(name, messages, commands)
    note("B16 timing the three flows")
    replay = extension(ROOT / "bench/native/flows.c").replay
    contenders = {name: partial(_core_sample, replay, loaded[name].tobytes()) for name in FLOWS}
    contenders |= {f"{name}, to Python": partial(_sample, batches(loaded[name])) for name in FLOWS}
    samples = interleave(contenders, settings.rounds)
    rows = []
    for name in FLOWS:
        ns = Spread.of(taken / messages for taken in samples[name])
        handed_ns = Spread.of(taken / messages for taken in samples[f"{name}, to Python"])
        quoted = ", ".join(f"{peer} {peer_ns}" for peer, peer_ns in _QUOTED[name].items())
        checked = f"{agree[name]} known answers agree" if agree[name] else "too short to have known answers"
        measured = (
            f"{ns} ns a message in the core, {handed_ns} with every event handed to Python; {checked}. "
            f"Quoted from another machine, not measured here: {quoted}"
        )
        verdict = f"{NOT_JUDGED}: the peers are programs in C++ that are built apart"
        values = {f"{name}_ns_per_message": ns, f"{name}_handed_to_python_ns_per_message": handed_ns}
        rows.append(Row(bar="B16", what=f"{name} flow", measured=measured, verdict=verdict, values=values))
    return rows


def _core_sample(replay: Callable[[Market, bytes], int], commands: bytes) -> float:
    return float(replay(Market(INSTRUMENT), commands))


def _sample(parts: list[Records]) -> float:
    market = Market(INSTRUMENT)
    return float(timed(partial(feed, market, parts)))
