"""Registered accounts: what each may do, what it has done, and the limits that depend on both.

Accounts that were never registered have no limits, no position, and a self-trade group of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parbook.codes import (
    AccountField,
    CancelReason,
    Denial,
    Place,
    Priority,
    RejectCode,
    Side,
    TimeInForce,
)
from parbook.errors import InvariantError
from parbook.messages import AccountSet, Protected
from parbook.state import ACCOUNT
from parbook.units import NOTIONAL_MAX, QTY_LOTS_MAX, TIME_NS_MAX

if TYPE_CHECKING:
    from parbook.reference.book import Order
    from parbook.reference.desk import Desk, Row

MAX_POSITION_LOTS = 2**62
"""Largest position, either way, that SET_ACCOUNT may state, and largest position limit."""
MAX_RATE = 10**9
"""Most commands a second that a rate may allow."""
MAX_BURST = 2**20
"""Most tokens a bucket may hold."""
TOKEN = 10**9
"""One token, in the unit in which a bucket is filled: a command a second, for a nanosecond."""

_ALL = 2**8 - 1
_SIDES = (Denial.BUY, Denial.SELL)
"""What denies each side."""
RANGES: dict[AccountField, tuple[int, int]] = {
    AccountField.STP_GROUP: (0, 2**63 - 1),
    AccountField.POSITION_LOTS: (-MAX_POSITION_LOTS, MAX_POSITION_LOTS),
    AccountField.MAX_LONG_LOTS: (0, MAX_POSITION_LOTS),
    AccountField.MAX_SHORT_LOTS: (0, MAX_POSITION_LOTS),
    AccountField.MAX_OPEN_ORDERS: (0, 2**32),
    AccountField.MAX_ORDER_LOTS: (0, QTY_LOTS_MAX),
    AccountField.MAX_ORDER_NOTIONAL: (0, NOTIONAL_MAX),
    AccountField.RATE_PER_SECOND: (0, MAX_RATE),
    AccountField.RATE_BURST: (1, MAX_BURST),
    AccountField.ALLOWED_TYPES: (0, _ALL),
    AccountField.ALLOWED_TIFS: (0, _ALL),
    AccountField.DENIED: (0, sum(Denial)),
    AccountField.PROTECTION_LOTS: (0, MAX_POSITION_LOTS),
    AccountField.PROTECTION_WINDOW_NS: (0, TIME_NS_MAX),
    AccountField.KILLED: (0, 1),
}
"""Smallest and largest value of each field. Outside: LIMIT_OUT_OF_RANGE."""


class Account:
    """One registered account. Attributes as in parbook.state.ACCOUNT, and its live orders."""

    def __init__(self, account: int) -> None:
        self.account = account
        self.stp_group = account
        self.position_lots = 0
        self.max_long_lots = MAX_POSITION_LOTS
        self.max_short_lots = MAX_POSITION_LOTS
        self.max_open_orders = 2**32
        self.max_order_lots = QTY_LOTS_MAX
        self.max_order_notional = NOTIONAL_MAX
        self.rate_per_second = 0
        self.rate_burst = 1
        self.allowed_types = _ALL
        self.allowed_tifs = _ALL
        self.denied = 0
        self.protection_lots = 0
        self.protection_window_ns = 0
        self.killed = 0
        self.bucket = TOKEN
        self.bucket_at_ns = 0
        self.protection_since_ns = 0
        self.protection_filled_lots = 0
        self.protected = 0
        self.deadline_ns = 0
        self.orders: dict[int, Order] = {}

    def open_lots(self, side: Side, reduce_only: bool, armed: bool | None = None) -> int:
        """Return the leaves of a side's live orders; `armed` True counts only waiting and elected stops, False none."""
        return sum(
            order.leaves_lots
            for order in self.orders.values()
            if order.side is side
            and order.reduce_only == reduce_only
            and (armed is None or armed == (order.place in (Place.ARMED, Place.ELECTED)))
        )

    def closable_lots(self, side: Side) -> int:
        """Lots that side may still trade before the position passes zero, if all that rests on that side fills."""
        position_lots = self.position_lots if side is Side.SELL else -self.position_lots
        resting_lots = self.open_lots(side, reduce_only=False, armed=False)
        return position_lots - resting_lots - self.open_lots(side, reduce_only=True, armed=False)


