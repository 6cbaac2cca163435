# NEW on the full path: which orders are refused, in which order the reasons are tested, what an accepted one does.
# Twin of parbook.reference.entry.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from parbook._aggress cimport (
    Outcome, carry_out, foresee, market_limit, reference_ticks, resting_lots,
)
from parbook._book cimport (
    CHAIN_CALL_BUYS, CHAIN_ELECTED, FLAG_POST_ONLY, LINE_NONE, Order, Special, book_touch, chain_append, order_at,
    order_place, special_at, special_trails,
)
from parbook._desk cimport Desk
from parbook._form cimport (
    Entry, action_of, is_immediate, is_market_type, is_stop, refusal_of_entry, refusal_of_ranges,
)
from parbook._identity cimport client_find
from parbook._funds cimport funds_admit_entry
from parbook._ids cimport ids_find
from parbook._limits cimport (
    accounts_admit_exposure, accounts_admit_rate, accounts_admit_use, accounts_max_lots, accounts_max_notional,
)
from parbook._live cimport (
    live_accept, live_arm, live_open, live_rest, live_special, place_of_terms, special_new, special_settle,
)
from parbook._phases cimport session_forbids, session_matches
from parbook._slab cimport slab_give, slab_take
from parbook._stops cimport stop_through, trailing_stop, trigger_price
from parbook._sweep cimport first_price
from parbook._types cimport *

# --- refusals -------------------------------------------------------------------------------------

cdef inline uint16_t refusal_of_size(
    const Desk *desk, uint32_t account, int64_t price_ticks, int64_t qty_lots, int64_t amount_notional
) noexcept nogil:
    """Test lots and ticks x lots, of which no more than an amount that is not 0 can be spent, against the limits."""
    cdef int64_t notional
    if pb_mul(price_ticks, qty_lots, &notional):
        return NOTIONAL_OVERFLOW
    if amount_notional != 0:
        notional = min(notional, amount_notional)
    if qty_lots > min(desk.config.max_order_lots, accounts_max_lots(desk, account)):
        return ORDER_TOO_LARGE
    if notional > min(desk.config.max_order_notional, accounts_max_notional(desk, account)):
        return NOTIONAL_TOO_LARGE
    return 0

cdef inline uint16_t refusal_of_distance(const Desk *desk, int64_t price_ticks) noexcept nogil:
    """Test a price's distance from the reference price, exactly: |price - reference| / reference <= reach."""
    cdef int64_t around_ticks = reference_ticks(desk)
    cdef int64_t distance_ticks = price_ticks - around_ticks
    if desk.config.price_reach_ppm == 0 or around_ticks == 0:
        return 0
    if distance_ticks < 0:
        distance_ticks = -distance_ticks
    if pb_product_above(distance_ticks, 1000000, desk.config.price_reach_ppm, around_ticks):
        return PRICE_TOO_FAR
    return 0

cdef inline uint16_t refusal_of_price(const Desk *desk, const Entry *entry) noexcept nogil:
    """Test the limit; a market order's is the protected one, a trailing stop's trigger needs its reference too."""
    cdef const Command *command = entry.command
    if is_market_type(command.order_type):
        if reference_ticks(desk) == 0:
            return NO_REFERENCE_PRICE
    elif command.price_ticks < 1 or command.price_ticks > PRICE_TICKS_MAX:
        return PRICE_OUT_OF_RANGE
    if command.order_type != PEGGED and (entry.terms.offset_ticks != 0 or entry.trail_ppm != 0):
        if trigger_price(desk, entry.terms.trigger) == 0:
            return NO_REFERENCE_PRICE
    return 0

cdef inline bint may_stay(const Entry *entry) noexcept nogil:
    """Whether it can outlive its entry: it takes a place among the open orders."""
    return is_stop(entry) or not is_immediate(entry.command.tif)

cdef inline uint16_t refusal_of_room(const Desk *desk, const Entry *entry) noexcept nogil:
    cdef bint stop = is_stop(entry)
    cdef const Command *command = entry.command
    if may_stay(entry) and desk.book.open_orders >= desk.config.max_orders:
        return BOOK_FULL
    if command.order_type == PEGGED and desk.book.pegs.count >= desk.config.max_pegs:
        return PEGS_FULL
    if stop and entry.terms.stop_ticks == 0 and desk.book.trailing.count >= desk.config.max_trailing:
        return TRAILING_FULL
    return 0

