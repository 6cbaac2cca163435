"""The command line: exit codes that mean something, one clear message for what is wrong, JSON that stays."""

import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from parbook.cli import main as cli
from parbook.cli.progress import ProgressBar
from parbook.errors import InvariantError
from parbook.logs.generate import write_itch, write_native
from tests.support.replay_logs import with_executions_swapped, write_lobster

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "listing.toml"

KEYS = [
    "schema", "log", "format", "mode", "symbols", "tick", "lot", "messages", "verified", "checks", "counts",
    "mismatches_total", "mismatches", "notes", "state_hash", "curve",
]  # fmt: skip


@pytest.fixture
def call(capsys):
    def run(*args):
        code = cli.main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    write_itch(folder / "a.itch", 3, 3000)
    write_native(folder / "a.pbl", 3, 3000)
    write_lobster(folder)
    (folder / "swapped.itch").write_bytes(with_executions_swapped((folder / "a.itch").read_bytes()))
    return folder


def lobster(logs):
    return (
        logs / "TEST_2020-01-02_34200000_57600000_message_3.csv",
        logs / "TEST_2020-01-02_34200000_57600000_orderbook_3.csv",
    )


# --- what is right ------------------------------------------------------------------------------


def test_verified_logs_end_with_0(call, logs):
    messages, books = lobster(logs)
    for args in (
        [logs / "a.itch"],
        [logs / "a.itch", "--mode", "match"],
        [messages, "--truth", books],
        [logs / "a.pbl"],
    ):
        code, out, err = call("replay", *args)
        assert (code, err) == (0, "")
        assert "Mismatches" in out


def test_json_is_one_object_with_stable_keys_and_the_same_bytes_twice(call, logs):
    code, out, err = call("replay", logs / "a.pbl", "--curve", EXAMPLE, "--json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert list(result) == KEYS
    assert result["schema"] == 1
    assert result["messages"] == 3000
    assert {"bought_lots", "net_lots", "diverged", "discount_ppm", "reserve_used_max_notional"} <= set(result["curve"])
    assert call("replay", logs / "a.pbl", "--curve", EXAMPLE, "--json")[1] == out


def test_json_of_a_verification_has_its_counts(call, logs):
    result = json.loads(call("replay", logs / "a.itch", "--json")[1])
    front = result["checks"][0]
    assert list(front) == ["name", "what", "passed", "total", "required", "percent"]
    assert front["passed"] == front["total"] > 100
    assert front["percent"] == "100.0000"


def test_quiet_prints_nothing(call, logs):
    assert call("replay", logs / "a.itch", "--quiet") == (0, "", "")


def test_limit(call, logs):
    assert json.loads(call("replay", logs / "a.itch", "--limit", "50", "--json")[1])["messages"] == 50


@pytest.mark.parametrize("kind", ["native", "itch"])
def test_generate_writes_the_same_bytes_for_the_same_seed(call, tmp_path, kind):
    one, two, three = (tmp_path / name for name in "123")
    for path, seed in ((one, 5), (two, 5), (three, 6)):
        code, out, _ = call("generate", path, "--messages", "500", "--seed", seed, "--format", kind)
        assert code == 0
        assert f"seed {seed}" in out
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]


def test_an_output_replaces_the_old_file_and_never_writes_into_it(call, tmp_path):
    path, kept = tmp_path / "log", tmp_path / "kept"
    path.write_text("old")
    os.link(path, kept)
    assert call("generate", path, "--messages", "5", "--quiet") == (0, "", "")
    assert path.read_bytes() != b"old"
    assert kept.read_text() == "old"


