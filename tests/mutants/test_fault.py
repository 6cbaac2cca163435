"""Tables of faults: how they are read, and how one fault is planted in a text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.fault import Fault, FaultError, all_faults, misplaced, read_table

TABLE = """
; a remark
== engine/rule.py
# wrong-sign: what it breaks
? tests/market/test_limit.py
- return a
-     + b
+ return a
+     - b

# other: something else
- one
+ two
== ext/rule.pyx
? tests/curve
# third: in the other file
- x
+ y
"""


def test_a_table_names_files_and_their_faults():
    assert read_table("some.txt", TABLE) == [
        Fault(
            "wrong-sign",
            "engine/rule.py",
            "return a\n    + b",
            "return a\n    - b",
            "what it breaks",
            ("tests/market/test_limit.py",),
        ),
        Fault("other", "engine/rule.py", "one", "two", "something else"),
        Fault("third", "ext/rule.pyx", "x", "y", "in the other file", ("tests/curve",)),
    ]


def test_only_python_needs_no_build():
    assert [fault.compiled for fault in read_table("some.txt", TABLE)] == [False, False, True]


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("# early: before any file\n- a\n+ b", "below a `== path`"),
        ("== f.py\n# No Id: spaces\n- a\n+ b", "below a `== path`"),
        ("== f.py\n# half: nothing put in its place\n- a", "half needs"),
        ("== f.py\n# half: nothing to find\n+ a", "half needs"),
        ("== f.py\n# same: nothing changes\n- a\n+ a", "same changes nothing"),
        ("== f.py\n# odd: a stray line\n- a\n+ b\nhello", "some.txt:5"),
        ("- a\n+ b", "some.txt:1"),
    ],
)
def test_a_malformed_table_is_refused(table: str, complaint: str):
    with pytest.raises(FaultError, match=complaint):
        read_table("some.txt", table)


def test_an_id_is_used_once_in_all_tables(tmp_path: Path):
    (tmp_path / "a.txt").write_text("== a.py\n# twin: one\n- a\n+ b\n")
    (tmp_path / "b.txt").write_text("== b.py\n# single: two\n- a\n+ b\n")
    assert [fault.id for fault in all_faults(tmp_path)] == ["twin", "single"]
    (tmp_path / "c.txt").write_text("== c.py\n# twin: three\n- a\n+ b\n")
    with pytest.raises(FaultError, match="ids used twice: twin"):
        all_faults(tmp_path)


def test_a_fault_replaces_the_one_place_where_it_fits():
    assert Fault("f", "f.py", "b\nc", "x", "").plant("a\nb\nc\nd\n") == "a\nx\nd\n"


@pytest.mark.parametrize(("text", "times"), [("nothing here", 0), ("b and b", 2)])
def test_a_fault_without_one_place_is_refused(text: str, times: int):
    with pytest.raises(FaultError, match=f"occurs {times} times in f.py"):
        Fault("f", "f.py", "b", "x", "").plant(text)


def test_misplaced_faults_are_listed(tmp_path: Path):
    (tmp_path / "f.py").write_text("a b b\n")
    faults = [Fault(find, "f.py", find, "x", "") for find in "abc"] + [Fault("d", "gone.py", "a", "x", "")]
    assert [line.split(":")[0] for line in misplaced(faults, tmp_path)] == ["b", "c", "d"]
