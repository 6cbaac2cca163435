"""The numbers, layouts and limits that compiled code repeats equal the Python ones they repeat."""

import re
from pathlib import Path

import numpy as np
import pytest

from parbook import codes, sessions, state, units
from parbook.curve import MAX_RUNGS, MAX_RUNGS_BEHIND
from parbook.records import COMMAND, CURVE, EVENT, TERMS
from parbook.reference import accounts, quotes, quoting

EXT = Path(__file__).resolve().parents[2] / "ext" / "parbook"
TYPES = (EXT / "_types.pxd").read_text()
CURVE_TYPES = (EXT / "_curve.pxd").read_text()
CURVE_CODE = (EXT / "_curve.pyx").read_text()
VIEWS = (EXT / "_views.pxd").read_text()
WINDOW = (EXT / "_window.pxd").read_text()
REGISTRY = (EXT / "_registry.pxd").read_text()
ACCOUNTS = (EXT / "_accounts.pxd").read_text()
LIMITS = (EXT / "_limits.pxd").read_text()
PHASES = (EXT / "_phases.pxd").read_text()

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
    codes.StpMode: "STP_",
    codes.Peg: "PEG_",
    codes.Trigger: "TRIGGER_",
    codes.Place: "PLACE_",
    codes.SessionState: "STATE_",
    codes.Allocation: "ALLOCATION_",
    codes.AccountField: "FIELD_",
    codes.Denial: "DENIED_",
    codes.AccountStatus: "STATUS_",
}
# C has one name space: AUCTION alone would say too little.
RESPELT = {"AUCTION": "TIF_AUCTION"}
# Numbers the compiled market never has to name: SET_CURVE has no COMMAND record, and CLIP is what is not LIFT.
UNNAMED = {"SET_CURVE", "MOVE_CLIP"}
C_TYPES = {"uint8_t": "|u1", "uint16_t": "<u2", "uint32_t": "<u4", "uint64_t": "<u8", "int64_t": "<i8"}


def enum_numbers(text):
    """Return {name: number} of every plain `cdef enum:` block; a name that stands twice raises."""
    found: dict[str, int] = {}
    for block in re.findall(r"^cdef enum:\n((?:(?: +.*)?\n)+)", text, re.MULTILINE):
        for name, number in re.findall(r"^ +(\w+) = (\d+)(?: *#.*)?$", block, re.MULTILINE):
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
    expected = {RESPELT.get(name, name): number for name, number in expected.items() if name not in UNNAMED}
    found = {name: number for name, number in enum_numbers(TYPES).items() if not name.startswith("WATCH_")}
    assert found == expected | {"MAX_PROPOSED_ANCHORS": quotes.MAX_PROPOSED_ANCHORS}


@pytest.mark.parametrize(
    ("text", "name", "dtype"),
    [
        (TYPES, "Command", COMMAND),
        (TYPES, "Terms", TERMS),
        (TYPES, "Event", EVENT),
        (TYPES, "Config", state.CONFIG),
        (CURVE_TYPES, "CurveParams", CURVE),
        (VIEWS, "OrderRecord", state.ORDER),
        (VIEWS, "DeadIdRecord", state.DEAD_ID),
        (WINDOW, "TradeRecord", state.TRADE),
    ],
)
def test_every_field_and_offset(text, name, dtype):
    assert struct_layout(text, name) == record_layout(dtype)


def test_an_accounts_fields_stand_in_the_order_of_their_numbers():
    fields, size = struct_layout(REGISTRY, "AccountRecord")
    at = {name: offset for name, _, offset in fields}
    values = [name.lower() for name in codes.AccountField.__members__]
    placed = state.ACCOUNT.fields
    assert placed is not None
    expected = {name: placed[name][1] for name in placed}
    assert [expected.pop(name) for name in values] == [at["values"] + 8 * (field - 1) for field in codes.AccountField]
    assert expected == {name: offset for name, offset in at.items() if name != "values"}
    assert size == state.ACCOUNT.itemsize


def test_every_limit():
    assert defined(TYPES, "PB_PRICE_TICKS_MAX") == units.PRICE_TICKS_MAX
    assert defined(TYPES, "PB_QTY_LOTS_MAX") == units.QTY_LOTS_MAX
    assert defined(TYPES, "PB_ICEBERG_SLICES_MAX") == units.ICEBERG_SLICES_MAX
    assert defined(TYPES, "PB_CURVE_PRICE_TICKS_MAX") == units.CURVE_PRICE_TICKS_MAX
    assert defined(TYPES, "PB_INT64_MAX") == units.NOTIONAL_MAX == units.TIME_NS_MAX
    assert defined(TYPES, "PB_NIL") == 2**32 - 1


def test_every_limit_of_an_account():
    assert defined(LIMITS, "PB_MAX_POSITION_LOTS") == accounts.MAX_POSITION_LOTS
    assert defined(LIMITS, "PB_MAX_OPEN_ORDERS") == accounts.RANGES[codes.AccountField.MAX_OPEN_ORDERS][1]
    assert enum_numbers(LIMITS) == {
        "MAX_RATE": accounts.MAX_RATE,
        "MAX_BURST": accounts.MAX_BURST,
        "ALL_CHOICES": accounts.RANGES[codes.AccountField.ALLOWED_TYPES][1],
        "ALL_DENIALS": accounts.RANGES[codes.AccountField.DENIED][1],
    }
    assert accounts.RANGES[codes.AccountField.ALLOWED_TYPES] == accounts.RANGES[codes.AccountField.ALLOWED_TIFS]
    assert enum_numbers(ACCOUNTS) == {"MAX_QUOTE_SLOTS": quoting.MAX_QUOTE_SLOTS, "TOKEN": accounts.TOKEN}


def test_what_each_session_state_permits_and_where_it_leads():
    def bits(members):
        return sum(1 << member for member in members)

    expected = {f"ACTION_{action.name}": int(action) for action in sessions.Action}
    expected |= {f"PERMITTED_{s.name}": bits(permitted) for s, permitted in sessions.PERMITTED.items()}
    expected |= {f"FROM_{s.name}": bits(successors) for s, successors in sessions.TRANSITIONS.items()}
    assert enum_numbers(PHASES) == expected | {"KEPT_UNDER_CLOSED": bits(sessions.KEPT_UNDER_CLOSED)}


def test_the_curves_own_numbers():
    shapes = {shape.name: int(shape) for shape in codes.CurveShape}
    moves = {move.name: int(move) for move in codes.AnchorMove}
    resales = {resale.name: int(resale) for resale in codes.CurveResale}
    sizes = {"MAX_RUNGS_BEHIND": MAX_RUNGS_BEHIND, "CURVE_PARAMETER": int(codes.RejectCode.CURVE_PARAMETER)}
    assert enum_numbers(CURVE_CODE) == shapes | moves | resales | sizes | {"S": units.PPM, "ROOT_BITS": 31}
    assert enum_numbers(CURVE_TYPES) == {"MAX_RUNGS": MAX_RUNGS}


def test_the_readers_of_this_file_see_a_planted_difference():
    assert enum_numbers(TYPES.replace("FOK = 2", "FOK = 3"))["FOK"] == 3
    moved = TYPES.replace("    uint16_t session\n", "")
    assert struct_layout(moved, "Command") != record_layout(COMMAND)
    assert defined(TYPES.replace("1) << 38) - 1", "1) << 37) - 1"), "PB_QTY_LOTS_MAX") == 2**37 - 1
