"""The verdicts as a table: on the terminal and as the page docs/mutants.md."""

from __future__ import annotations

import re
from collections import Counter

from tools.mutants.fault import Fault
from tools.mutants.workshop import Outcome, Verdict

_HEAD = """# Planted faults

Made by `make mutants ARGS="--markdown docs/mutants.md"`; do not edit. Each fault was planted alone in a copy of the
sources, and the checks ran until one went red. *parity* is the comparison of reference and core on fixed random
streams: a fault of the reference that nothing else sees breaks a rule that no table states.
"""


def only_twin(verdict: Verdict) -> bool:
    """Whether nothing but the comparison with the core saw a fault of the reference."""
    return verdict.outcome is Outcome.CAUGHT and not verdict.fault.compiled and verdict.by.startswith("parity")


def line(verdict: Verdict) -> str:
    """Return one row for the terminal."""
    fault = verdict.fault
    mark = "" if verdict.outcome is Outcome.CAUGHT else f"{verdict.outcome.value.upper()} "
    return f"{fault.id:32s} {_short(fault.file):24s} {verdict.seconds:6.1f} s  {mark}{verdict.by}"


def summary(verdicts: list[Verdict], skipped: list[str]) -> str:
    """Return what matters when all is done, most urgent last."""
    count = Counter(verdict.outcome for verdict in verdicts)
    twin = [verdict.fault.id for verdict in verdicts if only_twin(verdict)]
    lines = [", ".join(f"{count[outcome]} {outcome.value}" for outcome in Outcome) + f" of {len(verdicts)}"]
    if twin:
        lines.append(f"{len(twin)} in the reference seen by parity only: {', '.join(twin)}")
    lines += [f"red without any fault, left out: {test}" for test in skipped]
    lines += [
        f"{v.outcome.value}: {v.fault.id} ({v.fault.file}): {v.fault.what}. {v.by}"
        for v in verdicts
        if v.outcome is not Outcome.CAUGHT
    ]
    return "\n".join(lines)


def page(faults: list[Fault], verdicts: list[Verdict], earlier: str = "") -> str:
    """Return the Markdown page of all faults, in order; those without a verdict keep their row of an earlier page."""
    rows = dict(re.findall(r"^(?=(\| `[a-z0-9-]+` \|))(.*)$", earlier, re.MULTILINE))
    rows |= {_row_head(verdict.fault): _row(verdict) for verdict in verdicts}
    found = [rows[_row_head(fault)] for fault in faults if _row_head(fault) in rows]
    seen = last_time("\n".join(found))
    twin = sum(not fault.compiled and seen.get(fault.id, "").startswith("parity") for fault in faults)
    counts = f"{len(seen)} of {len(found)} caught, {twin} of them in the reference by parity alone."
    if len(found) < len(faults):
        counts += f" {len(faults) - len(found)} further faults of the tables have no row yet."
    head = ["| fault | file | what it breaks | caught by | seconds |", "|---|---|---|---|---|"]
    return f"{_HEAD}\n{counts}\n\n" + "\n".join(head + found) + "\n"


def _row_head(fault: Fault) -> str:
    return f"| `{fault.id}` |"


def _row(verdict: Verdict) -> str:
    by = f"`{verdict.by}`" if verdict.outcome is Outcome.CAUGHT else f"**{verdict.outcome.value}** {verdict.by}"
    cells = (f"`{_short(verdict.fault.file)}`", verdict.fault.what, by, f"{verdict.seconds:.0f}")
    return f"{_row_head(verdict.fault)} " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def last_time(text: str) -> dict[str, str]:
    """Return what saw each fault, as an earlier page has it."""
    return dict(re.findall(r"^\| `([a-z0-9-]+)` \|.*\| `([^|]*)` \| \d+ \|$", text, re.MULTILINE))


def listing(faults: list[Fault]) -> str:
    """Return all faults with what they break."""
    return "\n".join(f"{fault.id:32s} {_short(fault.file):24s} {fault.what}" for fault in faults)


def _short(file: str) -> str:
    return file.removeprefix("engine/parbook/").removeprefix("ext/parbook/")
