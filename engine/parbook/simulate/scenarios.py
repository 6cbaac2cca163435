"""Every scenario by name: runs on a pool, and failures of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parbook.pools.amounts import E12
from parbook.simulate.cases import Case
from parbook.simulate.failures import FAILURES
from parbook.simulate.tokens import TOKENS
from parbook.simulate.world import Lateness, World

RUNS: Final[dict[str, World]] = {
    "run40": World(),
    "run40-lagging": World(lateness=Lateness.LAGGING),
    "calm": World(leaving_e12=E12 // 10, failing_e12=0, pd_times_e12=E12, lgd_plus_e12=0, oracle_late_days=0),
}
"""Scenario -> its world. run40: 40 % leave, a shock, an oracle silent for 3 days; lagging: it says old values."""
CASES: Final[dict[str, Callable[..., Case]]] = FAILURES | TOKENS
"""Scenario -> what plays it and returns what it showed."""
NAMES: Final = (*RUNS, *CASES)
