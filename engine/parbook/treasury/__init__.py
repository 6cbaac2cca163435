"""What the protocol may spend on buying one instrument back: budget, inventory, stop-loss, pause. docs/treasury.md."""

from __future__ import annotations

from parbook.treasury.bid import AnchoredBid, LinearBid, discount_e12
from parbook.treasury.commands import (
    amend,
    next_due_ns,
    offer,
    pause,
    plan_amend,
    plan_due,
    plan_pause,
    plan_restart,
    plan_resume,
    plan_retire,
    retire,
    turn,
)
from parbook.treasury.coverage import Coverage, coverage
from parbook.treasury.state import (
    Amendment,
    Offer,
    Pause,
    Retirement,
    Sync,
    Treasury,
    TreasuryStatus,
    Turn,
    check,
    opened,
)
from parbook.treasury.syncs import plan_sync, sync
from parbook.treasury.terms import Recycling, TreasuryTerms

__all__ = [
    "Amendment",
    "AnchoredBid",
    "Coverage",
    "LinearBid",
    "Offer",
    "Pause",
    "Recycling",
    "Retirement",
    "Sync",
    "Treasury",
    "TreasuryStatus",
    "TreasuryTerms",
    "Turn",
    "amend",
    "check",
    "coverage",
    "discount_e12",
    "next_due_ns",
    "offer",
    "opened",
    "pause",
    "plan_amend",
    "plan_due",
    "plan_pause",
    "plan_restart",
    "plan_resume",
    "plan_retire",
    "plan_sync",
    "retire",
    "sync",
    "turn",
]
