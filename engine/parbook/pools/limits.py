"""What a pool may hold: eligibility of one loan, concentration of all, and each pledged once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from parbook.errors import AssetError, shown
from parbook.pools.amounts import E12, Rounding, divide, require_int

SHA256: Final = re.compile(r"[0-9a-f]{64}")
"""How the hash of a contract is written."""


class Eligibility(msgspec.Struct, frozen=True, kw_only=True):
    """What one loan must be. Empty sets allow every kind and group."""

    kinds: frozenset[int] = frozenset()
    groups: frozenset[str] = frozenset()
    months_max: int = 1200
    days_past_due_max: int = 0
    balance_micro_min: int = 1
    balance_micro_max: int = 2**53
    pd_e12_max: int = E12


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What eligibility asks of a loan."""

    asset_id: str
    kind: int
    group: str
    months: int
    days_past_due: int
    balance_micro: int
    pd_e12: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the pool. `hhi_e12` bounds the sum of squared obligor shares."""

    obligor_e12: int = E12 // 20
    counterparty_e12: int = E12 // 10
    hhi_e12: int = E12

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        for name in ("obligor_e12", "counterparty_e12", "hhi_e12"):
            require_int("limits", name, getattr(self, name), 1, E12)


class Concentration(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds how much of the total, largest first; shares rounded up, so that a limit is never passed unseen."""

    total_micro: int
    shares: tuple[tuple[str, int, int], ...]
    """(name, amount_micro, share_e12)."""
    hhi_e12: int


def ineligible(loan: Candidate, rules: Eligibility) -> list[str]:
    """Return why a loan may not enter the pool, each reason with the number that decides; empty when it may."""
    reasons = []
    if rules.kinds and loan.kind not in rules.kinds:
        reasons.append(f"its kind {loan.kind} is none of {sorted(rules.kinds)}")
    if rules.groups and loan.group not in rules.groups:
        reasons.append(f"its group {loan.group!r} is none of {sorted(rules.groups)}")
    if loan.months > rules.months_max:
        reasons.append(f"it runs {loan.months} months, above {rules.months_max}")
    if loan.days_past_due > rules.days_past_due_max:
        reasons.append(f"it is {loan.days_past_due} days past due, above {rules.days_past_due_max}")
    if not rules.balance_micro_min <= loan.balance_micro <= rules.balance_micro_max:
        bounds = f"{rules.balance_micro_min}..{rules.balance_micro_max}"
        reasons.append(f"its balance {loan.balance_micro} is outside {bounds}")
    if loan.pd_e12 > rules.pd_e12_max:
        reasons.append(f"its PD {loan.pd_e12} is above {rules.pd_e12_max}")
    return reasons


def admit(loan: Candidate, rules: Eligibility) -> None:
    """Raise AssetError with every reason when the loan may not enter the pool."""
    reasons = ineligible(loan, rules)
    if reasons:
        raise AssetError(f"asset {loan.asset_id}", "; ".join(reasons), "Leave it out, or change the pool's rules.")


def concentration(amounts_micro: Mapping[str, int]) -> Concentration:
    """Return the shares of each name. Names without an amount are left out; ties go by name."""
    held = {name: amount for name, amount in amounts_micro.items() if amount > 0}
    total = sum(held.values())
    shares = tuple(
        (name, amount, divide(amount * E12, total, Rounding.CEIL))
        for name, amount in sorted(held.items(), key=lambda item: (-item[1], item[0]))
    )
    squares = sum(amount * amount for amount in held.values())
    hhi = divide(squares * E12, total * total, Rounding.CEIL) if total else 0
    return Concentration(total_micro=total, shares=shares, hhi_e12=hhi)


def breaches(obligors: Concentration, counterparties: Concentration, limits: Limits) -> list[str]:
    """Return every limit that is passed, as a sentence with its numbers; exactly at a limit is within it."""
    out = []
    for what, who, limit in (
        ("obligor", obligors, limits.obligor_e12),
        ("counterparty", counterparties, limits.counterparty_e12),
    ):
        for name, amount, share in who.shares:
            if amount * E12 > limit * who.total_micro:
                out.append(f"{what} {name} holds {percent(share)} of the pool, above {percent(limit)}")
    if obligors.hhi_e12 > limits.hhi_e12:
        out.append(f"the HHI of obligors is {percent(obligors.hhi_e12)}, above {percent(limits.hhi_e12)}")
    return out


def percent(share_e12: int) -> str:
    """Return a share with two decimals, rounded up."""
    hundredths = divide(share_e12, E12 // 10_000, Rounding.CEIL)
    return f"{hundredths // 100}.{hundredths % 100:02} %"


# --- pledged once -----------------------------------------------------------------------------------


def legal_hash(document: bytes) -> str:
    """Return the SHA-256 of a contract's bytes, by which it is known."""
    return hashlib.sha256(document).hexdigest()


class PledgeRegister:
    """Which contract backs which asset; a contract backs at most one, in whatever pool."""

    def __init__(self) -> None:
        self._asset_by_hash: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._asset_by_hash)

    def pledge(self, contract_hash: str, asset_id: str) -> None:
        """Record a pledge; AssetError when the contract already backs another asset, or is no SHA-256."""
        if not SHA256.fullmatch(contract_hash):
            raise AssetError(
                f"asset {asset_id}",
                f"{shown(contract_hash)} is no SHA-256",
                "Give 64 lower-case hexadecimal digits.",
            )
        holder = self._asset_by_hash.get(contract_hash)
        if holder is not None:
            raise AssetError(
                f"asset {asset_id}",
                f"its contract {contract_hash[:12]}... already backs asset {holder}",
                "A contract is pledged once: release it there first, or leave this one out.",
            )
        self._asset_by_hash[contract_hash] = asset_id

    def holder(self, contract_hash: str) -> str:
        """Return the asset that a contract backs, "" for none. O(1)."""
        return self._asset_by_hash.get(contract_hash, "")

    def release(self, contract_hash: str, asset_id: str) -> None:
        """End a pledge; AssetError when it is not this asset's."""
        if self._asset_by_hash.get(contract_hash) != asset_id:
            raise AssetError(f"asset {asset_id}", f"it does not hold {shown(contract_hash)}", "Check asset and hash.")
        del self._asset_by_hash[contract_hash]
