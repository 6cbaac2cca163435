"""What a call from Python costs when the method does nothing: the yardstick of the per-call bar."""

cimport cython


@cython.final
cdef class Empty:
    """The signatures of `parbook.Market`, with nothing behind them."""

    def place(
        self, account, side, qty_lots, price_ticks=0, order_type=0, tif=0, client_id=0, ts_ns=0
    ):
        """Take the arguments of Market.place and return None."""

    def cancel(self, account, order_id=0, client_id=0, ts_ns=0):
        """Take the arguments of Market.cancel and return None."""


@cython.final
cdef class EmptyExchange:
    """The signatures of the exchange, with nothing behind them."""

    def place(
        self, instrument, account, side, qty_lots, price_ticks=0, order_type=0, tif=0, client_id=0, ts_ns=0
    ):
        """Take the arguments of Exchange.place and return None."""

    def cancel(self, instrument, account, order_id=0, client_id=0, ts_ns=0):
        """Take the arguments of Exchange.cancel and return None."""
