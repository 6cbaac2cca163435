"""Every ITCH 5.0 message type: packed by the table, decoded by the core, and damaged on purpose."""

import numpy as np
import pytest

from parbook._itch import Fault, ItchDecoder
from parbook.errors import MisuseError
from parbook.logs.itch_encode import FRAMES, LENGTHS, MESSAGES, PREFIX_BYTES, FieldForm, encode, field_of
from parbook.logs.records import LOG, LogKind

TS = 34_200_000_000_123
LOCATE = 7
DIRECTORY = encode("R", locate=LOCATE, ts_ns=TS, stock="PAR")
README_LENGTHS = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21, "A": 36, "F": 40,
    "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19, "I": 50, "N": 20, "O": 48,
}  # fmt: skip
# Fields that only some values fit; every other field takes whatever its bytes say.
VALID = {
    "S": {"event": "O"},
    "H": {"state": "T"},
    "h": {"action": "H"},
    "A": {"side": "B", "shares": 100, "price": 10_000},
    "F": {"side": "S", "shares": 100, "price": 10_000},
    "E": {"shares": 10},
    "C": {"shares": 10, "printable": "N", "price": 9_999},
    "X": {"shares": 10},
    "U": {"order_id": 1, "new_order_id": 2, "shares": 10, "price": 10_001},
    "P": {"side": "S", "shares": 1, "price": 5},
}
KINDS = {
    "A": LogKind.ADD, "F": LogKind.ADD, "E": LogKind.EXECUTE, "C": LogKind.EXECUTE, "X": LogKind.REDUCE,
    "D": LogKind.DELETE, "U": LogKind.REPLACE, "P": LogKind.HIDDEN_TRADE, "Q": LogKind.CROSS, "H": LogKind.RESUME,
    "h": LogKind.HALT,
}  # fmt: skip
COLUMNS = {
    "order_id": "order_id", "new_order_id": "new_order_id", "shares": "qty_lots", "price": "price_ticks",
    "match_id": "match_id",
}  # fmt: skip
LOG_KINDS_WITH_FIELDS = "AFECXDUPQ"


def message(kind, **changes):
    values = dict(VALID.get(kind, {}))
    if "stock" in {f.name for f in MESSAGES[kind]}:
        values["stock"] = "PAR"
    return encode(kind, **({"locate": LOCATE, "ts_ns": TS} | values | changes))


BEHIND = [message("D")] * 3


def decode(*parts):
    data = b"".join(parts)
    records, consumed, fault = ItchDecoder().decode(data)
    return records, consumed, Fault(fault)


def one(kind, **changes):
    records, consumed, fault = decode(DIRECTORY, message(kind, **changes))
    assert fault == Fault.NONE
    assert consumed == len(DIRECTORY) + PREFIX_BYTES + LENGTHS[kind]
    assert len(records) == 2
    # With others behind it the message takes the quicker way.
    among, _, _ = decode(DIRECTORY, message(kind, **changes), *BEHIND)
    assert np.array_equal(among[:2], records)
    return records[1]


def test_the_table_has_every_type_at_its_length():
    assert LENGTHS == README_LENGTHS
    assert all(FRAMES[kind].size == PREFIX_BYTES + length for kind, length in README_LENGTHS.items())


@pytest.mark.parametrize(
    ("kind", "name", "offset", "size"),
    [
        ("R", "round_lot", 21, 4), ("R", "inverse", 38, 1), ("R", "subtype", 27, 2), ("H", "reason", 21, 4),
        ("L", "stock", 15, 8), ("L", "state", 25, 1), ("V", "level3", 27, 8), ("K", "price", 24, 4),
        ("J", "extension", 31, 4), ("h", "action", 20, 1), ("A", "price", 32, 4), ("F", "mpid", 36, 4),
        ("E", "match_id", 23, 8), ("C", "printable", 31, 1), ("C", "price", 32, 4), ("X", "shares", 19, 4),
        ("U", "new_order_id", 19, 8), ("U", "price", 31, 4), ("P", "match_id", 36, 8), ("Q", "match_id", 31, 8),
        ("Q", "cross", 39, 1), ("I", "direction", 27, 1), ("I", "stock", 28, 8), ("I", "variation", 49, 1),
        ("N", "flag", 19, 1), ("O", "near_time", 32, 8), ("O", "upper", 44, 4), ("Y", "action", 19, 1),
    ],
)  # fmt: skip
def test_fields_stand_where_the_format_puts_them(kind, name, offset, size):
    field = field_of(kind, name)
    assert (field.offset, field.size) == (offset, size)
    value = (1 << 8 * size) - 2 if field.form is FieldForm.INTEGER else "Z" * size
    packed = encode(kind, prefix=False, **{name: value})
    raw = packed[offset : offset + size]
    assert raw == (value.to_bytes(size, "big") if isinstance(value, int) else value.encode())


