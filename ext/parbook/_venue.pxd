# What an exchange keeps beside its markets: the ledger, the clock, the numbers, sessions and their outcomes; and the
# commands that concern no market. Twin of parbook.reference.exchange.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from parbook._desk cimport Desk
from parbook._identity cimport (
    ClientIds, client_find, client_ids_clear, client_ids_init, client_ids_reserve, client_open, client_remove,
)
from parbook._ledger cimport (
    STATUS_LIMIT, TIERS_MAX, Ledger, Profile, ledger_balance, ledger_clear, ledger_conserves, ledger_deposit,
    ledger_init, ledger_refusal, ledger_set_fees, ledger_status, ledger_transfer, ledger_withdraw, profile_make,
)
from parbook._listing cimport Funds
from parbook._types cimport *

cdef enum:
    EVERY_INSTRUMENT = 65535
    SESSIONS_FIRST = 16
    OUTCOMES_FIRST = 64

# What came of a command that a session gave a reference.
cdef struct Outcome:
    uint64_t session_ref
    uint64_t order_id
    uint64_t first_seq
    uint16_t session
    uint16_t instrument     # in whose stream first_seq counts
    uint16_t code

cdef struct Venue:
    Ledger ledger
    Desk **desks
    Funds **funds           # by instrument, freed with the exchange
    uint32_t count
    uint32_t capacity
    int64_t now_ns
    uint64_t next_command
    uint64_t next_seq       # of the exchange's own stream
    int64_t least_max_fee_ppm
    uint64_t *last_refs     # by session, as far as sessions have given references
    uint32_t sessions
    Outcome *outcomes       # a ring that grows up to the window
    uint64_t outcome_capacity
    uint64_t outcome_first
    uint64_t outcome_count
    uint64_t outcome_window
    ClientIds outcome_ids   # (session, reference) -> where it stands in the ring
    bint broken

cdef inline int venue_init(
    Venue *venue, uint64_t txn_window, uint64_t outcome_window, int64_t max_fee_ppm
) noexcept nogil:
    memset(venue, 0, sizeof(Venue))
    venue.next_command = venue.next_seq = 1
    venue.outcome_window = outcome_window
    venue.least_max_fee_ppm = max_fee_ppm
    client_ids_init(&venue.outcome_ids, 0)
    return ledger_init(&venue.ledger, txn_window)

cdef inline void venue_clear(Venue *venue) noexcept nogil:
    ledger_clear(&venue.ledger)
    client_ids_clear(&venue.outcome_ids)
    free(venue.desks)
    free(venue.funds)
    free(venue.last_refs)
    free(venue.outcomes)
    memset(venue, 0, sizeof(Venue))

cdef inline int venue_add(Venue *venue, Desk *desk, Funds *funds) noexcept nogil:
    """Number a market. -1 without memory."""
    cdef uint32_t capacity = 16 if venue.capacity == 0 else venue.capacity * 2
    cdef Desk **desks
    cdef Funds **all_funds
    if venue.count == venue.capacity:
        desks = <Desk **>realloc(venue.desks, capacity * sizeof(Desk *))
        if desks == NULL:
            return -1
        venue.desks = desks
        all_funds = <Funds **>realloc(venue.funds, capacity * sizeof(Funds *))
        if all_funds == NULL:
            return -1
        venue.funds = all_funds
        venue.capacity = capacity
    desk.number = <uint16_t>venue.count
    venue.desks[venue.count] = desk
    venue.funds[venue.count] = funds
    venue.count += 1
    return 0

# --- what a command is ----------------------------------------------------------------------------

cdef inline bint is_market_kind(uint8_t kind) noexcept nogil:
    """Whether a market handles it. SET_CURVE has a record of its own, TERMS is no command."""
    return (NEW <= kind <= BUST and kind != WITHDRAW_CURVE + 1 and kind != TERMS) or kind == FUND_CURVE

cdef inline bint takes_reference(uint8_t kind) noexcept nogil:
    """Whether `high_ticks` is a session's reference."""
    return NEW <= kind <= REDUCE or kind == NEW_SPECIAL or kind == AMEND_SPECIAL

cdef inline bint takes_every(uint8_t kind) noexcept nogil:
    """Whether it can be meant for every instrument."""
    return kind == ADVANCE or kind == MASS_CANCEL or kind == KILL or kind == DEADMAN

cdef inline bint has_reference(const Command *command) noexcept nogil:
    return takes_reference(command.kind) and command.high_ticks != 0

