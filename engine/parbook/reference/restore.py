"""From bytes back to a market: the inverse of `views.state_bytes`. What can be derived is derived, never read.

Levels, sums, indexes, timers and who may quote follow from the orders, which stand in the state in the very order in
which they queue. Every record is tested before it is taken, so that whatever bytes come, what is made of them is sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from parbook.codes import (
    AccountField,
    OrderType,
    Peg,
    Place,
    SessionState,
    Side,
    Source,
    StpMode,
    TimeInForce,
    Trigger,
)
from parbook.curve import validate
from parbook.errors import InvariantError
from parbook.flaws import Flaw, corruption, flawed
from parbook.listing import fee_atoms
from parbook.records import Records, curve_from_record
from parbook.reference import auction, pegs, views
from parbook.reference.accounts import MAX_POSITION_LOTS, RANGES, TOKEN, Account
from parbook.reference.book import RESTING, Order
from parbook.reference.busts import PastTrade
from parbook.reference.desk import Desk
from parbook.reference.funds import Funds
from parbook.reference.order_flaws import flaw_of_order
from parbook.reference.quotes import Cursor, Curve, ProposedAnchor
from parbook.state_parts import MarketParts, cut_market
from parbook.units import ACCOUNT_MAX, ATOMS_MAX, CURVE_PRICE_TICKS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

_MAKER_IS_CURVE = frozenset({Source.CURVE, Source.UNCROSS_CURVE})
POSITION_REACH_LOTS = 2**61
"""A position stays this close to its limits; 63 bits hold as much again."""


def restore(desk: Desk, data: bytes | memoryview) -> None:
    """Fill an empty desk with a serialised state. CorruptionError when it is none; the desk is then of no use.

    O(state * log levels).
    """
    parts = cut_market(data, desk.instrument)
    header = parts.header
    desk.now_ns = header["now_ns"]
    desk.next_seq = header["next_seq"]
    desk.next_command = header["next_command"]
    desk.next_order_id = header["next_order_id"]
    desk.last_trade_ticks = header["last_trade_ticks"]
    desk.last_auction_ticks = header["last_auction_ticks"]
    desk.session.phase = SessionState(header["phase"])
    desk.session.closed = bool(header["closed"])
    desk.session.delisted = bool(header["delisted"])
    desk.session.indicative = (
        header["indicative_ticks"],
        header["indicative_paired_lots"],
        header["indicative_surplus_lots"],
    )
    _restore_curve(desk, parts)
    _restore_accounts(desk, parts.accounts)
    _restore_trades(desk, parts.trades)
    _restore_orders(desk, parts.orders)
    _restore_dead_ids(desk, parts.dead_ids)
    _test_what_commands_leave(desk)
    try:
        views.check(desk)
    except InvariantError as broken:
        raise corruption(f"state of {symbol_of(desk)}", str(broken)) from broken


def _test_what_commands_leave(desk: Desk) -> None:
    """Test what holds after every command, because the next one would be the first to see that it does not."""
    if views.is_crossed(desk):
        raise corruption(f"state of {symbol_of(desk)}, orders", Flaw.BOOK_CROSSED.doc)
    for index, (_, account) in enumerate(sorted(desk.accounts.by_number.items())):
        for side in Side:
            rests = account.open_lots(side, reduce_only=True, armed=False)
            if rests and account.closable_lots(side) < 0:
                raise flawed(symbol_of(desk), "account", index, Flaw.REDUCES_TOO_MUCH)
    by_side = sorted(desk.pegs.values(), key=lambda order: (order.side, order.order_id))
    targets = zip(by_side, pegs.targets_of(desk, by_side), strict=True)
    elsewhere = [order.order_id for order, target_ticks in targets if order.price_ticks != target_ticks]
    if elsewhere:
        raise flawed(symbol_of(desk), "order id", min(elsewhere), Flaw.PEG_ELSEWHERE)
    if desk.session.indicates and desk.session.indicative != tuple(auction.foresee_uncross(desk)):
        raise corruption(f"state of {symbol_of(desk)}, header", Flaw.INDICATION_STALE.doc)


def symbol_of(desk: Desk) -> str:
    """Return what messages call a market."""
    return f"market {desk.instrument.symbol}"


def records_of(records: Records) -> Iterator[tuple[int, Any]]:
    """Yield each record's place and its fields as plain integers."""
    names = records.dtype.names or ()
    for index, row in enumerate(records.tolist()):
        yield index, SimpleNamespace(**dict(zip(names, row, strict=True)))


# --- the curve ----------------------------------------------------------------------------------