def test_python_m_parbook_and_help():
    done = subprocess.run(
        [sys.executable, "-m", "parbook", "replay", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "--truth" in done.stdout


# --- what disagrees -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["book", "match"])
def test_an_execution_out_of_order_ends_with_1_and_its_place(call, logs, mode):
    code, out, err = call("replay", logs / "swapped.itch", "--mode", mode)
    assert (code, err) == (1, "")
    assert "disagree" in out
    assert "MISMATCH byte" in out or "MISMATCH place" in out
    code, out, _ = call("replay", logs / "swapped.itch", "--mode", mode, "--json")
    result = json.loads(out)
    assert code == 1
    assert result["verified"] is False
    assert result["mismatches_total"] >= 1


def test_a_flipped_truth_cell_ends_with_1_and_names_row_side_level_expected_got(call, logs, tmp_path):
    messages, books = lobster(logs)
    lines = books.read_text().splitlines()
    cells = lines[77].split(",")
    cells[5] = str(int(cells[5]) + 1)
    lines[77] = ",".join(cells)
    flipped = tmp_path / "book.csv"
    flipped.write_text("\n".join(lines) + "\n")
    code, out, _ = call("replay", messages, "--truth", flipped)
    assert code == 1
    assert (
        f"row 77, SELL level 2: the book differs from the truth file; expected {cells[5]} lots at {cells[4]}, got"
        in out
    )


# --- what is wrong ------------------------------------------------------------------------------


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def bad_logs(logs, folder):
    """Return {name: (arguments, parts of the message)} of what is wrong with the log."""
    itch, native = (logs / "a.itch").read_bytes(), (logs / "a.pbl").read_bytes()
    messages, _ = lobster(logs)
    rows = messages.read_text().splitlines()

    put = partial(write, folder)

    def row(**changes):
        names = ("time", "type", "id", "size", "price", "direction")
        cells = dict(zip(names, rows[9].split(","), strict=True)) | changes
        return "\n".join([*rows[:9], ",".join(cells.values()), *rows[10:]]) + "\n"

    flipped = bytearray(native)
    flipped[len(native) // 2] ^= 1
    replay = ["replay"]
    return {
        "truncated itch": ([*replay, put("t.itch", itch[:-7])], ["t.itch", "byte"]),
        "truncated native": ([*replay, put("t.pbl", native[:-30])], ["t.pbl", "byte", "cut off"]),
        "wrong magic": ([*replay, put("magic.pbl", b"NOTALOG!" + native[8:])], ["magic.pbl", "no known log format"]),
        "flipped byte": ([*replay, put("flip.pbl", bytes(flipped))], ["flip.pbl"]),
        "flipped type": ([*replay, put("flip.itch", itch[:2] + b"~" + itch[3:])], ["flip.itch"]),
        "unknown symbol": ([*replay, logs / "a.itch", "--symbol", "NOPE"], ["NOPE", "RWA"]),
        "unknown symbol native": ([*replay, logs / "a.pbl", "--symbol", "NOPE"], ["NOPE", "RWA"]),
        "negative size": ([*replay, put("TEST_a.csv", row(size="-5"))], ["line 10", "-5"]),
        "size beyond a market": ([*replay, put("TEST_b.csv", row(type="1", size="1" + "0" * 12))], ["place 9", "qty"]),
        "size beyond 64 bits": (
            [*replay, put("TEST_c.csv", row(size=str(2**64)))],
            ["line 10", "18446744073709551616"],
        ),
        "missing file": ([*replay, folder / "absent.itch"], ["absent.itch"]),
        "directory": ([*replay, folder], [folder.name, "directory"]),
        "empty": ([*replay, put("empty", b"")], ["empty"]),
    }


def bad_settings(logs, folder):
    """Return {name: (arguments, parts of the message)} of what is wrong with everything else."""
    put = partial(write, folder)
    messages, books = lobster(logs)
    replay = ["replay"]
    example = EXAMPLE.read_text()
    return {
        "listing typo": (
            [*replay, logs / "a.pbl", "--curve", put("typo.toml", example.replace("drop_bps", "drop_bp"))],
            ["typo.toml", "[curve] drop_bp", "Did you mean drop_bps?"],
        ),
        "off-tick listing": (
            [*replay, logs / "a.pbl", "--curve", put("o.toml", example.replace('rung = "0.0001"', 'rung = "0.00015"'))],
            ["o.toml", "[curve] rung", "0.00015", "Nearest accepted"],
        ),
        "off-tick anchor": (
            [*replay, logs / "a.pbl", "--curve", EXAMPLE, "--anchor", put("a.csv", "ts_ns,price\n5,1.00001\n")],
            ["a.csv, line 2", "1.00001", "Nearest accepted"],
        ),
        "toml syntax": ([*replay, logs / "a.pbl", "--curve", put("s.toml", "[curve\n")], ["s.toml", "line 1"]),
        "missing listing": ([*replay, logs / "a.pbl", "--curve", folder / "absent.toml"], ["absent.toml"]),
        "missing anchor": ([*replay, logs / "a.pbl", "--curve", EXAMPLE, "--anchor", folder / "no.csv"], ["no.csv"]),
        "book of a native log": ([*replay, logs / "a.pbl", "--mode", "book"], ["--mode book", "Use --mode match"]),
        "book without truth": ([*replay, messages, "--mode", "book"], ["--truth"]),
        "truth for itch": ([*replay, logs / "a.itch", "--truth", books], ["LOBSTER"]),
        "curve in mode book": ([*replay, logs / "a.itch", "--mode", "book", "--curve", EXAMPLE], ["--mode match"]),
        "anchor without curve": ([*replay, logs / "a.itch", "--anchor", EXAMPLE], ["--curve"]),
        "report nowhere": ([*replay, logs / "a.itch", "--report", folder / "no" / "x.html"], ["no directory", "mkdir"]),
        "report a directory": ([*replay, logs / "a.itch", "--report", folder], ["is a directory"]),
        "report over the log": (
            [*replay, put("own.itch", (logs / "a.itch").read_bytes()), "--report", folder / "own.itch"],
            ["own.itch", "replace what is read"],
        ),
        "report over the listing": (
            [*replay, logs / "a.pbl", "--curve", put("mine.toml", example), "--report", folder / "mine.toml"],
            ["mine.toml", "replace what is read"],
        ),
        "generate over the listing": (
            ["generate", put("own.toml", example), "--messages", "5", "--curve", folder / "own.toml"],
            ["own.toml", "replace what is read"],
        ),
        "generate nowhere": (["generate", folder / "no" / "x", "--messages", "5"], ["no directory"]),
        "generate a bad name": (["generate", folder / "x", "--messages", "5", "--symbol", "a" * 40], ["symbol", "32"]),
        "itch with a curve": (
            ["generate", folder / "x", "--messages", "5", "--format", "itch", "--curve", EXAMPLE],
            ["--format native"],
        ),
        "usage": ([*replay], ["usage", "LOG"]),
        "usage limit": ([*replay, logs / "a.itch", "--limit", "-3"], ["--limit", "-3"]),
        "usage limit text": ([*replay, logs / "a.itch", "--limit", "1e3"], ["--limit", "1e3"]),
        "usage command": (["replya"], ["replya", "replay"]),
    }


BAD_NAMES = (
    "truncated itch",
    "truncated native",
    "wrong magic",
    "flipped byte",
    "flipped type",
    "unknown symbol",
    "unknown symbol native",
    "negative size",
    "size beyond a market",
    "size beyond 64 bits",
    "listing typo",
    "off-tick listing",
    "off-tick anchor",
    "toml syntax",
    "missing file",
    "missing listing",
    "missing anchor",
    "directory",
    "empty",
    "book of a native log",
    "book without truth",
    "truth for itch",
    "curve in mode book",
    "anchor without curve",
    "report nowhere",
    "report a directory",
    "report over the log",
    "report over the listing",
    "generate over the listing",
    "generate nowhere",
    "generate a bad name",
    "itch with a curve",
    "usage",
    "usage limit",
    "usage limit text",
    "usage command",
)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_input_ends_with_2_and_one_message_that_says_where_and_what_to_do(call, logs, tmp_path, name):
    args, parts = (bad_logs(logs, tmp_path) | bad_settings(logs, tmp_path))[name]
    before = sorted(tmp_path.iterdir())
    code, out, err = call(*args)
    assert code == 2, (out, err)
    assert out == ""
    assert "Traceback" not in err
    assert [part for part in parts if part not in err] == [], err
    if not name.startswith("usage"):
        assert err.startswith("parbook: error: ")
        assert err.count("\n") == 1
    # Nothing half-written is left behind.
    assert sorted(tmp_path.iterdir()) == before


def test_the_list_of_bad_inputs_is_whole(logs, tmp_path):
    assert sorted(BAD_NAMES) == sorted([*bad_logs(logs, tmp_path), *bad_settings(logs, tmp_path)])


# --- what breaks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "word"), [(InvariantError("levels"), 3, "report this"), (KeyboardInterrupt(), 130, "interrupted")]
)
def test_a_broken_invariant_ends_with_3_and_an_interrupt_with_130(call, logs, monkeypatch, error, code, word):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("parbook.cli.replay.replay", fail)
    got, out, err = call("replay", logs / "a.itch")
    assert (got, out) == (code, "")
    assert word in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("log", "code"), [("a.itch", 0), ("swapped.itch", 1)])
def test_a_reader_that_goes_away_is_no_error_and_changes_no_exit_code(logs, log, code):
    read, write_end = os.pipe()
    os.close(read)
    with os.fdopen(write_end, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "parbook", "replay", str(logs / log)],
            stdout=gone, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == code


def test_a_pipe_stays_a_pipe_and_a_link_a_link(call, logs, tmp_path):
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    for args in (["replay", logs / "a.itch", "--report", pipe], ["generate", pipe, "--messages", "5"]):
        code, out, err = call(*args)
        assert (code, out) == (2, "")
        assert "a device or a pipe" in err
        assert pipe.is_fifo()
    target.write_text("old")
    link.symlink_to(target)
    assert call("generate", link, "--messages", "5")[0] == 0
    assert link.is_symlink()
    assert target.read_bytes().startswith(b"PARBKLOG")


def test_a_failed_report_leaves_the_old_one_in_place(call, logs, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(result):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("parbook.cli.replay.render", fail)
    code, _, err = call("replay", logs / "a.itch", "--report", path)
    assert code == 2
    assert "No space left" in err
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# --- progress -----------------------------------------------------------------------------------


def test_progress_stays_silent_for_a_second_and_without_a_terminal(capsys):
    with ProgressBar("x") as bar:
        bar(1, 2)
    assert capsys.readouterr().err == ""


def test_progress_shows_a_bar_when_forced(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    with ProgressBar("x.itch", forced=True) as bar:
        bar(50, 100)
        bar(100, 100)
    assert "x.itch" in err.getvalue()


def test_without_tqdm_progress_is_plain_percentages(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with ProgressBar("x.itch", forced=True) as bar:
        for done in range(0, 101, 5):
            bar(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"x.itch: {percent}%" for percent in range(10, 101, 10)]


@pytest.mark.parametrize("form", ["native", "itch"])
def test_generate_shows_how_far_it_is(call, monkeypatch, tmp_path, form):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    out = tmp_path / "flow.log"
    code, _, err = call("generate", out, "--messages", 20_000, "--format", form, "--progress")
    assert code == 0
    assert err.splitlines()[-1] == "flow.log: 100%"
    assert call("generate", out, "--messages", 20_000, "--format", form, "--quiet") == (0, "", "")
