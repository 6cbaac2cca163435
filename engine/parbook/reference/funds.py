"""What one market's orders hold and what its fills move: the place where book, curve and ledger meet.

A hold is a function of the order as it stands (docs/decisions/0014); nothing is stored that could drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parbook.codes import RejectCode, Side, Source
from parbook.errors import InvariantError
from parbook.listing import Fees, Listing, fee_atoms
from parbook.reference.ledger import Ledger
from parbook.units import ATOMS_MAX

if TYPE_CHECKING:
    from parbook.reference.book import Order
    from parbook.reference.busts import PastTrade
    from parbook.reference.desk import Desk

_BOTH_MAKE = frozenset({Source.LIFT, Source.UNCROSS, Source.UNCROSS_CURVE})
"""Sources without a taker to pay for a rebate: whoever trades pays the maker's rate, and gets none."""


class FeeTable:
    """The tiers of an exchange, and which accounts are in which."""

    def __init__(self) -> None:
        self.tiers: dict[int, Fees] = {0: Fees()}
        self.tier_of: dict[int, int] = {}

    def of(self, account: int) -> Fees:
        """Return what an account pays. O(1)."""
        return self.tiers[self.tier_of.get(account, 0)]

    def put(self, account: int, tier: int) -> None:
        """Put an account in a tier that has rates; those in tier 0 need no entry."""
        self.tier_of[account] = tier
        if not tier:
            del self.tier_of[account]

    def refusal_of(self, tier: int, fees: Fees, max_fee_ppm: int) -> RejectCode | None:
        """Test a tier's new rates: none above what holds reckon with, no rebate above what any taker pays."""
        rates = {**self.tiers, tier: fees}.values()
        too_much = max(fees.maker_ppm, fees.taker_ppm) > max_fee_ppm or fees.taker_ppm < 0
        uncovered = min(each.maker_ppm for each in rates) + min(each.taker_ppm for each in rates) < 0
        return RejectCode.FEE_OUT_OF_RANGE if too_much or uncovered else None