def _restore_curve(desk: Desk, parts: MarketParts) -> None:
    if not len(parts.curve):
        return
    flaw = _flaw_of_parameters(parts.curve, desk.funds)
    if flaw:
        raise flawed(symbol_of(desk), "curve", 0, flaw)
    curve = desk.curve = Curve(curve_from_record(parts.curve).params)
    ((_, row),) = records_of(parts.curve_state)
    if not _is_state_of(curve, row):
        raise flawed(symbol_of(desk), "curve state", 0, Flaw.CURVE_STATE)
    if desk.funds and max(_held_by_curve(desk.funds, curve, row)) > ATOMS_MAX:
        raise flawed(symbol_of(desk), "curve state", 0, Flaw.NOTIONAL_OVERFLOW)
    curve.quoting = bool(row.quoting)
    curve.low_ticks, curve.high_ticks = row.low_ticks, row.high_ticks
    if curve.quoting:
        # The ladder hangs on where the cursor stood when the anchor came.
        curve.compile_at(row.compiled_at_net_lots)
    curve.cursor = Cursor(row.net_lots, row.cash_notional)
    earliest_ns = desk.now_ns
    for index, anchor in records_of(parts.anchors):
        if not 1 <= anchor.low_ticks <= anchor.high_ticks <= CURVE_PRICE_TICKS_MAX:
            raise flawed(symbol_of(desk), "anchor", index, Flaw.PRICE_OUT_OF_RANGE)
        if anchor.effective_at_ns < earliest_ns:
            raise flawed(symbol_of(desk), "anchor", index, Flaw.TIME_OUT_OF_RANGE)
        earliest_ns = anchor.effective_at_ns
        curve.proposed.append(ProposedAnchor(anchor.low_ticks, anchor.high_ticks, anchor.effective_at_ns))


def _flaw_of_parameters(record: Records, funds: Funds | None) -> Flaw | None:
    row = record[0]
    if row["reserved"].any() or row["ts_ns"] or row["instrument"]:
        return Flaw.UNKNOWN_NUMBER
    # Numbers that no enumeration has are refused with the others.
    if row["shape"] not in (1, 2, 3) or max(row["anchor_move"], row["resale"]) > 1:
        return Flaw.CURVE_PARAMETERS
    if validate(curve_from_record(record).params):
        return Flaw.CURVE_PARAMETERS
    return Flaw.CURVE_UNFUNDED if funds and not funds.listing.treasury else None


def _is_state_of(curve: Curve, row: Any) -> bool:
    params = curve.params
    anchored = 1 <= row.low_ticks <= row.high_ticks <= CURVE_PRICE_TICKS_MAX
    if row.quoting > 1 or not (anchored or (not row.quoting and row.low_ticks == row.high_ticks == 0)):
        return False
    if not params.min_net_lots <= row.net_lots <= params.max_net_lots or row.cash_notional < 0:
        return False
    if not row.quoting:
        return bool(row.compiled_at_net_lots == 0)
    return bool(params.min_net_lots <= row.compiled_at_net_lots <= params.max_net_lots)


def _held_by_curve(funds: Funds, curve: Curve, row: Any) -> tuple[int, int]:
    lots = row.net_lots - curve.params.min_net_lots
    return row.cash_notional * funds.listing.tick_atoms, lots * funds.listing.lot_atoms


# --- accounts and past trades -------------------------------------------------------------------


def _restore_accounts(desk: Desk, records: Records) -> None:
    last = 0
    for index, row in records_of(records):
        flaw = _flaw_of_account(row, desk.now_ns)
        if not flaw and row.account <= last:
            flaw = Flaw.OUT_OF_ORDER
        if flaw:
            raise flawed(symbol_of(desk), "account", index, flaw)
        account = desk.accounts.by_number[row.account] = Account(row.account)
        for name in records.dtype.names or ():
            setattr(account, name, getattr(row, name))
        last = row.account


def _flaw_of_account(row: Any, now_ns: int) -> Flaw | None:
    if not 1 <= row.account <= ACCOUNT_MAX:
        return Flaw.NO_ACCOUNT
    for field, (low, high) in RANGES.items():
        value = getattr(row, field.name.lower())
        # Fills and busts may carry a position beyond what SET_ACCOUNT may state.
        reach = POSITION_REACH_LOTS if field is AccountField.POSITION_LOTS else 0
        if not low - reach <= value <= high + reach:
            return Flaw.LIMIT_OUT_OF_RANGE
    if not 0 <= row.bucket <= row.rate_burst * TOKEN:
        return Flaw.BUCKET_OUT_OF_RANGE
    # A window is over with the fill that reaches its lots.
    if not 0 <= row.protected <= 1 or not 0 <= row.protection_filled_lots <= MAX_POSITION_LOTS + QTY_LOTS_MAX:
        return Flaw.LIMIT_OUT_OF_RANGE
    past = 0 <= row.bucket_at_ns <= now_ns and 0 <= row.protection_since_ns <= now_ns
    return None if past and (row.deadline_ns == 0 or row.deadline_ns >= now_ns) else Flaw.TIME_OUT_OF_RANGE


