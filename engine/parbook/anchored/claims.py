"""Who claims how much of a token, as a Merkle sum tree: one root for all, one short proof for each.

Leaves are (account, amount) by rising account. A node's hash covers both children's hashes *and* sums, so that no
branch can hide or cancel what is claimed. Of the known attacks on such trees:

- *duplicated nodes* (CVE-2012-2459: an odd level completed by its last node has the root of that node listed twice):
  an odd node moves up alone, nothing is ever paired with itself, and the root covers the number of leaves;
- *a node passed off as a leaf*: leaves, nodes and roots are hashed under different personalisations;
- *another place*: the way up follows from index and count, which the proof names and the root covers.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

import msgspec

from parbook.errors import AssetError, shown
from parbook.pools.amounts import MONEY_MICRO_MAX, require_int
from parbook.units import ACCOUNT_MAX

CLAIMS_MAX: Final = 2**24
"""Most accounts of a tree."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """The tree of all claims. `levels` hold (hash, sum) from the leaves up; `root` covers the top and the count."""

    root: str
    count: int
    total_micro: int
    accounts: tuple[int, ...]
    levels: tuple[tuple[tuple[bytes, int], ...], ...]


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """That one claim is in a tree: its place, and (hash, sum) of every node beside the way up."""

    account: int
    amount_micro: int
    index: int
    count: int
    beside: tuple[tuple[str, int], ...]


def hex_of(name: str, value: object) -> str:
    """Return a hash of 64 hexadecimal digits; AssetError for anything else."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise AssetError(
            "proof of backing", f"{name}={shown(value)} is no hash", "Give 64 hexadecimal digits, lower case."
        )
    return value


def _hash(person: bytes, *numbers: int | bytes) -> bytes:
    data = b"".join(part if isinstance(part, bytes) else part.to_bytes(16, "big") for part in numbers)
    return hashlib.blake2b(data, digest_size=32, person=person).digest()


def _leaf(account: int, amount_micro: int) -> tuple[bytes, int]:
    return _hash(b"parbook-leaf", account, amount_micro), amount_micro


def _node(left: tuple[bytes, int], right: tuple[bytes, int]) -> tuple[bytes, int]:
    return _hash(b"parbook-node", left[0], left[1], right[0], right[1]), left[1] + right[1]


def _root(top: tuple[bytes, int], count: int) -> str:
    return _hash(b"parbook-root", top[0], top[1], count).hex()


def claims_of(amounts: Mapping[int, int]) -> Claims:
    """Return the tree of every account's amount; AssetError for amounts that are none. O(n log n)."""
    if len(amounts) > CLAIMS_MAX:
        raise AssetError("claims", f"{len(amounts)} accounts are more than {CLAIMS_MAX}", "Split them by token.")
    accounts = tuple(sorted(amounts))
    for account in accounts:
        require_int("claims", "account", account, 0, ACCOUNT_MAX)
        require_int(f"claims, account {account}", "amount_micro", amounts[account], 0, MONEY_MICRO_MAX)
    level = [_leaf(account, amounts[account]) for account in accounts]
    levels = [tuple(level)]
    while len(level) > 1:
        pairs = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = [*pairs, level[-1]] if len(level) % 2 else pairs
        levels.append(tuple(level))
    top = level[0] if level else (bytes(32), 0)
    return Claims(
        root=_root(top, len(accounts)), count=len(accounts), total_micro=top[1], accounts=accounts, levels=tuple(levels)
    )


def inclusion(claims: Claims, account: int) -> Inclusion:
    """Return the proof that an account's claim is in the tree; AssetError when it is not. O(log n)."""
    index = place = bisect_left(claims.accounts, account)
    if index == claims.count or claims.accounts[index] != account:
        raise AssetError(
            "claims", f"account {shown(account)} is not in the tree", "Ask for an account that holds tokens."
        )
    beside = []
    for level in claims.levels[:-1]:
        if place ^ 1 < len(level):
            digest, total = level[place ^ 1]
            beside.append((digest.hex(), total))
        place //= 2
    return Inclusion(
        account=account,
        amount_micro=claims.levels[0][index][1],
        index=index,
        count=claims.count,
        beside=tuple(beside),
    )


def is_included(root: str, total_micro: int, proof: Inclusion) -> bool:
    """Return whether a proof leads to this root and total. Nothing it says is taken on trust. O(log n)."""
    try:
        require_int("proof", "account", proof.account, 0, ACCOUNT_MAX)
        require_int("proof", "count", proof.count, 1, CLAIMS_MAX)
        require_int("proof", "index", proof.index, 0, proof.count - 1)
        amounts = (proof.amount_micro, *(total for _, total in proof.beside))
        for amount in amounts:
            require_int("proof", "amount_micro", amount, 0, MONEY_MICRO_MAX)
        waiting = [(bytes.fromhex(hex_of("beside", digest)), total) for digest, total in reversed(proof.beside)]
    except AssetError:
        return False
    node, place, width = _leaf(proof.account, proof.amount_micro), proof.index, proof.count
    while width > 1:
        if place ^ 1 < width:
            if not waiting:
                return False
            other = waiting.pop()
            node = _node(other, node) if place & 1 else _node(node, other)
        place, width = place // 2, (width + 1) // 2
    return not waiting and node[1] == total_micro and _root(node, proof.count) == root
