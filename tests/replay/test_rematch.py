"""Mode match: aggressors trade as the log says, and with a curve every figure adds up."""

import msgspec
import numpy as np
import pytest

from parbook import Market
from parbook.errors import InputError, InvariantError, LogFormatError
from parbook.instrument import Instrument
from parbook.logs.generate import write_itch, write_native
from parbook.logs.itch_encode import encode
from parbook.messages import CancelOrder
from parbook.records import command_records
from parbook.reference import Market as ReferenceMarket
from parbook.replay.anchors import FileAnchors, LogAnchors, TrailingAnchors
from parbook.replay.listing import load_listing
from parbook.replay.rematch import Rematch
from parbook.replay.result import Findings
from parbook.replay.run import ReplayOptions, replay
from parbook.replay.translate import Block, Print, Translator
from tests.support.replay_logs import BUY, SELL, FakeLog, log_records, with_executions_swapped, write_lobster
from tests.support.shared import shared_path

LISTING = """
[curve]
shape = "linear"
budget = "{budget}"
par_lots = 100
depth_lots = 5000
drop_bps = 100
spread_bps = {spread}
[anchor]
window = "2s"
interval = "10ms"
band_bps = 0
"""


def listing(tmp_path, budget="2500000", spread=1):
    path = tmp_path / "listing.toml"
    path.write_text(LISTING.format(budget=budget, spread=spread))
    return path


def checks(result):
    return {check.name: (check.passed, check.total) for check in result.checks}


def rematch(*rows):
    findings = Findings()
    log = FakeLog(log_records(*rows))
    match = Rematch(log.instrument("TEST"), findings, exact_sequence=True)
    translator = Translator("test", findings)
    for records in log:
        match.play(translator.feed(records))
    match.play(translator.finish())
    match.close()
    return match


ASKS = (
    ("ADD", {"order_id": 1, "side": SELL, "price_ticks": 100, "qty_lots": 10}),
    ("ADD", {"order_id": 2, "side": SELL, "price_ticks": 100, "qty_lots": 20}),
    ("ADD", {"order_id": 3, "side": SELL, "price_ticks": 101, "qty_lots": 30}),
)


def results(match):
    return {check.name: (check.passed, check.total) for check in match.checks()}


def test_executions_of_one_moment_are_one_aggressor_limited_at_the_worst_price():
    match = rematch(
        *ASKS,
        ("EXECUTE", {"order_id": 1, "qty_lots": 10, "ts_ns": 9000}),
        ("EXECUTE", {"order_id": 2, "qty_lots": 20, "ts_ns": 9000}),
        ("EXECUTE", {"order_id": 3, "qty_lots": 5, "ts_ns": 9000}),
        ("EXECUTE", {"order_id": 3, "qty_lots": 5, "ts_ns": 9001}),
    )
    assert results(match) == {"totals": (2, 2), "sequence": (2, 2)}
    assert match.alone.queue(SELL, 101) == [3]
    assert match.alone.order(3).filled_lots == 10


def test_another_order_of_executions_fails_the_sequence_but_not_the_totals():
    match = rematch(
        *ASKS,
        ("EXECUTE", {"order_id": 2, "qty_lots": 20, "ts_ns": 9000}),
        ("EXECUTE", {"order_id": 1, "qty_lots": 10, "ts_ns": 9000}),
    )
    assert results(match) == {"totals": (1, 1), "sequence": (0, 1)}
    assert match.findings.mismatches[0].check == "sequence"


def test_an_execution_behind_the_best_price_fails_the_totals():
    match = rematch(*ASKS, ("EXECUTE", {"order_id": 3, "qty_lots": 5}))
    assert results(match) == {"totals": (0, 1), "sequence": (0, 1)}
    first = match.findings.mismatches[0]
    assert (first.where, first.expected, first.got) == ("place 3", "{101: 5}", "{100: 5}")


def test_reduce_replace_delete_and_auction_prints_leave_the_right_orders():
    match = rematch(
        *ASKS,
        ("REDUCE", {"order_id": 1, "qty_lots": 4}),
        ("REPLACE", {"order_id": 2, "new_order_id": 9, "price_ticks": 101, "qty_lots": 8}),
        ("EXECUTE", {"order_id": 3, "qty_lots": 7, "price_ticks": 99}),
        ("DELETE", {"order_id": 1}),
    )
    assert match.alone.best_ask_ticks == 101
    assert match.alone.open_orders == 2
    assert match.alone.depth(5)["qty_lots"].tolist() == [23 + 8]
    assert match.findings.counts["executions_at_another_price"] == 1


