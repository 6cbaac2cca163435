"""What can be read off an exchange without changing it: its markets, the state's bytes, the check."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, NoReturn

import numpy as np

from parbook import exchange_state as layout
from parbook.errors import InvariantError, MisuseError
from parbook.exchange_state import digest
from parbook.instrument import Instrument
from parbook.reference import views
from parbook.reference.desk import Desk
from parbook.reference.market import Market
from parbook.reference.office import Office
from parbook.units import ACCOUNT_MAX, checked_int

__all__ = ["MarketView", "check", "checked_account", "digest", "state_bytes"]


class MarketView(Market):
    """A market of an exchange: everything that can be read, nothing that changes it."""

    def __init__(self, office: Office, desk: Desk) -> None:
        self.instrument = desk.instrument
        self._desk = desk
        self._office = office

    def apply(self, *_: Any, **__: Any) -> NoReturn:
        """Raise MisuseError: a command of one market alone would leave clock, numbers and money behind."""
        symbol = self.instrument.symbol
        raise MisuseError(f"{symbol}: this market belongs to an exchange: send its commands there.")

    apply_batch = place = amend = cancel = apply

    @classmethod
    def from_state(cls, instrument: Instrument, state: bytes) -> NoReturn:
        """Raise MisuseError: a market of an exchange is restored with its exchange."""
        raise MisuseError(f"{instrument.symbol}: this is a view of an exchange's market: use Exchange.from_state.")

    def state_bytes(self) -> bytes:
        """Return the canonical serialisation; the market's next command has the exchange's next number."""
        return _market_bytes(self._office, self._desk)


def checked_account(account: int) -> int:
    """Return an account's number; MisuseError when no account has it."""
    return checked_int(account, "account", 0, ACCOUNT_MAX)


def _market_bytes(office: Office, desk: Desk) -> bytes:
    desk.next_command = office.next_command
    return views.state_bytes(desk)


def state_bytes(office: Office, desks: list[Desk]) -> bytes:
    """Return the canonical serialisation; layout in `parbook.exchange_state`. O(state)."""
    ledger, fees = office.ledger, office.fees
    balances = [(account, asset, 0, atoms) for (account, asset), atoms in sorted(ledger.balances.items())]
    tiers = [(tier, rates.maker_ppm, rates.taker_ppm) for tier, rates in sorted(fees.tiers.items())]
    members, statuses = sorted(fees.tier_of.items()), sorted(office.statuses.by_account.items())
    sessions = sorted(office.outcomes.last_ref.items())
    outcomes = [
        (ref, outcome.order_id, outcome.first_seq, session, outcome.instrument, outcome.code, 0)
        for (session, ref), outcome in office.outcomes.latest.items()
    ]
    counts: tuple[Sized, ...] = (
        office.assets,
        desks,
        balances,
        tiers,
        members,
        statuses,
        ledger.txns,
        sessions,
        outcomes,
    )
    header = (
        layout.MAGIC,
        office.now_ns,
        office.next_command,
        office.next_seq,
        office.outcomes.window,
        *(len(counted) for counted in counts),
    )
    parts = [
        np.array([header], layout.HEADER),
        np.array(_asset_rows(office), layout.ASSET),
        np.array(_listing_rows(office), layout.LISTING),
        np.array(balances, layout.BALANCE),
        np.array(tiers, layout.TIER),
        np.array(members, layout.MEMBER),
        np.array([(account, int(status)) for account, status in statuses], layout.STATUS),
        np.array([(txn_id,) for txn_id in ledger.txns], layout.TXN),
        np.array(sessions, layout.SESSION),
        np.array(outcomes, layout.OUTCOME),
    ]
    markets = b""
    for desk in desks:
        market = _market_bytes(office, desk)
        markets += layout.encode(np.array([(len(market),)], layout.SIZE)) + market
    return layout.encode(*parts) + markets


def _asset_rows(office: Office) -> list[tuple[object, ...]]:
    ledger = office.ledger
    return [
        (
            asset.name.encode(),
            asset.decimals,
            ledger.inside.get(number, 0),
            ledger.fees.get(number, 0),
            ledger.suspense.get(number, 0),
        )
        for number, asset in enumerate(office.assets)
    ]


def _listing_rows(office: Office) -> list[tuple[object, ...]]:
    return [
        (listing.instrument.symbol.encode(), *(getattr(listing, name) for name in layout.LISTING_FIELDS))
        for listing in office.listings
    ]


def check(office: Office, desks: list[Desk]) -> None:
    """Raise InvariantError unless every market and the ledger are sound, and no clock is ahead. O(state)."""
    for desk in desks:
        views.check(desk)
        if desk.now_ns > office.now_ns:
            raise InvariantError(f"instrument {desk.number}: its clock is ahead of the exchange's")
        if desk.funds:
            desk.funds.check()
    office.ledger.check()
    if len(office.outcomes.latest) > office.outcomes.window:
        raise InvariantError("exchange: more outcomes are remembered than the window holds")
    for session, ref in office.outcomes.latest:
        if ref > office.outcomes.last_ref.get(session, 0):
            raise InvariantError(f"session {session}: an outcome is remembered of a reference it never gave")
