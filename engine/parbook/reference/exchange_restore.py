"""From bytes back to an exchange: the inverse of `exchange_views.state_bytes`. Holds are asked of orders, as ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parbook.codes import AccountStatus
from parbook.errors import InvariantError
from parbook.flaws import Flaw, corruption, flawed
from parbook.listing import MAX_FEE_PPM_MAX, TIERS_MAX, Fees
from parbook.records import Records
from parbook.reference import exchange_views
from parbook.reference.desk import Desk
from parbook.reference.office import Office
from parbook.reference.outcomes import Outcome
from parbook.reference.restore import records_of, restore, symbol_of
from parbook.state_parts import COUNTER_MAX, EXCHANGE, ExchangeParts
from parbook.units import ATOMS_MAX, EVERY_INSTRUMENT


def restore_exchange(office: Office, desks: list[Desk], parts: ExchangeParts) -> None:
    """Fill an empty exchange, which has its assets and instruments. CorruptionError when that is impossible.

    The exchange is then of no use. O(state * log levels).
    """
    header = parts.header
    office.now_ns = header["now_ns"]
    office.next_command = header["next_command"]
    office.next_seq = header["next_seq"]
    _restore_balances(office, parts)
    _restore_tiers(office, parts)
    _restore_statuses(office, parts.statuses)
    _restore_txns(office, parts.txns)
    _restore_sessions(office, parts.sessions)
    _restore_outcomes(office, parts.outcomes)
    for desk, data in zip(desks, parts.markets, strict=True):
        restore(desk, data)
        # A market that is named later catches up with both.
        if desk.next_command != office.next_command or desk.now_ns > office.now_ns:
            reason = "its next_command is not the exchange's, or its clock is ahead"
            raise corruption(f"state of {symbol_of(desk)}, header", reason)
    _test_holds(office, desks)
    try:
        exchange_views.check(office, desks)
    except InvariantError as broken:
        raise corruption(f"state of {EXCHANGE}", str(broken)) from broken


def _rising(part: str, records: Records, key: str) -> Iterator[tuple[int, Any]]:
    """Yield each record's place and fields; CorruptionError unless their keys rise."""
    last = -1
    for index, row in records_of(records):
        if getattr(row, key) <= last:
            raise flawed(EXCHANGE, part, index, Flaw.OUT_OF_ORDER)
        last = getattr(row, key)
        yield index, row


# --- money --------------------------------------------------------------------------------------


def _restore_balances(office: Office, parts: ExchangeParts) -> None:
    ledger = office.ledger
    last = (0, 0)
    for index, row in records_of(parts.balances):
        flaw = None
        if not row.account:
            flaw = Flaw.NO_ACCOUNT
        elif row.asset >= len(office.assets):
            flaw = Flaw.UNKNOWN_ASSET
        elif row.reserved:
            flaw = Flaw.UNKNOWN_NUMBER
        elif row.atoms < 1:
            flaw = Flaw.ATOMS_OUT_OF_RANGE
        elif (row.account, row.asset) <= last:
            flaw = Flaw.OUT_OF_ORDER
        if flaw:
            raise flawed(EXCHANGE, "balance", index, flaw)
        last = (row.account, row.asset)
        ledger.balances[last] = row.atoms
    owned = [0] * len(office.assets)
    for (_, asset), atoms in ledger.balances.items():
        owned[asset] += atoms
    for number, row in records_of(parts.assets):
        if row.inside_atoms < 0 or row.fees_atoms < 0 or owned[number] + row.fees_atoms > ATOMS_MAX:
            raise flawed(EXCHANGE, "asset", number, Flaw.ATOMS_OUT_OF_RANGE)
        if owned[number] + row.fees_atoms + row.suspense_atoms != row.inside_atoms:
            raise flawed(EXCHANGE, "asset", number, Flaw.DOES_NOT_ADD_UP)
        ledger.inside[number], ledger.fees[number] = row.inside_atoms, row.fees_atoms
        ledger.suspense[number] = row.suspense_atoms