def test_what_names_unknown_orders_is_counted_and_not_compared():
    match = rematch(
        *ASKS,
        ("DELETE", {"order_id": 50, "side": SELL}),
        ("EXECUTE", {"order_id": 51, "side": SELL, "price_ticks": 100, "qty_lots": 1}),
        ("EXECUTE", {"order_id": 52, "side": SELL, "qty_lots": 1}),
    )
    counts = match.findings.counts
    assert (counts["unknown_cancels"], counts["unknown_executions"], counts["skipped_messages"]) == (1, 2, 2)
    assert counts["aggressors_not_compared"] == 1
    assert results(match)["totals"] == (0, 0)


@pytest.mark.parametrize(("field", "value"), [("qty_lots", 2**38), ("price_ticks", 2**62), ("qty_lots", -1)])
def test_quantities_and_prices_beyond_any_market_are_refused_with_their_place(field, value):
    row = {"order_id": 4, "side": BUY, "price_ticks": 5, "qty_lots": 1} | {field: value}
    with pytest.raises(LogFormatError, match="place 3"):
        rematch(*ASKS, ("ADD", row))


def test_a_notional_beyond_63_bits_is_refused():
    with pytest.raises(LogFormatError, match="63 bits"):
        rematch(("ADD", {"order_id": 4, "side": BUY, "price_ticks": 2**40, "qty_lots": 2**30}))


@pytest.mark.parametrize(
    ("name", "groups", "sequence"),
    [
        ("AAPL_L10_999rows/AAPL_2012-06-21_34200000_57600000_{}_10.csv", 60, 990_000),
        ("MSFT_L50_1000rows/MSFT_2012-06-21_34200000_37800000_{}_50.csv.xz", 11, 910_000),
    ],
)
def test_real_lobster_aggressors_trade_as_the_venue_said(name, groups, sequence):
    log, truth = (shared_path("data", "lobster", name.format(part)) for part in ("message", "orderbook"))
    result = replay(ReplayOptions(log=log, truth=truth, mode="match"))
    assert checks(result)["totals"] == (groups, groups)
    passed, total = checks(result)["sequence"]
    assert passed * 1_000_000 >= sequence * total
    assert result.verified


def test_real_itch_aggressors_meet_the_venue_s_orders_in_its_order():
    log = shared_path("data", "itch", "AAPL_20200130_first2000.bin")
    assert checks(replay(ReplayOptions(log=log, mode="match"))) == {
        "totals": (108, 108),
        "sequence": (108, 108),
        "reference": (1928, 1928),
    }


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("E", {"order_id": 77, "shares": 5, "match_id": 9}, "order 77 is named and does not rest"),
        ("X", {"order_id": 77, "shares": 5}, "order 77 is named and does not rest"),
        ("D", {"order_id": 77}, "order 77 is named and does not rest"),
        ("X", {"order_id": 1, "shares": 11}, "order 1 holds too few lots"),
        ("A", {"order_id": 1, "side": "S", "shares": 10, "price": 9900, "stock": "AA"}, "order 1 is added and rests"),
    ],
)
def test_an_itch_message_that_names_no_such_order_is_a_mismatch_in_a_match_too(tmp_path, kind, fields, reason):
    path = tmp_path / "a.itch"
    first = encode("A", ts_ns=10, locate=1, stock="AA", side="S", shares=10, order_id=1, price=9900)
    path.write_bytes(first + encode(kind, ts_ns=20, locate=1, **fields))
    result = replay(ReplayOptions(log=path, mode="match"))
    assert not result.verified
    assert checks(result)["reference"] == (1, 2)
    assert result.mismatches[0].where == f"place {len(first)}"
    assert result.mismatches[0].reason.startswith(reason)


def test_generated_itch_matches_wholly_and_a_swap_does_not(tmp_path):
    path = tmp_path / "a.itch"
    write_itch(path, 5, 6000)
    result = replay(ReplayOptions(log=path, mode="match"))
    (passed, total) = checks(result)["sequence"]
    assert passed == total > 100
    path.write_bytes(with_executions_swapped(path.read_bytes()))
    result = replay(ReplayOptions(log=path, mode="match"))
    assert not result.verified
    assert checks(result)["sequence"][0] < total


def test_lobster_orders_of_a_seeded_book_match(tmp_path):
    messages, books = write_lobster(tmp_path, seed=2, rows=600, levels=8)
    result = replay(ReplayOptions(log=messages, truth=books, mode="match"))
    assert result.counts["seeded_levels"] >= 12
    assert [note for note in result.notes if "only the first row" in note]
    assert result.counts["seed_cancels"] > 0
    passed, total = checks(result)["totals"]
    assert passed == total > 10


@pytest.mark.parametrize("kind", ["itch", "native"])
def test_reference_and_compiled_market_replay_alike_with_a_curve(tmp_path, kind):
    path = tmp_path / "a.log"
    (write_itch if kind == "itch" else write_native)(path, 5, 3000)
    options = ReplayOptions(log=path, curve=listing(tmp_path, "250000", 0))
    one, two = (replay(options, make_market=make) for make in (Market, ReferenceMarket))
    assert one.to_json() == two.to_json()
    assert one.curve.bought_lots > 0


