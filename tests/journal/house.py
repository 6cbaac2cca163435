"""A small venue over a journal, and commands to send to it."""

from __future__ import annotations

import numpy as np

import parbook as pb
from parbook.records import COMMAND

SMALL = 4096
"""The smallest segment: a few dozen records fill it."""


def furnish(exchange):
    """List one instrument with a curve, fund ten accounts; return its handle."""
    usd, loan = exchange.add_asset("USDx", decimals=6), exchange.add_asset("SME-A")
    market = exchange.add_instrument("SME-A/USDx", base=loan, quote=usd, tick="0.0001", treasury=9, bust_window=50)
    for account in range(1, 11):
        exchange.deposit(account=account, asset=usd, amount="1000000", txn_id=account)
        exchange.deposit(account=account, asset=loan, amount="100000", txn_id=100 + account)
    exchange.set_curve(
        market, pb.LinearBuyback(budget="2500", par_lots=100, drop_bps=300, depth_lots=2_400, spread_bps=25)
    )
    exchange.observe(market, price="0.9900", conf="0.0005", ts=1)
    return market


def orders(count, seed=1):
    """Return COMMAND records of limit orders that trade with each other and the curve."""
    draw = np.random.default_rng(seed)
    commands = np.zeros(count, COMMAND)
    commands["kind"] = pb.CommandKind.NEW
    commands["account"] = draw.integers(1, 9, count)
    commands["side"] = draw.integers(0, 2, count)
    commands["qty_lots"] = draw.integers(1, 10, count)
    commands["price_ticks"] = draw.integers(9850, 9950, count)
    commands["ts_ns"] = np.arange(2, count + 2)
    return commands


def everything(exchange, since=0):
    """Return all events from a position on, as one array."""
    return np.concatenate([*exchange.events(since), np.zeros(0, pb.EVENT)])
