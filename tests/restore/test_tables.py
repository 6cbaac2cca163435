"""Every table of the market and of the exchange, played by one that is made anew from its state before every command.

So each kind of state is lost and found again in the middle of what it is for: queues, slices, stops and their turns,
timers, partners, quotes, windows, buckets, auctions, sessions, holds, transaction ids, references.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARKET = """
accounts amend amend_special anchors auction auction_tables book_and_curve brackets bust by_amount cancel_and_reduce
cascade clearing client_ids clip clock collar collar_bands deadman expiry fat_finger hidden iceberg kill_switch lift
limits market_order market_to_limit mass_cancel min_quantity oco pegs position_limits post_only post_slide pro_rata
quotes quotes_and_protection rate reduce_only sessions sessions_tables state stops stp timers trailing
"""
EXCHANGE = "clock exchange_state funds money routing session_refs statuses"
KEEPS_A_VIEW = "not test_a_market_can_be_looked_at"
"""It holds on to a market of an exchange, which is another one after the next command."""


@pytest.mark.parametrize(("folder", "names", "least"), [("market", MARKET, 900), ("exchange", EXCHANGE, 150)])
def test_the_tables_hold_for_one_that_is_loaded_before_every_command(folder, names, least):
    files = [f"tests/{folder}/test_{name}.py" for name in names.split()]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", KEEPS_A_VIEW, *files]
    environment = {**os.environ, "PARBOOK_RELOADED": "1"}
    played = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout[-4000:] + played.stderr[-2000:]
    passed = re.search(r"(\d+) passed", played.stdout)
    assert passed
    assert int(passed[1]) >= least