# --- the exchange's own stream --------------------------------------------------------------------

cdef inline void own_event(Venue *venue, Event *event, uint8_t kind) noexcept nogil:
    """Begin the next event of the exchange's own stream; the caller fills in what it says."""
    memset(event, 0, sizeof(Event))
    event.kind = kind
    event.seq = venue.next_seq
    event.instrument = EVERY_INSTRUMENT
    event.command = <uint16_t>venue.next_command
    venue.next_seq += 1

cdef inline void own_refusal(Venue *venue, Event *event, uint16_t code, const Command *command) noexcept nogil:
    """Answer with a refusal; it echoes the ids that the kind names, a transaction's as order_id."""
    own_event(venue, event, REJECTED)
    event.code = code
    event.account = command.account
    if MASS_CANCEL <= command.kind <= BUST or SET_FEES <= command.kind <= SET_STATUS:
        return
    event.order_id = command.order_id
    if command.kind < DEPOSIT or command.kind > TRANSFER:
        event.other_id = command.client_id

cdef inline uint16_t venue_move_clock(Venue *venue, int64_t ts_ns) noexcept nogil:
    """Move the exchange's clock; markets catch up when they are named."""
    if ts_ns == 0:
        return 0
    if ts_ns < venue.now_ns:
        return TIME_REVERSED
    venue.now_ns = ts_ns
    return 0

# --- commands that concern no market --------------------------------------------------------------

cdef inline uint16_t move_money(Venue *venue, const Command *command, Event *event) noexcept nogil:
    """DEPOSIT, WITHDRAW, TRANSFER."""
    cdef Ledger *ledger = &venue.ledger
    cdef uint16_t code
    if command.session >= ledger.asset_count:
        return UNKNOWN_ASSET
    if command.kind != DEPOSIT:
        # One that was done before says so, whatever its account may do by now.
        code = ledger_refusal(ledger, command.account, command.qty_lots, command.order_id)
        if code != 0:
            return code
        if ledger_status(ledger, command.account) == STATUS_SUSPENDED:
            return ACCOUNT_SUSPENDED
    if command.kind == DEPOSIT:
        code = ledger_deposit(ledger, command.account, command.session, command.qty_lots, command.order_id)
    elif command.kind == WITHDRAW:
        code = ledger_withdraw(ledger, command.account, command.session, command.qty_lots, command.order_id)
    else:
        code = ledger_transfer(
            ledger, command.account, command.trail_ppm, command.session, command.qty_lots, command.order_id
        )
    if code != 0:
        return code
    own_event(venue, event, DEPOSITED + command.kind - DEPOSIT)
    event.account = command.account
    event.code = command.session
    event.order_id = command.order_id
    event.qty_lots = command.qty_lots
    event.leaves_lots = ledger_balance(ledger, command.account, command.session)
    event.other_account = command.trail_ppm if command.kind == TRANSFER else 0
    return 0

cdef inline uint16_t set_fees(Venue *venue, const Command *command, Event *event) noexcept nogil:
    cdef uint16_t code = ledger_set_fees(
        &venue.ledger, command.session, command.price_ticks, command.high_ticks, venue.least_max_fee_ppm
    )
    if code != 0:
        return code
    own_event(venue, event, FEES_SET)
    event.code = command.session
    event.price_ticks = command.price_ticks
    event.qty_lots = command.high_ticks
    return 0

cdef inline uint16_t set_profile(Venue *venue, const Command *command, Event *event) noexcept nogil:
    """SET_TIER, SET_STATUS."""
    cdef Profile *profile
    if command.account == 0:
        return INVALID_ACCOUNT
    if command.kind == SET_TIER and (
        command.session >= TIERS_MAX or not venue.ledger.tier_set[command.session]
    ):
        return UNKNOWN_TIER
    if command.kind == SET_STATUS and command.order_type > STATUS_LIMIT:
        return UNKNOWN_STATUS
    profile = profile_make(&venue.ledger, command.account)
    if profile == NULL:
        return 0
    if command.kind == SET_TIER:
        profile.tier = <uint8_t>command.session
        own_event(venue, event, TIER_SET)
        event.code = command.session
    else:
        profile.status = command.order_type
        own_event(venue, event, STATUS_SET)
        event.code = command.order_type
    event.account = command.account
    return 0

