"""Build the compiled twins of parbook: every ext/parbook/_*.pyx becomes parbook._*.

Two switches, both environment variables, choose a build:
    PARBOOK_CHECKED=1   bounds checks and internal assertions, unoptimised enough to debug
    PARBOOK_SANITIZE=1  AddressSanitizer and UndefinedBehaviorSanitizer on top of the checked build
Each build generates its C in its own folder, because Cython does not notice changed directives.
"""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

checked = os.environ.get("PARBOOK_CHECKED") == "1"
sanitize = os.environ.get("PARBOOK_SANITIZE") == "1"
checked = checked or sanitize

compile_args = ["-O1", "-g"] if checked else ["-O3", "-fno-plt"]
compile_args += ["-std=c11", "-Wall", "-Wno-unused-function", "-fno-strict-aliasing"]
link_args: list[str] = []
if sanitize:
    flags = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
    compile_args += flags
    link_args += flags

extensions = [
    Extension(
        f"parbook.{source.stem}",
        [str(source)],
        include_dirs=[numpy.get_include()],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ("PARBOOK_CHECKED", "1" if checked else "0"),
        ],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for source in sorted(Path("ext/parbook").glob("_*.pyx"))
]

flavour = "sanitize" if sanitize else "checked" if checked else "release"
setup(
    ext_modules=cythonize(
        extensions,
        include_path=["ext"],
        build_dir=f"build/cython-{flavour}",
        compiler_directives={
            "language_level": 3,
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            "nonecheck": checked,
            "cdivision": False,
            "binding": True,
            "embedsignature": False,
        },
    )
)
