"""Compiles what only the benchmarks need, into build/bench: nothing of it is installed or shipped."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

from bench.measure import BUILD, ROOT, UnavailableError

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
    spec = importlib.util.spec_from_file_location("_empty", target)
    if spec is None or spec.loader is None:
        raise UnavailableError(f"{target.name} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def compile_c(source: Path, *flags: str) -> Path:
    """Compile one C file with the system's compiler and return the program."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise UnavailableError("no C compiler")
    BUILD.mkdir(parents=True, exist_ok=True)
    target = BUILD / source.stem
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        _run([compiler, "-O2", "-std=c11", *flags, "-o", str(target), str(source)])
    return target


def _run(command: list[str]) -> None:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise UnavailableError(f"{Path(command[0]).name} failed: {run.stderr.strip()[-200:]}")
