"""The house rules as functions: each takes text and returns its violations, so that a test can plant one."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = ROOT / "docs/ARCHITECTURE.md"
SOURCES = (".py", ".pyi", ".pyx", ".pxd")
COMPILED = (".pyx", ".pxd")

# A core module reads no clock, no randomness, no files; its numbers are integers.
FORBIDDEN_MODULES = frozenset({"asyncio", "datetime", "io", "logging", "os", "pathlib", "random"})
FORBIDDEN_MODULES |= {"secrets", "socket", "subprocess", "threading", "time", "uuid"}
FORBIDDEN_CALLS = frozenset({"float", "input", "open", "print"})


def tracked_files(root: Path = ROOT) -> list[Path]:
    """Return the files git knows or would add, relative to `root`; without git, all that no build makes."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        made = re.compile(
            r"(^|/)(\.venv|\.git|build|dist|out|__pycache__|\.\w+_cache|\.hypothesis)(/|$)|\.so$|\.egg-info/"
        )
        names = [str(path.relative_to(root)) for path in root.rglob("*")]
        names = [name for name in names if not made.search(name)]
    return sorted({Path(name) for name in names if (root / name).is_file()})


def sources(folders: Iterable[str], suffixes: tuple[str, ...] = SOURCES) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every source file under `folders`."""
    for path in tracked_files():
        if path.parts[0] in folders and path.suffix in suffixes:
            yield str(path), (ROOT / path).read_text()


# --- length -------------------------------------------------------------------------------------


def file_limit(path: str) -> int:
    """Return how many lines a file may have: compiled sources and tests carry more ceremony."""
    return 600 if path.endswith(COMPILED) or path.startswith("tests/") else 500


def function_limit(path: str) -> int:
    """Return how many lines a function may have."""
    return 70 if path.startswith("tests/") else 60


def long_file(path: str, text: str) -> list[str]:
    """Return a violation when the file exceeds its limit."""
    lines = text.count("\n")
    return [f"{path}: {lines} lines, at most {file_limit(path)}"] if lines > file_limit(path) else []


def long_functions(path: str, text: str) -> list[str]:
    """Return a violation for each function, docstring included, that exceeds its limit."""
    functions = _cython_functions(text) if path.endswith(COMPILED) else _python_functions(text)
    limit = function_limit(path)
    return [f"{path}:{first}: {name} has {n} lines, at most {limit}" for name, first, n in functions if n > limit]


def _python_functions(text: str) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


_CYTHON_FUNCTION = re.compile(r"^( *)(?:def|cpdef|cdef)\s+(?!class\b|extern\b|struct\b|enum\b)[^=#]*?(\w+)\s*\(")


def _cython_functions(text: str) -> Iterator[tuple[str, int, int]]:
    lines = text.splitlines()
    for first, line in enumerate(lines):
        header = _CYTHON_FUNCTION.match(line)
        if not header:
            continue
        last = first
        for number in range(first + 1, len(lines)):
            body = lines[number].strip()
            # A signature over several lines closes at the indentation of its own header.
            if body and not body.startswith(")") and len(lines[number]) - len(lines[number].lstrip()) <= len(header[1]):
                break
            if body:
                last = number
        yield header[2], first + 1, last - first + 1


# --- layers -------------------------------------------------------------------------------------


class Layers(NamedTuple):
    """The table of layers: module -> (height, group on that height), and the groups that are core."""

    place: dict[str, tuple[int, int]]
    core: frozenset[tuple[int, int]]

    def of(self, module: str) -> tuple[int, int] | None:
        """Return the place of parbook's module `a` or `a.b.c`; unnamed compiled modules stand at `_*`."""
        name = module.split(".", maxsplit=1)[0]
        return self.place.get(name, self.place.get("_*") if re.match(r"_[a-z]", name) else None)


def read_layers(text: str) -> Layers:
    """Read the layer table of ARCHITECTURE.md: rows `| height | `a` + `_a`, `b` | core |`, lowest first."""
    place: dict[str, tuple[int, int]] = {}
    core = set()
    for height, modules, is_core in re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]*) \|", text, re.MULTILINE):
        for number, group in enumerate(modules.split(",")):
            for name in re.findall(r"`([^`]+)`", group):
                place[name] = (int(height), number)
            if is_core.strip() == "core":
                core.add((int(height), number))
    return Layers(place, frozenset(core))


def module_of(path: str) -> str:
    """Return the module below parbook of a source path: engine/parbook/curve/ladder.py -> curve.ladder."""
    parts = list(Path(path).with_suffix("").parts[2:])
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) or "parbook"


