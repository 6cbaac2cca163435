"""What the protocol can be asked to do, as immutable msgspec Structs with ranges.

A command is checked against its types and ranges when it is given; MisuseError names what is wrong.
`account` is who asks, and pays. `ts_ns` as in every command: 0 means now. Money and units are whole micro.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from parbook import canonical
from parbook.errors import AssetError, CorruptionError, MisuseError, shown
from parbook.protocol.commands_of_backing import (
    AddLeg,
    Alarm,
    AuctionStake,
    Bond,
    BuyStake,
    CancelProposal,
    ClaimBond,
    ClaimStake,
    CoverLoss,
    DropLeg,
    Endow,
    ExecuteProposal,
    GiveUp,
    Govern,
    Guard,
    LockStake,
    MintTokens,
    OpenFund,
    OpenGovernance,
    OpenSupport,
    OpenToken,
    PayIn,
    PayPremium,
    ProposeChange,
    RedeemTokens,
    Release,
    Reweight,
    SetHaircut,
    Stake,
    Unbond,
    UnlockStake,
    Unstake,
    VoteOn,
)
from parbook.protocol.commands_of_pools import (
    AddLoans,
    CancelExit,
    ClaimExit,
    Dispute,
    FundTreasury,
    Invest,
    Judge,
    Observe,
    OpenDesk,
    OpenFeed,
    OpenPool,
    OpenQueue,
    OpenTreasury,
    PauseTreasury,
    Redeem,
    RequestExit,
    ResumeTreasury,
    RetireUnits,
    RunWaterfall,
    Service,
    SetMember,
    SetPool,
    SetTranche,
    SuspendFeed,
)
from parbook.protocol.order import Order, Tick

__all__ = [
    "AddLeg",
    "AddLoans",
    "Alarm",
    "AuctionStake",
    "Bond",
    "BuyStake",
    "CancelExit",
    "CancelProposal",
    "ClaimBond",
    "ClaimExit",
    "ClaimStake",
    "CoverLoss",
    "Dispute",
    "DropLeg",
    "Endow",
    "ExecuteProposal",
    "FundTreasury",
    "GiveUp",
    "Govern",
    "Guard",
    "Invest",
    "Judge",
    "LockStake",
    "MintTokens",
    "Observe",
    "OpenDesk",
    "OpenFeed",
    "OpenFund",
    "OpenGovernance",
    "OpenPool",
    "OpenQueue",
    "OpenSupport",
    "OpenToken",
    "OpenTreasury",
    "Order",
    "PauseTreasury",
    "PayIn",
    "PayPremium",
    "ProposeChange",
    "ProtocolCommand",
    "Redeem",
    "RedeemTokens",
    "Release",
    "RequestExit",
    "ResumeTreasury",
    "RetireUnits",
    "Reweight",
    "RunWaterfall",
    "Service",
    "SetHaircut",
    "SetMember",
    "SetPool",
    "SetTranche",
    "Stake",
    "SuspendFeed",
    "Tick",
    "Unbond",
    "UnlockStake",
    "Unstake",
    "VoteOn",
    "decode_command",
    "encode_command",
]

ProtocolCommand = (
    Tick
    | OpenPool
    | Invest
    | AddLoans
    | Service
    | RunWaterfall
    | SetPool
    | SetTranche
    | OpenFeed
    | Observe
    | SetMember
    | Dispute
    | Judge
    | SuspendFeed
    | OpenTreasury
    | FundTreasury
    | PauseTreasury
    | ResumeTreasury
    | RetireUnits
    | OpenDesk
    | Redeem
    | OpenQueue
    | RequestExit
    | CancelExit
    | ClaimExit
    | OpenGovernance
    | Govern
    | LockStake
    | UnlockStake
    | ProposeChange
    | VoteOn
    | CancelProposal
    | ExecuteProposal
    | Guard
    | OpenToken
    | AddLeg
    | DropLeg
    | Reweight
    | Endow
    | Release
    | MintTokens
    | RedeemTokens
    | SetHaircut
    | OpenFund
    | Stake
    | Unstake
    | ClaimStake
    | PayPremium
    | PayIn
    | Alarm
    | CoverLoss
    | AuctionStake
    | BuyStake
    | GiveUp
    | OpenSupport
    | Bond
    | Unbond
    | ClaimBond
)

_Command = TypeVar("_Command", bound=Order)


def encode_command(command: Order) -> bytes:
    """Return a command as it is journaled. MisuseError names the field that is of another type or out of range."""
    if not isinstance(command, Order):
        raise MisuseError(f"{shown(command)} is no command of the protocol. Give one of parbook.protocol.commands.")
    try:
        data = canonical.encode(command)
        again: Any = msgspec.json.decode(data, type=ProtocolCommand)
    except (msgspec.ValidationError, AssetError, MisuseError, TypeError, NotImplementedError) as error:
        raise MisuseError(f"{type(command).__name__}: {error}. Mend that field and send it again.") from error
    if again != command:
        raise MisuseError(f"{type(command).__name__}: it does not come back equal. Give plain ints, texts and tuples.")
    return data


def decode_command(data: bytes) -> Order:
    """Return a journaled command; CorruptionError when it is none."""
    try:
        return canonical.decode(data, ProtocolCommand, "a command of the protocol")  # type: ignore[arg-type]
    except (AssetError, MisuseError) as error:
        raise CorruptionError(f"a command of the protocol: {error}") from error
