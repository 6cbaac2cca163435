"""Money, units and the curve, as the protocol moves them: by ordinary commands of the exchange, each tested before."""

from __future__ import annotations

from parbook.codes import AccountStatus
from parbook.errors import InvariantError
from parbook.interface import ExchangeProtocol
from parbook.messages import Command, Deposit, Event, Rejected, Transfer, Withdraw
from parbook.refusals import Refusal
from parbook.units import ATOMS_MAX


class Purse:
    """The exchange's ledger in the protocol's hands. `events` are what its commands caused, in order."""

    def __init__(self, core: ExchangeProtocol) -> None:
        self.core = core
        self.events: list[Event] = []

    def run(self, command: Command) -> list[Event]:
        """Carry out a command that must succeed: it was tested. InvariantError when it is refused."""
        events = list(self.core.apply(command))
        self.events += events
        for event in events:
            if isinstance(event, Rejected):
                raise InvariantError(f"the protocol's own {command} was refused: {event.code.name}")
        return events

    def take_events(self) -> list[Event]:
        """Return what was caused so far; the next ones begin anew."""
        events, self.events = self.events, []
        return events

    # --- tests ----------------------------------------------------------------------------------

    def refusal_of_payment(self, account: int, asset: int, atoms: int) -> Refusal | None:
        """Test that an account may part with so much."""
        if self.core.status_of(account) is AccountStatus.SUSPENDED:
            return Refusal.ACCOUNT_SUSPENDED
        return Refusal.INSUFFICIENT_AVAILABLE if atoms > self.core.available(account, asset) else None

    def refusal_of_mint(self, asset: int, atoms: int) -> Refusal | None:
        """Test that so many more units fit inside."""
        return Refusal.AMOUNT_OUT_OF_RANGE if self.core.inside(asset) + atoms > ATOMS_MAX else None

    # --- movements ------------------------------------------------------------------------------

    def move(self, source: int, target: int, asset: int, atoms: int) -> None:
        """Move atoms between two accounts; 0 moves nothing."""
        if atoms:
            self.run(Transfer(account=source, target_account=target, asset=asset, amount_atoms=atoms))

    def mint(self, account: int, asset: int, atoms: int) -> None:
        """Make units; 0 makes none."""
        if atoms:
            self.run(Deposit(account=account, asset=asset, amount_atoms=atoms))

    def burn(self, account: int, asset: int, atoms: int) -> None:
        """Destroy units; 0 destroys none."""
        if atoms:
            self.run(Withdraw(account=account, asset=asset, amount_atoms=atoms))
