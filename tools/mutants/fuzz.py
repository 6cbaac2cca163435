"""Reference and core on fixed random streams: `python -m tools.mutants.fuzz`, exit status 1 at the first difference.

`python -m tools.mutants.fuzz icebergs` begins with the profile of that name. The streams are those of `tests.parity`;
nothing is shrunk, because a planted fault needs no explanation.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import parbook.reference
from parbook._market import Market
from tests.parity.lockstep import apply
from tests.parity.profiles import PROFILES, Profile, instrument_of
from tests.parity.streams import Stream

SEEDS = (1, 2, 3)
BATCHES, BATCH_SIZE = 8, 120


def difference(profile: Profile, seed: int) -> str:
    """Return where the two disagree in events, state or soundness; empty when they do not."""
    instrument = instrument_of(profile, seed)
    reference, core = parbook.reference.Market(instrument), Market(instrument)
    stream = Stream(profile, seed)
    for batch in range(BATCHES):
        where = f"parity {profile.name}, seed {seed}, batch {batch}"
        for operation in stream.next(core, BATCH_SIZE):
            try:
                answers = [apply(market, operation).tobytes() for market in (reference, core)]
            except Exception as error:
                return f"{where}: {type(error).__name__}"
            if answers[0] != answers[1]:
                return f"{where}: events"
        if reference.state_bytes() != core.state_bytes():
            return f"{where}: state"
        for market in (reference, core):
            try:
                market.check()
            except Exception as error:
                return f"{where}: {type(error).__name__}"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every profile with every seed and return the exit status."""
    first = (sys.argv[1:] if arguments is None else arguments)[:1]
    for seed in SEEDS:
        for profile in sorted(PROFILES, key=lambda profile: profile.name not in first):
            found = difference(profile, seed)
            if found:
                print(found)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
