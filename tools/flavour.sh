#!/bin/sh
# usage: tools/flavour.sh checked|sanitize PYTHON [pytest arguments]
# Build that flavour into build/<flavour>/lib and run the tests on it; the release build is not touched.
set -eu
flavour=$1
python=$2
shift 2
lib=build/$flavour/lib

echo "parbook: building the $flavour flavour in $lib"
case $flavour in
checked) export PARBOOK_CHECKED=1 ;;
sanitize) export PARBOOK_SANITIZE=1 CC=gcc ;;
*) echo "tools/flavour.sh: no flavour named $flavour" >&2; exit 2 ;;
esac
# Files deleted from engine/ must not live on here; compiled modules stay, to be rebuilt only when changed.
if [ -d "$lib" ]; then find "$lib" -name '*.py' -delete; fi
"$python" setup.py --quiet build --build-lib "$lib"

echo "parbook: running the tests on $lib"
export PYTHONPATH="$PWD/$lib"
if [ "$flavour" = sanitize ]; then
    # The interpreter itself is not instrumented: the runtimes go in first, and its own small leaks do not count.
    # libstdc++ comes along so that the runtime finds the exceptions of numpy's C++ parts.
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so) $(gcc -print-file-name=libstdc++.so.6)"
    export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc
    # A report ends the process: pytest must not hold back what is written to descriptor 2.
    set -- --capture=sys "$@"
fi
"$python" -c "import parbook; assert '/$lib/' in parbook.__file__, f'testing {parbook.__file__} instead of $lib'"
exec "$python" -m pytest -m "not slow" "$@"
