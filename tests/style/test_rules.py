"""The repository keeps the house rules; and each rule can be broken, which a planted violation shows."""

from __future__ import annotations

from enum import IntEnum

import pytest

from parbook import codes
from parbook.codes import DocumentedEnum
from tests.style import rules

LAYERS = rules.read_layers(rules.ARCHITECTURE.read_text())
ENGINE = list(rules.sources({"engine", "ext"}))
ALL = list(rules.sources({"engine", "ext", "tests", "tools", "bench", "examples"}))


def _none(faults: list[str]) -> None:
    assert not faults, "\n" + "\n".join(faults)


def test_there_is_something_to_check():
    assert len(ENGINE) > 15
    assert any(path.endswith(".pxd") for path, _ in ENGINE)
    assert len(LAYERS.core) >= 8


# --- length -------------------------------------------------------------------------------------


def test_files_can_be_read_in_one_sitting():
    _none([fault for path, text in ALL for fault in rules.long_file(path, text)])


def test_a_long_file_is_found():
    assert rules.long_file("engine/parbook/a.py", "x\n" * 500) == []
    assert rules.long_file("engine/parbook/a.py", "x\n" * 501) == ["engine/parbook/a.py: 501 lines, at most 500"]
    assert rules.long_file("ext/parbook/_a.pyx", "x\n" * 600) == []
    assert rules.long_file("tests/test_a.py", "x\n" * 601) != []


def test_functions_are_short():
    _none([fault for path, text in ALL for fault in rules.long_functions(path, text)])


def test_a_long_function_is_found():
    python = "def f():\n" + "    x = 1\n" * 59
    assert rules.long_functions("engine/a.py", python) == []
    assert rules.long_functions("engine/a.py", python + "    x = 2\n") == ["engine/a.py:1: f has 61 lines, at most 60"]
    assert rules.long_functions("tests/a.py", python + "    x = 2\n") == []


@pytest.mark.parametrize(
    "header",
    [
        "cdef int f(int x) except -1 nogil:\n",
        "cdef inline void f(\n    const T *a, int64_t b\n) noexcept nogil:\n",
        "cpdef object f(self):\n",
        "    def f(self, x=1):\n",
    ],
)
def test_a_long_compiled_function_is_found(header):
    indent = " " * (len(header) - len(header.lstrip()) + 4)
    text = (
        "cdef class A:\n    cdef int x\n\n" + header + f"{indent}x = 1\n\n" * 40 + "cdef int g(int x):\n    return 1\n"
    )
    faults = rules.long_functions("ext/_a.pyx", text)
    assert len(faults) == 1
    assert "f has" in faults[0]


# --- layers -------------------------------------------------------------------------------------


def test_imports_point_downward():
    _none([fault for path, text in ENGINE for fault in rules.upward_imports(path, text, LAYERS)])


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("engine/parbook/errors.py", "from parbook.units import PPM"),
        ("engine/parbook/units.py", "from parbook import messages as m"),
        ("engine/parbook/units.py", "def f():\n    import parbook.codes"),
        ("engine/parbook/curve/ladder.py", "from parbook.reference import Market"),
        ("engine/parbook/reference/book.py", "from parbook._market import Market"),
        ("engine/parbook/logs/itch.py", "from parbook import Market"),
        ("engine/parbook/logs/itch.py", "from parbook.replay.run import replay"),
        ("engine/parbook/logs/itch.py", "from .records import LOG"),
        ("engine/parbook/records.py", "from parbook.state import ORDER"),
        ("engine/parbook/units.py", "from parbook.nowhere import x"),
        ("engine/parbook/nowhere.py", "import math"),
        ("ext/parbook/_curve.pyx", "from parbook._market cimport Market"),
        ("ext/parbook/_book.pxd", "from parbook.logs.records import LOG"),
        ("ext/parbook/_book.pxd", "from ._curve cimport Ladder"),
        ("ext/parbook/_book.pxd", "from parbook import messages as m, Market"),
        ("ext/parbook/_book.pxd", "import parbook"),
    ],
)
def test_an_upward_import_is_found(path, line):
    assert len(rules.upward_imports(path, line, LAYERS)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("engine/parbook/records.py", "from parbook import messages as m"),
        ("engine/parbook/logs/itch.py", "from parbook.logs.records import LOG\nfrom parbook._itch import ItchDecoder"),
        ("engine/parbook/cli/main.py", "import parbook\nfrom parbook import Market\nimport time"),
        ("ext/parbook/_market.pyx", "from parbook._book cimport Book\nfrom parbook.records import EVENT"),
        ("ext/parbook/_market.pyx", "from parbook import messages as m, codes\nfrom parbook cimport _book"),
        ("ext/parbook/_market.pyx", '"""from parbook.cli import main"""\n# from parbook.cli import main'),
    ],
)
def test_a_downward_import_is_fine(path, line):
    assert rules.upward_imports(path, line, LAYERS) == []


