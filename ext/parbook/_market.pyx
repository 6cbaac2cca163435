"""The compiled market: the same commands, events and state hash as parbook.reference.Market, byte for byte."""

cimport cython
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_AsUnsignedLongLong
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from parbook._audit cimport audit
from parbook._block cimport Block, take_block
from parbook._book cimport ids_find, order_at
from parbook._clearing cimport ScheduleStep
from parbook._commands cimport COMMANDS_RESERVED
from parbook._curve cimport CurveParams
from parbook._desk cimport Desk, desk_free, desk_init, desk_oldest_seq, desk_reserve, event_at
from parbook._dispatch cimport begins, run_commands, run_set_curve
from parbook._ints cimport pb_small_int
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
from parbook.errors import CorruptionError, InvariantError, MisuseError, shown
from parbook.interface import CurveState, OrderState
from parbook.messages import SetCurve as _SetCurve
from parbook.records import COMMAND, CURVE, DEPTH, EVENT, command_records, curve_record, events_from_records


cdef inline int64_t _signed(object value, str name) except? -1:
    """Return an int's value; MisuseError for anything else, bool and float included, and beyond 64 bits."""
    cdef int64_t result
    return result if pb_small_int(value, &result) else _any_signed(value, name)


cdef int64_t _any_signed(object value, str name) except? -1:
    cdef int overflow = 0
    cdef int64_t result
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisuseError(f"{name}={shown(value)} must be an int, not {type(value).__name__}.")
    result = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        raise MisuseError(f"{name}={shown(value)} does not fit 64 bits.")
    return result


cdef object _as_events(Block block):
    """Return a block as an array of EVENT records that owns it."""
    return np.frombuffer(block, EVENT) if block.used else np.empty(0, EVENT)


cdef inline uint64_t _unsigned(object value, str name, uint64_t high) except? 1:
    """Return an int in 0..high; MisuseError for anything else."""
    cdef int64_t small
    if pb_small_int(value, &small) and 0 <= small and <uint64_t>small <= high:
        return <uint64_t>small
    return _any_unsigned(value, name, high)


cdef uint64_t _any_unsigned(object value, str name, uint64_t high) except? 1:
    cdef int overflow = 0
    cdef int64_t small
    cdef uint64_t result
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisuseError(f"{name}={shown(value)} must be an int, not {type(value).__name__}.")
    small = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow > 0 and value <= 0xFFFFFFFFFFFFFFFF:
        result = PyLong_AsUnsignedLongLong(value)
    elif overflow != 0 or small < 0:
        raise MisuseError(f"{name}={shown(value)} is outside 0..{high}.")
    else:
        result = <uint64_t>small
    if result > high:
        raise MisuseError(f"{name}={shown(value)} is outside 0..{high}.")
    return result


@cython.final
@cython.freelist(64)
cdef class Placed:
    """Outcome of `place` and `amend`. Twin of `parbook.interface.Placed`, with the same attributes."""

    cdef readonly int code
    cdef readonly uint64_t order_id
    cdef readonly int64_t filled_lots
    cdef readonly int64_t leaves_lots
    cdef readonly uint64_t first_seq
    # 128 bits in two words: an object here would make every Placed a matter for the garbage collector.
    cdef uint64_t notional_low
    cdef uint64_t notional_high

    @property
    def notional(self):
        """Ticks x lots traded by this call."""
        return self.notional_low if self.notional_high == 0 else (<object>self.notional_high << 64) + self.notional_low

    @property
    def ok(self):
        """True when the order was accepted."""
        return self.code == 0

    @property
    def refusal(self):
        """The refusal with its documentation, or None."""
        return _codes.RejectCode(self.code) if self.code else None

    def __repr__(self):
        return (
            f"Placed(code={self.code}, order_id={self.order_id}, filled_lots={self.filled_lots}, "
            f"notional={self.notional}, leaves_lots={self.leaves_lots}, first_seq={self.first_seq})"
        )

    cdef void follow(self, const Event *event) noexcept:
        """Add what one event says of the order: most are its fills."""
        cdef uint64_t value
        if event.kind == TRADE:
            if event.other_id == self.order_id:
                self.leaves_lots = event.leaves_lots
            elif event.order_id != self.order_id:
                return
            self.filled_lots += event.qty_lots
            # A fill's notional fits 63 bits; their sum need not.
            value = <uint64_t>event.price_ticks * <uint64_t>event.qty_lots
            self.notional_low += value
            self.notional_high += self.notional_low < value
        elif event.kind == PREVENTED:
            if event.other_id == self.order_id:
                self.leaves_lots = event.leaves_lots
        elif event.order_id == self.order_id:
            if event.kind == CANCELLED:
                self.leaves_lots = 0
            elif event.kind == AMENDED or event.kind == TRIGGERED:
                self.leaves_lots = event.leaves_lots


