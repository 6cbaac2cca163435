"""The state of governance, and the plans its operations hand out. Stake in micro, times in ns."""

from __future__ import annotations

import msgspec

from parbook.codes import DocumentedEnum
from parbook.governance.terms import GovernanceTerms, ParameterTerms


class ProposalState(DocumentedEnum):
    """Where a proposal stands."""

    PENDING = 0, "made; its vote has not begun"
    VOTING = 1, "being voted on"
    DEFEATED = 2, "no majority, or no quorum"
    QUEUED = 3, "passed; its timelock runs, or it waits within its grace"
    EXECUTED = 4, "its values hold"
    EXPIRED = 5, "could not be executed within its grace"
    CANCELLED = 6, "withdrawn by its proposer, or vetoed by the guardian"


class Choice(DocumentedEnum):
    """What a vote says."""

    AGAINST = 0, "the values shall stay"
    FOR = 1, "the values shall change"
    ABSTAIN = 2, "either; counts to the quorum"


class DueKind(DocumentedEnum):
    """What is due, in the order in which things of one moment happen."""

    GUARD_END = 0, "what the guardian set is over: the governed value holds again"
    TALLY = 1, "a vote has ended"
    EXPIRE = 2, "the grace of a proposal that could not be executed is over"
    EXECUTE = 3, "the timelock of a proposal has run out"


def account_key(account: int) -> str:
    """Return an account as a key. A state's dicts have str keys: msgspec sorts no others."""
    return str(account)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter's new value."""

    name: str
    value: int


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """What the guardian set a parameter to, and until when (exclusive)."""

    value: int
    until_ns: int


class Parameter(msgspec.Struct, kw_only=True):
    """A parameter. `value` is the governed one; `guard`, while it lives, may make it safer."""

    terms: ParameterTerms
    value: int
    guard: Guard | None = None
    cool_ns: int = 0
    """From when the guardian may hold it again."""


class Past(msgspec.Struct, kw_only=True):
    """An account's stake after `epoch` proposals had been made: its least, its last, and what of it came last."""

    epoch: int
    low_micro: int
    last_micro: int
    recent_ns: int
    recent_micro: int
    """Locked at `recent_ns` and still there: no weight in a proposal of the same moment."""


class Stake(msgspec.Struct, kw_only=True):
    """What an account has locked. `held_micro` of it stays until `held_ns`."""

    account: int
    amount_micro: int
    pasts: list[Past] = []
    """By epoch; one for each open vote and one more, at most."""
    held_micro: int = 0
    held_ns: int = 0


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """What an account said, and with which weight."""

    choice: Choice
    weight_micro: int


class Proposal(msgspec.Struct, kw_only=True):
    """A list of changes, all or nothing. Numbers and stakes are those of the moment it was made."""

    number: int
    proposer: int
    changes: list[Change]
    created_ns: int
    starts_ns: int
    ends_ns: int
    eta_ns: int
    expires_ns: int
    total_micro: int
    """All stake locked before it."""
    quorum_micro: int
    for_micro: int = 0
    against_micro: int = 0
    abstain_micro: int = 0
    votes: dict[str, Vote] = {}
    """By `account_key`."""
    queued: bool = False
    held_back: bool = False
    """Its execution was due, and what it changes could not be set so: `plan_execute` may try again."""


class Governance(msgspec.Struct, kw_only=True):
    """State of governance. Proposals are kept while open."""

    terms: GovernanceTerms
    parameters: dict[str, Parameter] = {}
    stakes: dict[str, Stake] = {}
    """By `account_key`."""
    proposals: list[Proposal] = []
    """By number."""
    now_ns: int = 0
    total_micro: int = 0
    recent_ns: int = 0
    recent_micro: int = 0
    """Of all stake, what was locked at `recent_ns` and is still there."""
    proposals_made: int = 0
    proposals_executed: int = 0
    version: int = 0
    """Counts changes: a plan is carried out on the state it was made of, or not at all."""


# --- plans ------------------------------------------------------------------------------------------
#
# A plan holds for one version of the state and one moment: `at_ns` is the time it was made for.


class RegisterPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter is added."""

    version: int
    at_ns: int
    terms: ParameterTerms


class LockPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`amount_micro` native units move from the account into governance."""

    version: int
    at_ns: int
    account: int
    amount_micro: int


class UnlockPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`amount_micro` native units move from governance to the account."""

    version: int
    at_ns: int
    account: int
    amount_micro: int


class ProposePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Proposal `number` is made; `held_micro` of its proposer's stake stays until `ends_ns`."""

    version: int
    at_ns: int
    number: int
    proposer: int
    changes: tuple[Change, ...]
    starts_ns: int
    ends_ns: int
    eta_ns: int
    expires_ns: int
    total_micro: int
    quorum_micro: int
    held_micro: int


class VotePlan(msgspec.Struct, frozen=True, kw_only=True):
    """An account votes with `weight_micro`, which stays locked until the vote ends."""

    version: int
    at_ns: int
    number: int
    account: int
    choice: Choice
    weight_micro: int


class CancelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal is withdrawn, or vetoed."""

    version: int
    at_ns: int
    number: int
    veto: bool


class ExecutePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of a proposal take effect."""

    version: int
    at_ns: int
    number: int
    changes: tuple[Change, ...]


class GuardPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The guardian sets a parameter until `until_ns`."""

    version: int
    at_ns: int
    name: str
    value: int
    until_ns: int


class DuePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that is due, and when. TALLY: `outcome`. EXECUTE: `changes`, all or, by `hold_back`, none.

    GUARD_END: `changes` holds the one parameter and the value that returns.
    """

    version: int
    at_ns: int
    kind: DueKind
    number: int = 0
    name: str = ""
    outcome: ProposalState = ProposalState.PENDING
    changes: tuple[Change, ...] = ()
