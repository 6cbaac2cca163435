"""Compiles what only the benchmarks need, into build/bench: nothing of it is installed or shipped."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

from bench.measure import BUILD, ROOT, UnavailableError
from parbook.embedding import include_dir

_BUILD_EMPTY: Final = """
import sys
from Cython.Build import cythonize
from setuptools import Distribution, Extension
source, target = sys.argv[1:]
directives = {"language_level": 3, "binding": True}
modules = cythonize([Extension("_empty", [source])], build_dir=target, compiler_directives=directives, quiet=True)
command = Distribution({"name": "bench", "ext_modules": modules}).get_command_obj("build_ext")
command.build_lib, command.build_temp = target, target
command.ensure_finalized()
command.run()
"""


def empty_class(name: str = "Empty") -> Any:
    """Return a class of `_empty` whose methods do nothing, compiled anew when its source is newer."""
    source = ROOT / "bench/_empty.pyx"
    target = BUILD / f"_empty{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-c", _BUILD_EMPTY, str(source), str(BUILD)])
    return getattr(_loaded("_empty", target), name)


def compile_c(source: Path, *flags: str) -> Path:
    """Compile one C file with the system's compiler and return the program."""
    return _compiled(BUILD / source.stem, [source], *flags)


def extension(source: Path, *flags: str) -> Any:
    """Compile one C file that includes parbook.h, and the headers beside it, to an extension module; return it."""
    folders = [f"-I{include_dir()}", f"-I{sysconfig.get_path('include')}"]
    target = BUILD / f"{source.stem}{sysconfig.get_config_var('EXT_SUFFIX')}"
    inputs = [source, *source.parent.glob("*.h"), include_dir() / "parbook.h"]
    _compiled(target, inputs, "-Wall", "-Wextra", "-shared", "-fPIC", *folders, *flags)
    return _loaded(source.stem, target)


def _compiled(target: Path, inputs: list[Path], *flags: str) -> Path:
    """Compile the first of `inputs` unless `target` is younger than all of them."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise UnavailableError("no C compiler")
    BUILD.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.stat().st_mtime < max(path.stat().st_mtime for path in inputs):
        part = target.with_suffix(f".{os.getpid()}")
        _run([compiler, "-O2", "-std=c11", *flags, "-o", str(part), str(inputs[0])])
        part.rename(target)
    return target


def _loaded(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnavailableError(f"{path.name} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(command: list[str]) -> None:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise UnavailableError(f"{Path(command[0]).name} failed: {run.stderr.strip()[-200:]}")
