"""Proof of backing: a report anybody can recompute, as canonical bytes, each carrying the hash of the one before.

The bytes are JSON with its fields in alphabetical order and no space; the hash is BLAKE2b-256, personalised, so that a
hash of something else is never one of a report. A report says every number that its ratio is made of: a reader who
believes quantities and prices need believe nothing else. Signatures are made at the edge, in `anchored.signing`.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from parbook.anchored.claims import Claims, hex_of
from parbook.anchored.state import RATIO_MAX_E12, Token, backing_micro, ratio_e12, status_of, token_state
from parbook.anchored.terms import LegStatus, TokenState
from parbook.errors import AssetError
from parbook.pools.amounts import E12, NANO, Rounding, divide, require_int
from parbook.units import TIME_NS_MAX

FORMAT: Final = 1
FIRST: Final = "0" * 64
"""What the first report of a chain says was before it."""
_PERSON: Final = b"parbook-report"


class ReportLeg(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A leg as it counts. `counted_micro` is its low value less the haircut, rounded down; nothing when DISABLED."""

    asset: int
    quantity_micro: int
    low_nano: int
    price_ns: int
    haircut_e12: int
    status: LegStatus
    counted_micro: int


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What backs the token, at a time and a sequence number of the exchange, whose state hashes to `exchange_hash`."""

    format: int
    chain: int
    """Number of this report, from 1."""
    previous: str
    """Hash of the report before it."""
    time_ns: int
    sequence: int
    exchange_hash: str
    token_asset: int
    native_asset: int
    state: TokenState
    supply_micro: int
    legs: tuple[ReportLeg, ...]
    backing_micro: int
    """The legs' sum, rounded down once: at most a micro a leg above the sum of what each says."""
    ratio_e12: int
    claims_root: str
    claims_count: int
    claims_micro: int


def report(
    state: Token, claims: Claims, now_ns: int, *, sequence: int, exchange_hash: str, previous: bytes | None
) -> Report:
    """Return the report of a token at a time; `previous` are the bytes of the one before, None for the first.

    AssetError when the claims are not the supply, or `previous` is no report of an earlier time. O(legs).
    """
    require_int("proof of backing", "sequence", sequence, 0, 2**63 - 1)
    require_int("proof of backing", "now_ns", now_ns, 0, TIME_NS_MAX)
    if claims.total_micro != state.supply_micro:
        raise AssetError(
            "proof of backing",
            f"the accounts claim {claims.total_micro} and the supply is {state.supply_micro}",
            "Give every account's tokens, those held for orders included.",
        )
    before = None if previous is None else opened(previous)
    legs = []
    for leg in state.legs:
        status = status_of(leg, state.terms, now_ns)
        worth = 0 if status is LegStatus.DISABLED else leg.quantity_micro * leg.low_nano * (E12 - leg.haircut_e12)
        legs.append(
            ReportLeg(
                asset=leg.asset,
                quantity_micro=leg.quantity_micro,
                low_nano=leg.low_nano,
                price_ns=leg.seen_ns,
                haircut_e12=leg.haircut_e12,
                status=status,
                counted_micro=divide(worth, NANO * E12, Rounding.FLOOR),
            )
        )
    made = Report(
        format=FORMAT,
        chain=1 if before is None else before.chain + 1,
        previous=FIRST if previous is None else digest(previous),
        time_ns=now_ns,
        sequence=sequence,
        exchange_hash=hex_of("exchange_hash", exchange_hash),
        token_asset=state.terms.token_asset,
        native_asset=state.terms.native_asset,
        state=token_state(state, now_ns),
        supply_micro=state.supply_micro,
        legs=tuple(legs),
        backing_micro=backing_micro(state, now_ns),
        ratio_e12=ratio_e12(state, now_ns),
        claims_root=claims.root,
        claims_count=claims.count,
        claims_micro=claims.total_micro,
    )
    _require(made, previous)
    return made


def encoded(made: Report) -> bytes:
    """Return a report's canonical bytes."""
    return msgspec.json.encode(made, order="sorted")


def digest(data: bytes) -> str:
    """Return the hash of a report's bytes, 64 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=32, person=_PERSON).hexdigest()


def opened(data: bytes) -> Report:
    """Return the report of canonical bytes; AssetError when they are no report, or not the one way to write it."""
    try:
        made = msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AssetError("proof of backing", f"this is no report: {error}", "Ask for the bytes as published.") from None
    if encoded(made) != data:
        raise AssetError("proof of backing", "the report is not canonical", "Ask for the bytes as published.")
    return made


def verified(data: bytes, previous: bytes | None) -> Report:
    """Return a report whose numbers add up and that follows `previous` (None: it is the first); AssetError otherwise.

    O(legs). That quantities and prices are true is what the signature stands for, and what an auditor counts.
    """
    made = opened(data)
    _require(made, previous)
    return made


def _require(made: Report, previous: bytes | None) -> None:
    before = None if previous is None else opened(previous)
    faults = _faults(made)
    if made.previous != (FIRST if previous is None else digest(previous)):
        faults.append("it does not follow the report given as the one before")
    if made.chain != (1 if before is None else before.chain + 1):
        faults.append(f"its number {made.chain} is not the next")
    if before is not None:
        if made.time_ns < before.time_ns or made.sequence < before.sequence:
            faults.append("it is of an earlier time than the one before")
        if (made.token_asset, made.native_asset) != (before.token_asset, before.native_asset):
            faults.append("it is of another token")
    if faults:
        raise AssetError("proof of backing", "; ".join(faults), "Do not rely on it; ask for the chain of reports.")


def _faults(made: Report) -> list[str]:
    """Return what does not add up within a report."""
    found = []
    if made.format != FORMAT:
        found.append(f"its format {made.format} is not {FORMAT}")
    assets = [leg.asset for leg in made.legs]
    if assets != sorted(set(assets)) or {made.token_asset, made.native_asset} & set(assets):
        found.append("its legs do not rise, or the token or the native token is one")
    numbers = [made.supply_micro, made.sequence, made.time_ns]
    total = 0
    for leg in made.legs:
        numbers += [
            leg.quantity_micro,
            leg.low_nano,
            leg.haircut_e12,
            E12 - leg.haircut_e12,
            made.time_ns - leg.price_ns,
        ]
        worth = 0
        if leg.status is not LegStatus.DISABLED:
            worth = leg.quantity_micro * leg.low_nano * (E12 - leg.haircut_e12)
        if leg.counted_micro != worth // (NANO * E12):
            found.append(f"leg {leg.asset} does not count {leg.counted_micro}")
        total += worth
    if min(numbers) < 0:
        found.append("a number is out of range")
    if made.backing_micro != total // (NANO * E12):
        found.append("its legs do not add up to its backing")
    supply = made.supply_micro * NANO
    if made.ratio_e12 != (min(RATIO_MAX_E12, total // supply) if supply > 0 else RATIO_MAX_E12):
        found.append("its ratio is not that of backing and supply")
    iffy = any(leg.status is LegStatus.IFFY for leg in made.legs)
    if (made.state is TokenState.SOUND and iffy) or (made.state is TokenState.IFFY and not iffy):
        found.append("its state is not that of its legs")
    if made.claims_micro != made.supply_micro:
        found.append("the accounts' claims are not the supply")
    for name in ("previous", "exchange_hash", "claims_root"):
        hex_of(name, getattr(made, name))
    return found
