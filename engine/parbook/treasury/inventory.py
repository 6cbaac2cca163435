"""What the treasury bought, what it cost, and how it stands: average cost, and the worst fall within a window.

    result = realised + floor(units x low price) - cost
    loss   = the best result marked within the window - the result now

Cost that leaves with units is rounded up, so that what stays is never carried too dear. That moves a micro between
realised and unrealised and changes no result, which is their sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from parbook.errors import InvariantError
from parbook.pools.amounts import NANO, Rounding, divide

SLOTS: Final = 32
"""Marks in a window. A mark is forgotten one window after it was made, or up to a 32nd of it later."""


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Units held, what they cost, and what selling and retiring has brought (negative: lost)."""

    units_micro: int = 0
    cost_micro: int = 0
    realised_micro: int = 0

    def check(self) -> None:
        """Raise InvariantError unless there is cost only where there are units."""
        if min(self.units_micro, self.cost_micro) < 0 or (self.cost_micro and not self.units_micro):
            raise InvariantError(f"{self} has a cost without units, or less than none")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The best result of one slot of time."""

    slot: int
    best_micro: int


def traded(inventory: Inventory, paid_micro: int, units_micro: int) -> Inventory:
    """Return the inventory after `paid_micro` net was paid (negative: received) and `units_micro` are held.

    More units for money: the money is their cost. Fewer: their average cost leaves, and what came beyond it is
    realised. No change of units, or more of them for nothing: all of the money is realised.
    """
    change = units_micro - inventory.units_micro
    if change < 0:
        return _gone(inventory, -change, -paid_micro)
    if change and paid_micro > 0:
        return msgspec.structs.replace(inventory, units_micro=units_micro, cost_micro=inventory.cost_micro + paid_micro)
    realised = inventory.realised_micro - paid_micro
    return msgspec.structs.replace(inventory, units_micro=units_micro, realised_micro=realised)


def retired(inventory: Inventory, units_micro: int, price_low_nano: int) -> Inventory:
    """Return the inventory after units were burned: realised at the low price, so that no loss is made or hidden."""
    left = inventory.units_micro - units_micro
    worth = worth_micro(inventory.units_micro, price_low_nano) - worth_micro(left, price_low_nano)
    return _gone(inventory, units_micro, worth)


def cost_of_micro(inventory: Inventory, units_micro: int) -> int:
    """Return the average cost of some of the units held, rounded up."""
    if not units_micro:
        return 0
    return divide(inventory.cost_micro * units_micro, inventory.units_micro, Rounding.CEIL)


def worth_micro(units_micro: int, price_low_nano: int) -> int:
    """Return what units are worth, rounded down."""
    return divide(units_micro * price_low_nano, NANO, Rounding.FLOOR)


def result_micro(inventory: Inventory, price_low_nano: int) -> int:
    """Return realised and unrealised result; negative: lost."""
    return inventory.realised_micro + worth_micro(inventory.units_micro, price_low_nano) - inventory.cost_micro


def marked(marks: Sequence[Mark], result: int, now_ns: int, window_ns: int) -> tuple[Mark, ...]:
    """Return the marks with today's result in them, oldest first, and without those that have passed. O(SLOTS)."""
    slot = now_ns // divide(window_ns, SLOTS, Rounding.CEIL)
    kept = [mark for mark in marks if mark.slot >= slot - SLOTS]
    if kept and kept[-1].slot == slot:
        result = max(result, kept.pop().best_micro)
    return (*kept, Mark(slot=slot, best_micro=result))


def loss_micro(marks: Sequence[Mark], result: int) -> int:
    """Return how far the result lies below the best mark."""
    return max(max(mark.best_micro for mark in marks) - result, 0)


def _gone(inventory: Inventory, units_micro: int, received_micro: int) -> Inventory:
    cost = cost_of_micro(inventory, units_micro)
    return Inventory(
        units_micro=inventory.units_micro - units_micro,
        cost_micro=inventory.cost_micro - cost,
        realised_micro=inventory.realised_micro + received_micro - cost,
    )
