"""The clock: time arrives inside commands, never runs backwards, and moves before a command is looked at."""

from parbook.units import TIME_NS_MAX


def test_advance_reports_the_clock(play):
    market = play("""
    > time at 100
    time 100
    > time at 100
    time 100
    > time -- 0 means: at the market's current time
    time 100
    > time at 99
    rejected time reversed
    > time at -1
    rejected time reversed
    book: empty
    """)
    assert market.now_ns == 100


def test_every_command_moves_it_and_0_leaves_it(play):
    market = play("""
    > buy 99 x 1 by 1 at 10
    accepted #1 leaves 1
    > buy 99 x 1 by 1
    accepted #2 leaves 1
    > reduce #2 x 1 by 1 at 11
    cancelled #2 x 1 requested
    > amend #1 x 2 by 1 at 12
    amended #1 lost 99 x 2 leaves 2
    > cancel #1 by 1 at 13
    cancelled #1 x 2 requested
    > set pmm at 14
    curve set pmm cash 1000000000
    > anchor 100..100 at 15
    proposed 100..100 for 15 ; anchor 100..100 net 0 cash 1000000000
    > withdraw anchors at 16
    withdrawn 0
    > withdraw curve at 17
    curve withdrawn net 0 cash 1000000000
    book: empty
    """)
    assert market.now_ns == 17


def test_an_earlier_time_is_refused_for_every_command(play):
    market = play("""
    book: buy 99 x 2 by 1
    curve: pmm
    > time at 100
    time 100
    > buy 99 x 1 by 1 at 99
    rejected time reversed
    > cancel #1 by 1 at 99
    rejected time reversed
    > reduce #1 x 1 by 1 at 99
    rejected time reversed
    > amend #1 x 1 by 1 at 99
    rejected time reversed
    > set pmm at 99
    rejected time reversed
    > anchor 100..100 at 99
    rejected time reversed
    > withdraw anchors at 99
    rejected time reversed
    > withdraw curve at -9223372036854775808
    rejected time reversed
    book: buy 99 x 2 by 1
    """)
    assert market.now_ns == 100


def test_a_refused_command_moves_it_all_the_same(play):
    market = play("""
    curve: pmm depth=4 delay=10
    anchor: 100..100
    > cancel #9 by 1 at 10 -- the anchor falls due before the refusal
    anchor 100..100 net 0 cash 1000000000 ; rejected unknown order
    > buy 0 x 1 by 1 at 50
    rejected price out of range
    book: empty
    """)
    assert market.now_ns == 50


def test_the_end_of_time(play):
    market = play(f"""
    > buy 99 x 1 by 1 at {TIME_NS_MAX}
    accepted #1 leaves 1
    > cancel #1 by 1 at {TIME_NS_MAX}
    cancelled #1 x 1 requested
    > cancel #1 by 1 at {TIME_NS_MAX - 1}
    rejected time reversed
    book: empty
    """)
    assert market.now_ns == TIME_NS_MAX
