"""The same commands give the same events and the same hash: however they arrive, in whichever process."""

import os
import subprocess
import sys

import numpy as np
import pytest

import parbook.reference
from parbook.codes import CommandKind
from parbook.messages import AmendOrder, CancelOrder, NewOrder, SetCurve
from parbook.records import COMMAND, EVENT, command_records, event_records
from parbook.units import QTY_LOTS_MAX
from tests.parity.profiles import PROFILES, instrument_of
from tests.parity.streams import Stream
from tests.support.shared import ROOT

# Record fields that are Struct fields of the same name, and those that the short calls take.
SHARED = set(COMMAND.names or ()) - {"trail_ppm"}
SHORT = SHARED - {"session", "instrument"}
STREAM_PROFILES = {p.name: p for p in PROFILES if p.name in ("touch", "ids", "curve-anchors", "malformed", "extreme")}

PROGRAM = """
import sys
from tests.market.test_determinism import digest_of_stream
print(digest_of_stream(sys.argv[1], sys.argv[2]))
"""


def recorded(profile, seed=5, batches=6, size=60):
    """Return instrument and operations of a stream, drawn once against the reference."""
    market = parbook.reference.Market(instrument_of(profile))
    stream, operations = Stream(profile, seed), []
    for _ in range(batches):
        for operation in stream.next(market, size):
            operations.append(operation)
            market.apply(operation) if isinstance(operation, SetCurve) else market.apply_batch(operation)
    return instrument_of(profile), operations


def digest_of_stream(name, implementation):
    """Return the hash of the events and of the state after a stream; what the other processes run."""
    instrument, operations = recorded(STREAM_PROFILES[name])
    market = (parbook.Market if implementation == "core" else parbook.reference.Market)(instrument)
    events = b"".join(
        (event_records(market.apply(o)) if isinstance(o, SetCurve) else market.apply_batch(o)).tobytes()
        for o in operations
    )
    return f"{parbook.state.digest(events)} {market.state_hash()}"


@pytest.mark.parametrize("name", ["curve-anchors", "ids"])
def test_the_same_in_another_process_under_another_hash_seed(name):
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    printed = {digest_of_stream(name, "core")}
    for hash_seed, implementation in (("1", "reference"), ("4242", "core")):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        command = [sys.executable, "-c", PROGRAM, name, implementation]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT)
        printed.add(done.stdout.strip())
    assert len(printed) == 1, printed


@pytest.mark.parametrize("name", STREAM_PROFILES)
def test_batch_size_does_not_matter(market_class, name):
    instrument, operations = recorded(STREAM_PROFILES[name])
    answers = set()
    for size in (1, 7, 1000):
        market, events = market_class(instrument), b""
        for operation in operations:
            if isinstance(operation, SetCurve):
                events += event_records(market.apply(operation)).tobytes()
                continue
            for start in range(0, len(operation), size):
                events += market.apply_batch(operation[start : start + size]).tobytes()
        answers.add((events, market.state_hash()))
    assert len(answers) == 1


@pytest.mark.parametrize("name", STREAM_PROFILES)
def test_every_way_in_gives_the_same_events(market_class, name):
    """apply_batch, apply with Structs, and place / cancel / amend: the same events and state, whatever is asked."""
    instrument, operations = recorded(STREAM_PROFILES[name])
    batch, struct, short = (market_class(instrument) for _ in range(3))
    for operation in operations:
        if isinstance(operation, SetCurve):
            for market in (batch, struct, short):
                market.apply(operation)
            continue
        # The short calls name no session.
        without_session = operation.copy()
        without_session["session"] = 0
        for row in without_session:
            command = struct_of(row)
            if command is None:
                for market in (batch, struct, short):
                    market.apply_batch(row.reshape(1))
                continue
            expected, before = batch.apply_batch(command_records([command])), short.next_seq
            assert event_records(struct.apply(command)).tobytes() == expected.tobytes()
            sums_up(call(short, command), expected, before)
    assert batch.state_hash() == struct.state_hash() == short.state_hash()