cdef inline uint16_t refusal_of_partner(const Desk *desk, const Entry *entry) noexcept nogil:
    """A partner is live, single, of the same account; one of the two is an armed stop, or both are limits that face."""
    cdef uint64_t partner_id = entry.terms.oco_order_id
    cdef uint32_t slot
    cdef const Order *partner
    cdef const Special *special
    if partner_id == 0:
        return 0
    slot = ids_find(&desk.book.ids, partner_id)
    if slot == NIL:
        return INVALID_OCO
    partner = order_at(&desk.book, slot)
    if partner.account != entry.command.account:
        return INVALID_OCO
    if partner.special != NIL:
        special = special_at(&desk.book, partner.special)
        if special.oco_order_id != 0 or special.quote_slot != 0 or special.peg != PEG_NONE:
            return INVALID_OCO
        if special.place == PLACE_ARMED:
            return 0
    if is_stop(entry):
        return 0
    if order_place(&desk.book, partner) <= PLACE_HIDDEN and partner.side != entry.command.side:
        return 0
    return INVALID_OCO

cdef inline uint16_t refusal_of_new(const Desk *desk, const Entry *entry) noexcept nogil:
    """Everything that is tested before an order is built, in order."""
    cdef const Command *command = entry.command
    cdef int64_t price_ticks = command.price_ticks
    cdef uint16_t code = refusal_of_entry(entry, desk.config.market_rests != 0)
    if code == 0:
        code = session_forbids(&desk.session, action_of(entry))
    if code == 0:
        code = accounts_admit_use(desk, command, entry.terms)
    if code == 0 and client_find(&desk.ids, command.account, command.client_id) != NIL:
        code = DUPLICATE_CLIENT_ID
    if code == 0:
        code = refusal_of_ranges(entry, desk.now_ns)
    if code == 0:
        code = refusal_of_price(desk, entry)
    if code != 0:
        return code
    if is_market_type(command.order_type):
        price_ticks = market_limit(desk, command.side)
    code = refusal_of_size(
        desk, command.account, price_ticks, command.qty_lots, entry.terms.amount_notional
    )
    if code == 0 and not is_market_type(command.order_type):
        code = refusal_of_distance(desk, command.price_ticks)
    if code == 0:
        code = refusal_of_room(desk, entry)
    if code == 0:
        code = accounts_admit_exposure(
            desk, command.account, command.side, command.qty_lots, entry.terms.reduce_only != 0, is_stop(entry),
            may_stay(entry),
        )
    if code == 0:
        code = refusal_of_partner(desk, entry)
    if code == 0:
        code = funds_admit_entry(desk, entry, price_ticks)
    return code

cdef inline uint16_t make_passive(
    const Desk *desk, int side, uint8_t order_type, int64_t touch_ticks, int64_t *price_ticks
) noexcept nogil:
    """Refuse a post-only order that would trade, or slide it one tick behind what it would trade with.

    `touch_ticks` is the best price of its own side, without the order itself where it rests already.
    """
    cdef int64_t first_ticks = first_price(desk, side, price_ticks[0], touch_ticks)
    cdef int64_t behind_ticks
    if first_ticks == 0:
        return 0
    behind_ticks = first_ticks - 1 if side == BUY else first_ticks + 1
    if order_type == POST_ONLY or behind_ticks < 1 or behind_ticks > PRICE_TICKS_MAX:
        return POST_ONLY_WOULD_TRADE
    price_ticks[0] = behind_ticks
    return 0

# --- entering -------------------------------------------------------------------------------------

cdef inline uint32_t build_order(Desk *desk, const Entry *entry) noexcept nogil:
    """Return the slot of a new order that has no identity yet; special_settle makes it plain where it is."""
    cdef const Command *command = entry.command
    cdef const Terms *terms = entry.terms
    cdef uint32_t slot = slab_take(&desk.book.orders, sizeof(Order))
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special
    cdef bint pegged = command.order_type == PEGGED
    order.order_id = desk.next_order_id
    order.client_id = command.client_id
    order.price_ticks = 0 if pegged or is_market_type(command.order_type) else command.price_ticks
    order.qty_lots = command.qty_lots
    order.filled_lots = 0
    order.account = command.account
    order.side = command.side
    order.session = command.session
    order.flags = FLAG_POST_ONLY if command.order_type == POST_ONLY or command.order_type == POST_SLIDE else 0
    special = special_new(desk, order)
    special.line = LINE_NONE
    special.order_type = command.order_type
    special.tif = command.tif
    special.hidden = terms.hidden
    special.reduce_only = terms.reduce_only
    special.stp = terms.stp
    special.peg = terms.peg
    special.trigger = terms.trigger
    special.display_lots = terms.display_lots
    special.stop_ticks = terms.stop_ticks
    special.offset_ticks = terms.offset_ticks
    special.limit_ticks = command.price_ticks if pegged else 0
    if command.order_type == MARKET and (is_stop(entry) or command.tif == TIF_AUCTION):
        special.limit_ticks = market_limit(desk, command.side)
    special.trail_ppm = 0 if pegged else entry.trail_ppm
    special.expire_ns = terms.expire_ns
    special.oco_order_id = terms.oco_order_id
    special.place = place_of_terms(special)
    return slot

