"""The numbers, layouts and limits that compiled code repeats equal the Python ones they repeat."""

import re
from pathlib import Path

import numpy as np
import pytest

from parbook import codes, units
from parbook.curve import MAX_RUNGS, MAX_RUNGS_BEHIND
from parbook.records import COMMAND, CURVE, EVENT
from parbook.reference import quotes

EXT = Path(__file__).resolve().parents[2] / "ext" / "parbook"
TYPES = (EXT / "_types.pxd").read_text()
CURVE_TYPES = (EXT / "_curve.pxd").read_text()
CURVE_CODE = (EXT / "_curve.pyx").read_text()

# How each enumeration's members are spelt in the .pxd.
PREFIXES = {
    codes.Side: "",
    codes.OrderType: "",
    codes.TimeInForce: "",
    codes.CommandKind: "",
    codes.EventKind: "",
    codes.Source: "SOURCE_",
    codes.CancelReason: "REASON_",
    codes.Priority: "PRIORITY_",
    codes.RejectCode: "",
    codes.AnchorMove: "MOVE_",
}
# Numbers the compiled market never has to name: SET_CURVE has no COMMAND record, CLIP is what is not LIFT, and
# the curve's own module answers CURVE_PARAMETER.
UNNAMED = {"SET_CURVE", "MOVE_CLIP", "CURVE_PARAMETER"}
C_TYPES = {"uint8_t": "|u1", "uint16_t": "<u2", "uint32_t": "<u4", "uint64_t": "<u8", "int64_t": "<i8"}


def enum_numbers(text):
    """Return {name: number} of every plain `cdef enum:` block; a name that stands twice raises."""
    found: dict[str, int] = {}
    for block in re.findall(r"^cdef enum:\n((?:(?: +.*)?\n)+)", text, re.MULTILINE):
        for name, number in re.findall(r"^ +(\w+) = (\d+)$", block, re.MULTILINE):
            assert name not in found, f"{name} stands twice"
            found[name] = int(number)
    return found


def struct_layout(text, name):
    """Return [(field, NumPy type, offset)] of a `cdef struct`, laid out as C lays it out."""
    body = re.search(rf"^cdef struct {name}:\n((?: +.*\n)+)", text, re.MULTILINE)
    assert body, f"no struct {name}"
    out, offset = [], 0
    for c_type, field, count in re.findall(r"^ +(\w+) (\w+)(?:\[(\d+)\])?(?: *#.*)?$", body[1], re.MULTILINE):
        size = np.dtype(C_TYPES[c_type]).itemsize
        offset = -(-offset // size) * size
        out.append((field, np.dtype((C_TYPES[c_type], (int(count),))) if count else np.dtype(C_TYPES[c_type]), offset))
        offset += size * int(count or 1)
    return out, offset


def record_layout(dtype):
    return [(name, dtype.fields[name][0], dtype.fields[name][1]) for name in dtype.names], dtype.itemsize


def defined(text, name):
    """Return the value of a `#define` made of digits, shifts and minus one."""
    expression = re.search(rf"#define {name} (.+)", text)
    assert expression, f"no {name}"
    cleaned = re.sub(r"\(int64_t\)|(?<=[0-9A-F])(?:LL|u)\b", "", expression[1])
    assert re.fullmatch(r"[\s()0-9A-Fx<-]+", cleaned), cleaned
    return eval(cleaned)


def test_every_enumerated_number():
    expected = {prefix + member.name: int(member) for kind, prefix in PREFIXES.items() for member in kind}
    assert len(expected) == sum(len(kind) for kind in PREFIXES), "two enumerations share a spelling"
    expected = {name: number for name, number in expected.items() if name not in UNNAMED}
    assert enum_numbers(TYPES) == expected | {"MAX_PROPOSED_ANCHORS": quotes.MAX_PROPOSED_ANCHORS}


@pytest.mark.parametrize(
    ("text", "name", "dtype"),
    [(TYPES, "Command", COMMAND), (TYPES, "Event", EVENT), (CURVE_TYPES, "CurveParams", CURVE)],
)
def test_every_field_and_offset(text, name, dtype):
    assert struct_layout(text, name) == record_layout(dtype)


def test_every_limit():
    assert defined(TYPES, "PB_PRICE_TICKS_MAX") == units.PRICE_TICKS_MAX
    assert defined(TYPES, "PB_QTY_LOTS_MAX") == units.QTY_LOTS_MAX
    assert defined(TYPES, "PB_CURVE_PRICE_TICKS_MAX") == units.CURVE_PRICE_TICKS_MAX
    assert defined(TYPES, "PB_INT64_MAX") == units.NOTIONAL_MAX == units.TIME_NS_MAX
    assert defined(TYPES, "PB_NIL") == 2**32 - 1


def test_the_curves_own_numbers():
    shapes = {shape.name: int(shape) for shape in codes.CurveShape}
    moves = {move.name: int(move) for move in codes.AnchorMove}
    sizes = {"MAX_RUNGS_BEHIND": MAX_RUNGS_BEHIND, "CURVE_PARAMETER": int(codes.RejectCode.CURVE_PARAMETER)}
    assert enum_numbers(CURVE_CODE) == shapes | moves | sizes | {"S": units.PPM, "ROOT_BITS": 31}
    assert enum_numbers(CURVE_TYPES) == {"MAX_RUNGS": MAX_RUNGS}


def test_the_readers_of_this_file_see_a_planted_difference():
    assert enum_numbers(TYPES.replace("FOK = 2", "FOK = 3"))["FOK"] == 3
    moved = TYPES.replace("    uint16_t session\n", "")
    assert struct_layout(moved, "Command") != record_layout(COMMAND)
    assert defined(TYPES.replace("1) << 38) - 1", "1) << 37) - 1"), "PB_QTY_LOTS_MAX") == 2**37 - 1
