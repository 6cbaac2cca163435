"""The state of one tranche's epoch queue, its settings, and what each plan says before it is carried out."""

from __future__ import annotations

from typing import Final

import msgspec

from parbook.codes import DocumentedEnum
from parbook.errors import InvariantError, MisuseError
from parbook.pools.amounts import MONEY_MICRO_MAX, require_int
from parbook.pools.throttle import WINDOW_NS_MAX
from parbook.units import ACCOUNT_MAX

DAY_NS: Final = 86_400 * 10**9
TIME_NS_MAX: Final = 2**63 - 1
REQUESTS_MAX: Final = 65_536
"""Most accounts that wait, in the epoch that is open and in the closed one together."""
CLAIMS_MAX: Final = 1_048_576
"""Most accounts that have money to claim or wait for it."""


class RequestState(DocumentedEnum):
    """Where a request stands."""

    PENDING = 0, "its units wait in escrow"
    CLAIMABLE = 1, "its units are burned, its money lies apart"
    CLAIMED = 2, "paid out"
    CANCELLED = 3, "its units went back"


class QueueTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a queue. AssetError where out of range."""

    epoch_ns: int = DAY_NS
    minimum_units_micro: int = 10**6
    requests_max: int = REQUESTS_MAX
    strike_max_ns: int = 5 * DAY_NS
    """From the close on, without a price: then closed requests may be cancelled again."""

    def __post_init__(self) -> None:
        """Refuse what is out of range; AssetError."""
        where = "queue terms"
        require_int(where, "epoch_ns", self.epoch_ns, 10**9, WINDOW_NS_MAX)
        require_int(where, "minimum_units_micro", self.minimum_units_micro, 1, MONEY_MICRO_MAX)
        require_int(where, "requests_max", self.requests_max, 1, REQUESTS_MAX)
        require_int(where, "strike_max_ns", self.strike_max_ns, 10**9, WINDOW_NS_MAX)


class Queue(msgspec.Struct, kw_only=True):
    """One tranche's queue. Units by account; nobody's place is kept, because no place is better.

    Keys are account numbers as text: the deterministic encoding knows no others.
    """

    terms: QueueTerms
    accepting: bool = True
    epoch: int = 0
    """Number of the epoch that collects; the closed one, where there is one, is the one before."""
    epoch_end_ns: int
    pending: dict[str, int] = msgspec.field(default_factory=dict)
    """Units of the epoch that collects."""
    closed: dict[str, int] = msgspec.field(default_factory=dict)
    """Units of the epoch that waits for its price."""
    closed_ns: int = 0
    claims: dict[str, int] = msgspec.field(default_factory=dict)
    """Money by account."""
    waiting: int = 0
    """How many accounts have units in either epoch: counting two tables at each request would be quadratic."""
    escrow_units_micro: int = 0
    claimable_micro: int = 0
    now_ns: int = 0
    version: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Units to put into escrow; `total_units_micro` is the account's request with them."""

    account: int
    units_micro: int
    total_units_micro: int
    epoch: int
    state: RequestState = RequestState.PENDING
    version: int


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """Units to give back from escrow. `closed` says that they were of an epoch that got no price in time."""

    account: int
    units_micro: int
    closed: bool
    state: RequestState = RequestState.CANCELLED
    version: int


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch that ends at `closed_ns`. Without requests there is nothing to strike and the next one begins."""

    epoch: int
    closed_ns: int
    next_end_ns: int
    requests: int
    units_micro: int
    version: int


class Fill(msgspec.Struct, frozen=True):
    """What one request got: units burned and money claimable, and units that wait on."""

    account: int
    units_micro: int
    paid_micro: int
    left_units_micro: int


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """One price for an epoch: `units_micro` to burn from escrow, `paid_micro` to set apart as claimable."""

    epoch: int
    price_nano: int
    units_micro: int
    paid_micro: int
    fills: tuple[Fill, ...]
    """By account."""
    version: int


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Claimable money to pay to its account, whoever asked for it."""

    account: int
    paid_micro: int
    state: RequestState = RequestState.CLAIMED
    version: int


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Other terms, or whether requests are taken."""

    terms: QueueTerms
    accepting: bool
    version: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has in a queue."""

    pending_units_micro: int
    closed_units_micro: int
    claimable_micro: int


