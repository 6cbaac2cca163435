"""The compiled market for programs in C: a capsule of functions, declared in parbook/include/parbook.h."""

from typing import Final

API: Final[object]
