"""Breaking the API's contract raises MisuseError and changes nothing, not even a sequence number."""

import copy
import gc
import pickle
import sys
import threading

import numpy as np
import pytest

import parbook
from parbook.codes import CurveShape
from parbook.errors import MisuseError, shown
from parbook.instrument import Instrument
from parbook.messages import Advance, AmendOrder, CancelOrder, CurveParams, NewOrder, ReduceOrder, SetCurve
from parbook.records import COMMAND, EVENT

NOT_INTEGERS = [1.5, 1.0, True, False, "1", None, 2**64, 2**70, 10**5000, -(2**63) - 1, np.float64(1), np.bool_(True)]
UNSIGNED = ("account", "side", "order_type", "tif", "client_id", "order_id")
PLACE = {
    "account": 1,
    "side": 0,
    "qty_lots": 1,
    "price_ticks": 1,
    "order_type": 0,
    "tif": 0,
    "client_id": 0,
    "ts_ns": 0,
}
AMEND = {"account": 1, "order_id": 1, "client_id": 0, "qty_lots": 1, "price_ticks": 0, "ts_ns": 0}
CANCEL = {"account": 1, "order_id": 1, "client_id": 0, "ts_ns": 0}
CALLS = [("place", PLACE, NewOrder), ("amend", AMEND, AmendOrder), ("cancel", CANCEL, CancelOrder)]


@pytest.fixture
def live(market):
    """A market in which order #1 rests; afterwards, whatever happened must have left it as it was."""
    market.place(1, 0, 5, 100)
    before = market.state_bytes()
    yield market
    assert market.state_bytes() == before
    market.check()


def bad_arguments():
    for name, fields, struct in CALLS:
        for field in fields:
            for value in (*NOT_INTEGERS, *((-1,) if field in UNSIGNED else ())):
                yield pytest.param(name, fields, struct, field, value, id=f"{name}-{field}-{shown(value)}")


@pytest.mark.parametrize(("name", "fields", "struct", "field", "value"), list(bad_arguments()))
def test_arguments_that_are_no_integers_of_their_field(live, name, fields, struct, field, value):
    with pytest.raises(MisuseError):
        getattr(live, name)(**{**fields, field: value})
    with pytest.raises(MisuseError):
        live.apply(struct(**{**fields, field: value}))


@pytest.mark.parametrize(
    "command",
    [
        ReduceOrder(account=1, order_id=1, qty_lots=1.0),
        ReduceOrder(account=True, order_id=1, qty_lots=1),
        Advance(ts_ns=2**63),
        Advance(ts_ns="5"),
        None,
        5,
        "buy",
        NewOrder,
        SetCurve(params=CurveParams(shape=CurveShape.PMM, base_depth_lots=1.5, quote_depth_lots=1, budget_notional=1)),
        SetCurve(
            params=CurveParams(shape=CurveShape.PMM, base_depth_lots=1, quote_depth_lots=2**63, budget_notional=1)
        ),
        SetCurve(params=CurveParams(shape=300, base_depth_lots=1, quote_depth_lots=1, budget_notional=1)),
    ],
)
def test_commands_that_are_none(live, command):
    with pytest.raises(MisuseError):
        live.apply(command)


@pytest.mark.parametrize(
    "commands",
    [
        np.zeros(3, EVENT),
        np.zeros(3, np.int64),
        np.zeros(192, np.uint8),
        np.zeros((2, 2), COMMAND),
        np.zeros((), COMMAND),
        np.zeros(3, COMMAND.newbyteorder(">")),
        np.zeros(3, COMMAND).tolist(),
        b"",
        None,
    ],
    ids=["events", "int64", "bytes", "2-d", "0-d", "big-endian", "list", "no array", "None"],
)
def test_batches_of_another_layout(live, commands):
    with pytest.raises(MisuseError):
        live.apply_batch(commands)


def test_an_integer_subclass_is_an_integer(market):
    assert market.place(1, parbook.Side.SELL, 1, 5, order_type=parbook.OrderType.LIMIT).ok


@pytest.mark.parametrize("value", [1.0, True, "1", None, 2**64, 10**5000], ids=shown)
def test_views_refuse_what_is_no_integer(live, value):
    for ask in (lambda: live.order(value), lambda: live.queue(0, value), lambda: live.queue(value, 100)):
        with pytest.raises(MisuseError):
            ask()


