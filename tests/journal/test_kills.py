"""A few processes killed under load; `make kills ROUNDS=200` kills more."""

from __future__ import annotations

import pytest

import parbook as pb
from tests.journal.kills import KilledError, compared, rounds


def test_what_a_killed_process_acknowledged_is_there(tmp_path):
    acknowledged, segments = rounds(6, 3, tmp_path)
    assert acknowledged > 0
    assert segments > 1


def test_a_command_that_is_missing_is_noticed(tmp_path):
    with (
        pb.open(tmp_path, outcome_window=64) as exchange,
        pytest.raises(KilledError, match="1 commands were acknowledged, and 0 are there"),
    ):
        compared(exchange, 1, 1)


def test_another_state_is_noticed(tmp_path):
    with (
        pb.open(tmp_path, outcome_window=64) as exchange,
        pytest.raises(KilledError, match="the state after 0 commands is another one"),
    ):
        compared(exchange, 1, 0)
