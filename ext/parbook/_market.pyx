"""The compiled market: the same commands, events and state hash as parbook.reference.Market, byte for byte."""

cimport cython
from cpython.ref cimport Py_XDECREF
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from parbook._audit cimport audit
from parbook._block cimport Block, take_block
from parbook._book cimport order_at
from parbook._calls cimport (
    Placed, as_events, checked_commands, copy_events, fill_amend, fill_cancel, fill_new, placed_again, refusal_from,
    signed_of, sum_up, unsigned_of,
)
from parbook._clearing cimport ScheduleStep
from parbook._commands cimport COMMANDS_RESERVED
from parbook._curve cimport CurveParams
from parbook._desk cimport Desk, desk_free, desk_init, desk_oldest_seq, desk_reserve, desk_reserve_call
from parbook._dispatch cimport catch_up, is_plain, pass_time, plain_command, run_commands, run_leftovers, run_set_curve
from parbook._idpages cimport FarPage, PageRef
from parbook._ids cimport ids_find
from parbook._phases cimport Session
from parbook._quotes cimport Curve
from parbook._registry cimport Account
from parbook._timers cimport Timer
from parbook._types cimport *
from parbook._views cimport (
    OrderRecord, depth_rows, put_accounts, put_dead_ids, put_order, put_orders, put_trades, queue_of,
)
from parbook._window cimport TradeRecord

import numpy as np

from parbook import codes as _codes
from parbook import state as _state
from parbook.errors import CorruptionError, InvariantError, MisuseError
from parbook.interface import CurveState, OrderState
from parbook.messages import SetCurve as _SetCurve
from parbook.records import CURVE, DEPTH, command_records, curve_record, events_from_records


cdef int64_t market_run(Desk *desk, const Command *commands, int64_t count, bint prepared) noexcept nogil:
    return run_commands(desk, commands, count, prepared)


cdef int64_t market_plain(Desk *desk, const Command *command) noexcept nogil:
    """Apply one command that is_plain and return 1."""
    return plain_command(desk, command)


cdef void market_set_curve(Desk *desk, const CurveParams *params, Curve *spare) noexcept nogil:
    run_set_curve(desk, params, spare)


cdef void market_catch_up(Desk *desk, int64_t now_ns) noexcept nogil:
    catch_up(desk, now_ns)


cdef void market_prepare(Desk *desk, int64_t now_ns) noexcept nogil:
    catch_up(desk, now_ns)
    run_leftovers(desk)


cdef int64_t market_step(
    Desk *desk, int64_t now_ns, const Command *commands, int64_t count, uint64_t *own_seq
) noexcept nogil:
    catch_up(desk, now_ns)
    if pb_likely(is_plain(desk, commands)):
        own_seq[0] = desk.next_seq
        return plain_command(desk, commands)
    run_leftovers(desk)
    own_seq[0] = desk.next_seq
    return market_run(desk, commands, count, True)


cdef void market_pass_time(Desk *desk, int64_t now_ns) noexcept nogil:
    pass_time(desk, now_ns)


@cython.final
cdef class Gate:
    """Whether somebody is inside an exchange."""


