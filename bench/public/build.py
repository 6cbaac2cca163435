"""Compiles adapter.c against a checkout of the public benchmark and the interpreter that runs this."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

from parbook.embedding import include_dir
from parbook.errors import InputError

ADAPTER: Final = Path(__file__).resolve().parent / "adapter.c"
HEADER: Final = "matching_engine_api.h"


def libpython() -> tuple[Path, str]:
    """Return the folder and the file name of the shared library of this interpreter; InputError when it has none."""
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        raise InputError(
            sys.executable,
            "this Python was built without a shared library, so no program can embed it",
            "Use one that has it: Debian's python3, or one built with --enable-shared.",
        )
    return Path(str(sysconfig.get_config_var("LIBDIR"))), str(sysconfig.get_config_var("INSTSONAME"))


def build_adapter(checkout: Path, target: Path | None = None) -> Path:
    """Build the adapter into the checkout, or at `target`, and return its path; InputError says what is missing."""
    header = checkout / "api" / HEADER
    if not header.exists():
        raise InputError(str(header), "not there", "Give the path of a checkout of the public matching benchmark.")
    compiler = shutil.which("cc")
    if compiler is None:
        raise InputError("cc", "no C compiler", "Install gcc or clang.")
    folder, library = libpython()
    target = target or checkout / "parbook_adapter.so"
    # The interpreter finds parbook, its own packages included, where this one does.
    command = [compiler, "-std=c11", "-D_GNU_SOURCE", "-O3", "-Wall", "-Wextra", "-fPIC", "-shared"]
    command += [f"-I{include_dir()}", f"-I{header.parent}", f"-I{sysconfig.get_path('include')}"]
    command += [f'-DPARBOOK_PYTHON="{sys.executable}"', f'-DPARBOOK_LIBPYTHON="{library}"']
    command += [f'-DPARBOOK_PATH="{include_dir().parents[1]}"', str(ADAPTER), "-o", str(target)]
    command += [str(folder / library), f"-Wl,-rpath,{folder}", "-ldl"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise InputError(
            str(ADAPTER), f"does not compile: {run.stderr.strip()[-500:]}", "Is the checkout a newer version?"
        )
    return target
