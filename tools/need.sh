#!/bin/sh
# Stop with the name of the Debian package when something that a build needs is missing.
set -eu
PYTHON=${PYTHON:-python3}

missing() {
    echo "parbook needs $1. On Debian: apt install $2" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 || missing "Python 3.11 or later, and found no $PYTHON" python3
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    missing "Python 3.11 or later, and $PYTHON is $("$PYTHON" -c 'import platform; print(platform.python_version())') (choose one with PYTHON=python3.12)" python3
"$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1 || missing "Python's venv module" python3-venv
"$PYTHON" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    missing "Python's C headers" python3-dev

# setuptools compiles with $CC, or with the compiler that built this Python.
compiler=${CC:-$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_config_var("CC") or "cc")')}
command -v "${compiler%% *}" >/dev/null 2>&1 ||
    missing "a C compiler, and found no ${compiler%% *} (choose another with CC=clang)" gcc
