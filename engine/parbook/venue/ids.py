"""Text client ids: the engine keeps 64-bit integers, people read text.

The number of a text is the BLAKE2b digest of its UTF-8 bytes, 8 bytes, little-endian; 0, which means none, becomes 1.
It is a function of the text alone, and the texts are no part of the state: one that is forgotten here, after a restart
too, still names its order.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from parbook.errors import MisuseError, shown
from parbook.units import ACCOUNT_MAX, CLIENT_ID_MAX, checked_int

TEXTS_MAX: Final = 2**20
"""How many texts are remembered, over all accounts; the oldest is forgotten first."""
TEXT_LENGTH_MAX: Final = 256
"""Longest text, in characters."""


def client_number(text: str) -> int:
    """Return the integer that stands for a text client id. MisuseError when it is empty or too long."""
    if not 1 <= len(text) <= TEXT_LENGTH_MAX:
        raise MisuseError(f"client_id={shown(text)}: give 1 to {TEXT_LENGTH_MAX} characters, or None for no id.")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise MisuseError(
            f"client_id={shown(text)} is no valid Unicode text. Give characters, not surrogates."
        ) from None
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1


class ClientIds:
    """The texts behind numbers, by account."""

    def __init__(self, texts_max: int = TEXTS_MAX) -> None:
        self._texts_max = texts_max
        self._texts: OrderedDict[tuple[int, int], str] = OrderedDict()

    def number(self, account: int, client_id: str | int | None) -> int:
        """Return the engine's number; 0 for None. MisuseError when another text of the account has it. O(1)."""
        checked_int(account, "account", 0, ACCOUNT_MAX)
        if client_id is None:
            return 0
        if not isinstance(client_id, str):
            return checked_int(client_id, "client_id", 0, CLIENT_ID_MAX)
        number = client_number(client_id)
        known = self._texts.get((account, number), client_id)
        if known != client_id:
            raise MisuseError(
                f"client_id={shown(client_id)} of account {account} has the number {number} of {shown(known)}, which "
                "names another order. Choose another text."
            )
        return number

    def remember(self, account: int, number: int, client_id: str | int | None) -> None:
        """Note the text of an order that was accepted. O(1)."""
        if not isinstance(client_id, str):
            return
        self._texts[account, number] = client_id
        self._texts.move_to_end((account, number))
        if len(self._texts) > self._texts_max:
            self._texts.popitem(last=False)

    def text(self, account: int, number: int) -> str | None:
        """Return the text of a number, or None when there is none or it is forgotten. O(1)."""
        key = checked_int(account, "account", 0, ACCOUNT_MAX), checked_int(number, "client_id", 0, CLIENT_ID_MAX)
        return self._texts.get(key)