def imported(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, module below parbook) of every import; a relative import counts as the module `.`."""
    if path.endswith(COMPILED):
        for number, line in enumerate(strip_cython(text).splitlines(), 1):
            found = re.match(r"\s*(?:from|cimport|import)\s+(\.|parbook\b)([\w.]*)(?:\s+c?import\s+(.*))?", line)
            if not found:
                continue
            if found[1] == "." or found[2]:
                yield number, found[2].lstrip(".") if found[1] != "." else "."
            else:
                yield from (
                    (number, f"parbook.{name}") for name in re.findall(r"(\w+)(?:\s+as\s+\w+)?", found[3] or "")
                )
                if not found[3]:
                    yield number, "parbook"
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            module = "." if node.level else node.module or ""
            if module == "parbook":
                yield from ((node.lineno, f"parbook.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module.removeprefix("parbook.") if module.startswith(("parbook.", ".")) else ""
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "parbook":
                    yield node.lineno, alias.name.removeprefix("parbook.")


def upward_imports(path: str, text: str, layers: Layers) -> list[str]:
    """Return a violation for each import that does not point downward, is relative, or leads outside the table."""
    here = layers.of(module_of(path))
    if here is None:
        return [f"{path}: {module_of(path)} has no place in the layer table of docs/ARCHITECTURE.md"]
    found = []
    for line, module in imported(path, text):
        if not module:
            continue
        if module == ".":
            found.append(f"{path}:{line}: relative import")
            continue
        # `from parbook import x` names a module or a public name of parbook itself.
        name = module.removeprefix("parbook.")
        there = layers.of(name) or (layers.of("parbook") if module.startswith("parbook.") else None)
        if there is None:
            found.append(f"{path}:{line}: {name} has no place in the layer table")
        elif there != here and there[0] >= here[0]:
            found.append(f"{path}:{line}: {name} (layer {there[0]}) is not below {module_of(path)} (layer {here[0]})")
    return found


# --- the core -----------------------------------------------------------------------------------


def strip_cython(text: str) -> str:
    """Blank out strings and comments, keeping the lines."""
    token = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*", re.DOTALL)
    return token.sub(lambda found: '""' + "\n" * found[0].count("\n"), text)


def impure(path: str, text: str) -> list[str]:
    """Return a violation for each clock, file, random number, float or true division in a core module."""
    if path.endswith(COMPILED):
        calls, modules = "|".join(sorted(FORBIDDEN_CALLS)), "|".join(sorted(FORBIDDEN_MODULES))
        words = rf"\b({calls})\s*\(|\b(?:from|import)\s+({modules})\b"
        lines = enumerate(strip_cython(text).splitlines(), 1)
        return [f"{path}:{n}: {line.strip()}" for n, line in lines if re.search(words, line)]
    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(f"{path}:{node.lineno}: {name}()")
            case ast.Import(names=names):
                found += [f"{path}:{node.lineno}: import {a.name}" for a in names if a.name in FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                found.append(f"{path}:{node.lineno}: from {module} import")
            case ast.Constant(value=float(value)):
                found.append(f"{path}:{node.lineno}: the float {value}")
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                found.append(f"{path}:{node.lineno}: true division")
    return found


# --- documentation ------------------------------------------------------------------------------


def undocumented(path: str, text: str) -> list[str]:
    """Return a violation for each public module, class or function without a docstring. Empty files pass.

    A compiled module is documented in its stub, which stubtest keeps complete.
    """
    tree = ast.parse(text)
    found = [] if ast.get_docstring(tree) or not text.strip() else ["the module"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            for child in node.body:
                if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                if not child.name.startswith("_") and not ast.get_docstring(child):
                    found.append(child.name)
    return [f"{path}: {name} has no docstring" for name in found]


def undocumented_codes(kind: type[IntEnum]) -> list[str]:
    """Return a violation for each code that shares its number or its doc with another, or has no doc."""
    found = [
        f"{alias} shares number {int(m)} with {m.name}" for alias, m in kind.__members__.items() if alias != m.name
    ]
    docs: dict[str, str] = {}
    for member in kind:
        doc = getattr(member, "doc", "")
        if not doc:
            found.append(f"{member.name} has no doc")
        elif doc in docs:
            found.append(f"{member.name} has the doc of {docs[doc]}")
        docs[doc] = member.name
    return found


def machine_paths(path: str, text: str) -> list[str]:
    """Return a violation for each line that names a place on somebody's machine."""
    place = re.compile(r"(?<![\w.*}\]])/(?:home|root|Users|work|mnt|tmp|opt)/\w|\b[A-Z]:\\\\?Users\b")
    return [f"{path}:{n}: {line.strip()[:80]}" for n, line in enumerate(text.splitlines(), 1) if place.search(line)]


def unmentioned_targets(makefile: str, docs: str) -> list[str]:
    """Return a violation for each documented target of the Makefile that the docs do not mention."""
    targets = re.findall(r"^([a-z-]+):[^\n]*## ", makefile, re.MULTILINE)
    return [f"make {target} is not in the docs" for target in targets if not re.search(rf"`make {target}[` ]", docs)]
