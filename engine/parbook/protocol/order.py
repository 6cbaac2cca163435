"""What every command of the protocol has, and the ranges of its fields."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from parbook.units import RESERVED_ACCOUNT

Account = Annotated[int, Meta(ge=1, le=RESERVED_ACCOUNT - 1)]
Amount = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Index = Annotated[int, Meta(ge=0, le=2**16 - 1)]
Share = Annotated[int, Meta(ge=0, le=10**12)]
Time = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What all of them have."""

    ts_ns: Time = 0


class Tick(Order, frozen=True, kw_only=True):
    """Let happen what is due by now."""
