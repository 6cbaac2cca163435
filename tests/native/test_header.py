"""A program in C that includes parbook.h drives the same market: same events, same counters, same refusals."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sysconfig
from typing import Any

import numpy as np
import pytest

import parbook
from parbook import messages as m
from parbook.codes import Side
from parbook.embedding import include_dir
from parbook.errors import MisuseError
from parbook.logs.generate import generate
from parbook.records import COMMAND, EVENT, command_records
from parbook.reference import Market as ReferenceMarket

HERE = __file__.rsplit("/", 1)[0]


@pytest.fixture(scope="module")
def native(tmp_path_factory: Any) -> Any:
    """The extension module of feed.c, compiled with the header as an installation would offer it."""
    target = tmp_path_factory.mktemp("native") / f"feed{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    folders = [f"-I{include_dir()}", f"-I{sysconfig.get_path('include')}"]
    subprocess.run(["cc", *flags, *folders, f"{HERE}/feed.c", "-o", str(target)], check=True)
    spec = importlib.util.spec_from_file_location("feed", target)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stream(count: int) -> Any:
    return np.concatenate(list(generate(5, count)))


def test_a_fed_market_does_what_the_reference_does(native):
    commands = stream(3_000)
    market, reference = parbook.Market(parbook.Instrument(symbol="N")), ReferenceMarket(parbook.Instrument(symbol="N"))
    expected = reference.apply_batch(commands)
    depth = reference.depth(1)
    asked = int(depth["price_ticks"][depth["side"] == Side.BUY][0])
    done, events, next_seq, next_command, next_order_id, now_ns, last, bid, ask, lots, filled, broken = native.feed(
        market, commands.tobytes(), asked
    )
    assert done == len(commands)
    assert np.frombuffer(events, EVENT).tobytes() == expected.tobytes()
    assert market.state_hash() == reference.state_hash()
    assert (next_seq, now_ns, last, broken) == (reference.next_seq, reference.now_ns, reference.last_trade_ticks, 0)
    assert (bid, ask) == (reference.best_bid_ticks, reference.best_ask_ticks)
    assert lots == int(depth["qty_lots"][depth["side"] == Side.BUY][0])
    assert next_command == len(commands) + 1
    first = reference.order(1)
    assert filled == (-1 if first is None else first.filled_lots)
    assert next_order_id > 1
    market.check()


def test_python_may_use_the_market_again_afterwards(native):
    market = parbook.Market(parbook.Instrument(symbol="N"))
    order = m.NewOrder(account=1, side=Side.BUY, price_ticks=10, qty_lots=2)
    native.feed(market, command_records([order]).tobytes(), 10)
    assert market.place(account=1, side=1, qty_lots=2, price_ticks=10).filled_lots == 2
    assert market.open_orders == 0


def test_what_is_no_market_of_ones_own_is_refused(native):
    with pytest.raises(MisuseError, match="compiled Market is needed, not Market"):
        native.feed(ReferenceMarket(parbook.Instrument(symbol="N")), b"", 0)
    with pytest.raises(MisuseError, match="compiled Market is needed, not int"):
        native.hold(7, 1)


@pytest.mark.parametrize(("asked", "held"), [(1, 32), (33, 64), (4096, 4096)])
def test_the_ring_grows_to_what_is_asked(native, asked, held):
    assert native.hold(parbook.Market(parbook.Instrument(symbol="N")), asked) == held


def test_the_structs_of_the_header_are_the_records():
    header = (include_dir() / "parbook.h").read_text()
    sizes = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8, "int64_t": 8}
    for name, layout in (("pb_command", COMMAND), ("pb_event", EVENT)):
        body = re.search(r"typedef struct \{([^}]*)\} " + name + ";", header)
        assert body is not None
        fields = []
        for kind, names in re.findall(r"(u?int\d+_t) ([\w, ]+);", body[1]):
            fields += [(field.strip(), sizes[kind]) for field in names.split(",")]
        assert fields == [(field, layout[field].itemsize) for field in layout.names or ()]
