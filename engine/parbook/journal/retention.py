"""What may go: snapshots beyond the generations kept, and segments that no kept snapshot needs."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

from parbook.journal.scan import Scanner
from parbook.journal.snapshots import GENERATIONS, snapshot_names
from parbook.journal.storage import Storage


class Retention(StrEnum):
    """Which segments stay.

    ALL     every one, for ever: the whole history can be replayed
    NEEDED  those that the oldest kept snapshot needs, when there are as many snapshots as are kept
    """

    ALL = "all"
    NEEDED = "needed"


def removable(storage: Storage, retention: Retention) -> list[str]:
    """Return the names of what may be removed: a segment goes when the next one holds all that is needed.

    JournalDamageError, SchemaError when a segment's head cannot be read: then nothing should go.
    """
    names = storage.names()
    snapshots = snapshot_names(names)
    gone = snapshots[:-GENERATIONS]
    kept = snapshots[-GENERATIONS:]
    if retention is Retention.ALL or len(kept) < GENERATIONS:
        return gone
    oldest = int(kept[0][:20])
    # Those of a writer that was fenced off are not in the chain: they must not count as what follows.
    chain = Scanner(storage).segments
    return gone + [one.name for one, following in pairwise(chain) if following.header.first <= oldest + 1]


def tidy(storage: Storage, retention: Retention) -> list[str]:
    """Remove what may go, oldest first, and return the names. OSError: some of it may still be there."""
    names = removable(storage, retention)
    for name in names:
        storage.remove(name)
    if names:
        storage.sync_names()
    return names