def opened(terms: QueueTerms, now_ns: int) -> Queue:
    """Return an empty queue whose first epoch begins now."""
    require_int("queue", "now_ns", now_ns, 0, TIME_NS_MAX)
    return Queue(terms=terms, epoch_end_ns=now_ns + terms.epoch_ns, now_ns=now_ns)


def standing(queue: Queue, account: int) -> Standing:
    """Return what an account has in the queue. O(1)."""
    return Standing(
        pending_units_micro=queue.pending.get(str(account), 0),
        closed_units_micro=queue.closed.get(str(account), 0),
        claimable_micro=queue.claims.get(str(account), 0),
    )


def waits(queue: Queue) -> bool:
    """Return whether a closed epoch waits for its price."""
    return bool(queue.closed)


def cancellable_from_ns(queue: Queue) -> int:
    """Return from when on the closed epoch's requests may be cancelled; 0: there is none."""
    return queue.closed_ns + queue.terms.strike_max_ns if queue.closed else 0


def require_now(queue: Queue, now_ns: int) -> None:
    """Raise MisuseError when time falls, or an epoch's end has come and was not carried out."""
    require_time(queue, now_ns)
    if now_ns >= queue.epoch_end_ns and not queue.closed:
        raise MisuseError(
            f"epoch {queue.epoch} ended at {queue.epoch_end_ns} and it is {now_ns}: carry out what is due first"
        )


def require_time(queue: Queue, now_ns: int) -> None:
    """Raise MisuseError when time falls."""
    require_int("queue", "now_ns", now_ns, 0, TIME_NS_MAX)
    if now_ns < queue.now_ns:
        raise MisuseError(f"now_ns={now_ns} is before {queue.now_ns}: a queue's time never falls; pass the latest")


def require_account(account: int) -> None:
    """Raise AssetError unless `account` is the number of one."""
    require_int("queue", "account", account, 1, ACCOUNT_MAX)


def take(queue: Queue, version: int, now_ns: int) -> None:
    """Begin to carry out a plan; MisuseError when the queue has changed since it was made."""
    require_time(queue, now_ns)
    if version != queue.version:
        raise MisuseError(f"the plan is of version {version} and the queue of {queue.version}: plan again")
    queue.version += 1
    queue.now_ns = now_ns


def check(queue: Queue) -> None:
    """Raise InvariantError unless every invariant holds. O(accounts)."""
    if sum(queue.pending.values()) + sum(queue.closed.values()) != queue.escrow_units_micro:
        raise InvariantError(f"the requests do not add up to the escrow of {queue.escrow_units_micro}")
    if sum(queue.claims.values()) != queue.claimable_micro:
        raise InvariantError(f"the claims do not add up to {queue.claimable_micro}")
    for name, table in (("pending", queue.pending), ("closed", queue.closed), ("claims", queue.claims)):
        if any(amount <= 0 for amount in table.values()):
            raise InvariantError(f"{name} holds an amount that is none")
    if len(queue.pending.keys() | queue.closed.keys()) != queue.waiting:
        raise InvariantError(f"it is not {queue.waiting} accounts that wait")
    if queue.waiting > REQUESTS_MAX or len(queue.claims) > CLAIMS_MAX:
        raise InvariantError(f"{queue.waiting} accounts wait and {len(queue.claims)} may claim")
    if queue.closed and queue.closed_ns >= queue.epoch_end_ns:
        raise InvariantError(f"an epoch closed at {queue.closed_ns}, and the next ends at {queue.epoch_end_ns}")
