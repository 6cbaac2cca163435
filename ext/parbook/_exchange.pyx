"""The compiled exchange: the same commands, events and state hash as parbook.reference.Exchange, byte for byte."""

cimport cython
from cpython.ref cimport Py_XDECREF
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from parbook._block cimport Block, take_block
from parbook._calls cimport (
    Placed, as_events, checked_commands, fill_amend, fill_cancel, fill_new, placed_again, put_untraded,
    refusal_from, signed_of, sum_up, unsigned_of,
)
from parbook._curve cimport CurveParams
from parbook._desk cimport Desk, desk_reserve, desk_reserve_call
from parbook._exchange_views cimport count_balances, put_balances, put_outcomes, put_profiles, put_txns
from parbook._ledger cimport (
    TIERS_MAX, AssetSums, Balance, Ledger, Profile, ledger_add_asset, ledger_available, ledger_balance, ledger_held,
    ledger_status, ledger_tier,
)
from parbook._listing cimport Funds
from parbook._market cimport Gate, Market, market_prepare, market_set_curve, market_step
from parbook._quotes cimport Curve
from parbook._routing cimport put_event, run_batch, take_events
from parbook._types cimport *
from parbook._venue cimport Outcome, Venue, own_refusal, venue_add, venue_clear, venue_init

import numpy as np

from parbook import exchange_state as _layout
from parbook.codes import AccountStatus, Side
from parbook.errors import CorruptionError, InvariantError, MisuseError
from parbook.listing import ASSETS_MAX, MAX_FEE_PPM_MAX, Asset, Fees, Listing, fee_atoms
from parbook.messages import SetCurve
from parbook.records import command_records, curve_record, events_from_records
from parbook.units import INSTRUMENTS_MAX

OUTCOMES_MAX = 65536
TXN_WINDOW = 65536


