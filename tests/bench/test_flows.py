"""The public flows: their translation to commands, and the checksums, against the independent matcher beside them."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

from bench import flows
from bench.measure import BUILD, QUICK, UnavailableError
from parbook.codes import CommandKind, TimeInForce
from tests.support.shared import shared_path

MESSAGES = 20_000


def test_each_kind_becomes_its_command():
    records = np.zeros(5, flows._RECORD)
    records["kind"] = [0, 1, 2, 3, 4]
    records["side"] = [1, 1, 0, 0, 1]
    records["qty"] = [7, 0, 3, 5, 9]
    records["price"] = [100, 100, 90, 0, 95]
    records["id"] = [1, 1, 2, 3, 4]
    records["account"] = 8
    commands = flows.commands_of(records)
    assert commands["kind"].tolist() == [
        CommandKind.NEW,
        CommandKind.CANCEL,
        CommandKind.REDUCE,
        CommandKind.NEW,
        CommandKind.NEW,
    ]
    gtc, ioc = TimeInForce.GTC, TimeInForce.IOC
    assert commands["tif"].tolist() == [gtc, gtc, gtc, ioc, ioc]
    assert commands["order_id"].tolist() == [0, 1, 2, 0, 0]
    assert commands["price_ticks"].tolist() == [100, 0, 0, 2**30, 95]
    assert commands["qty_lots"].tolist() == [7, 0, 3, 5, 9]
    assert commands["account"].tolist() == [8] * 5


@pytest.fixture(scope="module")
def ref_match():
    spec = importlib.util.spec_from_file_location("ref_match", shared_path("flows", "ref_match.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load(name):
    try:
        return flows.load(name, MESSAGES)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", flows.FLOWS)
def test_answers_equal_the_independent_matchers(name, ref_match, monkeypatch, tmp_path):
    commands = _load(name)
    raw = (BUILD / f"{name}-{MESSAGES}.bin").read_bytes()
    expected = ref_match.run(raw)
    found = flows.answers(*flows.run(commands))
    assert {key: expected[key] for key in found} == found

    monkeypatch.setattr(flows, "shared", lambda: tmp_path)
    (tmp_path / "expected.json").write_text(json.dumps({name: expected}))
    assert flows.verify(name, MESSAGES, commands) == 9
    for key in ("trade_hash", "order_sum", "level_sum", "qty"):
        wrong = expected | {key: "wrong"}
        (tmp_path / "expected.json").write_text(json.dumps({name: wrong}))
        with pytest.raises(AssertionError, match=key):
            flows.verify(name, MESSAGES, commands)


def test_a_refused_command_is_noticed():
    records = np.zeros(1, flows._RECORD)
    records["kind"] = 1
    records["id"] = 5
    records["account"] = 1
    with pytest.raises(AssertionError, match="refused"):
        flows.run(flows.commands_of(records))


def test_without_the_shared_folder_the_row_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("PARBOOK_SHARED", str(tmp_path))
    (row,) = flows.flow_rows(QUICK)
    assert row.bar == "B16"
    assert "PARBOOK_SHARED" in row.verdict
