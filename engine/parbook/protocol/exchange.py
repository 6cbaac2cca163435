"""The exchange that has a protocol: an `ExchangeProtocol` whose commands and state are those of both.

Until something of the protocol is opened it is the exchange it stands on, byte for byte. From then on its state is that
exchange's, followed by the protocol's:

    STATE    magic "PBVENUE2", bytes of the exchange's state as u64, that state, the protocol's as canonical JSON

What falls due in the protocol happens before the first command at or after its time, whoever sent that.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar, Final, Self

import numpy as np

from parbook import canonical
from parbook._exchange import Exchange as CompiledExchange
from parbook.anchored.claims import claims_of
from parbook.anchored.proof import encoded, report
from parbook.codes import AccountStatus, CommandKind
from parbook.errors import CorruptionError, MisuseError, SchemaError, shown
from parbook.interface import ExchangeFactory, ExchangeProtocol, MarketProtocol, Placed
from parbook.layouts import COMMAND, Records
from parbook.listing import Asset, Fees, Listing
from parbook.messages import (
    Command,
    Deposit,
    Event,
    FundCurve,
    ProposeAnchor,
    SetCurve,
    Transfer,
    Withdraw,
    WithdrawAnchors,
    WithdrawCurve,
)
from parbook.protocol import checks
from parbook.protocol.answers import Acted, No
from parbook.protocol.commands import Order, decode_command, encode_command
from parbook.protocol.engine import NEVER_NS, Engine
from parbook.protocol.events import Said
from parbook.protocol.on_tokens import looked
from parbook.protocol.state import ProtocolState
from parbook.records import command_records, curve_record, event_records
from parbook.state import digest
from parbook.state_parts import cut_exchange
from parbook.units import RESERVED_ACCOUNT

_KINDS: Final[dict[type, CommandKind]] = {
    SetCurve: CommandKind.SET_CURVE,
    FundCurve: CommandKind.FUND_CURVE,
    WithdrawCurve: CommandKind.WITHDRAW_CURVE,
    ProposeAnchor: CommandKind.PROPOSE_ANCHOR,
    WithdrawAnchors: CommandKind.WITHDRAW_ANCHORS,
}
_OF_ANCHORS: Final = SetCurve | FundCurve | WithdrawCurve | ProposeAnchor | WithdrawAnchors
_OUTSIDE_KINDS: Final = [int(CommandKind.DEPOSIT), int(CommandKind.WITHDRAW)]
_ANCHOR_KINDS: Final = [int(kind) for kind in _KINDS.values()]
FAMILY: Final = b"PBVENUE"
MAGIC: Final = FAMILY + b"2"
"""Counts up with every field that the protocol's state gains or loses: an older state would be misread, not refused."""
VENUE: Final = 0
"""Whose fees and suspense are among the holders of an asset: no account has this number."""
_SIZE: Final = struct.Struct("<Q")
_HEAD: Final = len(MAGIC) + _SIZE.size