def _test_holds(office: Office, desks: list[Desk]) -> None:
    """Test every account that has orders or pays for a curve: nothing is held that is not there."""
    ledger = office.ledger
    numbers = {order.account for desk in desks for order in desk.orders.values()}
    numbers |= {listing.treasury for listing in office.listings}
    for account in sorted(numbers):
        for asset in range(len(office.assets)):
            if ledger.held(account, asset) > ledger.balance(account, asset):
                raise corruption(f"state of {EXCHANGE}, account {account}, asset {asset}", Flaw.HELD_TWICE.doc)


# --- who is who ---------------------------------------------------------------------------------


def _restore_tiers(office: Office, parts: ExchangeParts) -> None:
    fees = office.fees
    most_ppm = min((listing.max_fee_ppm for listing in office.listings), default=MAX_FEE_PPM_MAX)
    fees.tiers.clear()
    for index, row in _rising("tier", parts.tiers, "tier"):
        if row.tier >= TIERS_MAX or (index == 0 and row.tier):
            raise flawed(EXCHANGE, "tier", index, Flaw.UNKNOWN_TIER)
        rates = Fees(maker_ppm=row.maker_ppm, taker_ppm=row.taker_ppm)
        if fees.refusal_of(row.tier, rates, most_ppm):
            raise flawed(EXCHANGE, "tier", index, Flaw.RATE_OUT_OF_RANGE)
        fees.tiers[row.tier] = rates
    for index, row in _rising("member", parts.members, "account"):
        if not row.account:
            raise flawed(EXCHANGE, "member", index, Flaw.NO_ACCOUNT)
        if not row.tier or row.tier not in fees.tiers:
            raise flawed(EXCHANGE, "member", index, Flaw.UNKNOWN_TIER)
        fees.put(row.account, row.tier)


def _restore_statuses(office: Office, records: Records) -> None:
    for index, row in _rising("status", records, "account"):
        if not row.account:
            raise flawed(EXCHANGE, "status", index, Flaw.NO_ACCOUNT)
        if not AccountStatus.ACTIVE < row.status <= max(AccountStatus):
            raise flawed(EXCHANGE, "status", index, Flaw.UNKNOWN_STATUS)
        office.statuses.set(row.account, AccountStatus(row.status))


def _restore_txns(office: Office, records: Records) -> None:
    seen = {0}
    for index, row in records_of(records):
        if row.txn_id in seen:
            raise flawed(EXCHANGE, "txn", index, Flaw.TXN_TWICE)
        seen.add(row.txn_id)
        office.ledger.remember(row.txn_id)


# --- sessions -----------------------------------------------------------------------------------


def _restore_sessions(office: Office, records: Records) -> None:
    for index, row in _rising("session", records, "session"):
        if not 1 <= row.session < 2**16 or row.last_ref < 1:
            raise flawed(EXCHANGE, "session", index, Flaw.REFERENCE_OUT_OF_RANGE)
        office.outcomes.last_ref[row.session] = row.last_ref


def _restore_outcomes(office: Office, records: Records) -> None:
    """Take what can still be said again. A session's references rise, so that none is remembered twice."""
    outcomes = office.outcomes
    last: dict[int, int] = {}
    for index, row in records_of(records):
        flaw = None
        if not last.get(row.session, 0) < row.session_ref <= outcomes.last_ref.get(row.session, 0):
            flaw = Flaw.REFERENCE_OUT_OF_RANGE
        elif row.instrument >= len(office.listings) and row.instrument != EVERY_INSTRUMENT:
            flaw = Flaw.UNKNOWN_INSTRUMENT
        elif not 1 <= row.first_seq <= COUNTER_MAX:
            flaw = Flaw.SEQUENCE_OUT_OF_RANGE
        elif row.reserved:
            flaw = Flaw.UNKNOWN_NUMBER
        if flaw:
            raise flawed(EXCHANGE, "outcome", index, flaw)
        last[row.session] = row.session_ref
        outcome = Outcome(row.code, row.order_id, row.instrument, row.first_seq)
        outcomes.latest[row.session, row.session_ref] = outcome