def struct_of(row):
    """Return the Struct of a NEW, CANCEL or AMEND row, raw numbers and all; None for other kinds."""
    kinds = {int(CommandKind.NEW): NewOrder, int(CommandKind.CANCEL): CancelOrder, int(CommandKind.AMEND): AmendOrder}
    kind = kinds.get(int(row["kind"]))
    return kind and kind(**{name: int(row[name]) for name in kind.__struct_fields__ if name in SHARED})


def call(market, command):
    fields = {name: getattr(command, name) for name in command.__struct_fields__ if name in SHORT}
    if isinstance(command, NewOrder):
        return market.place(**fields)
    if isinstance(command, AmendOrder):
        return market.amend(**fields)
    return market.cancel(**fields)


def sums_up(outcome, events, first_seq):
    """Hold what place, amend or cancel return against the events."""
    refused = events[events["kind"] == 2]
    code = int(refused["code"][0]) if len(refused) else 0
    if isinstance(outcome, int):
        assert outcome == code
        return
    assert (outcome.code, outcome.first_seq) == (code, first_seq)
    trades = events[(events["kind"] == 3) & (events["order_id"] != 0)]
    assert outcome.filled_lots == sum(map(int, trades["qty_lots"]))
    assert outcome.notional == sum(int(t["qty_lots"]) * int(t["price_ticks"]) for t in trades)
    acknowledged = events[np.isin(events["kind"], (1, 5))]
    if len(acknowledged):
        assert outcome.order_id == acknowledged["order_id"][0]
        assert outcome.leaves_lots == acknowledged["leaves_lots"][0]
    else:
        assert outcome.leaves_lots == 0


def test_arrays_of_any_memory_layout(market_class):
    commands = command_records(
        [NewOrder(account=1, side=i % 2, qty_lots=i + 1, price_ticks=100 + (i * 7) % 5) for i in range(40)]
    )
    answers = set()
    strided = np.zeros(80, COMMAND)
    strided[::2] = commands
    backwards = commands[::-1].copy()
    readonly = commands.copy()
    readonly.flags.writeable = False
    unaligned = np.frombuffer(b"x" + commands.tobytes(), np.uint8)[1:].view(COMMAND)
    for array in (commands, strided[::2], backwards[::-1], readonly, unaligned):
        market = market_class(instrument_of(PROFILES[0]))
        before = array.tobytes()
        answers.add((market.apply_batch(array).tobytes(), market.state_hash()))
        assert array.tobytes() == before, "a batch is only read"
    assert len(answers) == 1


def test_an_empty_batch(market):
    before = market.state_bytes()
    events = market.apply_batch(np.zeros(0, COMMAND))
    assert events.dtype == EVENT
    assert len(events) == 0
    assert market.state_bytes() == before


def test_fields_a_command_does_not_name_are_ignored(market_class):
    plain = np.zeros(2, COMMAND)
    plain["kind"], plain["account"], plain["qty_lots"], plain["price_ticks"] = 1, 1, 5, [100, 90]
    noisy = plain.copy()
    noisy["instrument"], noisy["trail_ppm"], noisy["high_ticks"] = 7, 9, -1
    noisy["order_id"] = QTY_LOTS_MAX
    one, other = (market_class(instrument_of(PROFILES[0])) for _ in range(2))
    assert one.apply_batch(plain).tobytes() == other.apply_batch(noisy).tobytes()
    assert one.state_bytes() == other.state_bytes()


def test_what_apply_batch_returns_stays_what_it_was(market):
    first = market.apply_batch(command_records([NewOrder(account=1, side=0, qty_lots=5, price_ticks=100)]))
    kept = first.tobytes()
    market.apply_batch(command_records([NewOrder(account=1, side=1, qty_lots=5, price_ticks=100)]))
    assert first.tobytes() == kept
