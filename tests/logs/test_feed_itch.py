"""One pass from bytes to books, held to decoding and feeding apart; and the decoder's quick way to its exact one."""

from __future__ import annotations

import random

import numpy as np
import pytest

from parbook._itch import Fault, ItchDecoder
from parbook._itchbook import BookBuilder as Compiled
from parbook.codes import Side
from parbook.errors import MisuseError
from parbook.logs.books import BookBuilder as Reference
from parbook.logs.itch_encode import END_OF_SESSION, LENGTHS, MESSAGES, PREFIX_BYTES, encode
from parbook.logs.records import LogKind
from tests.logs.test_books import BOTH, state, stream
from tests.logs.test_itch_messages import VALID

SYMBOLS = (0, 1, 77)
DIRECTORY = b"".join(encode("R", locate=1 + symbol, stock=f"S{symbol}") for symbol in range(78))
ORDERS = "AFECXDU"
WRONG = [
    {"side": "b"}, {"shares": 0}, {"price": 0}, {"ts_ns": 0}, {"ts_ns": 86_400_000_000_000}, {"locate": 9},
    {"stock": "OTHER"}, {"new_order_id": 1}, {"printable": "y"},
]  # fmt: skip


def packed(records):
    """LOG records as messages, with what a message cannot say brought into range."""
    names = {LogKind.REDUCE: "X", LogKind.DELETE: "D", LogKind.EXECUTE: "E", LogKind.REPLACE: "U"}
    out = []
    for place, record in enumerate(records):
        symbol, ref, new = (int(record[field]) for field in ("symbol", "order_id", "new_order_id"))
        lots, price = (1 + int(record[field]) % (2**32 - 1) for field in ("qty_lots", "price_ticks"))
        common = {"locate": 1 + symbol, "ts_ns": place}
        if record["kind"] == LogKind.ADD:
            side = "BS"[record["side"]]
            named = {"order_id": ref, "side": side, "shares": lots, "stock": f"S{symbol}", "price": price}
            out.append(encode("AF"[place % 2], **common, **named))
        elif (name := names.get(LogKind(record["kind"]), "B")) == "U":
            new += new == ref
            out.append(encode("U", **common, order_id=ref, new_order_id=new % 2**64, shares=lots, price=price))
        elif name == "B":
            out.append(encode("B", **common, match_id=place))
        else:
            out.append(encode(name, **common, order_id=ref, **({} if name == "D" else {"shares": lots})))
    return out


def market(pattern, count, rng, prices=60):
    return [DIRECTORY, *packed(stream(pattern, count, rng, prices))]


def apart(builder, data):
    """The specification: decode, then feed."""
    books, decoder = builder(), ItchDecoder()
    records, consumed, fault = decoder.decode(data)
    books.feed(records)
    return books, decoder, consumed, fault


def seen(decoder):
    return decoder.messages, decoder.place, decoder.symbols(), decoder.zero_prefixes


@pytest.mark.parametrize("pattern", ["dense", "sparse", "strided", "few"])
@pytest.mark.parametrize("size", [1, 50, 3_000, 10**6])
def test_one_pass_equals_two_whatever_the_blocks(pattern, size):
    rng = random.Random(f"{pattern} {size}")
    data = b"".join(market(pattern, 3_000 if size > 1 else 300, rng))
    whole, whole_decoder, consumed, fault = apart(Reference, data)
    assert (consumed, fault) == (len(data), Fault.NONE)
    books, decoder = Compiled(), ItchDecoder()
    at = 0
    cut = size
    while at < len(data):
        used, fault = books.feed_itch(decoder, memoryview(data)[at : at + cut])
        assert fault == Fault.NONE
        at += used
        cut = size if used else cut + 1
    books.check()
    assert state(books, 60) == state(whole, 60)
    assert seen(decoder) == seen(whole_decoder)
    assert all(books.counts[name] for name in ("adds", "executions", "replaces", "quiet", "unknown_references"))