@cython.final
cdef class Market:
    """One instrument's book and curve, compiled. See `parbook.interface.MarketProtocol`.

    Not for two threads at once: a second one that enters while a batch runs gets a MisuseError.
    """

    def __cinit__(self, instrument):
        cdef Config config
        cdef int64_t *numbers = <int64_t *>&config
        cdef int i
        for i, name in enumerate(_state.CONFIG_FIELDS):
            numbers[i] = int(getattr(instrument, name))
        if desk_init(&self.desk, &config, <uint8_t>int(instrument.initial_state)) != 0:
            raise MemoryError("no memory for a market")
        self.instrument = instrument

    def __dealloc__(self):
        desk_free(&self.desk)
        Py_XDECREF(self.placed)

    @classmethod
    def from_state(cls, instrument, state):
        """Return the market that had this state. See `parbook.interface.MarketProtocol`."""
        # A module of its own, compiled on this one: it cannot be imported above.
        from parbook._restore import market_from_state
        return market_from_state(instrument, state)

    def __reduce__(self):
        raise MisuseError("a Market cannot be pickled or copied. Keep its commands and replay them.")

    cdef int _enter(self) except -1:
        self._idle()
        if self.gate is not None:
            raise MisuseError("this market belongs to an exchange: send its commands there.")
        if self.desk.broken:
            raise CorruptionError("memory ran out inside a command: this market's state is lost. Rebuild it by replay.")
        self.entered = True
        self.desk.batch_seq = self.desk.next_seq
        return 0

    cdef int _idle(self) except -1:
        """Views walk the containers, which a batch in another thread may be changing without the GIL."""
        if self.entered or (self.gate is not None and self.gate.entered):
            raise MisuseError(
                "another thread, or the call a finalizer interrupted, is inside this market. "
                "Let one caller use it at a time."
            )
        return 0

    cdef int _leave(self, int result) except -1:
        self.entered = False
        if self.desk.broken:
            raise CorruptionError("memory ran out inside a command: this market's state is lost. Rebuild it by replay.")
        if result != 0:
            raise MemoryError("no memory for a further order; the command was not applied")
        return 0

    cdef int _copy_events(self, Block block, uint64_t first) noexcept nogil:
        return copy_events(&self.desk, block, first)

    cdef object _events_from(self, uint64_t first):
        """Return the events from sequence number `first` on, which must still be in the ring."""
        cdef Block block = take_block((self.desk.next_seq - first) * sizeof(Event))
        self._copy_events(block, first)
        return as_events(block)

    cdef int _run_batch(self, const Command *commands, int64_t count, Block block) noexcept nogil:
        """Run commands a chunk at a time, so that the ring's part in use stays in the nearest cache.

        Without memory half-way the desk is broken: the events of the chunks before would be lost to the caller.
        """
        cdef int64_t start = 0
        cdef int64_t end, done
        cdef uint64_t first
        while start < count:
            end = min(count, start + COMMANDS_RESERVED)
            if end < count and commands[end].kind == TERMS:
                # It may belong to the last command of this chunk.
                end += 1
            first = self.desk.next_seq
            self.desk.batch_seq = first
            if desk_reserve(&self.desk, <uint32_t>(end - start), 0) != 0:
                self.desk.broken = start != 0
                return -1
            done = market_run(&self.desk, commands + start, end - start, False)
            if done < end - start and start + done == 0:
                return -1
            if self.desk.broken or done < end - start or self._copy_events(block, first) != 0:
                self.desk.broken = True
                return -1
            start = end
        return 0

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command):
        """Apply one command and return its events. MisuseError when a value does not fit its record field."""
        if isinstance(command, _SetCurve):
            return events_from_records(self._set_curve(curve_record(command)))
        return events_from_records(self.apply_batch(command_records([command])))

    def apply_batch(self, commands):
        """Apply an array of COMMAND records and return the EVENT records they caused. Releases the GIL."""
        cdef const uint8_t[::1] view = checked_commands(commands)
        cdef const Command *command
        cdef int64_t count = view.shape[0] // <int64_t>sizeof(Command)
        cdef int result = 0
        # Most commands cause one event or a little more.
        cdef Block block = take_block(<size_t>(count + (count >> 2)) * sizeof(Event))
        self._enter()
        if count:
            command = <const Command *>&view[0]
            with nogil:
                result = self._run_batch(command, count, block)
        self._leave(result)
        return as_events(block)

    def _set_curve(self, record):
        cdef const uint8_t[::1] view = record.view(np.uint8)
        cdef const CurveParams *params = <const CurveParams *>&view[0]
        cdef Curve *spare = NULL
        cdef uint64_t first
        self._enter()
        first = self.desk.next_seq
        if self.desk.curve == NULL:
            spare = <Curve *>calloc(1, sizeof(Curve))
        if desk_reserve(&self.desk, 1, 1) != 0 or (self.desk.curve == NULL and spare == NULL):
            free(spare)
            self._leave(-1)
        run_leftovers(&self.desk)
        run_set_curve(&self.desk, params, spare)
        if self.desk.curve != spare:
            free(spare)
        self._leave(0)
        return self._events_from(first)

    cdef int _run_one(self, const Command *command) except -1:
        """Run one command; its events are in the ring from desk.batch_seq on."""
        cdef int64_t done
        # What _enter and _leave ask, asked here: calls cost more than the questions.
        if pb_unlikely(self.entered or self.gate is not None or self.desk.broken):
            self._enter()
        self.entered = True
        self.desk.batch_seq = self.desk.next_seq
        if pb_unlikely(desk_reserve_call(&self.desk) != 0):
            return self._leave(-1)
        if pb_likely(is_plain(&self.desk, command)):
            done = plain_command(&self.desk, command)
        else:
            done = market_run(&self.desk, command, 1, False)
        if pb_unlikely(done != 1 or self.desk.broken):
            return self._leave(-1)
        self.entered = False
        return 0

    cdef Placed _sum_up(self, const Command *command):
        """Run a NEW or an AMEND and sum up its events."""
        cdef Placed placed
        self._run_one(command)
        placed = placed_again(&self.placed)
        sum_up(placed, &self.desk, command, self.desk.batch_seq)
        return placed

    def place(
        self, account, side, qty_lots, price_ticks=0, order_type=0, tif=0, client_id=0, ts_ns=0
    ):
        """Enter an order; the shortcut for apply(NewOrder(...)). MisuseError for non-integers."""
        cdef Command command
        fill_new(&command, account, side, qty_lots, price_ticks, order_type, tif, client_id, ts_ns)
        return self._sum_up(&command)

    def amend(self, account, order_id=0, client_id=0, qty_lots=0, price_ticks=0, ts_ns=0):
        """Amend an order; the shortcut for apply(AmendOrder(...))."""
        cdef Command command
        fill_amend(&command, account, order_id, client_id, qty_lots, price_ticks, ts_ns)
        return self._sum_up(&command)

    def cancel(self, account, order_id=0, client_id=0, ts_ns=0):
        """Cancel an order; 0 when done, else the RejectCode's number."""
        cdef Command command
        cdef int code
        fill_cancel(&command, account, order_id, client_id, ts_ns)
        self._run_one(&command)
        code = refusal_from(&self.desk, self.desk.batch_seq)
        # 0 is at hand; any other number is made.
        return code if code != 0 else 0

    # --- views ----------------------------------------------------------------------------------

    def events(self, since):
        """Return the EVENT records from sequence number `since` on. MisuseError when they are overwritten.

        The events of the last place, cancel, amend or apply are always kept; of a batch, which returned them, its end.
        """
        cdef uint64_t first = unsigned_of(since, "since", 0xFFFFFFFFFFFFFFFF)
        self._idle()
        cdef uint64_t oldest = desk_oldest_seq(&self.desk)
        if first < oldest:
            raise MisuseError(f"events from {first} on are overwritten; the oldest kept is {oldest}. Read more often.")
        return self._events_from(min(first, self.desk.next_seq))

    def depth(self, levels=10):
        """Return DEPTH records of book and curve, best first, bids before asks."""
        cdef int64_t count = signed_of(levels, "levels")
        self._idle()
        if not 1 <= count <= 0x7FFFFFFF:
            raise MisuseError(f"levels={levels} is outside 1..{0x7FFFFFFF}.")
        # Every row may start a garbage collection, and with it a finalizer that places orders.
        self.entered = True
        try:
            rows = depth_rows(&self.desk, BUY, count) + depth_rows(&self.desk, SELL, count)
        finally:
            self.entered = False
        return np.array(rows, DEPTH)

    def order(self, order_id):
        """Return the resting order, or None."""
        cdef uint64_t number = unsigned_of(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
        cdef uint32_t slot
        cdef OrderRecord record
        self._idle()
        slot = ids_find(&self.desk.book.ids, number)
        if slot == NIL:
            return None
        # A copy: making the enums runs Python code, during which another thread may let the slabs move.
        memset(&record, 0, sizeof(OrderRecord))
        put_order(&self.desk.book, order_at(&self.desk.book, slot), &record)
        return OrderState(
            order_id=record.order_id,
            client_id=record.client_id,
            account=record.account,
            session=record.session,
            side=_codes.Side(record.side),
            order_type=_codes.OrderType(record.order_type),
            tif=_codes.TimeInForce(record.tif),
            place=_codes.Place(record.place),
            price_ticks=record.price_ticks,
            qty_lots=record.qty_lots,
            filled_lots=record.filled_lots,
            shown_lots=record.shown_lots,
            display_lots=record.display_lots,
            stop_ticks=record.stop_ticks,
            offset_ticks=record.offset_ticks,
            limit_ticks=record.limit_ticks,
            trail_ppm=record.trail_ppm,
            expire_ns=record.expire_ns,
            oco_order_id=record.oco_order_id,
            hidden=bool(record.hidden),
            reduce_only=bool(record.reduce_only),
            stp=_codes.StpMode(record.stp),
            peg=_codes.Peg(record.peg),
            trigger=_codes.Trigger(record.trigger),
            post_only=record.order_type in (POST_ONLY, POST_SLIDE),
        )

    def queue(self, side, price_ticks):
        """Return the ids of the orders resting at a price, first to trade first."""
        self._idle()
        return queue_of(&self.desk.book, <int>unsigned_of(side, "side", 1), signed_of(price_ticks, "price_ticks"))

    @property
    def curve(self):
        """The curve's state, or None before the first SetCurve."""
        cdef const Curve *curve = self.desk.curve
        self._idle()
        if curve == NULL:
            return None
        return CurveState(
            quoting=bool(curve.quoting),
            low_ticks=curve.low_ticks,
            high_ticks=curve.high_ticks,
            net_lots=curve.cursor.net_lots,
            cash_notional=curve.cursor.cash_notional,
            proposed=curve.proposed,
        )

    @property
    def best_bid_ticks(self):
        """Best resting bid of the book, 0 when there is none."""
        return self.desk.book.best_ticks[BUY]

    @property
    def best_ask_ticks(self):
        """Best resting ask of the book, 0 when there is none."""
        return self.desk.book.best_ticks[SELL]

    @property
    def last_trade_ticks(self):
        """Price of the last trade, 0 before the first."""
        return self.desk.last_trade_ticks

    @property
    def open_orders(self):
        """How many orders rest."""
        return self.desk.book.open_orders

    @property
    def now_ns(self):
        """The market's clock."""
        return self.desk.now_ns

    @property
    def next_seq(self):
        """Sequence number the next event will carry."""
        return self.desk.next_seq

    @property
    def memory_bytes(self):
        """Bytes of heap this market has reserved, events included."""
        cdef size_t total = (self.desk.events_mask + 1) * sizeof(Event) + sizeof(Desk)
        total += self.desk.book.orders.capacity * self.desk.book.orders.item_bytes
        total += self.desk.book.levels.capacity * self.desk.book.levels.item_bytes
        total += self.desk.book.nodes.capacity * self.desk.book.nodes.item_bytes
        total += self.desk.book.specials.capacity * self.desk.book.specials.item_bytes
        total += self.desk.book.ids.pages.capacity * self.desk.book.ids.pages.item_bytes
        total += self.desk.book.ids.capacity * sizeof(PageRef) + self.desk.book.ids.far.capacity * sizeof(FarPage)
        total += self.desk.ids.capacity * 16 + self.desk.ids.dead_capacity * 16
        total += self.desk.accounts.capacity * (sizeof(Account) + 4 * sizeof(uint32_t))
        total += self.desk.timers.capacity * sizeof(Timer) + self.desk.window.capacity * sizeof(TradeRecord)
        total += self.desk.quotes.capacity * 16 + self.desk.noted.capacity * sizeof(uint64_t)
        total += (self.desk.crossing.side[BUY].capacity + self.desk.crossing.side[SELL].capacity) * sizeof(ScheduleStep)
        if self.desk.curve != NULL:
            total += sizeof(Curve)
        return total

    def state_bytes(self):
        """Return the canonical serialisation of the state; layout in `parbook.state`."""
        self._idle()
        # The arrays are sized before they are filled: no finalizer may place orders in between.
        self.entered = True
        try:
            return self._state_bytes()
        finally:
            self.entered = False

    cdef object _state_header(self):
        cdef const Curve *curve = self.desk.curve
        cdef const Session *session = &self.desk.session
        header = np.zeros(1, _state.HEADER)
        header[0] = (
            _state.MAGIC,
            self.desk.now_ns,
            self.desk.next_seq,
            self.desk.next_command,
            self.desk.next_order_id,
            self.desk.last_trade_ticks,
            self.desk.last_auction_ticks,
            session.phase,
            bool(session.closed),
            bool(session.delisted),
            (0,) * 5,
            session.indicated.price_ticks,
            session.indicated.paired_lots,
            session.indicated.surplus_lots,
            curve != NULL,
            curve.proposed if curve != NULL else 0,
            self.desk.accounts.count,
            self.desk.window.count,
            self.desk.book.open_orders,
            self.desk.ids.dead_count,
        )
        return header

    cdef object _state_bytes(self):
        cdef const Curve *curve = self.desk.curve
        cdef int i
        config = np.zeros(1, _state.CONFIG)
        params = np.zeros(0 if curve == NULL else 1, CURVE)
        curve_state = np.zeros(len(params), _state.CURVE_STATE)
        anchors = np.zeros(0, _state.ANCHOR)
        cdef uint8_t[::1] view = config.view(np.uint8)
        memcpy(&view[0], &self.desk.config, sizeof(Config))
        if curve != NULL:
            view = params.view(np.uint8)
            memcpy(&view[0], &curve.params, sizeof(CurveParams))
            curve_state[0] = (
                bool(curve.quoting),
                curve.low_ticks,
                curve.high_ticks,
                curve.cursor.net_lots,
                curve.cursor.cash_notional,
                curve.compiled_at_net_lots,
            )
            anchors = np.array(
                [
                    (curve.anchors[i].low_ticks, curve.anchors[i].high_ticks, curve.anchors[i].effective_at_ns)
                    for i in range(curve.proposed)
                ],
                _state.ANCHOR,
            )
        accounts = np.zeros(self.desk.accounts.count, _state.ACCOUNT)
        trades = np.zeros(self.desk.window.count, _state.TRADE)
        orders = np.zeros(self.desk.book.open_orders, _state.ORDER)
        dead_ids = np.zeros(self.desk.ids.dead_count, _state.DEAD_ID)
        put_accounts(&self.desk.accounts, accounts.view(np.uint8))
        accounts.sort(order="account")
        put_trades(&self.desk.window, trades.view(np.uint8))
        put_orders(&self.desk, orders.view(np.uint8))
        put_dead_ids(&self.desk.ids, dead_ids.view(np.uint8))
        header = self._state_header()
        return _state.encode(header, config, params, curve_state, anchors, accounts, trades, orders, dead_ids)

    def live_orders(self):
        """Return the ORDER records of every live order, in the order of `parbook.state`. O(orders)."""
        self._idle()
        orders = np.zeros(self.desk.book.open_orders, _state.ORDER)
        put_orders(&self.desk, orders.view(np.uint8))
        return orders

    def state_hash(self):
        """Return the BLAKE2b-256 of `state_bytes()`."""
        return _state.digest(self.state_bytes())

    def check(self):
        """Verify every container's invariants; InvariantError names the one that is broken."""
        cdef const char *broken
        self._idle()
        broken = audit(&self.desk)
        if broken != NULL:
            raise InvariantError(f"core: {broken.decode()}")