class Accounts:
    """The registered accounts by number."""

    def __init__(self) -> None:
        self.by_number: dict[int, Account] = {}

    def get(self, account: int) -> Account | None:
        """Return a registered account, or None. O(1)."""
        return self.by_number.get(account)

    def register(self, desk: Desk, number: int) -> Account | None:
        """Return the account, registered with the orders it has; None when there is no room. O(live orders) once."""
        account = self.by_number.get(number)
        if account is None and len(self.by_number) < desk.instrument.max_accounts:
            account = self.by_number[number] = Account(number)
            account.orders = {order.order_id: order for order in desk.orders.values() if order.account == number}
        return account

    def same_group(self, one: int, other: int) -> bool:
        """Whether two accounts belong to one self-trade group."""
        groups = [(account.stp_group if (account := self.by_number.get(number)) else number) for number in (one, other)]
        return groups[0] == groups[1]

    # --- bookkeeping ----------------------------------------------------------------------------

    def opened(self, order: Order) -> None:
        """An order became live."""
        if account := self.by_number.get(order.account):
            account.orders[order.order_id] = order

    def closed(self, order: Order) -> None:
        """An order is live no more."""
        if account := self.by_number.get(order.account):
            del account.orders[order.order_id]

    def filled(self, order: Order, lots: int) -> None:
        """An order traded."""
        self.moved(order.account, order.side, lots)

    def moved(self, number: int, side: Side, lots: int) -> None:
        """An account bought or sold `lots`; negative lots undo it."""
        if account := self.by_number.get(number):
            account.position_lots += lots if side is Side.BUY else -lots

    # --- admission ------------------------------------------------------------------------------

    def refusal_of_use(self, desk: Desk, row: Row) -> RejectCode | None:
        """Test that the account is known where it must be, and may enter this kind of order."""
        account = self.by_number.get(row.account)
        status_code = desk.statuses.refusal_of_entry(row.account, buys=row.side == Side.BUY)
        if account is None:
            needed = desk.instrument.registered_only or row.terms.reduce_only
            return RejectCode.UNKNOWN_ACCOUNT if needed else status_code
        if account.killed or status_code:
            return RejectCode.ACCOUNT_KILLED if account.killed else status_code
        if not account.allowed_types >> row.order_type & 1:
            return RejectCode.TYPE_NOT_ALLOWED
        if not account.allowed_tifs >> row.tif & 1:
            return RejectCode.TIF_NOT_ALLOWED
        may_rest = row.tif not in (TimeInForce.IOC, TimeInForce.FOK)
        if account.denied & Denial.RESTING and may_rest:
            return RejectCode.RESTING_DENIED
        return RejectCode.SIDE_DENIED if account.denied & _SIDES[row.side] else None

    def refusal_of_quote(self, desk: Desk, number: int, lots: list[int]) -> RejectCode | None:
        """Test that the account may quote so many (buy lots, sell lots)."""
        account = self.by_number.get(number)
        status_code = desk.statuses.refusal_of_entry(number, buys=lots[Side.BUY] > 0)
        if account is None:
            return RejectCode.UNKNOWN_ACCOUNT if desk.instrument.registered_only else status_code
        if account.killed or status_code:
            return RejectCode.ACCOUNT_KILLED if account.killed else status_code
        if account.denied & Denial.QUOTE:
            return RejectCode.QUOTE_DENIED
        if any(lots[side] and account.denied & _SIDES[side] for side in Side):
            return RejectCode.SIDE_DENIED
        if account.denied & Denial.RESTING:
            return RejectCode.RESTING_DENIED
        return RejectCode.PROTECTION_ACTIVE if account.protected else None

    def refusal_of_cancel(self, number: int) -> RejectCode | None:
        """Test that the account may cancel and reduce."""
        account = self.by_number.get(number)
        return RejectCode.CANCEL_DENIED if account and account.denied & Denial.CANCEL else None

    def refusal_of_amend(self, desk: Desk, order: Order) -> RejectCode | None:
        """Test that the account may amend this order of its own."""
        code = desk.statuses.refusal_of_entry(order.account, buys=order.side is Side.BUY)
        account = self.by_number.get(order.account)
        if code or account is None:
            return code
        if account.denied & Denial.AMEND:
            return RejectCode.AMEND_DENIED
        return RejectCode.SIDE_DENIED if account.denied & _SIDES[order.side] else None

    def max_sizes(self, number: int) -> tuple[int, int]:
        """Return the most lots and the greatest notional one of the account's orders may have."""
        account = self.by_number.get(number)
        return (account.max_order_lots, account.max_order_notional) if account else (QTY_LOTS_MAX, NOTIONAL_MAX)

    def refusal_of_exposure(self, order: Order) -> RejectCode | None:
        """Test the count of open orders, and where they all could take the position."""
        account = self.by_number.get(order.account)
        if account is None:
            return None
        if order.may_stay and len(account.orders) >= account.max_open_orders:
            return RejectCode.OPEN_ORDER_LIMIT
        if order.reduce_only:
            waits = order.stop_ticks or order.trailing
            too_much = not waits and order.leaves_lots > account.closable_lots(order.side)
            return RejectCode.REDUCE_ONLY_EXCEEDED if too_much else None
        return self._refusal_of_position(account, order.side, order.leaves_lots)

    def refusal_of_exposures(self, number: int, lots: list[int], old: list[Order | None]) -> RejectCode | None:
        """Test a quote's two sides, (buy lots, sell lots), in the place of the orders they replace."""
        account = self.by_number.get(number)
        if account is None:
            return None
        count = len(account.orders) - sum(order is not None for order in old) + sum(n > 0 for n in lots)
        if count > account.max_open_orders and any(lots):
            return RejectCode.OPEN_ORDER_LIMIT
        for side, order in zip(Side, old, strict=True):
            more_lots = lots[side] - (order.leaves_lots if order else 0)
            if lots[side] and more_lots > 0 and (code := self._refusal_of_position(account, side, more_lots)):
                return code
        return None

    def refusal_of_growth(self, order: Order, lots: int) -> RejectCode | None:
        """Test `lots` more on a live order of the account."""
        account = self.by_number.get(order.account)
        if account is None or lots <= 0:
            return None
        if order.reduce_only:
            waits = order.place in (Place.ARMED, Place.ELECTED)
            too_much = not waits and lots > account.closable_lots(order.side)
            return RejectCode.REDUCE_ONLY_EXCEEDED if too_much else None
        return self._refusal_of_position(account, order.side, lots)

    @staticmethod
    def _refusal_of_position(account: Account, side: Side, lots: int) -> RejectCode | None:
        open_lots = account.open_lots(side, reduce_only=False) + lots
        if side is Side.BUY:
            beyond = account.position_lots + open_lots > account.max_long_lots
        else:
            beyond = open_lots - account.position_lots > account.max_short_lots
        return RejectCode.POSITION_LIMIT if beyond else None

    def refusal_of_rate(self, desk: Desk, number: int) -> RejectCode | None:
        """Take a token from the account's bucket, or refuse. The last test: a refused command costs nothing."""
        account = self.by_number.get(number)
        if account is None or not account.rate_per_second:
            return None
        full = account.rate_burst * TOKEN
        refilled = (desk.now_ns - account.bucket_at_ns) * account.rate_per_second
        bucket = min(full, account.bucket + refilled)
        if bucket < TOKEN:
            return RejectCode.RATE_LIMITED
        account.bucket, account.bucket_at_ns = bucket - TOKEN, desk.now_ns
        return None

    def reduce_only_room(self, order: Order) -> int:
        """Return how many lots an elected reduce-only stop may do; 0 or less: none."""
        account = self.by_number.get(order.account)
        return account.closable_lots(order.side) if account else 0

    # --- state ----------------------------------------------------------------------------------

    def rows(self) -> list[tuple[int, ...]]:
        """Return the ACCOUNT records' values, by account number."""
        names = ACCOUNT.names or ()
        return [tuple(getattr(self.by_number[number], name) for name in names) for number in sorted(self.by_number)]

    def check(self, desk: Desk) -> None:
        """Raise InvariantError unless every account knows exactly its live orders. O(orders)."""
        for number, account in self.by_number.items():
            mine = {order.order_id for order in desk.orders.values() if order.account == number}
            if account.orders.keys() != mine:
                raise InvariantError(f"account {number}: its live orders are miscounted")
            if not 0 <= account.bucket <= account.rate_burst * TOKEN:
                raise InvariantError(f"account {number}: the bucket holds {account.bucket}")


