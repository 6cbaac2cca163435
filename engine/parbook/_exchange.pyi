"""The compiled exchange. Rules and refusals: `parbook.reference`; interface: `parbook.interface`."""

from collections.abc import Sequence
from typing import final

from parbook._calls import Placed
from parbook._market import Market
from parbook.codes import AccountStatus
from parbook.listing import Asset, Fees, Listing
from parbook.messages import Command, Event
from parbook.records import Records

OUTCOMES_MAX: int
TXN_WINDOW: int

@final
class Exchange:
    """Many markets over one ledger and one clock, compiled. Not for two threads at once."""
    def __new__(cls, outcome_window: int = 65536) -> Exchange:
        """Make an empty exchange that remembers so many outcomes. MemoryError when there is no memory."""
    @classmethod
    def from_state(cls, state: bytes, assets: Sequence[Asset], listings: Sequence[Listing]) -> Exchange:
        """Return the exchange that had this state. See ExchangeProtocol.

        CorruptionError, with the first record that cannot be, for bytes that no such exchange returned; MisuseError for
        other types; MemoryError when there is no memory.
        """
    def add_asset(self, asset: Asset) -> int:
        """Return the index of a new asset, dense from 0. MisuseError when its name is taken or there is no room."""
    def add_instrument(self, listing: Listing) -> int:
        """Return the index of a new instrument, dense from 0. MisuseError when it does not fit what is here."""
    @property
    def assets(self) -> tuple[Asset, ...]:
        """The assets, by index."""
    @property
    def listings(self) -> tuple[Listing, ...]:
        """The instruments with their money, by index."""
    def apply(self, command: Command) -> list[Event]:
        """Apply one command and return its events, in order. Never empty."""
    def apply_batch(self, commands: Records) -> Records:
        """Apply an array of COMMAND records, of any instruments, and return the EVENT records they caused."""
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
        """Enter an order; the shortcut for apply(NewOrder(...)). MisuseError for non-integers."""
    def cancel(self, instrument: int, account: int, order_id: int = 0, client_id: int = 0, ts_ns: int = 0) -> int:
        """Cancel an order; 0 when done, else the RejectCode's number."""
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
        """Amend an order; the shortcut for apply(AmendOrder(...))."""
    def market(self, instrument: int) -> Market:
        """Return a market to look at; commands to it raise MisuseError. MisuseError for an unknown index."""
    def balance(self, account: int, asset: int) -> int:
        """Atoms an account owns, held ones included. MisuseError, here and below, for an unknown asset."""
    def held(self, account: int, asset: int) -> int:
        """Atoms of the balance that live orders may need, and for a treasury its curves."""
    def available(self, account: int, asset: int) -> int:
        """Atoms that may be withdrawn, transferred or held for something else: balance - held."""
    def fees_taken(self, asset: int) -> int:
        """Atoms that the venue earned: fees minus rebates."""
    def suspense(self, asset: int) -> int:
        """Atoms of busts that nobody had left to pay; negative: the venue owes them."""
    def inside(self, asset: int) -> int:
        """Atoms deposited and not withdrawn: all balances, the fees and the suspense together."""
    def fees_of(self, account: int) -> Fees:
        """What an account pays from the next fill on."""
    def status_of(self, account: int) -> AccountStatus:
        """What an account may do in all markets."""
    @property
    def now_ns(self) -> int:
        """The exchange's clock: the greatest ts_ns of any command so far. A market not named since may stand behind."""
    @property
    def next_command(self) -> int:
        """The number the next command will have, of whatever instrument. The first is 1."""
    @property
    def next_seq(self) -> int:
        """Sequence number of the next event in the exchange's own stream. The first is 1."""
    @property
    def memory_bytes(self) -> int:
        """Bytes of heap this exchange has reserved, its markets included."""
    def state_bytes(self) -> bytes:
        """Return the canonical serialisation of everything that can influence a later event. O(state)."""
    def state_hash(self) -> str:
        """Return the BLAKE2b-256 of `state_bytes()` as hex digits."""
    def check(self) -> None:
        """Verify every market and that each asset adds up; InvariantError names what is broken. O(state)."""
