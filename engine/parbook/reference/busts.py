"""BUST: a trade is declared void. Positions return; orders and the last price stay as they are."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from parbook.codes import RejectCode, Side, Source
from parbook.messages import Busted

if TYPE_CHECKING:
    from parbook.reference.desk import Desk, Row


class PastTrade:
    """A trade that can still be busted. Attributes as in parbook.state.TRADE."""

    def __init__(
        self,
        seq: int,
        price_ticks: int,
        qty_lots: int,
        source: Source,
        side: Side,
        taker_account: int,
        maker_account: int,
    ) -> None:
        self.seq = seq
        self.price_ticks = price_ticks
        self.qty_lots = qty_lots
        self.source = source
        self.side = side
        self.taker_account = taker_account
        self.maker_account = maker_account
        self.busted = False
        self.taker_fee_atoms = 0
        self.maker_fee_atoms = 0


class TradeWindow:
    """The last `size` trades, oldest first."""

    def __init__(self, size: int) -> None:
        self.trades: deque[PastTrade] = deque(maxlen=size)

    def record(self, trade: PastTrade) -> None:
        """Remember a trade; the oldest beyond the window is forgotten. O(1)."""
        self.trades.append(trade)

    def find(self, seq: int) -> PastTrade | None:
        """Return the trade whose event had that sequence number. O(window)."""
        return next((trade for trade in self.trades if trade.seq == seq), None)

    def rows(self) -> list[tuple[object, ...]]:
        """Return the TRADE records' values."""
        return [
            (
                t.seq,
                t.price_ticks,
                t.qty_lots,
                t.taker_fee_atoms,
                t.maker_fee_atoms,
                t.taker_account,
                t.maker_account,
                t.source,
                t.side,
                t.busted,
                (0,) * 5,
            )
            for t in self.trades
        ]


def bust(desk: Desk, row: Row) -> RejectCode | None:
    """Declare a trade of the window void and undo what it did to registered accounts' positions."""
    trade = desk.window.find(row.order_id)
    if trade is None:
        return RejectCode.UNKNOWN_TRADE
    if trade.busted:
        return RejectCode.ALREADY_BUSTED
    if desk.funds and (code := desk.funds.refusal_of_bust(trade)):
        return code
    trade.busted = True
    maker_side = Side.SELL if trade.side is Side.BUY else Side.BUY
    desk.accounts.moved(trade.taker_account, trade.side, -trade.qty_lots)
    desk.accounts.moved(trade.maker_account, maker_side, -trade.qty_lots)
    if desk.funds:
        desk.funds.unwind(trade)
    desk.emit(
        Busted,
        source=trade.source,
        side=trade.side,
        trade_seq=trade.seq,
        price_ticks=trade.price_ticks,
        qty_lots=trade.qty_lots,
        taker_account=trade.taker_account,
        maker_account=trade.maker_account,
    )
    return None