@BOTH
def test_what_comes_before_a_fault_is_applied(builder):
    rng = random.Random(7)
    parts = market("dense", 400, rng)
    for at in [1, 2, 63, 64, 65, 66, 128, 129, *rng.sample(range(1, len(parts)), 12)]:
        wrong = encode("A", locate=1, ts_ns=10**6, side="B", shares=0, stock="S0", price=1)
        data = b"".join([*parts[:at], wrong, *parts[at:]])
        expected, expected_decoder, *outcome = apart(Reference, data)
        books, decoder = builder(), ItchDecoder()
        assert list(books.feed_itch(decoder, data)) == outcome == [len(b"".join(parts[:at])), Fault.SHARES]
        assert state(books, 60) == state(expected, 60)
        assert seen(decoder) == seen(expected_decoder)


def test_the_clock_goes_on_from_portion_to_portion():
    parts = market("dense", 140, random.Random(10))
    for at in range(3, 140):
        # The message before it has the time at - 2.
        data = b"".join([*parts[:at], encode("D", locate=1, ts_ns=at - 3, order_id=1), *parts[at:]])
        outcome = Compiled().feed_itch(ItchDecoder(), data)
        assert outcome == (len(b"".join(parts[:at])), Fault.TIME_REVERSED)


@BOTH
def test_a_selected_stock_is_followed_alone(builder):
    data = b"".join(market("dense", 2_000, random.Random(8)))
    for symbol in SYMBOLS:
        outcomes = []
        for books, feed in ((builder(), None), (Reference(), Reference.feed)):
            decoder = ItchDecoder()
            decoder.decode(DIRECTORY)
            assert decoder.select(f"S{symbol}")
            if feed is None:
                consumed, fault = books.feed_itch(decoder, data[len(DIRECTORY) :])
            else:
                records, consumed, fault = decoder.decode(data[len(DIRECTORY) :])
                feed(books, records)
            outcomes.append((consumed, fault, state(books, 60), seen(decoder)))
        assert outcomes[0] == outcomes[1]
        assert outcomes[0][2][1] > 10, "orders of the stock rest"


@BOTH
def test_an_end_of_session_and_nothing_at_all(builder):
    books, decoder = builder(), ItchDecoder()
    assert books.feed_itch(decoder, b"") == (0, Fault.NONE)
    assert books.feed_itch(decoder, DIRECTORY + END_OF_SESSION) == (len(DIRECTORY), Fault.END_OF_SESSION)
    assert books.feed_itch(decoder, DIRECTORY[:20]) == (0, Fault.NONE)


def test_only_a_decoder_decodes():
    for wrong in (None, b"", Compiled()):
        with pytest.raises((TypeError, MisuseError)):
            Compiled().feed_itch(wrong, b"")


def test_levels_that_are_left_behind_give_their_places_back():
    rng = random.Random(9)
    reference, compiled = Reference(), Compiled()
    decoders = ItchDecoder(), ItchDecoder()
    names = b"".join(encode("R", locate=1 + s, stock=f"S{s}") for s in range(3))
    messages = []
    live = []
    for step in range(6_000):
        locate = rng.randrange(3)
        side = rng.randrange(2)
        common = {"locate": 1 + locate, "ts_ns": step}
        price = 1 + step // 3 + rng.randrange(40)
        named = {"side": "BS"[side], "shares": 1, "stock": f"S{locate}"}
        messages.append(encode("A", **common, order_id=step, price=price, **named))
        live.append((step, 1 + locate))
        if len(live) > 60:
            order_id, locate = live.pop(rng.randrange(30))
            messages.append(encode("D", locate=locate, ts_ns=step, order_id=order_id))
    for at in range(0, len(messages), 1_500):
        block = (b"" if at else names) + b"".join(messages[at : at + 1_500])
        outcome = compiled.feed_itch(decoders[0], block)
        assert outcome == reference.feed_itch(decoders[1], block) == (len(block), Fault.NONE)
        # Only half of the time anybody asks: prices are put in order then, after few new ones or many.
        if at % 3_000:
            compiled.check()
        for symbol in range(3):
            for side in Side:
                assert compiled.levels(symbol, side, 10**4) == reference.levels(symbol, side, 10**4)
                assert compiled.best(symbol, side) == reference.best(symbol, side)


