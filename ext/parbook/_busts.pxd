# BUST: a trade is declared void. Twin of parbook.reference.busts.
from libc.stdint cimport uint16_t

from parbook._accounts cimport accounts_moved
from parbook._desk cimport Desk, desk_emit
from parbook._funds cimport funds_admit_bust, funds_unwind
from parbook._types cimport ALREADY_BUSTED, BUSTED, UNKNOWN_TRADE, Command
from parbook._window cimport TradeRecord, window_find

cdef inline uint16_t do_bust(Desk *desk, const Command *command) noexcept nogil:
    """Declare a trade of the window void and undo what it did to registered accounts' positions. O(log window)."""
    cdef TradeRecord *trade = window_find(&desk.window, command.order_id)
    cdef uint16_t code
    if trade == NULL:
        return UNKNOWN_TRADE
    if trade.busted:
        return ALREADY_BUSTED
    code = funds_admit_bust(desk, trade)
    if code != 0:
        return code
    trade.busted = 1
    accounts_moved(desk, trade.taker_account, trade.side, -trade.qty_lots)
    accounts_moved(desk, trade.maker_account, 1 - trade.side, -trade.qty_lots)
    funds_unwind(desk, trade)
    desk_emit(
        desk, BUSTED, trade.side, trade.source, trade.taker_account, trade.seq, 0, trade.price_ticks, trade.qty_lots, 0,
        trade.maker_account,
    )
    return 0