@cython.final
cdef class Exchange:
    """Assets, instruments and accounts, compiled. See `parbook.interface.ExchangeProtocol`.

    Not for two threads at once: a second one that enters while a batch runs gets a MisuseError.
    """

    def __cinit__(self, outcome_window=OUTCOMES_MAX):
        cdef int64_t window = signed_of(outcome_window, "outcome_window")
        if not 1 <= window <= OUTCOMES_MAX:
            raise MisuseError(f"outcome_window={window} is outside 1..{OUTCOMES_MAX}.")
        if venue_init(&self.venue, TXN_WINDOW, <uint64_t>window, MAX_FEE_PPM_MAX) != 0:
            raise MemoryError("no memory for an exchange")
        self.gate = Gate()
        self._assets, self._listings, self._markets = [], [], []
        self._names, self._symbols = set(), set()

    def __dealloc__(self):
        cdef uint32_t i
        # The markets may be gone already; what they were given is freed with the ledger it points to.
        for i in range(self.venue.count):
            free(self.venue.funds[i])
        venue_clear(&self.venue)
        Py_XDECREF(self.placed)

    @classmethod
    def from_state(cls, state, assets, listings):
        """Return the exchange that had this state. See `parbook.interface.ExchangeProtocol`."""
        # A module of its own, compiled on this one: it cannot be imported above.
        from parbook._exchange_restore import exchange_from_state
        return exchange_from_state(state, assets, listings)

    def __reduce__(self):
        raise MisuseError("an Exchange cannot be pickled or copied. Keep its commands and replay them.")

    # --- what is traded -------------------------------------------------------------------------

    def add_asset(self, asset):
        """Return the index of a new asset. MisuseError when the name is taken or there is no room. O(1)."""
        self._idle()
        if not isinstance(asset, Asset):
            raise MisuseError(f"add_asset takes an Asset, not {type(asset).__name__}.")
        if asset.name in self._names:
            raise MisuseError(f"asset {asset.name} exists already: use its index.")
        if len(self._assets) >= ASSETS_MAX:
            raise MisuseError(f"an exchange has at most {ASSETS_MAX} assets.")
        if ledger_add_asset(&self.venue.ledger) != 0:
            raise MemoryError("no memory for an asset")
        self._assets.append(asset)
        self._names.add(asset.name)
        return len(self._assets) - 1

    def add_instrument(self, listing):
        """Return the index of a new instrument, its market empty. MisuseError when it does not fit what is here."""
        cdef Market market
        cdef Funds *funds
        cdef int tier
        self._idle()
        if not isinstance(listing, Listing):
            raise MisuseError(f"add_instrument takes a Listing, not {type(listing).__name__}.")
        symbol = listing.instrument.symbol
        if max(listing.base, listing.quote) >= len(self._assets):
            raise MisuseError(f"listing {symbol}: base and quote must be among the {len(self._assets)} assets added.")
        if symbol in self._symbols:
            raise MisuseError(f"instrument {symbol} exists already: use its index.")
        if len(self._listings) >= INSTRUMENTS_MAX:
            raise MisuseError(f"an exchange has at most {INSTRUMENTS_MAX} instruments.")
        for tier in range(TIERS_MAX):
            if max(self.venue.ledger.maker_ppm[tier], self.venue.ledger.taker_ppm[tier]) > listing.max_fee_ppm:
                raise MisuseError(f"listing {symbol}: a fee tier is above max_fee_ppm={listing.max_fee_ppm}. Raise it.")
        market = Market(listing.instrument)
        funds = <Funds *>calloc(1, sizeof(Funds))
        if funds == NULL or venue_add(&self.venue, &market.desk, funds) != 0:
            free(funds)
            raise MemoryError("no memory for a market")
        funds.ledger = &self.venue.ledger
        funds.base, funds.quote, funds.treasury = listing.base, listing.quote, listing.treasury
        funds.lot_atoms, funds.tick_atoms = listing.lot_atoms, listing.tick_atoms
        funds.max_fee_ppm = listing.max_fee_ppm
        market.desk.funds = funds
        market.desk.watch |= WATCH_MONEY
        market.gate = self.gate
        self.venue.least_max_fee_ppm = min(self.venue.least_max_fee_ppm, funds.max_fee_ppm)
        self._listings.append(listing)
        self._symbols.add(symbol)
        self._markets.append(market)
        return len(self._listings) - 1

    @property
    def assets(self):
        """The assets, by index."""
        return tuple(self._assets)

    @property
    def listings(self):
        """The instruments with their money, by index."""
        return tuple(self._listings)

    # --- entering -------------------------------------------------------------------------------

    cdef int _idle(self) except -1:
        if self.gate.entered:
            raise MisuseError(
                "another thread, or the call a finalizer interrupted, is inside this exchange. "
                "Let one caller use it at a time."
            )
        return 0

    cdef int _enter(self) except -1:
        self._idle()
        self._refuse_broken()
        self.gate.entered = True
        return 0

    cdef int _refuse_broken(self) except -1:
        if self.venue.broken or self.venue.ledger.broken:
            raise CorruptionError(
                "memory ran out inside a command: this exchange's state is lost. Rebuild it by replay."
            )
        return 0

    cdef int _leave(self, int result) except -1:
        self.gate.entered = False
        self._refuse_broken()
        if result != 0:
            raise MemoryError("no memory for a further order; the command was not applied")
        return 0

    # --- commands -------------------------------------------------------------------------------

    def apply(self, command):
        """Apply one command and return its events. MisuseError when a value does not fit its record field."""
        if isinstance(command, SetCurve):
            return events_from_records(self._set_curve(curve_record(command)))
        return events_from_records(self.apply_batch(command_records([command])))

    def apply_batch(self, commands):
        """Apply an array of COMMAND records and return the EVENT records they caused. Releases the GIL."""
        cdef const uint8_t[::1] view = checked_commands(commands)
        cdef const Command *command
        cdef int64_t count = view.shape[0] // <int64_t>sizeof(Command)
        cdef int result = 0
        cdef Block block = take_block(<size_t>(count + (count >> 1)) * sizeof(Event))
        self._enter()
        if count:
            command = <const Command *>&view[0]
            with nogil:
                result = run_batch(&self.venue, command, count, block)
        self._leave(result)
        return as_events(block)

    def _set_curve(self, record):
        cdef const uint8_t[::1] view = record.view(np.uint8)
        cdef const CurveParams *params = <const CurveParams *>&view[0]
        cdef Block block = take_block(sizeof(Event))
        cdef Curve *spare = NULL
        cdef Desk *desk
        cdef Event event
        cdef Command refused
        cdef uint64_t first
        self._enter()
        if params.instrument >= self.venue.count:
            memset(&refused, 0, sizeof(Command))
            own_refusal(&self.venue, &event, UNKNOWN_INSTRUMENT, &refused)
            self.venue.next_command += 1
            self._leave(put_event(&self.venue, block, &event))
            return as_events(block)
        desk = self.venue.desks[params.instrument]
        if desk.curve == NULL:
            spare = <Curve *>calloc(1, sizeof(Curve))
        if desk_reserve(desk, 1, 1) != 0 or (desk.curve == NULL and spare == NULL):
            free(spare)
            self._leave(-1)
        first = desk.batch_seq = desk.next_seq
        desk.next_command = self.venue.next_command
        market_prepare(desk, self.venue.now_ns)
        market_set_curve(desk, params, spare)
        if desk.curve != spare:
            free(spare)
        self._leave(take_events(&self.venue, desk, first, block))
        return as_events(block)

    cdef Desk *_step(self, const Command *command, uint64_t *first, uint64_t *own) except? NULL:
        """Run a command of one market, whose events stay in its ring; NULL when there is no such market."""
        cdef Venue *venue = &self.venue
        cdef Desk *desk
        # What _enter and _leave ask, asked here: calls cost more than the questions.
        if pb_unlikely(self.gate.entered or venue.broken or venue.ledger.broken):
            self._enter()
        self.gate.entered = True
        if pb_unlikely(command.instrument >= venue.count):
            first[0] = venue.next_seq
            venue.next_seq += 1
            venue.next_command += 1
            self._leave(0)
            return NULL
        desk = venue.desks[command.instrument]
        first[0] = desk.batch_seq = desk.next_seq
        desk.next_command = venue.next_command
        if pb_unlikely(desk_reserve_call(desk) != 0):
            self._leave(-1)
        if pb_unlikely(market_step(desk, venue.now_ns, command, 1, own) != 1 or desk.broken):
            venue.broken = True
        venue.next_command = desk.next_command
        venue.now_ns = max(venue.now_ns, desk.now_ns)
        if pb_unlikely(venue.broken or venue.ledger.broken):
            self._leave(0)
        self.gate.entered = False
        return desk

    cdef Placed _place(self, const Command *command):
        """Run a NEW or an AMEND of one market and sum up its events."""
        cdef Placed placed
        cdef uint64_t first, own
        cdef Desk *desk = self._step(command, &first, &own)
        placed = placed_again(&self.placed)
        if pb_likely(desk != NULL):
            sum_up(placed, desk, command, own)
            placed.first_seq = first
        else:
            put_untraded(placed, UNKNOWN_INSTRUMENT, command.order_id, first)
        return placed

    def place(
        self, instrument, account, side, qty_lots, price_ticks=0, order_type=0, tif=0, client_id=0, ts_ns=0
    ):
        """Enter an order; the shortcut for apply(NewOrder(...)). MisuseError for non-integers."""
        cdef Command command
        fill_new(&command, account, side, qty_lots, price_ticks, order_type, tif, client_id, ts_ns)
        command.instrument = <uint16_t>unsigned_of(instrument, "instrument", 65535)
        return self._place(&command)

    def amend(self, instrument, account, order_id=0, client_id=0, qty_lots=0, price_ticks=0, ts_ns=0):
        """Amend an order; the shortcut for apply(AmendOrder(...))."""
        cdef Command command
        fill_amend(&command, account, order_id, client_id, qty_lots, price_ticks, ts_ns)
        command.instrument = <uint16_t>unsigned_of(instrument, "instrument", 65535)
        return self._place(&command)

    def cancel(self, instrument, account, order_id=0, client_id=0, ts_ns=0):
        """Cancel an order; 0 when done, else the RejectCode's number."""
        cdef Command command
        cdef uint64_t first, own
        cdef Desk *desk
        cdef int code
        fill_cancel(&command, account, order_id, client_id, ts_ns)
        command.instrument = <uint16_t>unsigned_of(instrument, "instrument", 65535)
        desk = self._step(&command, &first, &own)
        code = refusal_from(desk, own) if desk != NULL else UNKNOWN_INSTRUMENT
        return code if code != 0 else 0

    # --- views ----------------------------------------------------------------------------------

    def market(self, instrument):
        """Return a market to look at. MisuseError for an index that no instrument has."""
        cdef uint64_t number
        self._idle()
        if not self._markets:
            raise MisuseError(f"market({instrument}): the exchange has no instruments yet: add_instrument first.")
        number = unsigned_of(instrument, "instrument", <uint64_t>len(self._markets) - 1)
        self.venue.desks[number].next_command = self.venue.next_command
        return self._markets[number]

    cdef uint32_t _asset(self, object asset) except? 0xFFFFFFFF:
        if not self._assets:
            raise MisuseError(f"asset={asset}: the exchange has no assets yet: add_asset first.")
        self._idle()
        return <uint32_t>unsigned_of(asset, "asset", <uint64_t>len(self._assets) - 1)

    def balance(self, account, asset):
        """Atoms an account owns, held ones included."""
        cdef uint32_t number = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
        return ledger_balance(&self.venue.ledger, number, self._asset(asset))

    def held(self, account, asset):
        """Atoms of the balance that live orders, or a curve, may need."""
        cdef uint32_t number = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
        return ledger_held(&self.venue.ledger, number, self._asset(asset))

    def available(self, account, asset):
        """Atoms that may be withdrawn, transferred or held for something else."""
        cdef uint32_t number = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
        return ledger_available(&self.venue.ledger, number, self._asset(asset))

    def fees_taken(self, asset):
        """Atoms that the venue earned: fees minus rebates."""
        return self.venue.ledger.assets[self._asset(asset)].fees

    def suspense(self, asset):
        """Atoms of busts that nobody paid for, negative when the venue owes them."""
        return self.venue.ledger.assets[self._asset(asset)].suspense

    def inside(self, asset):
        """Atoms that were deposited and not withdrawn: balances, fees and suspense together."""
        return self.venue.ledger.assets[self._asset(asset)].inside

    def fees_of(self, account):
        """What an account pays."""
        cdef uint32_t number = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
        cdef int tier = ledger_tier(&self.venue.ledger, number)
        self._idle()
        return Fees(maker_ppm=self.venue.ledger.maker_ppm[tier], taker_ppm=self.venue.ledger.taker_ppm[tier])

    def status_of(self, account):
        """What an account may do."""
        cdef uint32_t number = <uint32_t>unsigned_of(account, "account", 0xFFFFFFFF)
        self._idle()
        return AccountStatus(ledger_status(&self.venue.ledger, number))

    @property
    def now_ns(self):
        """The exchange's clock: the greatest ts_ns of any command so far."""
        return self.venue.now_ns

    @property
    def next_command(self):
        """The number the next command will have. The first is 1."""
        return self.venue.next_command

    @property
    def next_seq(self):
        """Sequence number of the next event in the exchange's own stream. The first is 1."""
        return self.venue.next_seq

    @property
    def memory_bytes(self):
        """Bytes of heap this exchange has reserved, its markets included."""
        cdef size_t total = sizeof(Venue) + self.venue.ledger.capacity * sizeof(Balance)
        total += self.venue.ledger.profile_capacity * sizeof(Profile)
        total += self.venue.ledger.asset_count * sizeof(AssetSums)
        total += (self.venue.ledger.txns.capacity + self.venue.ledger.txns.dead_capacity) * 16
        total += self.venue.capacity * 2 * sizeof(void *) + self.venue.count * sizeof(Funds)
        total += self.venue.outcome_capacity * sizeof(Outcome) + self.venue.outcome_ids.capacity * 16
        total += self.venue.sessions * sizeof(uint64_t)
        return total + sum(market.memory_bytes for market in self._markets)

    cdef object _ledger_parts(self):
        """Return the arrays of everything that is the ledger's, in the order of the layout."""
        cdef const Ledger *ledger = &self.venue.ledger
        keys = np.empty(count_balances(ledger), np.uint64)
        atoms = np.empty(len(keys), np.int64)
        put_balances(ledger, keys, atoms)
        order = np.argsort(keys)
        balances = np.zeros(len(keys), _layout.BALANCE)
        balances["account"], balances["asset"] = keys[order] >> 16, keys[order] & 0xFFFF
        balances["atoms"] = atoms[order]
        accounts = np.empty(ledger.profile_used, np.uint32)
        tier_of, status_of = np.empty(len(accounts), np.uint8), np.empty(len(accounts), np.uint8)
        put_profiles(ledger, accounts, tier_of, status_of)
        order = np.argsort(accounts)
        tiers = [
            (tier, ledger.maker_ppm[tier], ledger.taker_ppm[tier])
            for tier in range(TIERS_MAX)
            if ledger.tier_set[tier]
        ]
        txns = np.empty(ledger.txns.dead_count, np.uint64)
        put_txns(ledger, txns)
        return [
            balances,
            np.array(tiers, _layout.TIER),
            _members(accounts[order], tier_of[order], _layout.MEMBER),
            _members(accounts[order], status_of[order], _layout.STATUS),
            txns.view(_layout.TXN),
        ]

    cdef object _session_parts(self):
        cdef uint32_t session
        sessions = []
        for session in range(self.venue.sessions):
            if self.venue.last_refs[session] != 0:
                sessions.append((session, self.venue.last_refs[session]))
        outcomes = np.empty(self.venue.outcome_count, _layout.OUTCOME)
        put_outcomes(&self.venue, outcomes.view(np.uint8))
        return [np.array(sessions, _layout.SESSION), outcomes]

    def state_bytes(self):
        """Return the canonical serialisation of the state; layout in `parbook.exchange_state`. O(state)."""
        self._idle()
        assets = [
            (
                asset.name.encode(),
                asset.decimals,
                self.venue.ledger.assets[<uint32_t>i].inside,
                self.venue.ledger.assets[<uint32_t>i].fees,
                self.venue.ledger.assets[<uint32_t>i].suspense,
            )
            for i, asset in enumerate(self._assets)
        ]
        listings = [
            (listing.instrument.symbol.encode(), *(getattr(listing, name) for name in _layout.LISTING_FIELDS))
            for listing in self._listings
        ]
        parts = [
            np.array(assets, _layout.ASSET),
            np.array(listings, _layout.LISTING),
            *self._ledger_parts(),
            *self._session_parts(),
        ]
        header = (
            _layout.MAGIC,
            self.venue.now_ns,
            self.venue.next_command,
            self.venue.next_seq,
            self.venue.outcome_window,
            *(len(part) for part in parts),
        )
        out = [_layout.encode(np.array([header], _layout.HEADER), *parts)]
        for number in range(len(self._markets)):
            market = self.market(number).state_bytes()
            out += (_layout.encode(np.array([(len(market),)], _layout.SIZE)), market)
        return b"".join(out)

    def state_hash(self):
        """Return the BLAKE2b-256 of `state_bytes()`."""
        return _layout.digest(self.state_bytes())

    def check(self):
        """Verify every market's invariants, that each asset adds up and each hold is what its orders need. O(state)."""
        cdef uint64_t i
        cdef const Balance *balance
        self._idle()
        totals = [
            self.venue.ledger.assets[<uint32_t>n].fees + self.venue.ledger.assets[<uint32_t>n].suspense
            for n in range(len(self._assets))
        ]
        holds = self._holds()
        for i in range(self.venue.ledger.capacity):
            balance = &self.venue.ledger.balances[i]
            if balance.key == 0:
                continue
            account, asset = balance.key >> 16, balance.key & 0xFFFF
            totals[asset] += balance.atoms
            if balance.held != holds.pop((account, asset), 0):
                raise InvariantError(f"core: account {account}, asset {asset}: its holds are not what its orders need")
            if balance.atoms < balance.held or balance.atoms < 0:
                raise InvariantError(f"core: account {account}, asset {asset}: more is held than is there")
        if any(holds.values()):
            raise InvariantError(f"core: orders hold what no balance knows: {holds}")
        for n, total in enumerate(totals):
            if total != self.venue.ledger.assets[<uint32_t>n].inside:
                raise InvariantError(f"core: asset {n} does not add up: {total} atoms")
        for market in self._markets:
            market.check()

    def _holds(self):
        """Return what every live order and curve should hold, by (account, asset), reckoned from the orders alone."""
        cdef Curve *curve
        holds = {}
        for number, listing in enumerate(self._listings):
            market = self._markets[number]
            for order in market.live_orders():
                lots = int(order["qty_lots"] - order["filled_lots"])
                if order["side"] == Side.BUY:
                    price = (int(order["limit_ticks"]) or int(order["price_ticks"])) * listing.tick_atoms
                    hold, asset = lots * (price + fee_atoms(price, listing.max_fee_ppm)), listing.quote
                else:
                    hold, asset = lots * listing.lot_atoms, listing.base
                key = (int(order["account"]), asset)
                holds[key] = holds.get(key, 0) + hold
            curve = self.venue.desks[<uint32_t>number].curve
            if curve != NULL:
                for asset, hold in (
                    (listing.quote, curve.cursor.cash_notional * listing.tick_atoms),
                    (listing.base, (curve.cursor.net_lots - curve.params.min_net_lots) * listing.lot_atoms),
                ):
                    key = (listing.treasury, asset)
                    holds[key] = holds.get(key, 0) + hold
        return holds


def _members(accounts, values, dtype):
    """Return records of (account, value), those of 0 left out."""
    held = values != 0
    records = np.zeros(int(held.sum()), dtype)
    records[dtype.names[0]], records[dtype.names[1]] = accounts[held], values[held]
    return records