def test_the_figures_of_a_curve_add_up(tmp_path):
    path = tmp_path / "a.log"
    write_native(path, 7, 20_000)
    curve = replay(ReplayOptions(log=path, curve=listing(tmp_path, "250000", 0))).curve
    assert curve.bought_lots > 0
    assert curve.net_lots == curve.bought_lots - curve.sold_lots
    assert curve.reserve_used_final_notional == curve.bought_notional - curve.sold_notional
    assert curve.net_lots_min <= curve.net_lots <= curve.net_lots_max
    assert 0 < curve.reserve_used_max_notional <= curve.budget_notional == 250_000 * 10_000
    assert curve.pnl_notional == (curve.net_lots * curve.fair_twice_ticks - 2 * curve.reserve_used_final_notional) // 2
    # It buys around the fair price or below, never above its own anchor.
    assert 0 < curve.discount_ppm < 10_000
    unfilled = curve.unfilled_alone_buy_lots + curve.unfilled_alone_sell_lots
    assert 0 < curve.residual_filled_buy_lots + curve.residual_filled_sell_lots <= unfilled
    assert curve.anchors_activated == curve.anchors_proposed > 5


def test_a_curve_never_spends_more_than_its_budget_and_the_log_still_verifies(tmp_path):
    path = tmp_path / "a.itch"
    write_itch(path, 7, 10_000)
    result = replay(ReplayOptions(log=path, curve=listing(tmp_path, "500", 0)))
    assert 0 < result.curve.reserve_used_max_notional <= result.curve.budget_notional == 500 * 10_000
    # The market without the curve is the one that is compared.
    assert result.verified
    assert checks(result)["sequence"][1] > 100


def test_commands_for_orders_that_the_curve_has_filled_are_counted_as_diverged(tmp_path):
    path = tmp_path / "a.itch"
    sell = {"stock": "AA", "side": "S", "shares": 10}
    path.write_bytes(
        encode("A", ts_ns=10, locate=1, order_id=1, price=9900, **sell)
        + encode("A", ts_ns=20, locate=1, order_id=2, price=12_000, **sell)
        + encode("D", ts_ns=30, locate=1, order_id=1)
        + encode("D", ts_ns=40, locate=1, order_id=2)
    )
    anchors = tmp_path / "anchors.csv"
    anchors.write_text("ts_ns,price\n5,1.0000\n")
    result = replay(ReplayOptions(log=path, curve=listing(tmp_path, "500", 0), anchor=anchors))
    # The first order sold to the curve at par; only its own cancel has nothing left to cancel.
    assert (result.curve.bought_lots, result.curve.bought_notional) == (10, 10 * 10_000)
    assert result.curve.diverged == 1
    assert result.counts.get("refused_unknown_order", 0) == 0


def test_a_meter_that_disagrees_with_the_market_is_an_invariant_broken(tmp_path):
    path = tmp_path / "a.log"
    write_native(path, 7, 500)

    class Lying(ReferenceMarket):
        @property
        def curve(self):
            state = super().curve
            return None if state is None else msgspec.structs.replace(state, net_lots=state.net_lots + 1)

    with pytest.raises(InvariantError, match="fills add up"):
        replay(ReplayOptions(log=path, curve=listing(tmp_path)), make_market=Lying)


def test_a_native_log_s_own_curve_and_anchors_are_used_unless_overridden(tmp_path):
    from parbook.cli.main import main

    path = tmp_path / "c.pbl"
    own = listing(tmp_path, "250000", 2)
    assert main(["generate", str(path), "--messages", "4000", "--seed", "7", "--curve", str(own), "--quiet"]) == 0
    result = replay(ReplayOptions(log=path))
    assert result.curve.anchor_source == "the log's own anchors"
    assert result.curve.anchors_activated == 8
    other = tmp_path / "other"
    other.mkdir()
    assert replay(ReplayOptions(log=path, curve=listing(other, "99", 2))).curve.budget_notional == 99 * 10_000


def test_anchors_from_a_file_replace_those_of_the_log(tmp_path):
    path, anchors = tmp_path / "a.pbl", tmp_path / "anchors.csv"
    write_native(path, 7, 2000)
    anchors.write_text("ts,low,high\n34200.1,0.9990,1.0010\n34200.5,0.9980,1.0000\n99999,1,1\n")
    result = replay(ReplayOptions(log=path, curve=listing(tmp_path), anchor=anchors))
    assert result.curve.anchors_activated == 2
    assert result.curve.fair_twice_ticks == 9980 + 10_000
    assert result.curve.anchor_source == "file anchors.csv"


