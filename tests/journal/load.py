"""The process that is killed: `python -m tests.journal.load DIRECTORY SEED FIRST DURABILITY`.

Opens the journal there and sends it commands without end, drawn from SEED and numbered from FIRST, which it must hold
already. Each acknowledgement is a line on standard output: how many commands are acknowledged by now.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from random import Random

from parbook import messages as m
from parbook.errors import JournalFencedError
from parbook.instrument import Instrument
from parbook.interface import ExchangeProtocol
from parbook.journal.durable import Durability
from parbook.journal.exchange import DurableExchange
from parbook.journal.opening import open_exchange
from parbook.listing import Asset, Listing
from parbook.records import Records, command_records

SEGMENT_BYTES = 16_384
SPARES = 4
"""By the seed, one spare segment to so many."""
OUTCOMES = 64
FOUNDING = 4
"""Calls before the first command: three assets' and an instrument's. They are not commands."""


def command(seed: int, number: int) -> m.Command:
    """Return the command of that number, whatever came before it."""
    draw = Random(seed * 2**32 + number)
    account = draw.randint(1, 5)
    kind = draw.random()
    if kind < 0.2:
        return m.Deposit(account=account, asset=draw.randrange(2), amount_atoms=draw.randint(1, 10**6))
    if kind < 0.7:
        return m.NewOrder(
            account=account,
            side=draw.randrange(2),
            price_ticks=draw.randint(90, 110),
            qty_lots=draw.randint(1, 9),
            client_id=number,
            ts_ns=number,
        )
    return m.CancelOrder(account=account, order_id=draw.randint(1, max(1, number // 2)))


def found(core: ExchangeProtocol) -> None:
    """Give a core what the commands are about, or what of it is not there yet."""
    for name in ("BASE", "QUOTE")[len(core.assets) :]:
        core.add_asset(Asset(name=name))
    if not core.listings:
        core.add_instrument(Listing(instrument=Instrument(symbol="BASE/QUOTE"), base=0, quote=1))


def batch(seed: int, first: int, count: int) -> Records:
    """Return commands `first` to `first + count - 1`."""
    return command_records([command(seed, number) for number in range(first, first + count)])


def say(acknowledged: int) -> None:
    """Tell the parent, in one write, that is there or is not."""
    os.write(1, f"{acknowledged}\n".encode())


def run(exchange: DurableExchange, seed: int, first: int, durability: Durability) -> None:
    """Send commands until the process is killed."""
    draw = Random(seed)
    number = first
    while True:
        count = draw.randint(1, 8)
        commands = batch(seed, number, count)
        if durability is Durability.GROUP and draw.random() < 0.8:
            exchange.submit(commands)
            number += count
            if draw.random() < 0.2:
                exchange.flush()
                say(number - 1)
        else:
            exchange.apply_batch(commands)
            number += count
            say(number - 1)
        if draw.random() < 0.02:
            exchange.checkpoint(wait=draw.random() < 0.5)


def main() -> None:
    """Open, found, run."""
    path, seed, first, durability = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Durability(sys.argv[4])
    exchange = open_exchange(
        path,
        durability=durability,
        segment_bytes=SEGMENT_BYTES,
        spare_segments=1 + seed % SPARES,
        outcome_window=OUTCOMES,
    )
    found(exchange._durable)
    if exchange.core.next_command != first:
        raise SystemExit(f"the next command is {exchange.core.next_command}, not {first}")
    say(first - 1)
    # A follower may have taken over: nothing said since then may be missing there, and nothing is said from here on.
    with suppress(JournalFencedError):
        run(exchange, seed, first, durability)


if __name__ == "__main__":
    main()
