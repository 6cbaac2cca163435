# One command after another. A market that uses nothing special, and a command that asks for nothing special, take the
# plain path of _commands; everything else takes the full one. Twin of parbook.reference.market.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from parbook._ahead cimport AHEAD, look_ahead, looks_ahead
from parbook._auction cimport auction_indicate
from parbook._book cimport CHAIN_ELECTED, book_specials
from parbook._busts cimport do_bust
from parbook._changes cimport full_amend, full_cancel, full_reduce
from parbook._clock cimport clock_move, propose_anchor
from parbook._commands cimport (
    do_amend, do_cancel, do_new, do_propose_anchor, do_reduce, do_set_curve, do_withdraw_anchors, do_withdraw_curve,
    move_clock,
)
from parbook._curve cimport CurveParams, curve_validate
from parbook._desk cimport Desk, desk_await_events, desk_emit, desk_reserve, emit_rejected
from parbook._entry cimport full_new
from parbook._form cimport Entry
from parbook._funds cimport funds_admit_cash, funds_admit_curve, hold_curve
from parbook._ledger cimport ledger_conserves
from parbook._limits cimport do_set_account
from parbook._mass cimport do_deadman, do_kill, do_mass_cancel
from parbook._pegs cimport pegs_follow
from parbook._phases cimport session_matches
from parbook._quotes cimport Curve
from parbook._quoting cimport do_quote, do_reset_protection
from parbook._session cimport do_set_state
from parbook._steps cimport step_finish
from parbook._turns cimport run_elected
from parbook._types cimport *

cdef enum:
    ORDERS_PER_COMMAND = 2      # a quote enters both its sides; an OCO order makes its partner special

# --- the full path --------------------------------------------------------------------------------

cdef inline bint money_conserved(const Desk *desk) noexcept nogil:
    """Whether a market with money has neither made nor lost any; for the checked build, after every command."""
    return desk.funds == NULL or ledger_conserves(desk.funds.ledger)

cdef inline void follow_up(Desk *desk) noexcept nogil:
    """Do what follows every command: elected stops, pegs, the auction's indication."""
    run_elected(desk)
    pegs_follow(desk)
    auction_indicate(desk)

cdef inline void run_leftovers(Desk *desk) noexcept nogil:
    """Run stops that an earlier command elected and left, as an internal command with a number of its own."""
    desk.band_ticks = desk.last_trade_ticks
    if desk.book.chains[CHAIN_ELECTED].head == NIL or not session_matches(&desk.session):
        return
    follow_up(desk)
    desk.next_command += 1
    desk.band_ticks = desk.last_trade_ticks

cdef inline void settle_watch(Desk *desk) noexcept nogil:
    """Say whether the next command may take the plain path, as far as orders decide it."""
    desk.watch &= ~<uint32_t>(WATCH_SPECIAL | WATCH_ELECTED)
    if book_specials(&desk.book) != 0:
        desk.watch |= WATCH_SPECIAL
    if desk.book.chains[CHAIN_ELECTED].head != NIL:
        desk.watch |= WATCH_ELECTED

cdef inline uint16_t fund_curve(Desk *desk, const Command *command) noexcept nogil:
    """Set the cash the curve has left; target, cursor and anchors stay."""
    cdef uint16_t code
    if desk.curve == NULL:
        return NO_CURVE
    if command.qty_lots < 0 or command.qty_lots > BUDGET_NOTIONAL_MAX:
        return CURVE_PARAMETER
    code = funds_admit_cash(desk, command.qty_lots)
    if code == 0:
        hold_curve(desk, -1)
        desk.curve.cursor.cash_notional = command.qty_lots
        hold_curve(desk, 1)
        desk_emit(
            desk, CURVE_FUNDED, 0, 0, 0, 0, <uint64_t>command.qty_lots, 0, desk.curve.cursor.net_lots, 0, 0,
        )
    return code

