"""Drop copy: the private events of one account, as they happened."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

import numpy as np
import numpy.typing as npt

from parbook.codes import EventKind
from parbook.feeds.publisher import as_records, check_follows
from parbook.messages import Event
from parbook.records import Records
from parbook.units import checked_int

_Mask = npt.NDArray[np.bool_]
_OF_TWO: Final = (EventKind.TRADE, EventKind.PREVENTED, EventKind.BUSTED)


class Role(Enum):
    """On which side of an event of two accounts (a trade, a prevented one, a bust) the account must stand."""

    TAKER = "taker"
    MAKER = "maker"
    EITHER = "either"


class DropCopy:
    """Copies the events of `account` (1 or more): those of its orders, and fills in which it has `role`.

    The copies keep the market's `seq`, so a trade has the id that BUST names; numbers of other accounts' events are
    missing between them. Of a fill's other party nothing is told: its account, its order and what that order has left
    are 0.
    """

    def __init__(self, account: int, role: Role = Role.EITHER) -> None:
        self.account = checked_int(account, "account", 1, 2**32 - 1)
        self.role = Role(role)
        self._next_event_seq = 1

    def copy(self, events: Records | Iterable[Event]) -> Records:
        """Return the account's EVENT records among `events`, in order. O(n).

        GapError when events are missing before them, MisuseError when they come twice.
        """
        records = as_records(events)
        check_follows("private events", records["seq"], self._next_event_seq)
        self._next_event_seq += len(records)
        of_two = np.isin(records["kind"], _OF_TWO)
        taker = records["account"] == self.account
        maker = of_two & (records["other_account"] == self.account)
        wanted = ~of_two & taker
        if self.role is not Role.MAKER:
            wanted |= of_two & taker
        if self.role is not Role.TAKER:
            wanted |= maker
        copies: Records = records[wanted]
        self._mask(copies, of_two[wanted], taker[wanted], maker[wanted])
        return copies

    @staticmethod
    def _mask(copies: Records, of_two: _Mask, taker: _Mask, maker: _Mask) -> None:
        """Blank the other party. A BUSTED's order_id is the trade's id, which both parties know."""
        copies["account"][of_two & ~taker] = 0
        copies["order_id"][of_two & ~taker & (copies["kind"] != EventKind.BUSTED)] = 0
        for name in ("other_account", "other_id", "leaves_lots"):
            copies[name][of_two & ~maker] = 0