@pytest.mark.parametrize("kind", MESSAGES)
def test_header_and_kind_survive_the_round_trip(kind):
    record = one(kind, tracking=65_535)
    assert record["kind"] == KINDS.get(kind, LogKind.OTHER)
    assert record["raw_type"] == ord(kind)
    assert record["ts_ns"] == TS
    assert record["symbol"] == 0
    assert record["place"] == len(DIRECTORY)
    carried = {COLUMNS[f.name] for f in MESSAGES[kind] if f.name in COLUMNS} if kind in LOG_KINDS_WITH_FIELDS else set()
    for column in set(COLUMNS.values()) - carried:
        assert record[column] == 0, column


@pytest.mark.parametrize("kind", LOG_KINDS_WITH_FIELDS)
def test_integers_survive_at_both_ends_of_their_range(kind):
    for field in MESSAGES[kind]:
        if field.name not in COLUMNS:
            continue
        top = (1 << 8 * field.size) - 1
        if (kind, field.name) == ("Q", "shares"):
            top = 2**63 - 1
        low = 1 if field.name in ("shares", "price") and kind != "Q" else 0
        for value in (low, 1 << 8 * field.size - 1 if top > 2**63 - 1 else top, top):
            assert one(kind, **{field.name: value})[COLUMNS[field.name]] == value


@pytest.mark.parametrize("kind", MESSAGES)
def test_the_clock_survives_at_both_ends_of_the_day(kind):
    last = 86_400_000_000_000 - 1
    first = message(kind, ts_ns=0)
    directory = encode("R", locate=LOCATE, stock="PAR")
    records, _, fault = decode(directory, first, message(kind, ts_ns=last))
    assert fault == Fault.NONE
    assert records["ts_ns"].tolist() == [0, 0, last]


@pytest.mark.parametrize(("kind", "side", "number"), [(k, s, n) for k in "AFP" for s, n in (("B", 0), ("S", 1))])
def test_side(kind, side, number):
    assert one(kind, side=side)["side"] == number


def test_printable_and_trading_states():
    assert [one("C", printable=flag)["printable"] for flag in "YN"] == [1, 0]
    assert [one(kind)["printable"] for kind in "EPQAXDU"] == [1, 1, 1, 0, 0, 0, 0]
    states = [LogKind(one("H", state=state)["kind"]) for state in "HPQT"]
    assert states == [LogKind.HALT, LogKind.HALT, LogKind.HALT, LogKind.RESUME]
    assert [one("h", action=action)["kind"] for action in "HT"] == [LogKind.HALT, LogKind.RESUME]


def test_locates_become_dense_symbols_in_order_of_appearance():
    parts = [
        encode("R", locate=65_535, stock="LAST"),
        encode("A", locate=3, stock="NEWCOMER", **VALID["A"]),
        encode("S", event="S"),
        encode("D", locate=65_535, order_id=9),
        encode("D", locate=3, order_id=9),
    ]
    decoder = ItchDecoder()
    records, _, fault = decoder.decode(b"".join(parts))
    assert fault == Fault.NONE
    assert decoder.symbols() == ["LAST", "NEWCOMER"]
    assert decoder.symbols(1) == ["NEWCOMER"]
    assert records["symbol"].tolist() == [0, 1, 0, 0, 1]


@pytest.mark.parametrize("kind", [kind for kind in MESSAGES if "stock" in {f.name for f in MESSAGES[kind]}])
def test_any_message_with_a_stock_names_its_locate(kind):
    decoder = ItchDecoder()
    _, _, fault = decoder.decode(message(kind))
    assert fault == Fault.NONE
    assert decoder.symbols() == ["PAR"]