def _restore_trades(desk: Desk, records: Records) -> None:
    last = 0
    for index, row in records_of(records):
        flaw = _flaw_of_trade(row, desk.next_seq, desk.funds)
        if not flaw and row.seq <= last:
            flaw = Flaw.OUT_OF_ORDER
        if flaw:
            raise flawed(symbol_of(desk), "trade", index, flaw)
        accounts = (row.taker_account, row.maker_account)
        trade = PastTrade(row.seq, row.price_ticks, row.qty_lots, Source(row.source), Side(row.side), *accounts)
        trade.taker_fee_atoms, trade.maker_fee_atoms = row.taker_fee_atoms, row.maker_fee_atoms
        trade.busted = bool(row.busted)
        desk.window.record(trade)
        last = row.seq


def _flaw_of_trade(row: Any, next_seq: int, funds: Funds | None) -> Flaw | None:
    if not 1 <= row.seq < next_seq:
        return Flaw.SEQUENCE_OUT_OF_RANGE
    if row.source > max(Source) or row.side > max(Side) or row.busted > 1 or any(row.reserved):
        return Flaw.UNKNOWN_NUMBER
    if not 1 <= row.price_ticks <= PRICE_TICKS_MAX:
        return Flaw.PRICE_OUT_OF_RANGE
    if not 1 <= row.qty_lots <= QTY_LOTS_MAX:
        return Flaw.LOTS_OUT_OF_RANGE
    taker, maker = row.source != Source.LIFT, row.source not in _MAKER_IS_CURVE
    if bool(row.taker_account) != taker or bool(row.maker_account) != maker:
        return Flaw.ACCOUNTS_CONTRADICT
    return _flaw_of_fees(row, funds)


def _flaw_of_fees(row: Any, funds: Funds | None) -> Flaw | None:
    """Test what a fill moved: it must have been possible, or its bust could not undo it."""
    most_atoms = 0
    if funds:
        listing = funds.listing
        notional_atoms = row.price_ticks * row.qty_lots * listing.tick_atoms
        if notional_atoms > ATOMS_MAX or row.qty_lots * listing.lot_atoms > ATOMS_MAX:
            return Flaw.NOTIONAL_OVERFLOW
        if not (row.taker_account and row.maker_account) and not listing.treasury:
            return Flaw.CURVE_UNFUNDED
        most_atoms = fee_atoms(notional_atoms, listing.max_fee_ppm)
    most_of_taker, most_of_maker = (most_atoms if number else 0 for number in (row.taker_account, row.maker_account))
    fits = 0 <= row.taker_fee_atoms <= most_of_taker and -most_of_maker <= row.maker_fee_atoms <= most_of_maker
    return None if fits else Flaw.FEES_OUT_OF_RANGE


# --- orders -------------------------------------------------------------------------------------


def _restore_orders(desk: Desk, records: Records) -> None:
    """Take the orders in the order in which they stand; then give each what follows from its id."""
    found: dict[int, Order] = {}
    quotes: set[tuple[int, int, int]] = set()
    last: tuple[int, int] = (-1, 0)
    for index, row in records_of(records):
        flaw = flaw_of_order(row, desk.next_order_id, desk.now_ns)
        rank = last if flaw else _rank(row)
        if not flaw and (rank < last or (rank == last and _stands_alone(row))):
            flaw = Flaw.OUT_OF_ORDER
        flaw = flaw or _flaw_among_others(desk, row, found, quotes)
        if flaw:
            raise flawed(symbol_of(desk), "order", index, flaw)
        order = found[row.order_id] = _order_of(row)
        desk.ids.open(order.account, order.client_id, order.order_id)
        if order.quote_slot:
            quotes.add((order.account, order.quote_slot, order.side))
        if order.peg:
            desk.pegs[order.order_id] = order
        _put(desk, order)
        last = rank
    # These are walked in the order in which orders came.
    desk.orders = {order_id: found[order_id] for order_id in sorted(found)}
    desk.pegs = {order_id: desk.pegs[order_id] for order_id in sorted(desk.pegs)}
    for order in desk.orders.values():
        if order.tif is TimeInForce.GTD:
            desk.expiring[order.order_id] = order
        desk.accounts.opened(order)
        if desk.funds:
            desk.funds.opened(order)
    for index, order in enumerate(found.values()):
        if order.oco_order_id and not _has_partner(desk, order):
            raise flawed(symbol_of(desk), "order", index, Flaw.NO_PARTNER)


