# Where a command of an exchange goes: to its market, to all of them, or to the exchange itself; and what sessions sent
# before. Twin of the routing of parbook.reference.exchange. Events go into a block in the order of their commands.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from parbook._ahead cimport AHEAD, look_everywhere, looks_everywhere
from parbook._block cimport Block
from parbook._calls cimport begins, copy_events
from parbook._commands cimport COMMANDS_RESERVED
from parbook._desk cimport Desk, desk_reserve, event_at
from parbook._market cimport (
    market_catch_up, market_pass_time, market_prepare, market_run, market_step,
)
from parbook._types cimport *
from parbook._venue cimport (
    EVERY_INSTRUMENT, Outcome, Venue, has_reference, is_market_kind, own_command, own_event, own_refusal,
    reference_known, remember_outcome, takes_every,
)

cdef inline int put_event(Venue *venue, Block block, const Event *event) noexcept nogil:
    """Append one event of the exchange's own stream. -1 without memory."""
    if block.reserve(sizeof(Event)) != 0:
        venue.broken = True
        return -1
    memcpy(block.bytes + block.used, event, sizeof(Event))
    block.used += sizeof(Event)
    return 0

cdef inline int take_events(Venue *venue, Desk *desk, uint64_t first, Block block) noexcept nogil:
    """Append a market's events and take its numbers over. -1 when memory ran out."""
    venue.next_command = desk.next_command
    venue.now_ns = max(venue.now_ns, desk.now_ns)
    if desk.broken or copy_events(desk, block, first) != 0:
        venue.broken = True
        return -1
    return 0

cdef inline int64_t run_stretch(Venue *venue, const Command *commands, int64_t count, Block block) noexcept nogil:
    """Run the commands at the front that go to one market and ask for nothing of the exchange; -1 without memory."""
    cdef Desk *desk = venue.desks[commands.instrument]
    cdef uint64_t first = desk.next_seq
    cdef int64_t stretch = 1
    cdef int64_t done
    while stretch < count and stretch < COMMANDS_RESERVED:
        if commands[stretch].kind == TERMS:
            if commands[stretch - 1].kind != NEW_SPECIAL and commands[stretch - 1].kind != AMEND_SPECIAL:
                break
        elif (
            commands[stretch].instrument != commands.instrument
            or not is_market_kind(commands[stretch].kind)
            or has_reference(commands + stretch)
        ):
            break
        stretch += 1
    # The terms of the last command belong to it.
    if (
        stretch < count
        and commands[stretch].kind == TERMS
        and (commands[stretch - 1].kind == NEW_SPECIAL or commands[stretch - 1].kind == AMEND_SPECIAL)
    ):
        stretch += 1
    desk.batch_seq = first
    desk.next_command = venue.next_command
    if desk_reserve(desk, <uint32_t>stretch, 0) != 0:
        return -1
    market_catch_up(desk, venue.now_ns)
    done = market_run(desk, commands, stretch, False)
    if done < stretch:
        venue.broken = True
        return -1
    return stretch if take_events(venue, desk, first, block) == 0 else -1

cdef inline int run_everywhere(Venue *venue, const Command *command, Block block) noexcept nogil:
    """Run one command in every market, by index. All of them catch up before: numbers of commands never fall."""
    cdef Event event
    cdef Desk *desk
    cdef uint32_t i
    cdef uint64_t first, number
    if command.ts_ns != 0 and command.ts_ns < venue.now_ns:
        own_refusal(venue, &event, TIME_REVERSED, command)
        venue.next_command += 1
        return put_event(venue, block, &event)
    for i in range(venue.count):
        desk = venue.desks[i]
        first = desk.batch_seq = desk.next_seq
        desk.next_command = venue.next_command
        market_prepare(desk, venue.now_ns)
        if take_events(venue, desk, first, block) != 0:
            return -1
    number = venue.next_command
    for i in range(venue.count):
        desk = venue.desks[i]
        first = desk.batch_seq = desk.next_seq
        desk.next_command = number
        if command.kind == ADVANCE:
            market_pass_time(desk, max(command.ts_ns, venue.now_ns))
        elif market_run(desk, command, 1, True) != 1:
            venue.broken = True
            return -1
        if take_events(venue, desk, first, block) != 0:
            return -1
    venue.next_command = number
    venue.now_ns = max(venue.now_ns, command.ts_ns)
    if command.kind == ADVANCE:
        own_event(venue, &event, ADVANCED)
        event.qty_lots = venue.now_ns
        if put_event(venue, block, &event) != 0:
            return -1
    venue.next_command += 1
    return 0