@pytest.mark.parametrize("limit", [1, 7, 8191, 8193])
def test_limit_stops_after_so_many_messages(tmp_path, limit):
    path = tmp_path / "a.pbl"
    write_native(path, 7, 9000)
    result = replay(ReplayOptions(log=path, limit=limit))
    assert result.messages == limit
    assert [note for note in result.notes if "checksum may not" in note]
    assert replay(ReplayOptions(log=path)).notes == []


def test_a_match_of_several_symbols_asks_which(tmp_path):
    path = tmp_path / "two.itch"
    add = {"side": "B", "shares": 5, "price": 100}
    path.write_bytes(
        b"".join(
            encode("A", ts_ns=10 + n, locate=n, stock=name, order_id=n, **add) for n, name in ((1, "AA"), (2, "BB"))
        )
    )
    with pytest.raises(InputError, match="--symbol AA"):
        replay(ReplayOptions(log=path, mode="match"))
    assert replay(ReplayOptions(log=path, mode="match", symbol="BB")).symbols == ["BB"]
    assert replay(ReplayOptions(log=path)).symbols == ["AA", "BB"]


def test_the_trailing_average_is_exact_and_rounds_outward():
    source = TrailingAnchors(window_ns=100, interval_ns=10, band_ppm=10_000)
    one = source.due(None, [Print(0, 1000, 1001, 3), Print(1, 1005, 2000, 50), Print(2, 1050, 1000, 1)])
    assert [(a.before, a.ts_ns) for a in one] == [(0, 1000), (2, 1050)]
    assert (one[0].low_ticks, one[0].high_ticks) == (990, 1012)  # 1001 -/+ 1 %: 990.99 and 1011.01
    total, lots = 3 * 1001 + 50 * 2000 + 1000, 54
    assert one[1].low_ticks == total * 99 // (100 * lots)
    assert one[1].high_ticks == -(-total * 101 // (100 * lots))
    # The first trade is exactly the window's length old and no longer counts.
    (two,) = source.due(None, [Print(5, 1100, 1000, 1)])
    assert two.low_ticks == (50 * 2000 + 2000) * 99 // (100 * 52)


def itch(tmp_path, *messages):
    path = tmp_path / "a.itch"
    path.write_bytes(b"".join(encode(kind, ts_ns=ts_ns, locate=1, **fields) for kind, ts_ns, fields in messages))
    return path


ASK = ("A", 10, {"order_id": 1, "stock": "AA", "side": "S", "shares": 10, "price": 10_000})


def test_a_print_behind_the_last_command_of_a_block_still_moves_the_anchor(tmp_path):
    path = itch(tmp_path, ASK, ("E", 20, {"order_id": 1, "shares": 5, "match_id": 1}))
    assert replay(ReplayOptions(log=path, curve=listing(tmp_path))).curve.anchors_proposed == 1


def test_an_anchor_never_overtakes_an_aggressor_of_an_earlier_time(tmp_path):
    hidden = {"order_id": 0, "side": "B", "shares": 1, "stock": "AA", "price": 10_000, "match_id": 2}
    path = itch(
        tmp_path,
        ASK,
        ("E", 20, {"order_id": 1, "shares": 5, "match_id": 1}),
        ("P", 30, hidden),
        ("D", 40, {"order_id": 1}),
    )
    result = replay(ReplayOptions(log=path, curve=listing(tmp_path)))
    assert result.curve.anchors_activated >= 1
    assert result.curve.diverged == 0
    assert result.curve.book_lots == 5


def test_what_both_markets_refuse_has_not_diverged(tmp_path):
    curve = load_listing(listing(tmp_path)).set_curve(Instrument(symbol="T", tick="0.0001"))
    findings = Findings()
    match = Rematch(Instrument(symbol="T"), findings, exact_sequence=False, curve=curve, anchors=LogAnchors())
    match.play(
        Block(command_records([CancelOrder(account=1, order_id=99), CancelOrder(account=1, order_id=98)]), [], [])
    )
    match.close()
    assert findings.counts == {"refused_unknown_order": 2}
    assert match.curve_report().diverged == 0


def test_an_anchor_of_a_file_precedes_the_commands_of_its_time(tmp_path):
    path = tmp_path / "anchors.csv"
    path.write_text("ts_ns,price\n5,1\n10,2\n21,3\n")
    source = FileAnchors(path, Instrument(symbol="T"))
    due = source.due(np.array([5, 9, 10, 10, 20]), [])
    assert [(anchor.before, anchor.ts_ns, anchor.low_ticks) for anchor in due] == [(0, 5, 1), (2, 10, 2)]
    assert [(anchor.before, anchor.ts_ns) for anchor in source.due(np.array([25]), [])] == [(0, 21)]
