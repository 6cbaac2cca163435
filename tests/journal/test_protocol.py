"""The protocol's commands in the journal: written, replayed, in snapshots, followed, exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import parbook as pb
from parbook import messages as m
from parbook.errors import GapError, MisuseError
from parbook.journal.export import command_lines
from parbook.journal.follower import Follower
from parbook.journal.storage import DiskStorage
from parbook.pools.pool import PoolTerms, TrancheTerms
from parbook.protocol import commands as c
from parbook.refusals import Refusal

INVESTOR = 7
TERMS = PoolTerms(name="P", manager=1, tranches=(TrancheTerms(name="U"),))


def invest(micro: int, ts_ns: int = 0) -> c.Invest:
    """Return an investment."""
    return c.Invest(pool=0, tranche=0, account=INVESTOR, amount_micro=micro, ts_ns=ts_ns)


def begun(path: Path, **options: object) -> pb.DurableExchange:
    """Return an exchange with a pool and money."""
    ex = pb.open(path, **options)
    usd = ex.add_asset("USD", decimals=6)
    ex.deposit(INVESTOR, usd, "1000")
    assert ex.act(c.OpenPool(terms=TERMS, quote=int(usd))).ok
    return ex


@pytest.mark.parametrize("durability", ["none", "group", "every"])
def test_it_is_there_again(tmp_path: Path, durability: str):
    with begun(tmp_path, durability=durability) as ex:
        done = ex.act(invest(5_000_000))
        done.raise_for_refusal()
        assert [type(said).__name__ for said in done.said] == ["Invested"]
        assert ex.act(invest(10**12)).code is Refusal.INSUFFICIENT_AVAILABLE
        assert ex.balances(INVESTOR)["P-U"].total == 5
        said, digest = ex.said(), ex.state_hash()
    with pb.open(tmp_path, durability=durability) as again:
        assert again.state_hash() == digest
        assert again.said() == said
        assert again.balances(INVESTOR)["P-U"].total == 5
        again.check()
        assert again.act(invest(1_000_000)).said[0].seq == said[-1].seq + 1


def test_a_snapshot_holds_it(tmp_path: Path):
    with begun(tmp_path) as ex:
        ex.act(invest(5_000_000))
        ex.checkpoint()
        ex.act(invest(2_000_000, ts_ns=50))
        digest = ex.state_hash()
    with pb.open(tmp_path) as again:
        assert again.recovered.replayed_records <= 3
        assert again.state_hash() == digest
        assert [type(said).__name__ for said in again.said(again.protocol.next_said - 1)] == ["Invested"]
        with pytest.raises(GapError, match="what the protocol said: 1 to 2"):
            again.said()
        with pytest.raises(MisuseError, match="since=99"):
            again.said(99)


def test_events_of_its_movements_stand_in_the_stream(tmp_path: Path):
    with begun(tmp_path) as ex:
        before = ex.next_event
        ex.act(invest(5_000_000, ts_ns=9))
        events = [event for batch in ex.events(since=before) for event in pb.events_from_records(batch)]
        assert [type(event).__name__ for event in events] == ["Advanced", "Transferred", "Deposited"]
        assert isinstance(events[1], m.Transferred)


def test_a_follower_goes_along(tmp_path: Path):
    with begun(tmp_path) as ex:
        ex.act(invest(5_000_000))
        ex.flush()
        follower = Follower(tmp_path)
        follower.poll()
        assert follower.state_hash() == ex.state_hash()
        ex.act(invest(1_000_000))
        ex.flush()
        follower.poll()
        assert follower.state_hash() == ex.state_hash()


def test_misuse_is_not_written(tmp_path: Path):
    with begun(tmp_path) as ex:
        stood = ex.journaled
        with pytest.raises(MisuseError, match="Invest"):
            ex.act(invest(0))
        assert ex.journaled == stood


def test_the_export_shows_its_commands(tmp_path: Path):
    with begun(tmp_path) as ex:
        ex.act(invest(5_000_000))
    lines = [json.loads(line) for line in command_lines(DiskStorage(tmp_path))]
    (line,) = [line for line in lines if line.get("type") == "Invest"]
    assert (line["record_kind"], line["amount_micro"]) == ("PROTOCOL", 5_000_000)