cdef inline uint16_t full_handle(Desk *desk, const Command *command, const Terms *terms) noexcept nogil:
    """Carry out a command of a known kind, or return why it is refused."""
    cdef Entry entry
    cdef uint8_t kind = command.kind
    if kind == NEW or kind == NEW_SPECIAL:
        entry.command = command
        entry.terms = terms
        entry.trail_ppm = command.trail_ppm if kind == NEW_SPECIAL else 0
        return full_new(desk, &entry)
    if kind == CANCEL:
        return full_cancel(desk, command)
    if kind == AMEND or kind == AMEND_SPECIAL:
        return full_amend(desk, command, terms)
    if kind == REDUCE:
        return full_reduce(desk, command)
    if kind == ADVANCE:
        desk_emit(desk, ADVANCED, 0, 0, 0, 0, 0, 0, desk.now_ns, 0, 0)
        return 0
    if kind == PROPOSE_ANCHOR:
        return propose_anchor(desk, command)
    if kind == WITHDRAW_ANCHORS:
        return do_withdraw_anchors(desk)
    if kind == WITHDRAW_CURVE:
        return do_withdraw_curve(desk)
    if kind == FUND_CURVE:
        return fund_curve(desk, command)
    if kind == MASS_CANCEL:
        return do_mass_cancel(desk, command)
    if kind == KILL:
        return do_kill(desk, command)
    if kind == DEADMAN:
        return do_deadman(desk, command)
    if kind == QUOTE:
        return do_quote(desk, command)
    if kind == RESET_PROTECTION:
        return do_reset_protection(desk, command)
    if kind == SET_ACCOUNT:
        return do_set_account(desk, command)
    return do_set_state(desk, command) if kind == SET_STATE else do_bust(desk, command)

cdef inline bint is_known(uint8_t kind) noexcept nogil:
    """Whether a batch can carry a command of that kind; SET_CURVE has a record of its own, TERMS is no command."""
    return (NEW <= kind <= BUST and kind != WITHDRAW_CURVE + 1 and kind != TERMS) or kind == FUND_CURVE

cdef inline void full_refuse(Desk *desk, uint16_t code, const Command *command) noexcept nogil:
    """Answer a command with its refusal; it echoes the ids of commands that name orders."""
    if MASS_CANCEL <= command.kind <= BUST:
        desk_emit(desk, REJECTED, 0, code, command.account, 0, 0, 0, 0, 0, 0)
    else:
        emit_rejected(desk, code, command)

cdef inline void full_apply(Desk *desk, const Command *command, const Terms *terms) noexcept nogil:
    """Apply one command and what follows it. `terms` NULL: a special one has none. What precedes it has been done."""
    cdef uint16_t code
    if not is_known(command.kind):
        full_refuse(desk, UNKNOWN_COMMAND, command)
    elif terms == NULL:
        full_refuse(desk, MISSING_TERMS, command)
    else:
        code = clock_move(desk, command.ts_ns)
        if code == 0:
            code = full_handle(desk, command, terms)
        if code != 0:
            full_refuse(desk, code, command)
        step_finish(desk)
        follow_up(desk)
    desk.next_command += 1
    settle_watch(desk)
    pb_assert(money_conserved(desk), "ledger: an asset does not add up after a command")

cdef inline uint32_t full_run(Desk *desk, const Command *commands, int64_t count, bint prepared) noexcept nogil:
    """Apply the first command with the terms behind it and return how many records it took; 0 without memory.

    The room that the other commands of the chunk were promised is kept. `prepared`: leftovers have run.
    """
    cdef Terms none
    cdef const Terms *terms = &none
    cdef uint32_t taken = 1
    if desk_reserve(desk, <uint32_t>count + ORDERS_PER_COMMAND, ORDERS_PER_COMMAND) != 0:
        return 0
    if not prepared:
        run_leftovers(desk)
    if commands.kind != NEW_SPECIAL and commands.kind != AMEND_SPECIAL:
        memset(&none, 0, sizeof(Terms))
    elif count < 2 or commands[1].kind != TERMS:
        terms = NULL
    else:
        terms = <const Terms *>(commands + 1)
        taken = 2
    full_apply(desk, commands, terms)
    return taken

cdef inline void run_set_curve(Desk *desk, const CurveParams *params, Curve *spare) noexcept nogil:
    """Apply SET_CURVE; leftovers have run.

    Room must have been reserved; `spare`, zeroed, becomes the market's curve if it had none.
    """
    cdef Command refused
    cdef uint16_t code
    code = clock_move(desk, params.ts_ns)
    if code == 0:
        code = <uint16_t>curve_validate(params)
    if code == 0:
        code = funds_admit_curve(desk, params)
    if code == 0:
        hold_curve(desk, -1)
        if desk.curve == NULL:
            desk.curve = spare
        do_set_curve(desk, params)
        hold_curve(desk, 1)
    else:
        memset(&refused, 0, sizeof(Command))
        emit_rejected(desk, code, &refused)
    step_finish(desk)
    follow_up(desk)
    desk.next_command += 1
    settle_watch(desk)

