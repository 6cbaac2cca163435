"""Text for enumerated values: "buy", "gtc", "cancel_oldest". Members and their numbers are taken as well."""

from __future__ import annotations

import difflib
from enum import IntEnum
from typing import TypeVar

from parbook.errors import MisuseError, shown

Kind = TypeVar("Kind", bound=IntEnum)

_BY_NAME: dict[type[IntEnum], dict[str, IntEnum]] = {}


def chosen(kind: type[Kind], value: Kind | int | str, what: str) -> Kind:
    """Return the member of `kind` that `value` names, in either case. MisuseError lists what there is. O(1)."""
    if type(value) is kind:
        return value
    names = _BY_NAME.get(kind)
    if names is None:
        names = _BY_NAME[kind] = {member.name.lower(): member for member in kind}
    if isinstance(value, str):
        found = names.get(value.lower())
        if isinstance(found, kind):
            return found
    elif isinstance(value, int) and not isinstance(value, bool):
        try:
            return kind(value)
        except ValueError:
            pass
    nearest = difflib.get_close_matches(value.lower()[:40], names, 1, 0.6) if isinstance(value, str) else []
    hint = f"Did you mean {nearest[0]!r}?" if nearest else f"Choose one of {', '.join(names)}."
    raise MisuseError(f"{what}={shown(value)} is no {kind.__name__}. {hint}")


def mask_of(kind: type[Kind], value: object, what: str, *, by_bit: bool) -> int:
    """Return a bit mask: an int as it is, or of names and members. `by_bit`: member n stands for bit n."""
    if isinstance(value, int) and not isinstance(value, (bool, IntEnum)):
        return value
    several = [value] if isinstance(value, (str, IntEnum)) else value
    if not isinstance(several, (list, tuple, set, frozenset)):
        raise MisuseError(f"{what}={shown(value)}: give names of {kind.__name__} in a list, or a bit mask.")
    mask = 0
    for each in several:
        member = chosen(kind, each, what)
        mask |= 1 << member if by_bit else int(member)
    return mask