@pytest.mark.parametrize(
    ("kind", "changes", "fault"),
    [
        *[(kind, {"side": side}, Fault.SIDE) for kind in "AFP" for side in ("b", "", "X")],
        *[(kind, {"shares": 0}, Fault.SHARES) for kind in "AFECXUP"],
        *[(kind, {"price": 0}, Fault.PRICE) for kind in "AFCUP"],
        *[(kind, {"ts_ns": TS - 1}, Fault.TIME_REVERSED) for kind in MESSAGES],
        *[(kind, {"ts_ns": 86_400_000_000_000}, Fault.TIME_OF_DAY) for kind in MESSAGES],
        *[(kind, {"locate": 8}, Fault.LOCATE_UNKNOWN) for kind in "ECXDUB"],
        *[(kind, {"locate": 8}, Fault.STOCK_TWICE) for kind in "RHYLKJhAFPQINO"],
        *[(kind, {"stock": "PAS"}, Fault.STOCK_CHANGED) for kind in "RHYLKJhAFPQINO"],
        *[("R", {"stock": stock}, Fault.STOCK_NAME) for stock in ("", " PAR", "P R", "P\x00", "PAR\x7f")],
        ("U", {"new_order_id": 1}, Fault.ORDER_REFERENCE),
        ("C", {"printable": "y"}, Fault.PRINTABLE),
        ("H", {"state": "t"}, Fault.TRADING_STATE),
        ("h", {"action": "P"}, Fault.TRADING_STATE),
        ("S", {"event": "Z"}, Fault.SYSTEM_EVENT),
        ("Q", {"shares": 2**63}, Fault.SHARES),
    ],
)
def test_impossible_fields_stop_the_decoder_at_their_message(kind, changes, fault):
    for behind in ([message("D")], BEHIND):
        records, consumed, found = decode(DIRECTORY, message(kind, **changes), *behind)
        assert found == fault
        assert consumed == len(DIRECTORY)
        assert len(records) == 1


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_flipped_type_or_length_never_passes_in_silence(kind):
    good = message(kind)
    for bit in range(8):
        for at in range(PREFIX_BYTES):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            _, consumed, fault = decode(DIRECTORY, bytes(bad), message("D"))
            assert fault == (Fault.LENGTH if int.from_bytes(bad[:2], "big") else Fault.END_OF_SESSION)
            assert consumed == len(DIRECTORY)
        bad = bytearray(good)
        bad[PREFIX_BYTES] ^= 1 << bit
        other = chr(bad[PREFIX_BYTES])
        records, _, fault = decode(DIRECTORY, bytes(bad), message("D"))
        if other not in LENGTHS:
            assert fault == Fault.UNKNOWN_TYPE
        elif LENGTHS[other] != LENGTHS[kind]:
            assert fault == Fault.LENGTH
        else:
            assert fault != Fault.NONE or records["raw_type"].tolist() == [ord("R"), ord(other), ord("D")]


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_flipped_bit_anywhere_is_a_fault_or_another_whole_record(kind):
    good = message(kind)
    for at in range(PREFIX_BYTES, len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            records, consumed, fault = decode(DIRECTORY, bytes(bad))
            if fault == Fault.NONE:
                assert len(records) == 2
                assert consumed == len(DIRECTORY) + len(good)
            else:
                assert len(records) == 1
                assert consumed == len(DIRECTORY)


@pytest.mark.parametrize("bad", [0, len(MESSAGES) - 1])
def test_no_record_of_a_faulty_message_escapes(bad):
    parts = [message(kind) for kind in MESSAGES]
    parts[bad] = b"\x00\x0c" + b"?" + parts[bad][3:]
    records, consumed, fault = decode(DIRECTORY, *parts)
    assert fault == Fault.UNKNOWN_TYPE
    assert len(records) == bad + 1
    assert consumed == len(DIRECTORY) + sum(map(len, parts[:bad]))


def test_an_incomplete_message_is_left_to_the_next_block():
    data = DIRECTORY + message("U")
    for cut in range(len(data)):
        decoder = ItchDecoder()
        first, consumed, fault = decoder.decode(data[:cut])
        assert fault == Fault.NONE
        assert consumed in (0, len(DIRECTORY))
        second, rest, fault = decoder.decode(data[consumed:])
        assert fault == Fault.NONE
        assert consumed + rest == len(data)
        assert np.array_equal(np.concatenate([first, second]), decode(data)[0])
        assert decoder.messages == 2
        assert decoder.place == len(data)


def test_blocks_may_be_any_buffer_and_records_are_the_callers_own():
    data = bytearray(DIRECTORY + message("A"))
    from_view, _, _ = ItchDecoder().decode(memoryview(data))
    from_array, _, _ = ItchDecoder().decode(np.frombuffer(bytes(data), np.uint8))
    data[:] = bytes(len(data))
    assert from_view.dtype == LOG
    assert np.array_equal(from_view, from_array)
    assert from_view["qty_lots"][1] == 100
    empty, consumed, fault = ItchDecoder().decode(b"")
    assert (len(empty), consumed, fault) == (0, 0, 0)
    with pytest.raises(TypeError):
        ItchDecoder().decode("text")


def test_encode_refuses_what_does_not_fit():
    for kind, values in [
        ("Z", {}), ("A", {"nothing": 1}), ("A", {"shares": 2**32}), ("A", {"shares": -1}), ("A", {"shares": True}),
        ("A", {"shares": "1"}), ("A", {"stock": "NINELETTE"}), ("A", {"stock": "É"}), ("A", {"stock": 5}),
        ("A", {"locate": 2**16}), ("A", {"ts_ns": 2**48}), ("A", {"tracking": -1}),
    ]:  # fmt: skip
        with pytest.raises(MisuseError):
            encode(kind, **values)


def test_symbols_takes_an_index():
    for first in (-1, 1.5, True, 65_537):
        with pytest.raises(MisuseError, match="first"):
            ItchDecoder().symbols(first)


def test_select_twice_is_misuse():
    decoder = ItchDecoder()
    decoder.decode(DIRECTORY)
    assert not decoder.select("OTHER")
    assert decoder.select("PAR")
    with pytest.raises(MisuseError, match="before"):
        decoder.select("PAR")
