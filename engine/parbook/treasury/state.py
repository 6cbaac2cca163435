"""The state of one instrument's treasury, and what each plan says before it is carried out."""

from __future__ import annotations

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import InvariantError, MisuseError
from parbook.pools.amounts import MONEY_MICRO_MAX, require_int
from parbook.treasury.budget import Budget
from parbook.treasury.inventory import SLOTS, Inventory, Mark
from parbook.treasury.terms import TreasuryTerms

TIME_NS_MAX = 2**63 - 1


class TreasuryStatus(DocumentedEnum):
    """What a treasury may do."""

    ACTIVE = 0, "fills the till up to what the budget leaves"
    PAUSED = 1, "keeps the till empty until the pause ends, which it does by itself"
    STOPPED = 2, "keeps the till empty until it is restarted"


class Treasury(msgspec.Struct, kw_only=True):
    """One instrument's treasury. `till_micro` is what it left in the till; what is there now tells what was spent."""

    terms: TreasuryTerms
    status: TreasuryStatus = TreasuryStatus.ACTIVE
    budget: Budget = Budget()
    inventory: Inventory = Inventory()
    marks: list[Mark] = msgspec.field(default_factory=list)
    till_micro: int = 0
    paused_until_ns: int = 0
    pause_allowed_ns: int = 0
    """No pause before this."""
    now_ns: int = 0
    version: int = 0
    """Counts changes: a plan made before another change is refused as misuse."""


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync moves between reserve and till (one of the two is 0), and what it found."""

    top_up_micro: int
    sweep_micro: int
    till_micro: int
    """What lies in the till afterwards."""
    budget_micro: int
    """What the buckets leave, whatever else bounds it."""
    units_room_micro: int
    """Most units that may be bought before an inventory bound is met."""
    spent_micro: int
    """What left the till, net, since the last sync."""
    returned_micro: int
    """What came into it, net: resale. It goes to the reserve and gives no budget back."""
    loss_micro: int
    loss_max_micro: int
    status: TreasuryStatus
    stopped: bool
    """Whether this sync is what stopped it."""
    budget: Budget
    inventory: Inventory
    marks: tuple[Mark, ...]
    version: int


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A guardian's pause; the composer syncs after it, which empties the till."""

    until_ns: int
    version: int


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A change of status: a pause that ends, early or when due, or a restart."""

    before: TreasuryStatus
    status: TreasuryStatus
    version: int


class Retirement(msgspec.Struct, frozen=True, kw_only=True):
    """Units to burn, and the average cost that leaves with them."""

    units_micro: int
    cost_micro: int
    inventory: Inventory
    version: int


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """Other terms. What was used stays used."""

    terms: TreasuryTerms
    version: int


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """How many units may lie with the curve for sale, and the least price of one."""

    units_micro: int
    least_nano: int


def opened(terms: TreasuryTerms, now_ns: int) -> Treasury:
    """Return the treasury of an instrument whose till is empty and that holds no units."""
    require_int("treasury", "now_ns", now_ns, 0, TIME_NS_MAX)
    return Treasury(terms=terms, budget=Budget(noted_ns=now_ns, good_ns=now_ns), now_ns=now_ns)


def require_now(treasury: Treasury, now_ns: int) -> None:
    """Raise MisuseError when time falls."""
    require_int("treasury", "now_ns", now_ns, 0, TIME_NS_MAX)
    if now_ns < treasury.now_ns:
        raise MisuseError(
            f"now_ns={now_ns} is before {treasury.now_ns}: a treasury's time never falls; pass the latest"
        )


def take(treasury: Treasury, version: int, now_ns: int) -> None:
    """Begin to carry out a plan; MisuseError when the treasury has changed since it was made."""
    require_now(treasury, now_ns)
    if version != treasury.version:
        raise MisuseError(f"the plan is of version {version} and the treasury of {treasury.version}: plan again")
    treasury.version += 1
    treasury.now_ns = now_ns


def check(treasury: Treasury) -> None:
    """Raise InvariantError unless every stated invariant holds."""
    treasury.budget.check(treasury.terms)
    treasury.inventory.check()
    if not 0 <= treasury.till_micro <= MONEY_MICRO_MAX:
        raise InvariantError(f"the till holds {treasury.till_micro}")
    if (treasury.paused_until_ns > 0) != (treasury.status is TreasuryStatus.PAUSED):
        raise InvariantError(f"{treasury.status.name}, and paused until {treasury.paused_until_ns}")
    slots = [mark.slot for mark in treasury.marks]
    if slots != sorted(set(slots)) or len(slots) > SLOTS + 1:
        raise InvariantError(f"the marks are of the slots {slots}")
    if treasury.budget.noted_ns > treasury.now_ns:
        raise InvariantError(f"budget noted at {treasury.budget.noted_ns}, after {treasury.now_ns}")