@cython.final
cdef class Market:
    """One instrument's book and curve, compiled. See `parbook.interface.MarketProtocol`.

    Not for two threads at once: a second one that enters while a batch runs gets a MisuseError.
    """

    cdef Desk desk
    cdef bint entered
    cdef readonly object instrument

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

    def __reduce__(self):
        raise MisuseError("a Market cannot be pickled or copied. Keep its commands and replay them.")

    cdef int _enter(self) except -1:
        self._idle()
        if self.desk.broken:
            raise CorruptionError("memory ran out inside a command: this market's state is lost. Rebuild it by replay.")
        self.entered = True
        self.desk.batch_seq = self.desk.next_seq
        return 0

    cdef int _idle(self) except -1:
        """Views walk the containers, which a batch in another thread may be changing without the GIL."""
        if self.entered:
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
        """Append the events from sequence number `first` on, which must still be in the ring. -1 without memory."""
        cdef uint64_t count = self.desk.next_seq - first
        cdef uint64_t straight = min(count, self.desk.events_mask + 1 - (first & self.desk.events_mask))
        if block.reserve(count * sizeof(Event)) != 0:
            return -1
        memcpy(block.bytes + block.used, event_at(&self.desk, first), straight * sizeof(Event))
        block.used += straight * sizeof(Event)
        memcpy(block.bytes + block.used, self.desk.events, (count - straight) * sizeof(Event))
        block.used += (count - straight) * sizeof(Event)
        return 0

    cdef object _events_from(self, uint64_t first):
        """Return the events from sequence number `first` on, which must still be in the ring."""
        cdef Block block = take_block((self.desk.next_seq - first) * sizeof(Event))
        self._copy_events(block, first)
        return _as_events(block)

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
            done = run_commands(&self.desk, commands + start, end - start)
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
        cdef const uint8_t[::1] view
        cdef const Command *command
        cdef int64_t count
        cdef Block block
        cdef int result = 0
        if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
            found = getattr(commands, "dtype", type(commands).__name__)
            raise MisuseError(f"apply_batch takes a one-dimensional array of parbook.records.COMMAND, not {found}.")
        count = commands.shape[0]
        # Most commands cause one event or a little more.
        block = take_block(<size_t>(count + (count >> 2)) * sizeof(Event))
        view = np.ascontiguousarray(commands).view(np.uint8)
        if count and <size_t>&view[0] & 7:
            # Records sliced out of a file at an odd offset: NumPy calls them aligned, C does not.
            view = commands.copy().view(np.uint8)
        self._enter()
        if count:
            command = <const Command *>&view[0]
            with nogil:
                result = self._run_batch(command, count, block)
        self._leave(result)
        return _as_events(block)

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
        run_set_curve(&self.desk, params, spare)
        if self.desk.curve != spare:
            free(spare)
        self._leave(0)
        return self._events_from(first)

    cdef int _run_one(self, const Command *command) except -1:
        """Run one command; its events are in the ring from desk.batch_seq on."""
        self._enter()
        if desk_reserve(&self.desk, 1, 0) != 0:
            return self._leave(-1)
        return self._leave(0 if run_commands(&self.desk, command, 1) == 1 else -1)

    cdef Placed _sum_up(self, const Command *command):
        """Run a NEW or an AMEND and sum up its events."""
        cdef Placed placed = Placed.__new__(Placed)
        cdef const Event *event
        cdef uint64_t seq
        cdef bint begun = False
        self._run_one(command)
        placed.first_seq = self.desk.batch_seq
        placed.order_id = command.order_id
        for seq in range(self.desk.batch_seq, self.desk.next_seq):
            event = event_at(&self.desk, seq)
            if event.kind == REJECTED:
                placed = Placed.__new__(Placed)
                placed.first_seq = self.desk.batch_seq
                placed.order_id = command.order_id
                placed.code = event.code
            elif begun:
                placed.follow(event)
            elif begins(event, command):
                begun = True
                placed.order_id = event.order_id
                placed.leaves_lots = 0 if event.kind == CANCELLED else event.leaves_lots
        return placed

    def place(
        self, account, side, qty_lots, price_ticks=0, order_type=0, tif=0, client_id=0, ts_ns=0
    ):
        """Enter an order; the shortcut for apply(NewOrder(...)). MisuseError for non-integers."""
        cdef Command command
        memset(&command, 0, sizeof(Command))
        command.kind = NEW
        command.account = <uint32_t>_unsigned(account, "account", 0xFFFFFFFF)
        command.side = <uint8_t>_unsigned(side, "side", 255)
        command.qty_lots = _signed(qty_lots, "qty_lots")
        command.price_ticks = _signed(price_ticks, "price_ticks")
        command.order_type = <uint8_t>_unsigned(order_type, "order_type", 255)
        command.tif = <uint8_t>_unsigned(tif, "tif", 255)
        command.client_id = _unsigned(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
        command.ts_ns = _signed(ts_ns, "ts_ns")
        return self._sum_up(&command)

    def amend(self, account, order_id=0, client_id=0, qty_lots=0, price_ticks=0, ts_ns=0):
        """Amend an order; the shortcut for apply(AmendOrder(...))."""
        cdef Command command
        memset(&command, 0, sizeof(Command))
        command.kind = AMEND
        command.account = <uint32_t>_unsigned(account, "account", 0xFFFFFFFF)
        command.order_id = _unsigned(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
        command.client_id = _unsigned(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
        command.qty_lots = _signed(qty_lots, "qty_lots")
        command.price_ticks = _signed(price_ticks, "price_ticks")
        command.ts_ns = _signed(ts_ns, "ts_ns")
        return self._sum_up(&command)

    def cancel(self, account, order_id=0, client_id=0, ts_ns=0):
        """Cancel an order; 0 when done, else the RejectCode's number."""
        cdef Command command
        cdef const Event *event
        memset(&command, 0, sizeof(Command))
        command.kind = CANCEL
        command.account = <uint32_t>_unsigned(account, "account", 0xFFFFFFFF)
        command.order_id = _unsigned(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
        command.client_id = _unsigned(client_id, "client_id", 0xFFFFFFFFFFFFFFFF)
        command.ts_ns = _signed(ts_ns, "ts_ns")
        self._run_one(&command)
        event = event_at(&self.desk, self.desk.next_seq - 1)
        return event.code if event.kind == REJECTED else 0

    # --- views ----------------------------------------------------------------------------------

    def events(self, since):
        """Return the EVENT records from sequence number `since` on. MisuseError when they are overwritten.

        The events of the last place, cancel, amend or apply are always kept; of a batch, which returned them, its end.
        """
        cdef uint64_t first = _unsigned(since, "since", 0xFFFFFFFFFFFFFFFF)
        self._idle()
        cdef uint64_t oldest = desk_oldest_seq(&self.desk)
        if first < oldest:
            raise MisuseError(f"events from {first} on are overwritten; the oldest kept is {oldest}. Read more often.")
        return self._events_from(min(first, self.desk.next_seq))

    def depth(self, levels=10):
        """Return DEPTH records of book and curve, best first, bids before asks."""
        cdef int64_t count = _signed(levels, "levels")
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
        cdef uint64_t number = _unsigned(order_id, "order_id", 0xFFFFFFFFFFFFFFFF)
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
        return queue_of(&self.desk.book, <int>_unsigned(side, "side", 1), _signed(price_ticks, "price_ticks"))

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
        total += self.desk.book.ids.capacity * sizeof(uint32_t)
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