def test_symbols_far_apart_do_not_hinder_levels_that_go():
    reference, compiled = Reference(), Compiled()
    data = [encode("R", locate=locate, stock=f"S{locate}") for locate in range(1, 3_000)]
    for step in range(4_000):
        named = {"order_id": step, "side": "B", "shares": 1, "stock": f"S{1 + step % 2_999}"}
        data.append(encode("A", locate=1 + step % 2_999, ts_ns=step, price=1 + step, **named))
        data.append(encode("D", locate=1 + step % 2_999, ts_ns=step, order_id=step - step % 7))
    for books in (reference, compiled):
        books.feed_itch(ItchDecoder(), b"".join(data))
    compiled.check()
    assert compiled.counts == reference.counts
    for symbol in range(0, 2_999, 13):
        assert compiled.levels(symbol, Side.BUY, 9) == reference.levels(symbol, Side.BUY, 9)


# --- the quick way of the decoder ---------------------------------------------------------------


def message(rng, kind, ts_ns):
    values = dict(VALID.get(kind, {}))
    for field in MESSAGES[kind]:
        if field.name in ("order_id", "new_order_id", "match_id", "shares", "price"):
            values[field.name] = rng.choice([1, 2, rng.getrandbits(8 * field.size - 1) or 1])
        if field.name == "stock":
            values["stock"] = "PAR"
    if kind == "U" and values["order_id"] == values["new_order_id"]:
        values["new_order_id"] += 1
    return {"locate": 7, "tracking": rng.getrandbits(16), "ts_ns": ts_ns} | values


def bare(parts):
    """The messages without their lengths: then every one goes the exact way."""
    return b"".join(bytes(PREFIX_BYTES) + part[PREFIX_BYTES:] for part in parts)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("select", [False, True])
def test_the_quick_way_and_the_exact_one_say_the_same(seed, select):
    rng = random.Random(seed)
    names = [encode("R", locate=7, stock="PAR"), encode("R", locate=8, stock="PUR")]
    parts = []
    for ts_ns in range(1, 300):
        kind = rng.choice(ORDERS) if rng.random() < 0.9 else rng.choice(list(LENGTHS))
        values = message(rng, kind, ts_ns)
        if rng.random() < 0.3:
            values |= {"locate": 8} | ({"stock": "PUR"} if "stock" in values else {})
        if ts_ns > 50 and rng.random() < 0.02:
            known = {"ts_ns", "locate"} | {field.name for field in MESSAGES[kind]}
            values |= rng.choice([change for change in WRONG if set(change) <= known])
        parts.append(encode(kind, **values))
    outcomes = []
    for joined in (b"".join, bare):
        decoder = ItchDecoder()
        assert decoder.decode(joined(names))[2] == Fault.NONE
        if select:
            assert decoder.select("PUR")
        records, consumed, fault = decoder.decode(joined(parts))
        outcomes.append((records.tobytes(), consumed, Fault(fault), decoder.messages, decoder.place))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("kind", range(256))
def test_any_type_byte_is_an_order_or_left_to_the_exact_way(kind):
    directory = encode("R", locate=7, stock="PAR")
    for length in sorted({0, *LENGTHS.values()}):
        body = bytes([kind]) + (7).to_bytes(2, "big") + bytes(range(1, 100))
        data = directory + length.to_bytes(2, "big") + body
        records, consumed, fault = ItchDecoder().decode(data)
        if len(records) > 1:
            assert LENGTHS[chr(kind)] == length
        else:
            assert consumed == len(directory)
            expected = Fault.END_OF_SESSION if length == 0 else None
            expected = expected or (Fault.UNKNOWN_TYPE if chr(kind) not in LENGTHS else None)
            assert fault == expected or (expected is None and fault != Fault.NONE)


def test_a_reference_that_reads_like_the_head_of_its_message_is_taken():
    # The quick way compares an order reference with what a message without a second one has there: its own head.
    head = encode("D", locate=7, tracking=3, ts_ns=1)[PREFIX_BYTES:][:8]
    order_id = int.from_bytes(head, "big")
    directory = encode("R", locate=7, stock="PAR")
    data = directory + encode("D", locate=7, tracking=3, ts_ns=1, order_id=order_id) * 4
    records, consumed, fault = ItchDecoder().decode(data)
    assert (len(records), consumed, fault) == (5, len(data), Fault.NONE)
    assert np.all(records["order_id"][1:] == order_id)
    assert not records["new_order_id"].any()
