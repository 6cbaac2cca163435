"""Client ids: unique per account among live orders and the most recently dead ones."""

from __future__ import annotations

from collections import deque

from parbook.errors import InvariantError


class ClientIds:
    """Maps (account, client id) of live orders to order ids, and remembers `window` dead pairs, first in first out."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.live: dict[tuple[int, int], int] = {}
        self.dead: deque[tuple[int, int]] = deque()
        self._dead_set: set[tuple[int, int]] = set()

    def is_taken(self, account: int, client_id: int) -> bool:
        """Whether a new order of `account` may not use `client_id`. 0 is never taken. O(1)."""
        pair = (account, client_id)
        return client_id != 0 and (pair in self.live or pair in self._dead_set)

    def open(self, account: int, client_id: int, order_id: int) -> None:
        """Register a live order. O(1)."""
        if client_id:
            self.live[account, client_id] = order_id

    def close(self, account: int, client_id: int) -> None:
        """An order died: its id joins the window, and the oldest pair beyond the window is free again. O(1)."""
        if not client_id:
            return
        del self.live[account, client_id]
        if not self.window:
            return
        if len(self.dead) == self.window:
            self._dead_set.discard(self.dead.popleft())
        self.dead.append((account, client_id))
        self._dead_set.add((account, client_id))

    def find(self, account: int, client_id: int) -> int:
        """Return the id of the account's live order, 0 when there is none. O(1)."""
        return self.live.get((account, client_id), 0)

    def check(self) -> None:
        """Raise InvariantError when window and sets disagree. O(window)."""
        if len(self.dead) > self.window or set(self.dead) != self._dead_set or len(self._dead_set) != len(self.dead):
            raise InvariantError("client ids: the window of dead ids is inconsistent")
        if self._dead_set & self.live.keys():
            raise InvariantError("client ids: an id is both live and dead")
