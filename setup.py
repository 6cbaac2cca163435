"""Build the compiled twins of parbook: every ext/parbook/_*.pyx becomes parbook._*.

Three switches, all environment variables, choose a build:
    PARBOOK_CHECKED=1   bounds checks and internal assertions, unoptimised enough to debug
    PARBOOK_SANITIZE=1  AddressSanitizer and UndefinedBehaviorSanitizer on top of the checked build
    PARBOOK_QUICK=1     what the release build does, compiled as fast as can be: for `make mutants`
Each build has its own folder under build/ for generated C and objects, because neither Cython nor
setuptools notices that directives or flags have changed.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

sanitize = os.environ.get("PARBOOK_SANITIZE") == "1"
checked = sanitize or os.environ.get("PARBOOK_CHECKED") == "1"
quick = not checked and os.environ.get("PARBOOK_QUICK") == "1"
flavour = "sanitize" if sanitize else "checked" if checked else "quick" if quick else "release"

compile_args = ["-O1", "-g"] if checked else ["-O0"] if quick else ["-O3"]
# gcc and clang both know these. No -march: one wheel must run on every machine of its architecture.
compile_args += ["-std=c11", "-Wall", "-Wno-unused-function", "-fno-strict-aliasing"]
link_args: list[str] = []
if sys.platform == "linux":
    compile_args.append("-fno-plt")


def compiler_is_gcc() -> bool:
    """Whether the C compiler is gcc and not clang under its name."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    try:
        said = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return "Free Software Foundation" in said


if flavour == "release" and compiler_is_gcc():
    # The market is one large translation unit, in which gcc stops inlining when it has grown by 40 %: then the path
    # of a plain order makes a dozen calls more. Eleven per cent of its instructions.
    for limit in (
        "inline-unit-growth=300",
        "large-function-growth=2000",
        "large-function-insns=8000",
        "max-inline-insns-single=600",
        "large-stack-frame-growth=5000",
    ):
        compile_args += ["--param", limit]
if sanitize:
    flags = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
    compile_args += flags
    link_args += flags

macros: list[tuple[str, str | None]] = [
    ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
    ("PARBOOK_CHECKED", "1" if checked else "0"),
]
if not checked:
    macros.append(("CYTHON_WITHOUT_ASSERTIONS", None))

extensions = [
    Extension(
        f"parbook.{source.stem}",
        [str(source)],
        include_dirs=[numpy.get_include()],
        define_macros=macros,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for source in sorted(Path("ext/parbook").glob("_*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        include_path=["ext"],
        build_dir=f"build/{flavour}/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            # On, it refuses to compile `self.x += 1` without the GIL.
            "nonecheck": False,
            "cdivision": False,
            "binding": True,
            "embedsignature": False,
        },
    ),
    options={
        "build": {"build_base": f"build/{flavour}"},
        "build_ext": {"parallel": os.cpu_count() or 1},
    },
)