cdef inline void discard_order(Desk *desk, uint32_t slot) noexcept nogil:
    """Give back an order that was refused before it got an identity."""
    slab_give(&desk.book.specials, order_at(&desk.book, slot).special, sizeof(Special))
    slab_give(&desk.book.orders, slot, sizeof(Order))

cdef inline void enter_order(Desk *desk, uint32_t slot) noexcept nogil:
    """Make an accepted order live, and its partner know it."""
    cdef const Order *order = order_at(&desk.book, slot)
    cdef uint64_t partner_id = live_special(desk, order).oco_order_id
    cdef Order *partner
    live_open(desk, slot)
    if partner_id == 0:
        return
    partner = order_at(&desk.book, ids_find(&desk.book.ids, partner_id))
    if partner.special == NIL:
        special_new(desk, partner)
    live_special(desk, partner).oco_order_id = order.order_id

cdef inline uint16_t enter_aside(Desk *desk, uint32_t slot, uint8_t place) noexcept nogil:
    """Park a peg, which the end of the command places, or let a market order wait for the uncross."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef uint16_t code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    live_special(desk, order).place = place
    enter_order(desk, slot)
    live_accept(desk, order, place, 0, order.qty_lots)
    if place == PLACE_CALL:
        chain_append(&desk.book, CHAIN_CALL_BUYS + order.side, slot)
    return 0

cdef inline uint16_t enter_gathering(Desk *desk, uint32_t slot) noexcept nogil:
    """Let an order rest untried: nothing matches now."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef uint16_t code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    enter_order(desk, slot)
    live_accept(desk, order, order_place(&desk.book, order), order.price_ticks, order.qty_lots)
    live_rest(desk, slot)
    special_settle(desk, order)
    return 0

cdef inline uint16_t enter_stop(Desk *desk, uint32_t slot) noexcept nogil:
    """Arm a stop, or elect it at once when its trigger has been reached and the instrument lets it."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    cdef bint through
    cdef uint16_t code
    if special_trails(special):
        special.stop_ticks = trailing_stop(special, order.side, trigger_price(desk, special.trigger))
    through = stop_through(desk, order.side, special.trigger, special.stop_ticks)
    if through and desk.config.stop_through_triggers == 0:
        return STOP_THROUGH
    code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    special.place = PLACE_ELECTED if through else PLACE_ARMED
    enter_order(desk, slot)
    live_accept(desk, order, special.place, order.price_ticks, order.qty_lots)
    if through:
        chain_append(&desk.book, CHAIN_ELECTED, slot)
    else:
        live_arm(desk, slot)
    return 0

cdef inline uint16_t enter_matching(Desk *desk, uint32_t slot, const Terms *terms) noexcept nogil:
    """Match an order and let it rest or leave; refused when the plan is not what it asks for."""
    cdef Order *order = order_at(&desk.book, slot)
    cdef Special *special = live_special(desk, order)
    cdef Outcome outcome
    cdef uint16_t code = 0
    if is_market_type(special.order_type):
        order.price_ticks = market_limit(desk, order.side)
    if order.flags & FLAG_POST_ONLY:
        code = make_passive(
            desk, order.side, special.order_type, book_touch(&desk.book, order.side), &order.price_ticks
        )
        if code != 0:
            return code
    foresee(desk, slot, terms.amount_notional, &outcome)
    if special.order_type == MARKET_TO_LIMIT and outcome.filled_lots == 0:
        return NOTHING_TO_TRADE
    if special.tif == FOK and outcome.filled_lots < order.qty_lots:
        return FOK_UNFILLABLE
    if outcome.filled_lots < terms.min_lots:
        return MIN_QTY_UNFILLABLE
    code = accounts_admit_rate(desk, order.account)
    if code != 0:
        return code
    enter_order(desk, slot)
    live_accept(desk, order, special.place, outcome.price_ticks, resting_lots(&outcome))
    carry_out(desk, slot, &outcome, terms.amount_notional)
    return 0

cdef inline uint16_t full_new(Desk *desk, const Entry *entry) noexcept nogil:
    """Enter an order: arm, park, call, or match and then rest or leave, by type, terms, time in force and session."""
    cdef const Command *command = entry.command
    cdef uint32_t slot
    cdef uint16_t code = refusal_of_new(desk, entry)
    if code != 0:
        return code
    slot = build_order(desk, entry)
    if is_stop(entry):
        code = enter_stop(desk, slot)
    elif command.order_type == PEGGED:
        code = enter_aside(desk, slot, PLACE_PARKED)
    elif command.order_type == MARKET and command.tif == TIF_AUCTION:
        code = enter_aside(desk, slot, PLACE_CALL)
    elif not session_matches(&desk.session):
        code = enter_gathering(desk, slot)
    else:
        code = enter_matching(desk, slot, entry.terms)
    if code != 0:
        discard_order(desk, slot)
    return code
