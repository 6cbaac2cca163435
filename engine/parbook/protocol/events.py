"""What the protocol says, as immutable msgspec Structs, in a stream of their own: `seq` counts from 1 without gaps.

What they moved stands in the exchange's own events as well, as deposits, withdrawals and transfers, so that who follows
balances needs these no more than anybody else.
"""

from __future__ import annotations

import msgspec

from parbook.pools.states import PoolState, TrancheState
from parbook.refusals import Refusal


class Said(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all of them have: their number, and the exchange's time when it happened."""

    seq: int
    ts_ns: int


class Refused(Said, frozen=True, kw_only=True):
    """A command changed nothing. `detail` says which line of it, or what would have been possible."""

    command: str
    code: Refusal
    detail: str = ""


# --- pools ----------------------------------------------------------------------------------------------------------


class PoolOpened(Said, frozen=True, kw_only=True):
    """A pool is there, with its tranches' assets and, where they trade, instruments (-1: none)."""

    pool: int
    name: str
    assets: tuple[int, ...]
    instruments: tuple[int, ...]


class Invested(Said, frozen=True, kw_only=True):
    """Units were issued for money."""

    pool: int
    tranche: int
    account: int
    amount_micro: int
    units_micro: int
    price_nano: int


class LoansAdded(Said, frozen=True, kw_only=True):
    """Assets came in and were paid out."""

    pool: int
    count: int
    paid_micro: int


class Serviced(Said, frozen=True, kw_only=True):
    """A servicer's report was carried out."""

    pool: int
    rows: int
    collected_micro: int
    owed_micro: int
    kept_micro: int


class WaterfallRun(Said, frozen=True, kw_only=True):
    """Fees were paid and the surplus buffer was filled."""

    pool: int
    fees_micro: int
    buffer_micro: int


class PoolMoved(Said, frozen=True, kw_only=True):
    """A pool has another state."""

    pool: int
    state: PoolState


class TrancheMoved(Said, frozen=True, kw_only=True):
    """A tranche is open, gated or closed."""

    pool: int
    tranche: int
    state: TrancheState
