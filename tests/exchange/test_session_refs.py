"""Commands that sessions number: one that comes again is answered, not done again."""

from __future__ import annotations

import pytest

from parbook import messages as m
from parbook.codes import RejectCode
from parbook.records import command_records, event_records, events_from_records
from parbook.units import EVERY_INSTRUMENT, SESSION_REF_MAX
from tests.exchange.house import BUY, SELL, USD, House


@pytest.fixture
def house(exchange_class):
    made = House(exchange_class, outcome_window=3)
    made.fund(1, usd=10_000, sme=100)
    return made


def buy(session_ref, session=7, **fields):
    return m.NewOrder(
        **{"account": 1, "side": BUY, "price_ticks": 50, "qty_lots": 1, "session": session, "session_ref": session_ref}
        | fields
    )


def again(house, command):
    """Apply a command and return the one Repeated that answers it: (outcome, order id, instrument, seq)."""
    orders = [house.exchange.market(number).open_orders for number in (0, 1)]
    (event,) = house.do(command)
    assert [house.exchange.market(number).open_orders for number in (0, 1)] == orders
    assert (event.instrument, event.session_ref, event.account) == (EVERY_INSTRUMENT, command.session_ref, 1)
    return event.outcome, event.order_id, event.of_instrument, event.first_seq


def test_an_order_sent_again_is_not_entered_again(house):
    (accepted,) = house.do(buy(1, instrument=1))
    assert again(house, buy(1, instrument=1)) == (0, accepted.order_id, 1, accepted.seq)
    assert again(house, buy(1, instrument=1)) == (0, accepted.order_id, 1, accepted.seq)


def test_each_kind_of_change_is_answered_with_its_order(house):
    house.do(buy(1, client_id=5), buy(2, client_id=6))
    named = {"account": 1, "session": 7}
    for ref, change in enumerate(
        (
            m.AmendOrder(client_id=5, qty_lots=3, session_ref=3, **named),
            m.ReduceOrder(client_id=5, qty_lots=1, session_ref=4, **named),
            m.CancelOrder(client_id=5, session_ref=5, **named),
            m.AmendOrder(order_id=2, qty_lots=9, price_ticks=60, session_ref=6, **named),
        ),
        3,
    ):
        (event,) = house.do(change)
        assert again(house, change) == (0, event.order_id, 0, event.seq), ref
        assert event.order_id == (2 if ref == 6 else 1)


def test_an_order_with_terms_too(house):
    (accepted,) = house.do(buy(1, hidden=True))
    assert again(house, buy(1, hidden=True)) == (0, accepted.order_id, 0, accepted.seq)


def test_a_refusal_uses_the_reference_up(house):
    dear = buy(1, price_ticks=10**9)
    assert house.refused(dear) == ["INSUFFICIENT_QUOTE"]
    house.fund(1, usd=10**9)
    assert again(house, dear) == (RejectCode.INSUFFICIENT_QUOTE, 0, 0, 1)
    gone = m.CancelOrder(account=1, order_id=77, session=7, session_ref=2)
    assert house.refused(gone) == ["UNKNOWN_ORDER"]
    assert again(house, gone) == (RejectCode.UNKNOWN_ORDER, 77, 0, 2)


def test_a_refusal_of_the_exchange_itself_stands_in_its_own_stream(house):
    lost = buy(1, instrument=9)
    (event,) = house.do(lost)
    assert again(house, lost) == (RejectCode.UNKNOWN_INSTRUMENT, 0, EVERY_INSTRUMENT, event.seq)


def test_the_outcome_names_the_first_event_of_its_own_not_what_fell_due_before(house):
    house.rest(1, BUY, 40, 1, tif=3, expire_ns=10)
    house.do(m.Advance(ts_ns=50, instrument=1))
    expired, accepted = house.do(buy(1))
    assert isinstance(expired, m.Cancelled)
    assert again(house, buy(1)) == (0, accepted.order_id, 0, accepted.seq)


def test_what_the_clock_sets_off_within_the_command_is_no_outcome(house):
    """An order that expires as its cancel moves the clock: the cancel is refused, and that is what came of it."""
    house.rest(1, BUY, 40, 1, tif=3, expire_ns=10, client_id=4)
    late = m.CancelOrder(account=1, client_id=4, ts_ns=50, session=7, session_ref=1)
    expired, rejected = house.do(late)
    assert isinstance(expired, m.Cancelled)
    assert again(house, late) == (rejected.code, 0, 0, expired.seq)


def test_nothing_is_looked_at_before_the_reference(house):
    house.do(buy(5))
    now_ns = house.exchange.now_ns
    assert again(house, buy(5, ts_ns=900, price_ticks=-1, instrument=44, side=9))[0] == 0
    assert house.refused(buy(-1, ts_ns=900)) == ["INVALID_SESSION_REF"]
    assert house.refused(buy(6, ts_ns=900, session=0)) == ["INVALID_SESSION_REF"]
    assert house.refused(buy(3, ts_ns=900)) == ["OUTCOME_FORGOTTEN"], "never given, and passed over"
    assert house.exchange.now_ns == now_ns


def test_references_are_each_sessions_own_and_may_leap(house):
    house.do(buy(SESSION_REF_MAX, session=7), buy(1, session=8))
    assert again(house, buy(SESSION_REF_MAX))[1] == 1
    assert again(house, buy(1, session=8))[1] == 2
    assert house.refused(buy(SESSION_REF_MAX - 1)) == ["OUTCOME_FORGOTTEN"]


def test_reference_0_is_none(house):
    house.do(buy(0), buy(0), buy(1), buy(0))
    assert house.exchange.market(0).open_orders == 4


def test_the_oldest_outcome_of_all_sessions_is_forgotten_first(house):
    house.do(buy(1, session=7), buy(1, session=8), buy(2, session=8))
    assert again(house, buy(1, session=7))[0] == 0, "an answer is no new outcome"
    house.do(buy(3, session=8))
    assert house.refused(buy(1, session=7)) == ["OUTCOME_FORGOTTEN"]
    assert again(house, buy(1, session=8))[1] == 2
    assert house.exchange.market(0).open_orders == 4


def test_it_survives_a_batch_and_the_records(house):
    commands = [buy(1), buy(1), m.NewOrder(account=1, side=SELL, price_ticks=60, qty_lots=1, session=7, session_ref=2)]
    events = events_from_records(house.exchange.apply_batch(command_records(commands)))
    assert [type(event).__name__ for event in events] == ["Accepted", "Repeated", "Accepted"]
    assert events_from_records(event_records(events)) == events
    assert house.exchange.held(1, USD) == 50


@pytest.mark.parametrize("command", [m.Quote(account=1, ask_ticks=90, ask_lots=1, session=7), m.Kill(account=1)])
def test_other_kinds_have_none(house, command):
    house.do(buy(99), command, command)
    assert not house.refused(command)