cdef inline int64_t run_single(
    Venue *venue, const Command *commands, int64_t count, Block block, uint64_t *own_seq
) noexcept nogil:
    """Run the first command in its market and say where its own events begin; return how many records it took."""
    cdef Desk *desk = venue.desks[commands.instrument]
    cdef uint64_t first = desk.next_seq
    cdef int64_t done
    desk.batch_seq = first
    desk.next_command = venue.next_command
    if desk_reserve(desk, 1, 0) != 0:
        return -1
    done = market_step(desk, venue.now_ns, commands, count, own_seq)
    if done == 0:
        venue.broken = True
        return -1
    return done if take_events(venue, desk, first, block) == 0 else -1

cdef inline int64_t run_referred(Venue *venue, const Command *commands, int64_t count, Block block) noexcept nogil:
    """Run a command that a session numbered, and remember what came of it."""
    cdef Outcome outcome
    cdef Event event
    cdef uint64_t seq
    cdef const Event *said
    cdef Desk *desk
    cdef int64_t done = 1
    cdef bint special = commands.kind == NEW_SPECIAL or commands.kind == AMEND_SPECIAL
    if reference_known(venue, commands, &event):
        if special and count > 1 and commands[1].kind == TERMS:
            done = 2
        return done if put_event(venue, block, &event) == 0 else -1
    if venue.broken:
        return -1
    memset(&outcome, 0, sizeof(Outcome))
    outcome.session = commands.session
    outcome.session_ref = <uint64_t>commands.high_ticks
    if commands.kind != NEW and commands.kind != NEW_SPECIAL:
        outcome.order_id = commands.order_id
    if commands.instrument >= venue.count:
        if special and count > 1 and commands[1].kind == TERMS:
            done = 2
        outcome.instrument = EVERY_INSTRUMENT
        outcome.first_seq = venue.next_seq
        outcome.code = UNKNOWN_INSTRUMENT
        own_refusal(venue, &event, UNKNOWN_INSTRUMENT, commands)
        venue.next_command += 1
        remember_outcome(venue, &outcome)
        return done if put_event(venue, block, &event) == 0 else -1
    done = run_single(venue, commands, count, block, &outcome.first_seq)
    if done < 0:
        return -1
    desk = venue.desks[commands.instrument]
    outcome.instrument = commands.instrument
    for seq in range(outcome.first_seq, desk.next_seq):
        said = event_at(desk, seq)
        if said.kind == REJECTED:
            outcome.code = said.code
            break
    if outcome.code == 0:
        for seq in range(outcome.first_seq, desk.next_seq):
            said = event_at(desk, seq)
            if begins(said, commands):
                outcome.order_id = said.order_id
                break
    remember_outcome(venue, &outcome)
    return done

cdef inline int64_t run_first(Venue *venue, const Command *commands, int64_t count, Block block) noexcept nogil:
    """Run the first command, or a stretch of them, and return how many records that took; -1 without memory."""
    cdef Event event
    cdef uint8_t kind = commands.kind
    cdef int64_t done = 1
    if not is_market_kind(kind):
        own_command(venue, commands, &event)
        return 1 if put_event(venue, block, &event) == 0 else -1
    if has_reference(commands):
        return run_referred(venue, commands, count, block)
    if pb_likely(commands.instrument < venue.count):
        return run_stretch(venue, commands, count, block)
    if commands.instrument == EVERY_INSTRUMENT and takes_every(kind) and (venue.count != 0 or kind == ADVANCE):
        return 1 if run_everywhere(venue, commands, block) == 0 else -1
    if (kind == NEW_SPECIAL or kind == AMEND_SPECIAL) and count > 1 and commands[1].kind == TERMS:
        done = 2
    own_refusal(venue, &event, UNKNOWN_INSTRUMENT, commands)
    venue.next_command += 1
    return done if put_event(venue, block, &event) == 0 else -1

cdef inline int run_batch(Venue *venue, const Command *commands, int64_t count, Block block) noexcept nogil:
    """Run commands in order. -1 when memory ran out: the state is lost unless nothing had been done."""
    cdef int64_t start = 0
    cdef int64_t seen = 0 if looks_everywhere(venue.desks, venue.count, commands, count) else count
    cdef int64_t done
    while start < count:
        if pb_unlikely(start >= seen):
            look_everywhere(venue.desks, venue.count, commands + start, count - start)
            seen = start + AHEAD
        done = run_first(venue, commands + start, count - start, block)
        if done < 0:
            venue.broken |= start != 0
            return -1
        start += done
    return 0