cdef inline void catch_up(Desk *desk, int64_t now_ns) noexcept nogil:
    """Let the time that passed elsewhere pass here, before a command of an exchange is looked at.

    What it makes due is an internal command with a number of its own.
    """
    cdef uint64_t first_seq
    if desk.now_ns >= now_ns:
        return
    if (
        desk.timers.count == 0
        and (desk.curve == NULL or desk.curve.proposed == 0)
        and desk.book.chains[CHAIN_ELECTED].head == NIL
    ):
        desk.now_ns = now_ns
        return
    run_leftovers(desk)
    first_seq = desk.next_seq
    clock_move(desk, now_ns)
    step_finish(desk)
    follow_up(desk)
    if desk.next_seq != first_seq:
        desk.next_command += 1
    settle_watch(desk)

cdef inline void pass_time(Desk *desk, int64_t now_ns) noexcept nogil:
    """Do what an ADVANCE to `now_ns` does, without a word or a number of its own. Leftovers have run."""
    clock_move(desk, now_ns)
    step_finish(desk)
    follow_up(desk)
    settle_watch(desk)

# --- the plain path -------------------------------------------------------------------------------

cdef inline bint is_plain(const Desk *desk, const Command *command) noexcept nogil:
    """Whether the command, in this market, means what it means in a market of plain orders.

    With money or prevention that is so for the commonest kinds while no anchor is about to activate.
    """
    if desk.watch != 0 and (
        desk.watch & WATCH_FULL != 0
        or not (command.kind <= CANCEL or command.kind == REDUCE)
        or (command.tif == FOK and desk.watch & WATCH_PREVENTION != 0)
        or (desk.curve != NULL and desk.curve.proposed != 0)
    ):
        return False
    return (
        <uint8_t>(command.kind - NEW) <= WITHDRAW_CURVE - NEW
        and command.order_type <= POST_ONLY
        and command.tif <= FOK
    )

cdef inline uint16_t plain_change(Desk *desk, const Command *command) noexcept nogil:
    """Carry out what is neither NEW nor CANCEL."""
    cdef uint8_t kind = command.kind
    if kind == AMEND:
        return do_amend(desk, command)
    if kind == REDUCE:
        return do_reduce(desk, command)
    if kind == ADVANCE:
        desk_emit(desk, ADVANCED, 0, 0, 0, 0, 0, 0, desk.now_ns, 0, 0)
        return 0
    if kind == PROPOSE_ANCHOR:
        return do_propose_anchor(desk, command)
    if kind == WITHDRAW_ANCHORS:
        return do_withdraw_anchors(desk)
    return do_withdraw_curve(desk)

cdef inline int64_t plain_command(Desk *desk, const Command *command) noexcept nogil:
    """Apply one command and return 1, so that a caller can pass its answer on. Room for it must have been reserved."""
    cdef uint8_t kind = command.kind
    cdef uint16_t code = move_clock(desk, command.ts_ns)
    desk_await_events(desk)
    if pb_likely(code == 0):
        # One question after another: a jump through a table is guessed from less than a chain of branches is.
        if kind == NEW:
            code = do_new(desk, command)
        else:
            if kind == CANCEL:
                code = do_cancel(desk, command)
            else:
                code = plain_change(desk, command)
    if pb_unlikely(code != 0):
        emit_rejected(desk, code, command)
    desk.next_command += 1
    pb_assert(money_conserved(desk), "ledger: an asset does not add up after a plain command")
    return 1

cdef inline int64_t run_commands(
    Desk *desk, const Command *commands, int64_t count, bint prepared
) noexcept nogil:
    """Apply commands in order and return how many records they took; if `prepared`, one whose leftovers have run.

    Room for as many plain ones must have been reserved. Fewer than `count` were applied when a special one found none.
    Compiled once, as market_run: with a second copy of the plain path the compiler would inline neither.
    """
    cdef int64_t done = 0
    cdef int64_t seen = count if prepared or not looks_ahead(desk, count) else 0
    cdef uint32_t taken
    while done < count:
        if pb_unlikely(done >= seen):
            look_ahead(desk, commands + done, count - done)
            seen = done + AHEAD
        if pb_likely(is_plain(desk, commands + done)):
            plain_command(desk, commands + done)
            done += 1
        else:
            taken = full_run(desk, commands + done, count - done, prepared)
            if taken == 0:
                break
            done += taken
        if prepared:
            break
    return done