def set_account(desk: Desk, row: Row) -> RejectCode | None:
    """Set one field; the first one registers the account. A new rate or burst starts with a full bucket."""
    if not row.account:
        return RejectCode.INVALID_ACCOUNT
    fields: dict[int, AccountField] = {int(field): field for field in AccountField}
    field = fields.get(row.order_type)
    if field is None or not RANGES[field][0] <= row.qty_lots <= RANGES[field][1]:
        return RejectCode.LIMIT_OUT_OF_RANGE
    account = desk.accounts.register(desk, row.account)
    if account is None:
        return RejectCode.ACCOUNTS_FULL
    setattr(account, field.name.lower(), row.qty_lots)
    if field in (AccountField.RATE_PER_SECOND, AccountField.RATE_BURST):
        account.bucket, account.bucket_at_ns = account.rate_burst * TOKEN, desk.now_ns
    desk.emit(AccountSet, field=field, account=row.account, value=row.qty_lots)
    return None


def protect(desk: Desk, fills: list[tuple[Order, int]]) -> None:
    """Count quote fills in each account's window, and pull the quotes of those that reach their limit.

    A window begins with a fill and is over when more than its length has passed; the next fill begins another.
    """
    for order, lots in fills:
        account = desk.accounts.get(order.account)
        if account is None or not order.quote_slot or not account.protection_lots or account.protected:
            continue
        if (
            desk.now_ns - account.protection_since_ns > account.protection_window_ns
            or not account.protection_filled_lots
        ):
            account.protection_since_ns, account.protection_filled_lots = desk.now_ns, 0
        account.protection_filled_lots += lots
        if account.protection_filled_lots < account.protection_lots:
            continue
        account.protected = 1
        desk.emit(Protected, account=account.account, filled_lots=account.protection_filled_lots)
        for quote in [o for o in desk.live_orders() if o.account == account.account and o.quote_slot]:
            desk.cancel(quote, CancelReason.PROTECTION)


def trim_reduce_only(desk: Desk) -> None:
    """Shrink reduce-only orders that rest, newest first, until nothing that rests could turn the position round."""
    for number in sorted(desk.accounts.by_number):
        account = desk.accounts.by_number[number]
        if any(order.reduce_only for order in account.orders.values()):
            for side in Side:
                _trim(desk, account, side)


def _trim(desk: Desk, account: Account, side: Side) -> None:
    excess_lots = -account.closable_lots(side)
    if excess_lots <= 0:
        return
    newest_first = sorted(account.orders.values(), key=lambda order: -order.order_id)
    for order in newest_first:
        if order.side is not side or not order.reduce_only or order.place in (Place.ARMED, Place.ELECTED):
            continue
        if order.order_id not in account.orders or excess_lots <= 0:
            continue
        if order.leaves_lots <= excess_lots:
            excess_lots -= order.leaves_lots
            desk.cancel(order, CancelReason.REDUCE_ONLY)
        else:
            desk.shrink(order, excess_lots)
            desk.amended(order, Priority.KEPT, order.leaves_lots)
            excess_lots = 0