# --- the core -----------------------------------------------------------------------------------


def _is_core(path: str) -> bool:
    return LAYERS.of(rules.module_of(path)) in LAYERS.core


def test_the_core_has_no_clock_no_files_and_no_floats():
    _none([fault for path, text in ENGINE if _is_core(path) for fault in rules.impure(path, text)])


def test_the_core_is_what_it_should_be():
    core = {"units.py", "records.py", "curve/ladder.py", "reference/__init__.py"}
    assert all(_is_core(f"engine/parbook/{name}") for name in core)
    assert _is_core("ext/parbook/_curve.pxd")
    assert _is_core("ext/parbook/_market.pyx")
    assert not _is_core("engine/parbook/logs/records.py")
    assert not _is_core("ext/parbook/_itch.pyx")


@pytest.mark.parametrize(
    "line",
    [
        "x = float('1')",
        "import time",
        "import random",
        "from random import randint",
        "from datetime import datetime",
        "f = open('a')",
        "x = 0.5",
        "x = a / b",
        "x /= 2",
        "print(1)",
    ],
)
def test_an_impure_line_is_found(line):
    assert len(rules.impure("engine/parbook/units.py", line)) == 1


@pytest.mark.parametrize("line", ["x = float(y)", "import time", "from random import randint", "open('a')"])
def test_an_impure_compiled_line_is_found(line):
    assert len(rules.impure("ext/parbook/_market.pyx", f"cdef int f():\n    {line}\n")) == 1


def test_words_in_strings_and_comments_are_not_code():
    text = '"""import time; open("x")"""\n# float(x)\ns = "open(1)"\n'
    assert rules.impure("ext/parbook/_market.pyx", text) == []
    assert rules.impure("engine/parbook/units.py", text) == []


# --- documentation ------------------------------------------------------------------------------


def test_everything_public_has_a_docstring():
    python = [(path, text) for path, text in ENGINE if path.endswith((".py", ".pyi"))]
    _none([fault for path, text in python for fault in rules.undocumented(path, text)])


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("a.py", '"""Doc."""\ndef f(x):\n    return x\n', "f"),
        ("a.py", '"""Doc."""\nclass A:\n    """Doc."""\n    def f(self):\n        return 1\n', "f"),
        ("a.py", "x = 1\n", "the module"),
        ("_a.pyi", '"""Doc."""\nclass A:\n    x: int\n', "A"),
        ("_a.pyi", '"""Doc."""\ndef f(x: int) -> int: ...\n', "f"),
    ],
)
def test_a_missing_docstring_is_found(path, text, name):
    assert rules.undocumented(path, text) == [f"{path}: {name} has no docstring"]


CODES = [kind for kind in vars(codes).values() if isinstance(kind, type) and issubclass(kind, DocumentedEnum)]


@pytest.mark.parametrize("kind", CODES)
def test_codes_are_documented_and_unique(kind):
    assert rules.undocumented_codes(kind) == []


def test_a_bad_code_is_found():
    class Twice(DocumentedEnum):
        A = 1, "one"
        B = 1, "one"
        C = 2, ""
        D = 3, "three"
        E = 4, "three"

    class Plain(IntEnum):
        A = 1

    assert rules.undocumented_codes(Twice) == ["B shares number 1 with A", "C has no doc", "E has the doc of D"]
    assert rules.undocumented_codes(Plain) == ["A has no doc"]


def test_no_file_names_a_place_on_somebodys_machine():
    faults = []
    for path in rules.tracked_files():
        try:
            text = (rules.ROOT / path).read_text()
        except UnicodeDecodeError:
            continue  # a binary fixture holds no text to check
        faults += rules.machine_paths(str(path), text)
    _none(faults)


def test_a_machine_path_is_found():
    planted = "/".join(["", "home", "ann", "flow.pbk"])
    assert rules.machine_paths("a.md", f"see {planted}") == [f"a.md:1: see {planted}"]
    assert rules.machine_paths("a.md", f"see https://example.org{planted} and ./home/x") == []


def test_the_docs_mention_every_make_target():
    docs = "".join(path.read_text() for path in (rules.ROOT / "docs").glob("*.md"))
    makefile = (rules.ROOT / "Makefile").read_text()
    assert rules.unmentioned_targets(makefile, docs) == []


def test_an_unmentioned_target_is_found():
    assert rules.unmentioned_targets("all: x ## do\nfly: ## fly\n_hidden: x\n", "`make all`") == [
        "make fly is not in the docs"
    ]


def test_files_are_listed_without_git_as_well(tmp_path):
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine/a.py").touch()
    (tmp_path / "build").mkdir()
    (tmp_path / "build/b.py").touch()
    assert [str(path) for path in rules.tracked_files(tmp_path)] == ["engine/a.py"]
