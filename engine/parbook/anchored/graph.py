"""The backing graph: which asset is a claim on which. Backing that leads back to what it backs is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def circular_path(claims: Mapping[int, Sequence[int]], start: int, forbidden: Sequence[int]) -> tuple[int, ...]:
    """Return a path from `start` to a forbidden asset or around a circle, its last asset the offending one; () if none.

    Depth first, lower assets first, so that one graph has one answer. O(assets + claims).
    """
    if start in forbidden:
        return (start,)
    path, waiting = [start], [sorted(claims.get(start, ()), reverse=True)]
    on_path, done = {start}, set()
    while waiting:
        if not waiting[-1]:
            waiting.pop()
            left = path.pop()
            on_path.discard(left)
            done.add(left)
            continue
        asset = waiting[-1].pop()
        if asset in forbidden or asset in on_path:
            return (*path, asset)
        if asset not in done:
            path.append(asset)
            on_path.add(asset)
            waiting.append(sorted(claims.get(asset, ()), reverse=True))
    return ()


def merged(claims: Mapping[int, Sequence[int]], more: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return the graph with further claims; claims are only ever added."""
    assets = sorted({*claims, *more})
    return {asset: sorted({*claims.get(asset, ()), *more.get(asset, ())}) for asset in assets}


def size(claims: Mapping[int, Sequence[int]]) -> int:
    """Return how many assets the graph names."""
    return len({*claims, *(below for asset in claims for below in claims[asset])})
