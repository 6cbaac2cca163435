"""How a market runs one command: what an earlier one left, form, clock, the rules of its kind, what follows it.

Every command is one row of integers, whether it came as a Struct or in an array. Its handler either refuses
with a RejectCode before it changes anything, or carries the command out and emits its events in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from parbook.codes import CommandKind, RejectCode
from parbook.errors import MisuseError
from parbook.messages import Event, SetCurve
from parbook.records import COMMAND, TERMS, Records
from parbook.reference import (
    accounts,
    anchors,
    auction,
    busts,
    changes,
    entry,
    mass,
    pegs,
    quoting,
    session,
    steps,
    stops,
)
from parbook.reference.desk import Desk, Row, Terms

Handler = Callable[[Desk, Row], RejectCode | None]

HANDLERS: Final[dict[int, Handler]] = {
    CommandKind.NEW: entry.new_order,
    CommandKind.CANCEL: changes.cancel_order,
    CommandKind.AMEND: changes.amend_order,
    CommandKind.REDUCE: changes.reduce_order,
    CommandKind.ADVANCE: anchors.advance,
    CommandKind.PROPOSE_ANCHOR: anchors.propose_anchor,
    CommandKind.WITHDRAW_ANCHORS: anchors.withdraw_anchors,
    CommandKind.WITHDRAW_CURVE: anchors.withdraw_curve,
    CommandKind.FUND_CURVE: anchors.fund_curve,
    CommandKind.NEW_SPECIAL: entry.new_order,
    CommandKind.AMEND_SPECIAL: changes.amend_order,
    CommandKind.MASS_CANCEL: mass.mass_cancel,
    CommandKind.KILL: mass.kill,
    CommandKind.DEADMAN: mass.dead_man,
    CommandKind.QUOTE: quoting.quote,
    CommandKind.RESET_PROTECTION: quoting.reset_protection,
    CommandKind.SET_ACCOUNT: accounts.set_account,
    CommandKind.SET_STATE: session.set_state,
    CommandKind.BUST: busts.bust,
}
SPECIAL: Final = frozenset({CommandKind.NEW_SPECIAL, CommandKind.AMEND_SPECIAL})


def rows_of(commands: Records) -> Iterator[Row]:
    """Yield the commands of a COMMAND array; a special one takes the TERMS record behind it. O(records)."""
    records = commands.tolist()
    index = 0
    while index < len(records):
        row = Row._make((*records[index], Terms()))
        index += 1
        if row.kind in SPECIAL:
            if index == len(records) or records[index][0] != CommandKind.TERMS:
                yield row._replace(terms=None)
                continue
            terms = np.ascontiguousarray(commands[index : index + 1]).view(TERMS)
            row = row._replace(terms=Terms._make(terms[0].tolist()))
            index += 1
        elif row.kind != CommandKind.TRANSFER:
            row = row._replace(trail_ppm=0)
        yield row


def refuse_other_arrays(commands: object) -> None:
    """Raise MisuseError unless `commands` is a one-dimensional COMMAND array."""
    if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
        found = getattr(commands, "dtype", type(commands).__name__)
        raise MisuseError(f"apply_batch takes a one-dimensional array of parbook.records.COMMAND, not {found}.")


def run_leftovers(desk: Desk) -> None:
    """Run stops that an earlier command elected and left, as an internal command with a number of its own."""
    desk.band_ticks = desk.last_trade_ticks
    if desk.elected and desk.session.matches:
        follow_up(desk)
        desk.next_command += 1
        desk.band_ticks = desk.last_trade_ticks


def catch_up(desk: Desk, now_ns: int) -> None:
    """Do what fell due until now in a market that nobody named: as ADVANCE does it, unseen when that is nothing."""
    if now_ns <= desk.now_ns:
        return
    run_leftovers(desk)
    next_seq = desk.next_seq
    anchors.move_clock(desk, now_ns)
    steps.finish_step(desk)
    follow_up(desk)
    if desk.next_seq != next_seq:
        desk.next_command += 1


def run(desk: Desk, row: Row) -> None:
    """Run a command that leftovers have made way for, and what follows it."""
    handler = HANDLERS.get(row.kind)
    if handler is None:
        desk.refuse(RejectCode.UNKNOWN_COMMAND, row)
    elif row.terms is None:
        desk.refuse(RejectCode.MISSING_TERMS, row)
    else:
        code = anchors.move_clock(desk, row.ts_ns) or handler(desk, row)
        _end(desk, row, code)


def run_set_curve(desk: Desk, command: SetCurve) -> None:
    """Run the one command that is no row."""
    code = anchors.move_clock(desk, command.ts_ns) or anchors.set_curve(desk, command)
    _end(desk, Row(CommandKind.SET_CURVE), code)


def run_clock(desk: Desk, now_ns: int) -> None:
    """Do what an ADVANCE to `now_ns` does, without a word of its own."""
    anchors.move_clock(desk, now_ns)
    _end(desk, Row(CommandKind.ADVANCE), None)


def _end(desk: Desk, row: Row, code: RejectCode | None) -> None:
    if code:
        desk.refuse(code, row)
    steps.finish_step(desk)
    follow_up(desk)


def follow_up(desk: Desk) -> None:
    """Do what follows every command: elected stops, pegs, the auction's indication."""
    stops.run_elected(desk)
    pegs.follow(desk)
    auction.indicate(desk)


def take_events(desk: Desk) -> list[Event]:
    """Return what the commands so far emitted; the next ones begin anew."""
    events, desk.events = desk.events, []
    return events