class Funds:
    """The money side of one market."""

    def __init__(self, listing: Listing, ledger: Ledger, fees: FeeTable) -> None:
        self.listing = listing
        self.ledger = ledger
        self.fees = fees
        self.desk: Desk | None = None
        self._orders: dict[int, dict[int, Order]] = {}
        ledger.holders.append(self.held)

    # --- holds ----------------------------------------------------------------------------------

    def held(self, account: int, asset: int) -> int:
        """Atoms of an asset that the account's live orders, and the curve for its treasury, may need."""
        listing, mine = self.listing, self._orders.get(account)
        if asset not in (listing.base, listing.quote) or not (mine or account == listing.treasury):
            return 0
        side = Side.BUY if asset == listing.quote else Side.SELL
        live = mine.values() if mine else ()
        total = sum(self.hold_of(side, hold_ticks(o), o.leaves_lots) for o in live if o.side is side)
        return total + (self._held_by_curve(side) if account and account == listing.treasury else 0)

    def hold_of(self, side: Side, limit_ticks: int, lots: int) -> int:
        """Return what `lots` at a limit hold: of the quote asset with the largest fee, or of the base asset."""
        if side is Side.SELL:
            return lots * self.listing.lot_atoms
        price_atoms = limit_ticks * self.listing.tick_atoms
        return lots * (price_atoms + fee_atoms(price_atoms, self.listing.max_fee_ppm))

    def _held_by_curve(self, side: Side) -> int:
        curve = self.desk.curve if self.desk else None
        if curve is None:
            return 0
        if side is Side.BUY:
            return curve.cursor.cash_notional * self.listing.tick_atoms
        return (curve.cursor.net_lots - curve.params.min_net_lots) * self.listing.lot_atoms

    def opened(self, order: Order) -> None:
        """An order became live."""
        self._orders.setdefault(order.account, {})[order.order_id] = order

    def closed(self, order: Order) -> None:
        """An order is live no more, and holds nothing."""
        mine = self._orders[order.account]
        del mine[order.order_id]
        if not mine:
            del self._orders[order.account]

    def check(self) -> None:
        """Raise InvariantError unless exactly the live orders hold something. O(live orders)."""
        mine = {order_id: order for orders in self._orders.values() for order_id, order in orders.items()}
        if self.desk is None or mine != self.desk.orders:
            raise InvariantError(f"{self.listing.instrument.symbol}: other orders hold money than are live")

    # --- admission ------------------------------------------------------------------------------

    def refusal_of_order(
        self, account: int, side: Side, limit_ticks: int, lots: int, amount_notional: int = 0
    ) -> RejectCode | None:
        """Test that a new order can hold what it may cost; one by amount holds the amount and its largest fee."""
        hold_atoms = self.hold_of(side, limit_ticks, lots)
        if amount_notional:
            hold_atoms = min(hold_atoms, self._hold_of_amount(amount_notional, lots))
        return self._refusal(account, side, limit_ticks * lots, hold_atoms, 0)

    def refusal_of_change(self, order: Order, limit_ticks: int, lots: int) -> RejectCode | None:
        """Test that a live order can hold what it may cost once its limit and leaves are these."""
        old_atoms = self.hold_of(order.side, hold_ticks(order), order.leaves_lots)
        hold_atoms = self.hold_of(order.side, limit_ticks, lots)
        return self._refusal(order.account, order.side, limit_ticks * lots, hold_atoms, old_atoms)

    def refusal_of_quote(
        self, account: int, wanted: tuple[tuple[int, int], ...], old: list[Order | None]
    ) -> RejectCode | None:
        """Test a quote's sides, (price, lots), in the place of the orders they replace."""
        for side, (price_ticks, lots), order in zip(Side, wanted, old, strict=True):
            if not lots:
                continue
            if order:
                code = self.refusal_of_change(order, price_ticks, lots)
            else:
                code = self.refusal_of_order(account, side, price_ticks, lots)
            if code:
                return code
        return None

    def refusal_of_curve(self, budget_notional: int, min_net_lots: int) -> RejectCode | None:
        """Test that the treasury has a new curve's budget and the lots it may sell; the present curve's are free."""
        treasury, listing = self.listing.treasury, self.listing
        if not treasury:
            return RejectCode.CURVE_UNFUNDED
        needed = -min_net_lots * listing.lot_atoms
        if needed > self.ledger.available(treasury, listing.base) + self._held_by_curve(Side.SELL):
            return RejectCode.CURVE_UNFUNDED
        return self.refusal_of_cash(budget_notional)

    def refusal_of_cash(self, cash_notional: int) -> RejectCode | None:
        """Test that the treasury has the cash a curve should have; what the present one has left is free."""
        quote = self.listing.quote
        free = self.ledger.available(self.listing.treasury, quote) + self._held_by_curve(Side.BUY)
        return RejectCode.CURVE_UNFUNDED if cash_notional * self.listing.tick_atoms > free else None

    def _hold_of_amount(self, amount_notional: int, lots: int) -> int:
        """Return the amount and the largest fee on it: each of its fills, a lot or more, may round up by an atom."""
        amount_atoms = amount_notional * self.listing.tick_atoms
        return amount_atoms + fee_atoms(amount_atoms, self.listing.max_fee_ppm) + min(lots, amount_notional)

    def _refusal(self, account: int, side: Side, notional: int, hold_atoms: int, old_atoms: int) -> RejectCode | None:
        if hold_atoms > ATOMS_MAX:
            return RejectCode.NOTIONAL_OVERFLOW
        if hold_atoms <= old_atoms:
            return None
        asset = self.listing.quote if side is Side.BUY else self.listing.base
        spare_atoms = self.ledger.available(account, asset) + old_atoms
        if hold_atoms <= spare_atoms:
            return None
        if side is Side.SELL:
            return RejectCode.INSUFFICIENT_BASE
        price_alone = min(hold_atoms, notional * self.listing.tick_atoms)
        return RejectCode.INSUFFICIENT_FEE if price_alone <= spare_atoms else RejectCode.INSUFFICIENT_QUOTE

    # --- settlement -----------------------------------------------------------------------------

    def settle(self, trade: PastTrade) -> None:
        """Move a fill's lots and money between its two sides, and their fees to the venue. O(1)."""
        buyer, seller = self._sides(trade)
        notional_atoms = trade.price_ticks * trade.qty_lots * self.listing.tick_atoms
        base_atoms = trade.qty_lots * self.listing.lot_atoms
        trade.taker_fee_atoms = self._fee(trade, trade.taker_account, notional_atoms, maker=False)
        trade.maker_fee_atoms = self._fee(trade, trade.maker_account, notional_atoms, maker=True)
        self.ledger.credit(buyer, self.listing.quote, -notional_atoms)
        self.ledger.credit(seller, self.listing.quote, notional_atoms)
        self.ledger.credit(buyer, self.listing.base, base_atoms)
        self.ledger.credit(seller, self.listing.base, -base_atoms)
        for account, atoms in self._fees_of(trade):
            self.ledger.credit(account, self.listing.quote, -atoms)
            self.ledger.take_fee(self.listing.quote, atoms)

    def refusal_of_bust(self, trade: PastTrade) -> RejectCode | None:
        """Test that what the venue would have to put up does not take an asset beyond 63 bits."""
        short_atoms = {self.listing.base: 0, self.listing.quote: 0}
        available: dict[tuple[int, int], int] = {}
        for account, asset, atoms in self._moves_back(trade):
            has_atoms = available.get((account, asset), self.ledger.available(account, asset))
            taken = _taken(atoms, has_atoms)
            available[account, asset] = has_atoms + taken
            short_atoms[asset] += taken - atoms
        too_much = any(atoms and self.ledger.overflows(asset, atoms) for asset, atoms in short_atoms.items())
        return RejectCode.BALANCE_OVERFLOW if too_much else None

    def unwind(self, trade: PastTrade) -> None:
        """Undo a busted fill. What a side no longer has available the venue puts up, out of the suspense."""
        for account, asset, atoms in self._moves_back(trade):
            taken = _taken(atoms, self.ledger.available(account, asset))
            self.ledger.credit(account, asset, taken)
            if taken != atoms:
                self.ledger.suspend(asset, atoms - taken)
        for _, atoms in self._fees_of(trade):
            self.ledger.take_fee(self.listing.quote, -atoms)

    def _moves_back(self, trade: PastTrade) -> list[tuple[int, int, int]]:
        """Return what a bust moves, (account, asset, atoms): fees, money, lots, each to who receives it first."""
        buyer, seller = self._sides(trade)
        base, quote = self.listing.base, self.listing.quote
        notional_atoms = trade.price_ticks * trade.qty_lots * self.listing.tick_atoms
        base_atoms = trade.qty_lots * self.listing.lot_atoms
        return [
            *((account, quote, atoms) for account, atoms in self._fees_of(trade)),
            (buyer, quote, notional_atoms),
            (seller, quote, -notional_atoms),
            (seller, base, base_atoms),
            (buyer, base, -base_atoms),
        ]

    def _sides(self, trade: PastTrade) -> tuple[int, int]:
        """Return (buyer, seller); the curve's account is the treasury."""
        taker, maker = trade.taker_account or self.listing.treasury, trade.maker_account or self.listing.treasury
        return (taker, maker) if trade.side is Side.BUY else (maker, taker)

    def _fees_of(self, trade: PastTrade) -> list[tuple[int, int]]:
        """Return (account, fee) of the two orders, rebates last: the taker's fee is what pays them."""
        fees = [(trade.taker_account, trade.taker_fee_atoms), (trade.maker_account, trade.maker_fee_atoms)]
        return [(account, atoms) for account, atoms in fees if account and atoms]

    def _fee(self, trade: PastTrade, account: int, notional_atoms: int, *, maker: bool) -> int:
        if not account:
            return 0
        fees = self.fees.of(account)
        if trade.source in _BOTH_MAKE:
            return fee_atoms(notional_atoms, max(fees.maker_ppm, 0))
        return fee_atoms(notional_atoms, fees.maker_ppm if maker else fees.taker_ppm)


def _taken(atoms: int, available_atoms: int) -> int:
    """Return what of a movement its account can bear: all that it receives, of what it pays what it has."""
    return atoms if atoms >= 0 else -min(-atoms, max(0, available_atoms))


def hold_ticks(order: Order) -> int:
    """Return the price a live order holds at: its own, or the worst of a peg or of a market order that waits."""
    return order.limit_ticks or order.price_ticks