def _order_of(row: Any) -> Order:
    order = Order(
        row.order_id,
        row.account,
        Side(row.side),
        row.price_ticks,
        row.qty_lots,
        client_id=row.client_id,
        session=row.session,
        order_type=OrderType(row.order_type),
        tif=TimeInForce(row.tif),
        display_lots=row.display_lots,
        stop_ticks=row.stop_ticks,
        offset_ticks=row.offset_ticks,
        limit_ticks=row.limit_ticks,
        trail_ppm=row.trail_ppm,
        expire_ns=row.expire_ns,
        oco_order_id=row.oco_order_id,
        hidden=bool(row.hidden),
        reduce_only=bool(row.reduce_only),
        stp=StpMode(row.stp),
        peg=Peg(row.peg),
        trigger=Trigger(row.trigger),
        quote_slot=row.quote_slot,
    )
    order.place = Place(row.place)
    order.filled_lots = row.filled_lots
    order.shown_lots = row.shown_lots
    return order


def _rank(row: Any) -> tuple[int, int]:
    """Return the number of an order's section in parbook.state, and what sorts it there: never less than the last's."""
    if row.place in RESTING:
        section = (2 if row.place == Place.HIDDEN else 0) + row.side
        return section, -row.price_ticks if row.side == Side.BUY else row.price_ticks
    if row.place == Place.ARMED:
        section = 4 + 2 * row.trigger + (row.side == Side.BUY)
        return section, row.stop_ticks if row.side == Side.BUY else -row.stop_ticks
    if row.place == Place.ELECTED:
        return 8, 0
    return (9, row.order_id) if row.place == Place.PARKED else (10 + row.side, row.order_id)


def _stands_alone(row: Any) -> bool:
    """Whether no other order of its section has the same rank: where ids decide."""
    return row.place in (Place.PARKED, Place.CALL)


def _flaw_among_others(desk: Desk, row: Any, found: dict[int, Order], quotes: set[tuple[int, int, int]]) -> Flaw | None:
    """Test an order against those before it."""
    if row.order_id in found:
        return Flaw.ORDER_ID_TWICE
    if desk.ids.is_taken(row.account, row.client_id):
        return Flaw.CLIENT_ID_TWICE
    if row.reduce_only and row.account not in desk.accounts.by_number:
        return Flaw.NOT_REGISTERED
    if (row.account, row.quote_slot, row.side) in quotes:
        return Flaw.QUOTE_TWICE
    if desk.funds and _hold_atoms(desk.funds, row) > ATOMS_MAX:
        return Flaw.NOTIONAL_OVERFLOW
    trails = row.place == Place.ARMED and (row.offset_ticks or row.trail_ppm)
    if row.peg and len(desk.pegs) >= desk.instrument.max_pegs:
        return Flaw.TOO_MANY
    if trails and len(desk.stops.trailing) >= desk.instrument.max_trailing:
        return Flaw.TOO_MANY
    return None


def _hold_atoms(funds: Funds, row: Any) -> int:
    return funds.hold_of(Side(row.side), row.limit_ticks or row.price_ticks, row.qty_lots - row.filled_lots)


def _put(desk: Desk, order: Order) -> None:
    """Let an order stand at the back of where its place says, as it is."""
    if order.place in RESTING:
        desk.book.line(order).enqueue(order, order.price_ticks)
    elif order.place is Place.ARMED:
        desk.stops.arm(order)
    elif order.place is Place.ELECTED:
        desk.elected.append(order)
    elif order.place is Place.CALL:
        desk.calls[order.side][order.order_id] = order


def _has_partner(desk: Desk, order: Order) -> bool:
    partner = desk.orders.get(order.oco_order_id)
    return partner is not None and partner.oco_order_id == order.order_id and partner.account == order.account


def _restore_dead_ids(desk: Desk, records: Records) -> None:
    for index, row in records_of(records):
        flaw = None
        if not 1 <= row.account <= ACCOUNT_MAX:
            flaw = Flaw.NO_ACCOUNT
        elif not row.client_id:
            flaw = Flaw.CLIENT_ID_MISSING
        elif desk.ids.is_taken(row.account, row.client_id):
            flaw = Flaw.CLIENT_ID_TWICE
        if flaw:
            raise flawed(symbol_of(desk), "dead id", index, flaw)
        desk.ids.open(row.account, row.client_id, 0)
        desk.ids.close(row.account, row.client_id)