def test_views_of_what_does_not_exist(live):
    assert live.order(0) is live.order(2) is live.order(2**64 - 1) is None
    assert live.queue(1, 100) == live.queue(0, 0) == live.queue(0, -1) == live.queue(0, 2**63 - 1) == []
    for side in (2, -1):
        with pytest.raises(MisuseError):
            live.queue(side, 100)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_core_is_neither_copied_nor_pickled(duplicate):
    with pytest.raises(MisuseError):
        duplicate(parbook.Market(Instrument(symbol="TEST")))


# --- the core's ring of events ------------------------------------------------------------------


def core_with_events(count):
    market = parbook.Market(Instrument(symbol="TEST"))
    batch = np.zeros(count, COMMAND)
    batch["kind"] = 5
    return market, market.apply_batch(batch)


def test_events_since_returns_what_batches_returned():
    market, events = core_with_events(30)
    assert market.events(1).tobytes() == events.tobytes()
    assert market.events(20).tobytes() == events[19:].tobytes()
    assert len(market.events(31)) == 0
    assert len(market.events(2**64 - 1)) == 0
    assert market.events(1).dtype == EVENT


def test_events_before_the_first_do_not_exist():
    market, _ = core_with_events(1)
    for since in (0, -1, 1.0, True, "1"):
        with pytest.raises(MisuseError):
            market.events(since)


def test_overwritten_events_are_misuse_not_garbage():
    market, _ = core_with_events(1)
    seen = [market.events(1)]
    batch = np.zeros(5000, COMMAND)
    batch["kind"] = 5
    while True:
        seen.append(market.apply_batch(batch))
        try:
            market.events(1)
        except MisuseError:
            break
        assert market.next_seq < 10**7, "the ring never overwrites"
    everything = np.concatenate(seen)
    kept = oldest_kept(market)
    assert 1 < kept < market.next_seq, "the end of the last batch is kept"
    assert market.events(kept).tobytes() == everything[kept - 1 :].tobytes()
    assert everything["seq"].tolist() == list(range(1, market.next_seq))


def oldest_kept(market):
    low, high = 1, market.next_seq
    while low < high:
        middle = (low + high) // 2
        try:
            market.events(middle)
            high = middle
        except MisuseError:
            low = middle + 1
    return low


# --- threads ------------------------------------------------------------------------------------


def test_a_second_thread_inside_the_core_gets_misuse():
    """The core gives up the GIL inside a batch, so that whoever comes in meanwhile must be turned away."""
    market = parbook.Market(Instrument(symbol="TEST"))
    batch = np.zeros(50_000, COMMAND)
    batch["kind"] = 5
    done = threading.Event()
    turned_away = {"worker": 0, "main": 0}

    def work():
        for _ in range(400):
            if done.is_set():
                return
            try:
                market.apply_batch(batch)
            except MisuseError:
                turned_away["worker"] += 1
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    placed = 0
    while not done.is_set():
        try:
            placed += market.place(1, 0, 1, 100).ok
        except MisuseError:
            turned_away["main"] += 1
            done.set()
    worker.join()
    assert turned_away["main"] == 1
    assert market.open_orders == placed
    market.check()


def test_an_order_is_read_whole_whatever_python_runs_meanwhile(market):
    """Building the answer runs Python code; there the interpreter may switch to a thread that places orders."""
    market.place(1, 1, 5, 90)
    before = market.order(1)

    def intrude(_frame, _event, _argument):
        sys.setprofile(None)
        for _ in range(5_000):
            market.place(2, 0, 1, 50)

    sys.setprofile(intrude)
    try:
        found = market.order(1)
    finally:
        sys.setprofile(None)
    assert market.open_orders == 5_001
    assert found == before


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from Python 3.12 on no allocation collects garbage")
@pytest.mark.parametrize(("view", "arguments"), [("depth", (3_000,)), ("state_bytes", ())])
def test_nothing_enters_the_core_while_a_view_walks_it(view, arguments):
    """Any allocation may collect garbage, and so run a finalizer in the middle of a view."""
    market = parbook.Market(Instrument(symbol="TEST"))
    # More rows than the 2000 tuples of a size that the interpreter keeps for reuse without an allocation.
    for price_ticks in range(101, 3_101):
        market.place(1, 1, 5, price_ticks)
    refused = []

    def intrude(_phase, _info):
        try:
            market.place(2, 0, 1, 50)
        except MisuseError as error:
            refused.append(error)

    thresholds = gc.get_threshold()
    gc.callbacks.append(intrude)
    gc.set_threshold(1)
    try:
        getattr(market, view)(*arguments)
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(intrude)
    assert refused
    market.check()
    assert market.place(2, 0, 1, 50).ok
