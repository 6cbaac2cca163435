"""The generator: the same bytes everywhere, commands that a market accepts, ITCH that a venue could have sent."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from parbook.codes import CommandKind, OrderType, TimeInForce
from parbook.errors import MisuseError
from parbook.logs.flow import Flow, FlowParams, Random, exponential
from parbook.logs.generate import BATCH_MESSAGES, generate, write_itch, write_native
from parbook.logs.itch import ItchLog
from parbook.logs.native import NativeLog
from parbook.messages import CurveParams, SetCurve
from parbook.records import COMMAND
from tests.support.log_book import CommandBook, LogBook

SMALL = FlowParams(
    resting_orders=60, seller_ppm=2_000, seller_lots=20_000, take_ppm=100_000, reduce_ppm=100_000, amend_ppm=200_000,
    volatility_ppm=100, anchor_every=50,
)  # fmt: skip
NATIVE_SHA256 = "21365c93e352668c431daf3cce822adad02b9bc318359a1894e8acbf8a0efdfb"
ITCH_SHA256 = "b3d8732e322a5b1e5ca5fc832dc4ca2f99a82d9804098f025486cbbad8efa0db"


def commands(seed, messages, symbol="RWA", flow=None):
    return np.concatenate([np.empty(0, COMMAND), *generate(seed, messages, symbol, flow=flow)])


def test_random_is_splitmix64():
    # First outputs of splitmix64 for seed 1234567, as published with the Java original.
    random = Random(1234567)
    assert [random.bits() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_exponential_has_its_mean_and_its_range():
    draws = [exponential(bits, 1_000) for bits in range(65_536)]
    assert min(draws) == 0
    assert max(draws) < 11_100
    assert abs(sum(draws) / len(draws) - 1_000) < 60
    assert draws == sorted(draws, reverse=True)


def test_the_same_seed_gives_the_same_bytes_for_ever(tmp_path):
    flow = FlowParams(anchor_every=500)
    write_native(tmp_path / "native", 42, 20_000, flow=flow)
    records = b"".join(array.tobytes() for array in NativeLog(tmp_path / "native"))
    assert hashlib.sha256(records).hexdigest() == NATIVE_SHA256
    write_itch(tmp_path / "itch", 42, 20_000, flow=flow)
    assert hashlib.sha256((tmp_path / "itch").read_bytes()).hexdigest() == ITCH_SHA256


def test_hash_randomisation_changes_nothing():
    code = (
        "import hashlib; from parbook.logs.generate import generate; "
        "print(hashlib.sha256(b''.join(r.tobytes() for r in generate(9, 3000))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "12345")
    }
    assert len(digests) == 1


def test_seed_and_symbol_choose_the_flow():
    base = commands(1, 2_000)
    assert not np.array_equal(commands(2, 2_000), base)
    assert not np.array_equal(commands(1, 2_000, "OTHER"), base)
    assert np.array_equal(commands(1, 500), base[:500])


def test_lengths_are_exact_and_batches_bounded():
    for messages in (0, 1, BATCH_MESSAGES, BATCH_MESSAGES + 1):
        arrays = list(generate(1, messages))
        assert sum(map(len, arrays)) == messages
        assert all(0 < len(array) <= BATCH_MESSAGES for array in arrays)


@pytest.mark.parametrize("seed", range(4))
def test_every_command_is_possible_in_a_fresh_market(seed):
    book = CommandBook()
    counts = Counter()
    for command in commands(seed, 4_000, flow=SMALL):
        book.apply(command)
        counts[CommandKind(int(command["kind"]))] += 1
    assert set(counts) == {
        CommandKind.NEW, CommandKind.CANCEL, CommandKind.REDUCE, CommandKind.AMEND, CommandKind.PROPOSE_ANCHOR,
    }  # fmt: skip
    assert counts[CommandKind.PROPOSE_ANCHOR] == 80
    assert book.trades > 100


def test_the_flow_has_the_traits_it_promises():
    records = commands(7, 60_000, flow=FlowParams(seller_ppm=100))
    new = records[records["kind"] == CommandKind.NEW]
    assert set(new["tif"].tolist()) == {TimeInForce.GTC, TimeInForce.IOC}
    assert set(new["order_type"].tolist()) == {OrderType.LIMIT}
    gaps = np.diff(records["ts_ns"])
    assert gaps.min() > 0
    # Bursts: far more tiny gaps than one exponential of the same mean would have (about 1 %).
    assert (gaps < gaps.mean() / 100).mean() > 0.1
    sellers = new[new["account"] > FlowParams().accounts]
    assert len(sellers) > 50
    assert (sellers["side"] == 1).all()
    assert sellers["qty_lots"].sum() >= FlowParams().seller_lots // 2
    assert not (records["kind"] == CommandKind.PROPOSE_ANCHOR).any()


def test_limit_orders_thin_out_away_from_the_touch():
    flow = Flow(7, "RWA", FlowParams())
    depth = FlowParams().depth_ticks
    rings = [0] * 4
    for _ in range(30_000):
        touch = flow.book.best(0), flow.book.best(1)
        step = flow.step()
        if step.kind == CommandKind.NEW and step.tif == TimeInForce.GTC and all(touch):
            away = touch[0] - step.price_ticks if step.side == 0 else step.price_ticks - touch[1]
            if 0 <= away < 4 * depth:
                rings[away // depth] += 1
    assert all(near > 2 * far > 0 for near, far in pairwise(rings)), rings


def test_anchors_lag_behind_the_fair_price_inside_their_band():
    flow = FlowParams(anchor_every=10, anchor_band_ticks=7, volatility_ppm=200)
    records = commands(3, 20_000, flow=flow)
    anchors = records[records["kind"] == CommandKind.PROPOSE_ANCHOR]
    assert len(anchors) == 2_000
    assert (anchors["high_ticks"] - anchors["price_ticks"] == 14).all()
    assert len(np.unique(anchors["price_ticks"])) > 50


def test_the_flow_book_keeps_its_invariants():
    flow = Flow(5, "RWA", SMALL)
    for _ in range(3_000):
        step = flow.step()
        live = flow.book.live
        assert [order.slot for order in live] == list(range(len(live)))
        assert all(order.leaves > 0 and order.leaves <= order.total for order in live)
        bids = [order.price for order in live if order.side == 0]
        asks = [order.price for order in live if order.side == 1]
        assert flow.book.best(0) == max(bids, default=0)
        assert flow.book.best(1) == min(asks, default=0)
        assert not bids or not asks or max(bids) < min(asks)
        if step.kind == CommandKind.NEW:
            assert sum(fill[2] for fill in step.fills) + step.leaves <= step.qty_lots


@pytest.mark.parametrize("seed", range(3))
def test_itch_output_decodes_and_executes_from_the_front(tmp_path, seed):
    path = tmp_path / "log"
    flow = FlowParams(resting_orders=200, take_ppm=100_000, seller_ppm=500)
    count = write_itch(path, seed, 6_000, "PAR", flow=flow)
    log = ItchLog(path)
    records = np.concatenate(list(log))
    assert len(records) == count
    assert log.symbols == ["PAR"]
    assert log.notes == []
    book = LogBook()
    for record in records:
        book.feed(record)
    book.assert_uncrossed()
    assert book.executions > 500
    types = set(map(chr, records["raw_type"].tolist()))
    assert types == set("SRHYLAFECXDUPQ")


def test_itch_shows_the_same_book_and_trades_as_the_commands(tmp_path):
    write_itch(tmp_path / "log", 8, 3_000, flow=SMALL)
    venue = LogBook()
    for records in ItchLog(tmp_path / "log"):
        for record in records:
            venue.feed(record)
    market = CommandBook()
    for command in commands(8, 3_000, flow=SMALL):
        market.apply(command)
    assert venue.executions == market.trades

    def levels(orders):
        total = Counter()
        for side, price, lots in orders:
            total[side, price] += lots
        return total

    seen = [(s, p, lots) for s in (0, 1) for p, queue in venue.queues[s].items() for _, lots in queue]
    held = [(side, price, total - filled) for _, side, price, total, filled, _ in market.orders.values()]
    assert levels(seen) == levels(held)
    assert len(seen) == len(held)


def test_native_output_carries_instrument_curve_and_provenance(tmp_path):
    curve = SetCurve(params=CurveParams(shape=2, base_depth_lots=1, quote_depth_lots=1, budget_notional=1))
    path = tmp_path / "log"
    assert write_native(path, 11, 300, "SME-A", flow=SMALL, curve=curve) == 300
    log = NativeLog(path)
    assert np.array_equal(np.concatenate(list(log)), commands(11, 300, "SME-A", SMALL))
    assert log.instrument().symbol == "SME-A"
    assert log.curve == curve
    assert "seed=11" in log.provenance
    assert "resting_orders=60" in log.provenance


def test_misuse_is_named(tmp_path):
    for values in ({"fair_ticks": 0}, {"grid_ticks": 1.5}, {"accounts": True}, {"take_ppm": 600_000}, {"gap_ns": 0}):
        with pytest.raises(MisuseError, match=next(iter(values))):
            FlowParams(**values)
    for seed, messages in ((-1, 1), (2**64, 1), (1.0, 1), (1, -1), (1, True)):
        with pytest.raises(MisuseError):
            generate(seed, messages)
    for symbol in ("", "NINELETTE", "A B", "É"):
        with pytest.raises(MisuseError, match="symbol"):
            write_itch(tmp_path / "log", 1, 1, symbol)
    with pytest.raises(MisuseError, match="midnight"):
        write_itch(tmp_path / "log", 1, 1, flow=FlowParams(start_ns=1))
    with pytest.raises(MisuseError, match="past midnight"):
        write_itch(tmp_path / "log", 1, 1_000, flow=FlowParams(gap_ns=10**12))