class BackedExchange:
    """An exchange with its protocol. See `parbook.interface.ExchangeProtocol`; `act` takes the protocol's commands."""

    base: ClassVar[ExchangeFactory] = CompiledExchange

    def __init__(self, outcome_window: int = 2**16) -> None:
        self.core: ExchangeProtocol = self.base(outcome_window)
        self.engine = Engine(self.core)

    @classmethod
    def over(cls, core: ExchangeProtocol) -> Self:
        """Return a protocol over an exchange, which may have a past; the exchange is its own from now on."""
        exchange = cls.__new__(cls)
        exchange.core = core
        exchange.engine = Engine(core)
        return exchange

    @classmethod
    def from_state(cls, state: bytes, assets: Sequence[Asset], listings: Sequence[Listing]) -> Self:
        """Return the exchange that had this state. See `parbook.interface.ExchangeFactory`; SchemaError if older."""
        if not isinstance(state, bytes) or not state.startswith(FAMILY):
            return cls.over(cls.base.from_state(state, assets, listings))
        if not state.startswith(MAGIC):
            raise SchemaError(
                "state of a venue",
                f"its format is {shown(state[: len(MAGIC)])}, and this parbook reads {shown(MAGIC)} alone",
                "Load it with the parbook that wrote it.",
            )
        if len(state) < _HEAD:
            raise CorruptionError(f"state of a venue: it ends after {len(state)} bytes")
        end = _HEAD + _SIZE.unpack_from(state, len(MAGIC))[0]
        if end > len(state):
            raise CorruptionError(
                f"state of a venue: the exchange's part ends at {end}, and there are {len(state)} bytes"
            )
        exchange = cls.__new__(cls)
        exchange.core = cls.base.from_state(state[_HEAD:end], assets, listings)
        protocol = canonical.decode(memoryview(state)[end:], ProtocolState, "state of a venue, the protocol's part")
        exchange.engine = Engine(exchange.core, protocol)
        return exchange

    # --- the protocol ---------------------------------------------------------------------------

    def act(self, command: Order) -> Acted:
        """Carry out a command of the protocol. MisuseError for one whose types or ranges are wrong."""
        no, events = self.act_encoded(encode_command(command))
        return Acted(no, events, self.take_said())

    def act_encoded(self, command: bytes) -> tuple[No | None, list[Event]]:
        """Carry out a command as it is journaled; take_said() has what the protocol said. CorruptionError."""
        no = self.engine.act(decode_command(command))
        return no, self.engine.purse.take_events()

    @property
    def protocol(self) -> ProtocolState:
        """What the protocol knows, to look at."""
        return self.engine.state

    def holders(self, asset: int) -> dict[int, int]:
        """Return what every account owns of an asset, those of the protocol included, by account. O(state).

        Under VENUE, which is nobody's account, stands what the venue itself has: fees it took, and its suspense, which
        it may owe. All together are what is inside.
        """
        parts = cut_exchange(self.core.state_bytes(), self.core.assets, self.core.listings)
        rows = parts.balances[parts.balances["asset"] == asset]
        owned = dict(zip(rows["account"].tolist(), rows["atoms"].tolist(), strict=True))
        own = self.core.fees_taken(asset) + self.core.suspense(asset)
        return {VENUE: own, **owned} if own else owned

    def backing_report(self, token: int, previous: bytes | None = None) -> bytes:
        """Return the proof of a token's backing as bytes to be signed (`parbook.anchored.signing`), hash-chained.

        It names every leg with quantity, price and haircut, the root of all claims, the hash of the exchange's state.
        `previous` are the bytes of the one before. MisuseError for a token that is not there; AssetError as
        `parbook.anchored.proof.report`. O(state).
        """
        if not 0 <= token < len(self.protocol.tokens):
            raise MisuseError(f"token={token}: there are {len(self.protocol.tokens)}. Open one with OpenToken.")
        state = looked(self.engine, self.protocol.tokens[token])
        made = report(
            state,
            claims_of(self.holders(state.terms.token_asset)),
            self.now_ns,
            sequence=self.next_command,
            exchange_hash=self.state_hash(),
            previous=previous,
        )
        return encoded(made)

    def take_said(self) -> list[Said]:
        """Return what the protocol said while the market's commands let things fall due."""
        return self.engine.take_said()

    def is_due(self, ts_ns: int) -> bool:
        """Whether a command of that time makes the protocol do something first."""
        return self.engine.live and self.engine.next_due_ns() <= max(ts_ns, self.core.now_ns)

    def _catch_up(self, ts_ns: int) -> list[Event]:
        """Do what falls due before a command of that time, and return what it caused in the exchange."""
        if not self.is_due(ts_ns):
            return []
        self.engine.catch_up(ts_ns)
        return self.engine.purse.take_events()

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Event]:
        """Apply one command, as the exchange does, after what is due before it."""
        if not self.engine.live:
            return self.core.apply(command)
        for number in (getattr(command, "account", 0), command.target_account if isinstance(command, Transfer) else 0):
            _refuse_reserved(number)
        if isinstance(command, Deposit | Withdraw):
            self._refuse_issued(command.asset)
        if isinstance(command, _OF_ANCHORS):
            self._refuse_foreign(_KINDS[type(command)], command.instrument)
        if not self.is_due(command.ts_ns):
            return list(self.core.apply(command))
        # What fits no record is refused before anything happens that the call could not tell of.
        if isinstance(command, SetCurve):
            curve_record(command)
        else:
            command_records([command])
        return self._catch_up(command.ts_ns) + list(self.core.apply(command))

    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records, as the exchange does; what is due in between happens in its place."""
        if not self.engine.live or not _is_batch(commands):
            return self.core.apply_batch(commands)
        plain = commands["kind"] != CommandKind.TERMS
        moves = commands["kind"] == CommandKind.TRANSFER
        _refuse_reserved(int(commands["account"][plain].max(initial=0)))
        _refuse_reserved(int(commands["trail_ppm"][moves].max(initial=0)))
        for asset in np.unique(commands["session"][np.isin(commands["kind"], _OUTSIDE_KINDS)]).tolist():
            self._refuse_issued(asset)
        for row in np.flatnonzero(np.isin(commands["kind"], _ANCHOR_KINDS)):
            self._refuse_foreign(CommandKind(int(commands["kind"][row])), int(commands["instrument"][row]))
        # Times that only rise: where the first of them reaches what is due, the batch is cut.
        times = np.maximum.accumulate(np.where(plain, commands["ts_ns"], 0)) if len(commands) else np.zeros(0, np.int64)
        parts: list[Records] = []
        start = 0
        while start < len(commands):
            due_ns = self.engine.next_due_ns()
            if due_ns <= max(int(times[start]), self.core.now_ns):
                parts.append(event_records(self._catch_up(int(times[start]))))
                continue
            reach = NEVER_NS - 1 if due_ns >= NEVER_NS else due_ns
            end = start + int(np.searchsorted(times[start:], reach, side="left"))
            parts.append(self.core.apply_batch(commands[start:end]))
            start = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else self.core.apply_batch(commands)

    def _refuse_issued(self, asset: int) -> None:
        """Raise MisuseError for units that come or go from outside though the protocol says how many there are."""
        if self.engine.issues(asset):
            raise MisuseError(
                f"asset {asset}: its units are issued and taken back by the protocol alone. Transfer them, or use its "
                "commands."
            )

    def _refuse_foreign(self, kind: CommandKind, instrument: int) -> None:
        """Raise MisuseError for a command to a curve, or an anchor, that the protocol sets."""
        of_curve = kind in (CommandKind.SET_CURVE, CommandKind.FUND_CURVE, CommandKind.WITHDRAW_CURVE)
        ours = self.engine.has_curve_of(instrument) if of_curve else self.engine.has_anchor_of(instrument)
        if ours:
            what = "curve" if of_curve else "anchor"
            raise MisuseError(
                f"{kind.name} on instrument {instrument}: its {what} is the protocol's. Change what it follows: its "
                "feed, its treasury, or their settings by a vote."
            )

    def place(
        self,
        instrument: int,
        account: int,
        side: int,
        qty_lots: int,
        price_ticks: int = 0,
        order_type: int = 0,
        tif: int = 0,
        client_id: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """Enter an order, as the exchange does."""
        self._before(account, ts_ns)
        return self.core.place(instrument, account, side, qty_lots, price_ticks, order_type, tif, client_id, ts_ns)

    def cancel(self, instrument: int, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order, as the exchange does."""
        self._before(account, ts_ns)
        return self.core.cancel(instrument, account, order_id, client_id, ts_ns)

    def amend(
        self,
        instrument: int,
        account: int,
        order_id: int = 0,
        client_id: int = 0,
        qty_lots: int = 0,
        price_ticks: int = 0,
        ts_ns: int = 0,
    ) -> Placed:
        """Amend an order, as the exchange does."""
        self._before(account, ts_ns)
        return self.core.amend(instrument, account, order_id, client_id, qty_lots, price_ticks, ts_ns)

    def _before(self, account: int, ts_ns: int) -> None:
        """Do what comes before a shortcut. Its events are dropped, as the shortcut's own are."""
        if self.engine.live and isinstance(account, int) and isinstance(ts_ns, int):
            _refuse_reserved(account)
            self._catch_up(ts_ns)

    # --- what is listed -------------------------------------------------------------------------

    def add_asset(self, asset: Asset) -> int:
        """Return the index of a new asset, as the exchange does."""
        return self.core.add_asset(asset)

    def add_instrument(self, listing: Listing) -> int:
        """Return the index of a new instrument. MisuseError for a treasury that only the protocol may have."""
        _refuse_reserved(getattr(listing, "treasury", 0))
        return self.core.add_instrument(listing)

    # --- looking --------------------------------------------------------------------------------

    @property
    def assets(self) -> tuple[Asset, ...]:
        """As the exchange."""
        return self.core.assets

    @property
    def listings(self) -> tuple[Listing, ...]:
        """As the exchange."""
        return self.core.listings

    def market(self, instrument: int) -> MarketProtocol:
        """As the exchange."""
        return self.core.market(instrument)

    def balance(self, account: int, asset: int) -> int:
        """As the exchange."""
        return self.core.balance(account, asset)

    def held(self, account: int, asset: int) -> int:
        """As the exchange."""
        return self.core.held(account, asset)

    def available(self, account: int, asset: int) -> int:
        """As the exchange."""
        return self.core.available(account, asset)

    def fees_taken(self, asset: int) -> int:
        """As the exchange."""
        return self.core.fees_taken(asset)

    def suspense(self, asset: int) -> int:
        """As the exchange."""
        return self.core.suspense(asset)

    def inside(self, asset: int) -> int:
        """As the exchange."""
        return self.core.inside(asset)

    def fees_of(self, account: int) -> Fees:
        """As the exchange."""
        return self.core.fees_of(account)

    def status_of(self, account: int) -> AccountStatus:
        """As the exchange."""
        return self.core.status_of(account)

    @property
    def now_ns(self) -> int:
        """As the exchange."""
        return self.core.now_ns

    @property
    def next_command(self) -> int:
        """As the exchange."""
        return self.core.next_command

    @property
    def next_seq(self) -> int:
        """As the exchange."""
        return self.core.next_seq

    def state_bytes(self) -> bytes:
        """Return the state of both. O(state)."""
        state = self.core.state_bytes()
        if not self.engine.live:
            return state
        return b"".join((MAGIC, _SIZE.pack(len(state)), state, canonical.encode(self.engine.state)))

    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()`."""
        return digest(self.state_bytes())

    def check(self) -> None:
        """Raise InvariantError unless the exchange, the protocol, and the two together are sound. O(state)."""
        self.core.check()
        checks.check(self.engine)


def _is_batch(commands: object) -> bool:
    return isinstance(commands, np.ndarray) and commands.dtype == COMMAND and commands.ndim == 1


def _refuse_reserved(account: object) -> None:
    """Raise MisuseError for an account of the protocol's: what it holds nobody moves from outside."""
    if isinstance(account, int) and account >= RESERVED_ACCOUNT:
        raise MisuseError(
            f"account {account} is the protocol's: accounts from {RESERVED_ACCOUNT} on are not the venue's. Give "
            "its people numbers below."
        )
