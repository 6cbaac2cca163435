"""Faults that other engines are known to have had with special orders, each shown to be absent here."""

import os
import subprocess
import sys

import pytest

import parbook.state
from parbook.codes import StpMode
from parbook.instrument import Instrument
from parbook.records import event_records
from tests.support.markets import MARKETS
from tests.support.scenario_commands import parse_command
from tests.support.shared import ROOT


@pytest.mark.parametrize("mode", ["cancel-newest", "cancel-oldest", "cancel-both", "decrement"])
def test_fok_pre_check_that_counts_own_orders(play, mode):
    play(f"""
    book: sell 100 x 2 by 1 ; sell 100 x 2 by 2
    > buy 100 x 3 by 1 fok stp {mode}
    rejected fok unfillable
    > buy 100 x 3 by 3 fok stp {mode}
    accepted #3 leaves 0 ; trade 100 x 2 book #1 leaves 0 ; trade 100 x 1 book #2 leaves 1
    book: sell 100 x 1 by 2
    """)


def test_fok_pre_check_that_ignores_whom_prevention_lets_through(play):
    play("""
    book: sell 100 x 2 by 1 ; sell 100 x 2 by 2
    > buy 100 x 2 by 1 fok stp cancel-oldest
    accepted #3 leaves 0 ; prevented cancel-oldest 100 x 2 #1 leaves 0 ; cancelled #1 x 2 self trade
    ; trade 100 x 2 book #2 leaves 0
    book: empty
    """)


def test_fok_pre_check_that_ignores_hidden_orders_and_reserves(play):
    play("""
    book: sell 100 x 3 by 1 hidden ; sell 100 x 4 by 2 show 2
    > buy 100 x 8 by 9 fok
    rejected fok unfillable
    > buy 100 x 7 by 9 fok
    accepted #3 leaves 0 ; trade 100 x 2 book #2 leaves 2 ; shown #2 x 2 of 2 ; trade 100 x 2 book #2 leaves 0
    ; trade 100 x 3 hidden #1 leaves 0
    book: empty
    """)


def test_modify_of_a_stop_that_executes(play):
    play("""
    trade: 100
    book: sell 103 x 5 by 1
    > buy 101 x 2 by 2 stop 105
    accepted #4 leaves 2 armed
    > amend #4 to 110 x 4 by 2 -- a limit order at 110 would trade with #3
    amended #4 kept 110 x 4 leaves 4
    > amend #4 stop 100 by 2 -- reached: refused, neither triggered nor lost
    rejected stop through
    > amend #4 stop 101 by 2
    amended #4 lost 110 x 4 leaves 4
    book: sell 103 x 5 by 1 ; buy 110 x 4 by 2 armed 101
    """)


def test_buy_stop_that_fires_when_nothing_traded(play):
    play("""
    instrument: stp=cancel-both
    trade: 100
    curve: pmm depth=0
    > buy 120 x 1 by 1 stop 105
    accepted #3 leaves 1 armed
    > sell 106 x 1 by 2 -- an offer beyond the stop
    accepted #4 leaves 1
    > buy 106 x 1 by 2 -- two that meet and do not trade
    accepted #5 leaves 0 ; prevented cancel-both 106 x 1 #4 leaves 0 ; cancelled #4 x 1 self trade
    ; cancelled #5 x 1 self trade
    > buy 107 x 1 by 3 -- a bid beyond it
    accepted #6 leaves 1
    > buy 110 x 1 by 3 fok -- a refusal
    rejected fok unfillable
    > anchor 110..110 -- a fair price beyond it
    proposed 110..110 for 0 ; anchor 110..110 net 0 cash 1000000000
    > cancel #6 by 3
    cancelled #6 x 1 requested
    book: buy 120 x 1 by 1 armed 105
    """)


def test_stop_that_fires_by_the_price_an_auction_only_indicates(play):
    play("""
    trade: 100
    > buy 120 x 1 by 1 stop 105
    accepted #3 leaves 1 armed
    > state auction
    state auction from continuous
    > buy 110 x 2 by 2
    accepted #4 leaves 2
    > sell 110 x 2 by 3
    accepted #5 leaves 2 ; indicative 110 x 2 surplus 0
    > cancel #4 by 2
    cancelled #4 x 2 requested ; indicative 0 x 0 surplus 0
    > state continuous
    uncrossed 0 x 0 surplus 0 ; state continuous from auction
    book: sell 110 x 2 by 3 ; buy 120 x 1 by 1 armed 105
    """)


