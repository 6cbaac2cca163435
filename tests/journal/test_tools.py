"""`parbook journal` and `parbook follow`: what an operator sees, and exit codes that mean something."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

import parbook as pb
from parbook.cli import main as cli
from tests.journal.house import SMALL, everything, furnish, orders


@pytest.fixture
def call(capsys):
    def run(*args):
        code = cli.main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def journal(tmp_path):
    """A closed journal of several segments: where it is, and what its exchange said."""
    root = tmp_path / "data"
    with pb.open(root, segment_bytes=SMALL) as exchange:
        market = furnish(exchange)
        for seed in range(6):
            exchange.apply_batch(orders(25, seed))
        exchange.place(market, account=1, side="sell", qty="10", price="2", display="2")
        state, events = exchange.state_hash(), everything(exchange)
    return SimpleNamespace(
        root=root, state=state, all=events, journaled=exchange.journaled, catalogue=exchange.catalogue
    )


def _flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_info_says_what_is_there(call, journal):
    code, out, _ = call("journal", "info", journal.root)
    assert code == 0
    assert f"records 1 to {journal.journaled}" in out
    assert "closed" in out
    assert out.count(".segment") == len(list(journal.root.glob("*.segment")))
    code, out, _ = call("journal", "info", journal.root, "--json")
    report = json.loads(out)
    assert report["last_record"] == journal.journaled
    assert report["kinds"] == {"START": 1, "ASSET": 2, "LISTING": 1, "COMMANDS": 28, "CURVE": 1, "SEAL": 1}
    assert sum(segment["commands"] for segment in report["segments"]) == 20 + 1 + 1 + 150 + 2


def test_verify_tells_sound_from_not_sound(call, journal):
    assert call("journal", "verify", journal.root)[:2][0] == 0
    segment = sorted(journal.root.glob("*.segment"))[1]
    _flip(segment, 150)
    code, out, _ = call("journal", "verify", journal.root)
    assert code == 1
    assert "NOT SOUND" in out
    assert f"DAMAGE in {segment.name} at 128" in out


def test_replay_says_the_state(call, journal):
    code, out, _ = call("journal", "replay", journal.root, "--json")
    result = json.loads(out)
    assert code == 0
    assert (result["state_hash"], result["events"]) == (journal.state, len(journal.all))
    code, out, _ = call("journal", "replay", journal.root, "--from-start", "--progress")
    assert journal.state in out


def test_repair_keeps_what_is_before_the_damage_and_deletes_nothing(call, journal):
    segments = sorted(journal.root.glob("*.segment"))
    before = {path.name: path.read_bytes() for path in segments}
    _flip(segments[1], 150)
    code, out, err = call("journal", "replay", journal.root)
    assert code == 3
    assert "repair" in err
    assert "report this" not in err
    code, out, _ = call("journal", "repair", journal.root)
    assert code == 1
    assert "nothing was changed" in out
    assert call("journal", "verify", journal.root)[0] == 1
    code, out, _ = call("journal", "repair", "--yes", journal.root)
    assert code == 0
    assert call("journal", "verify", journal.root)[0] == 0
    kept = {path.name: path.read_bytes() for path in (journal.root / "quarantine").iterdir()}
    assert all(kept[segment.name] == before[segment.name] for segment in segments[2:])
    with pb.open(journal.root) as exchange:
        assert exchange.recovered.end.record == int(segments[1].name[:20]) - 1
        furnished = [handle.name for handle in exchange.instruments]
        assert furnished == ["SME-A/USDx"]
        exchange.apply_batch(orders(10))
    assert call("journal", "repair", journal.root)[:2] == (0, f"{journal.root}: nothing to repair\n")


@pytest.mark.parametrize("offset", [150, 20])
def test_repair_gives_nothing_up_that_a_snapshot_covers(call, tmp_path, offset):
    """Damage in a segment, or in its head, that an opening does not need: not a record behind it may go."""
    with pb.open(tmp_path, segment_bytes=SMALL) as exchange:
        furnish(exchange)
        for seed in range(4):
            exchange.apply_batch(orders(60, seed))
        exchange.checkpoint()
        exchange.apply_batch(orders(60, 9))
        state = exchange.state_hash()
    _flip(sorted(tmp_path.glob("*.segment"))[1], offset)
    assert call("journal", "verify", tmp_path)[0] == 1
    assert call("journal", "repair", "--yes", tmp_path)[0] == 0
    with pb.open(tmp_path) as again:
        assert again.state_hash() == state


def test_repair_needs_the_lock(call, journal):
    with pb.open(journal.root):
        code, _, err = call("journal", "repair", "--yes", journal.root)
    assert code == 2
    assert "is open in process" in err


def test_export_to_json_lines(call, journal, tmp_path):
    assert call("journal", "export", journal.root, tmp_path / "c.jsonl")[0] == 0
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    commands = [line for line in lines if line["record_kind"] in ("COMMANDS", "CURVE")]
    assert [line["command"] for line in commands] == list(range(1, len(commands) + 1))
    assert commands[-1]["terms"]["display_lots"] == 2
    assert lines[-1] == {
        "record": journal.journaled,
        "command": len(commands) + 1,
        "record_kind": "SEAL",
        "state_hash": journal.state,
    }
    assert call("journal", "export", journal.root, tmp_path / "e.jsonl", "--events")[0] == 0
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [event["position"] for event in events] == list(range(len(journal.all)))
    assert sum(event["event"] == "Trade" for event in events) == int((journal.all["kind"] == pb.EventKind.TRADE).sum())


@pytest.mark.parametrize("of_events", [False, True])
def test_export_to_parquet(call, journal, tmp_path, of_events):
    out = tmp_path / "x.parquet"
    code, text, _ = call("journal", "export", journal.root, out, *(["--events"] if of_events else []))
    table = pq.read_table(out)
    assert code == 0
    assert f"{table.num_rows} " in text
    if of_events:
        assert table["number"].to_pylist() == list(range(len(journal.all)))
        for name in ("seq", "price_ticks", "qty_lots", "account"):
            assert table[name].to_pylist() == journal.all[name].tolist()
    else:
        assert table["price_ticks"].to_pylist()[20:] != []


def test_an_unknown_format_is_refused(call, journal, tmp_path):
    code, _, err = call("journal", "export", journal.root, tmp_path / "x.csv")
    assert code == 2
    assert "name OUT.jsonl or OUT.parquet" in err
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("action", ["info", "verify", "replay", "repair"])
def test_no_journal_is_bad_input(call, tmp_path, action):
    code, _, err = call("journal", action, tmp_path / "nothing")
    assert code == 2
    assert "there is no journal" in err


def test_follow_once_and_promote(call, journal):
    code, out, _ = call("follow", journal.root, "--once", "--json")
    assert code == 0
    assert json.loads(out)["state_hash"] == journal.state
    code, out, _ = call("follow", journal.root, "--until", "5", "--every", "1")
    assert code == 0
    assert call("follow", journal.root, "--once", "--checkpoint")[0] == 0
    assert call("follow", journal.root, "--until", "9", "--checkpoint-every", "3")[0] == 0
    assert len(list(journal.root.glob("*.snapshot"))) == 1
    code, out, _ = call("follow", journal.root, "--promote")
    assert code == 0
    assert out.startswith("promoted record")
    with pb.open(journal.root) as exchange:
        assert exchange.state_hash() == journal.state


def test_the_catalogue_answers_queries(journal):
    rows = journal.catalogue.rows("select epoch, durability, last_record, state_hash from runs")
    assert rows == [(1, "group", journal.journaled, journal.state)]
    names = [name for (name,) in journal.catalogue.rows("select name from segments order by name")]
    assert names == sorted(path.name for path in journal.root.glob("*.segment"))
    assert journal.catalogue.rows("select nonsense") == []
    assert journal.catalogue.error is not None
