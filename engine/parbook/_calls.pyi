"""How a call from Python becomes a command, and how its events become an answer."""

from typing import final

from parbook.codes import RejectCode

@final
class Placed:
    """Outcome of `place` and `amend`; see `parbook.interface.Placed`."""

    @property
    def code(self) -> int:
        """0 when accepted, else the RejectCode's number."""
    @property
    def order_id(self) -> int:
        """The engine's id of the order; 0 for a refused new order."""
    @property
    def filled_lots(self) -> int:
        """Lots traded by this call."""
    @property
    def notional(self) -> int:
        """Ticks x lots traded by this call."""
    @property
    def leaves_lots(self) -> int:
        """Lots now resting."""
    @property
    def first_seq(self) -> int:
        """Sequence number of this call's first event; `Market.events(first_seq)` yields its fills."""
    @property
    def ok(self) -> bool:
        """True when the order was accepted."""
    @property
    def refusal(self) -> RejectCode | None:
        """The refusal with its documentation, or None."""