def test_hidden_quantity_that_jumps_the_queue(play):
    play("""
    book: sell 100 x 5 by 1 hidden ; sell 100 x 4 by 2 show 1 ; sell 100 x 2 by 3
    > buy 100 x 3 by 9 -- the hidden order came first, the reserve second
    accepted #4 leaves 0 ; trade 100 x 1 book #2 leaves 3 ; shown #2 x 1 of 3 ; trade 100 x 2 book #3 leaves 0
    book: sell 100 x 3 by 2 show 1 ; sell 100 x 5 by 1 hidden
    """)


def test_resting_all_or_none_that_locks_the_book(play):
    # A minimum holds at entry and never again: what rests trades lot by lot, so the book is never locked or crossed.
    play("""
    book: sell 100 x 3 by 1
    > buy 100 x 4 by 2 min 4
    rejected min qty unfillable
    > buy 100 x 9 by 2 min 3
    accepted #2 leaves 6 ; trade 100 x 3 book #1 leaves 0
    > sell 100 x 1 by 3
    accepted #3 leaves 0 ; trade 100 x 1 book #2 leaves 5
    book: buy 100 x 5 by 2
    """)


def test_decrement_that_strands_an_icebergs_reserve(play):
    play("""
    book: sell 100 x 7 by 1 show 2
    > buy 100 x 2 by 1 stp decrement
    accepted #2 leaves 0 ; prevented decrement 100 x 2 #1 leaves 5
    > buy 100 x 9 by 9 -- everything the seller still offers can be bought
    accepted #3 leaves 4 ; trade 100 x 2 book #1 leaves 3 ; shown #1 x 2 of 3 ; trade 100 x 2 book #1 leaves 1
    ; shown #1 x 1 of 1 ; trade 100 x 1 book #1 leaves 0
    book: buy 100 x 4 by 9
    """)


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("100 x 2 by 9 fok", "rejected fok unfillable"),
        ("100 x 2 by 9 min 2", "rejected min qty unfillable"),
        ("100 x 2 by 9 ioc", "accepted #3 leaves 0 ; trade 100 x 1 book #2 leaves 0 ; cancelled #3 x 1 remainder"),
    ],
)
def test_gtd_sweep_after_the_fills(play, order, answer):
    play(f"""
    > sell 100 x 5 by 1 gtd 10 at 1
    accepted #1 leaves 5
    > sell 100 x 1 by 2
    accepted #2 leaves 1
    > buy {order} at 11
    cancelled #1 x 5 expired ; {answer}
    book: {"empty" if "ioc" in order else "sell 100 x 1 by 2"}
    """)


# Everything here that concerns several orders at once goes by an order of its own: pegs, partners, expiries, groups.
CROWD = """
account 11 stp_group=7
account 12 stp_group=7
account 13 position_lots=40
account 13 protection_lots=3
account 13 protection_window_ns=1000
set pmm depth=4 base=6
anchor 100..100
sell 101 x 3 by 1
buy 99 x 3 by 2
buy 98 x 2 by 11 peg primary +0
sell 103 x 2 by 12 peg mid +0
sell 104 x 2 by 13 reduce-only
sell 105 x 2 by 13 reduce-only
sell 106 x 36 by 13 reduce-only
buy 97 x 5 by 5 gtd 20
buy 96 x 5 by 6 gtd 20
buy 95 x 5 by 4 gtd 20
sell 110 x 1 by 1 show 1
buy 90 x 1 by 1 oco #11
sell 90 x 2 by 3 stop 99
sell 90 x 2 by 4 stop 99
deadman 2 in 20
deadman 1 in 20
quote 13 bid 98 x 4 ask 102 x 4
sell 98 x 9 by 9
buy 115 x 2 by 5 trail 2
buy 104 x 9 by 9
state auction
buy market x 2 by 8 auction
sell market x 1 by 7 auction
state continuous
time at 21
mass cancel
"""

PROGRAM = """
import sys
from tests.market.test_known_faults_special import digest_of_the_crowd
print(digest_of_the_crowd(sys.argv[1]))
"""


def digest_of_the_crowd(name):
    """Return the hash of the crowd's events and of the state after it."""
    market = MARKETS[name](Instrument(symbol="TEST", stp=StpMode.CANCEL_OLDEST))
    events = [event_records(market.apply(parse_command(line))) for line in CROWD.split("\n") if line]
    return f"{parbook.state.digest(b''.join(e.tobytes() for e in events))} {market.state_hash()}"


def test_unordered_iteration_that_changes_results_between_runs():
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    printed = {digest_of_the_crowd(name) for name in MARKETS}
    for hash_seed, name in (("0", "core"), ("1", "reference"), ("4242", "reference")):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        command = [sys.executable, "-c", PROGRAM, name]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT)
        printed.add(done.stdout.strip())
    assert len(printed) == 1, printed