cdef inline void own_command(Venue *venue, const Command *command, Event *event) noexcept nogil:
    """Apply a command that concerns no market; it has exactly one event."""
    cdef uint16_t code = UNKNOWN_COMMAND
    if DEPOSIT <= command.kind <= SET_STATUS:
        code = venue_move_clock(venue, command.ts_ns)
        if code == 0 and command.kind <= TRANSFER:
            code = move_money(venue, command, event)
        elif code == 0 and command.kind == SET_FEES:
            code = set_fees(venue, command, event)
        elif code == 0:
            code = set_profile(venue, command, event)
    if code != 0:
        own_refusal(venue, event, code, command)
    venue.next_command += 1
    pb_assert(ledger_conserves(&venue.ledger), "ledger: an asset does not add up after a command of the exchange")

# --- sessions -------------------------------------------------------------------------------------

cdef inline int sessions_grow(Venue *venue, uint16_t session) noexcept nogil:
    """Make room for a session's last reference. -1 without memory."""
    cdef uint32_t sessions = max(<uint32_t>SESSIONS_FIRST, venue.sessions)
    cdef uint64_t *last_refs
    while sessions <= session:
        sessions *= 2
    last_refs = <uint64_t *>realloc(venue.last_refs, sessions * sizeof(uint64_t))
    if last_refs == NULL:
        return -1
    memset(last_refs + venue.sessions, 0, (sessions - venue.sessions) * sizeof(uint64_t))
    venue.last_refs = last_refs
    venue.sessions = sessions
    return 0

cdef inline bint reference_known(Venue *venue, const Command *command, Event *event) noexcept nogil:
    """Whether a reference is no new one: then the event says what came of it, or why it cannot be said.

    A new one becomes the session's last.
    """
    cdef const Outcome *outcome
    cdef uint32_t at
    if command.high_ticks < 0 or command.session == 0:
        own_refusal(venue, event, INVALID_SESSION_REF, command)
        venue.next_command += 1
        return True
    if command.session >= venue.sessions and sessions_grow(venue, command.session) != 0:
        venue.broken = True
        return False
    if <uint64_t>command.high_ticks > venue.last_refs[command.session]:
        venue.last_refs[command.session] = <uint64_t>command.high_ticks
        return False
    at = client_find(&venue.outcome_ids, command.session, <uint64_t>command.high_ticks)
    if at == NIL:
        own_refusal(venue, event, OUTCOME_FORGOTTEN, command)
    else:
        outcome = &venue.outcomes[at]
        own_event(venue, event, REPEATED)
        event.code = outcome.code
        event.account = command.account
        event.order_id = outcome.order_id
        event.other_id = outcome.session_ref
        event.other_account = outcome.instrument
        event.qty_lots = <int64_t>outcome.first_seq
    venue.next_command += 1
    return True

cdef inline int outcomes_grow(Venue *venue) noexcept nogil:
    """Double the ring, which is full. It only ever grows before its first outcome is forgotten: none has moved."""
    cdef uint64_t capacity = OUTCOMES_FIRST if venue.outcome_capacity == 0 else venue.outcome_capacity * 2
    cdef Outcome *outcomes
    capacity = min(capacity, venue.outcome_window)
    outcomes = <Outcome *>realloc(venue.outcomes, capacity * sizeof(Outcome))
    if outcomes == NULL:
        return -1
    venue.outcomes = outcomes
    venue.outcome_capacity = capacity
    return 0

cdef inline void remember_outcome(Venue *venue, const Outcome *outcome) noexcept nogil:
    """Keep what came of a reference; the oldest beyond the window is forgotten. O(1) amortised."""
    cdef Outcome *oldest
    cdef uint64_t at
    if venue.outcome_count == venue.outcome_window:
        oldest = &venue.outcomes[venue.outcome_first]
        client_remove(&venue.outcome_ids, oldest.session, oldest.session_ref)
        venue.outcome_first = (venue.outcome_first + 1) % venue.outcome_window
        venue.outcome_count -= 1
    elif venue.outcome_count == venue.outcome_capacity and outcomes_grow(venue) != 0:
        venue.broken = True
        return
    if client_ids_reserve(&venue.outcome_ids, 1) != 0:
        venue.broken = True
        return
    at = (venue.outcome_first + venue.outcome_count) % venue.outcome_capacity
    venue.outcomes[at] = outcome[0]
    venue.outcome_count += 1
    client_open(&venue.outcome_ids, outcome.session, outcome.session_ref, <uint32_t>at)
