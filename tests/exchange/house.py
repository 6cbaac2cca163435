"""An exchange of two instruments, driven command by command and checked after each: what its tests are made of."""

from __future__ import annotations

from typing import Any

from parbook import messages as m
from parbook.codes import AccountStatus, CurveShape, RejectCode, Side
from parbook.instrument import Instrument
from parbook.interface import ExchangeProtocol
from parbook.listing import Asset, Listing
from parbook.units import EVERY_INSTRUMENT
from tests.support.venue import Told, short

SME, BOND, USD = 0, 1, 2
"""The assets. Instrument 0 trades SME, instrument 1 BOND, both against USD; a lot is an atom, a tick of it another."""
TREASURY = 99
BUY, SELL = Side.BUY, Side.SELL
SUSPENDED, REDUCE_ONLY, ACTIVE = AccountStatus.SUSPENDED, AccountStatus.REDUCE_ONLY, AccountStatus.ACTIVE


def codes(events: list[m.Event]) -> list[RejectCode]:
    """Return the refusals among events."""
    return [event.code for event in events if isinstance(event, m.Rejected)]


def buyback(**changes: int) -> m.SetCurve:
    """Return a curve that buys fifty lots at its anchor, sells none, and may spend ten thousand."""
    fields: dict[str, int] = {
        "base_depth_lots": 100,
        "quote_depth_lots": 100,
        "budget_notional": 10_000,
        "par_lots": 50,
        "drop_ppm": 100_000,
        "max_net_lots": 200,
    }
    return m.SetCurve(params=m.CurveParams(shape=CurveShape.LINEAR, **(fields | changes)))


class House:
    """An exchange of either implementation. Every command is followed by the exchange's own check."""

    def __init__(self, exchange_class: Any, instruments: int = 2, max_fee_ppm: int = 0, **settings: Any) -> None:
        self.exchange: ExchangeProtocol = exchange_class(**settings)
        for name in ("SME", "BOND", "USD"):
            self.exchange.add_asset(Asset(name=name))
        for number in range(instruments):
            instrument = Instrument(symbol=f"{('SME', 'BOND')[number]}/USD", bust_window=50, initial_state=0)
            listing = Listing(instrument=instrument, base=number, quote=USD, max_fee_ppm=max_fee_ppm, treasury=TREASURY)
            self.exchange.add_instrument(listing)

    def do(self, *commands: m.Command) -> list[m.Event]:
        """Apply commands and return their events."""
        events = []
        for command in commands:
            events += self.exchange.apply(command)
            self.exchange.check()
        return events

    def told(self, *commands: m.Command) -> list[tuple[int, Told]]:
        """Apply commands and return (instrument, event in short), -1 for the exchange's own stream."""
        events = self.do(*commands)
        return [(-1 if e.instrument == EVERY_INSTRUMENT else e.instrument, short(e)) for e in events]

    def refused(self, *commands: m.Command) -> list[str]:
        """Apply commands and return the names of the refusals."""
        return [code.name for code in codes(self.do(*commands))]

    def fund(self, account: int, **atoms: int) -> None:
        """Deposit atoms, by asset in lower case."""
        for name, amount_atoms in atoms.items():
            asset = ("sme", "bond", "usd").index(name)
            assert not self.refused(m.Deposit(account=account, asset=asset, amount_atoms=amount_atoms))

    def rest(self, account: int, side: Side, price_ticks: int, qty_lots: int, **terms: Any) -> int:
        """Enter an order that is accepted and return its id."""
        order = m.NewOrder(account=account, side=side, price_ticks=price_ticks, qty_lots=qty_lots, **terms)
        (accepted,) = [event for event in self.do(order) if isinstance(event, m.Accepted)]
        return accepted.order_id

    def money(self, account: int) -> tuple[int, int]:
        """Return (balance, held) of USD."""
        return self.exchange.balance(account, USD), self.exchange.held(account, USD)
