"""`parbook simulate`: a run on a pool, over one seed or many; and the failures of others, played here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from parbook.cli.arguments import count, seed
from parbook.cli.described import of_file, read_by, world_of
from parbook.cli.output import atomic_output, check_output, print_out
from parbook.cli.progress import ProgressBar
from parbook.errors import AssetError, InputError
from parbook.report.page import require_plotly
from parbook.report.simulate_page import outcome_rows, quantiles_text, render_simulation, sentence
from parbook.simulate.cases import Case
from parbook.simulate.many import SEEDS_MAX, outcomes, play
from parbook.simulate.results import Outcome, Result, all_held, plain, table
from parbook.simulate.scenarios import CASES, NAMES, RUNS
from parbook.simulate.world import World

EXIT_NOT_HELD = 1


def add_parser(commands: Any) -> None:
    """Add the subcommand to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "simulate",
        help="what a run on a pool does to those who stay; failures of others, played here",
        description="Play a scenario on the exchange: holders who leave by market, desk or queue, makers, a credit "
        "shock, a late oracle. docs/simulate.md says what is simulated, derives the bounds and has the figures.",
        epilog=f"Scenarios: {', '.join(NAMES)}; all plays every one of them.",
    )
    parser.add_argument(
        "listing",
        metavar="LISTING.toml",
        nargs="?",
        type=Path,
        help="play runs with the figures of this description, as `parbook listing` reads it",
    )
    parser.add_argument(
        "--scenario", metavar="NAME", choices=(*NAMES, "all"), default="run40", help="what to play; default: run40"
    )
    parser.add_argument("--seed", metavar="N", type=seed, default=7, help="first seed; default: 7")
    parser.add_argument(
        "--seeds", metavar="COUNT", type=count, default=1, help="so many seeds of a run, from --seed on"
    )
    parser.add_argument("--paired", action="store_true", help="play each seed without a run as well, to the horizon")
    parser.add_argument("--workers", metavar="N", type=count, default=0, help="processes; default: one a processor")
    parser.add_argument(
        "--check", action="store_true", help="test every invariant after every command, with many seeds"
    )
    parser.add_argument("--report", metavar="OUT.html", type=Path, help="write a self-contained page (needs plotly)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play what was asked for, write it, and return 0 if all bounds held and all failures play as described, else 1."""
    if args.report is not None:
        # Whatever would spoil the report is said before the work, not after it.
        require_plotly()
        check_output(args.report, () if args.listing is None else read_by(args.listing))
    names = NAMES if args.scenario == "all" else (args.scenario,)
    _refuse_idle(args, names)
    played: list[tuple[str, Result, list[Outcome]]] = []
    for name in names:
        if name in RUNS:
            played.append((name, *_played(name, args)))
    cases: list[Case] = [CASES[name]() for name in names if name in CASES]
    held = all_held(((result.outcome, many) for _, result, many in played), cases)
    if args.report is not None:
        with atomic_output(args.report) as path:
            path.write_text(render_simulation(played, cases), encoding="utf-8")
    if args.json:
        print_out(_json(played, cases, held=held))
    elif not args.quiet:
        _print(played, cases)
        if args.report is not None:
            print_out(f"report: {args.report}")
    return 0 if held else EXIT_NOT_HELD


def _played(name: str, args: argparse.Namespace) -> tuple[Result, list[Outcome]]:
    """Play a run, one seed in full and as many as were asked for. ListingError about its description."""
    if args.listing is None:
        return play(RUNS[name], args.seed, paired=True), _many(name, RUNS[name], args)
    world = world_of(args.listing, RUNS[name])
    try:
        return play(world, args.seed, paired=True), _many(name, world, args)
    except AssetError as error:
        raise of_file(args.listing, error) from None


def _refuse_idle(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Raise InputError for what was asked for and would change nothing, or take for ever."""
    if args.seeds > SEEDS_MAX:
        raise InputError("--seeds", f"{args.seeds} are more than {SEEDS_MAX}", "Play them in parts, with --seed.")
    if any(name in RUNS for name in names):
        return
    for option, given in (("LISTING.toml", args.listing is not None), ("--seeds", args.seeds > 1)):
        if given:
            remedy = f"Leave it out, or choose one of {', '.join(RUNS)}."
            raise InputError(option, f"the scenario {names[0]} is played as it happened and takes none", remedy)


def _many(name: str, world: World, args: argparse.Namespace) -> list[Outcome]:
    if args.seeds == 1:
        return []
    seeds = range(args.seed, args.seed + args.seeds)
    with ProgressBar(name, unit=" seeds", quiet=args.quiet) as progress:
        return outcomes(world, seeds, checked=args.check, paired=args.paired, workers=args.workers, progress=progress)


def _print(played: list[tuple[str, Result, list[Outcome]]], cases: list[Case]) -> None:
    print_out(sentence(played, cases))
    for name, result, many in played:
        print_out(f"\n{name}, seed {result.outcome.seed}")
        print_out("\n".join(f"  {label}: {value}" for label, value in outcome_rows(result.outcome)))
        if many:
            print_out(f"\n{name}, {len(many)} seeds\n{quantiles_text(table(many))}")
    for case in cases:
        print_out(f"\n{case.title}\n  There: {case.there} ({case.source})\n  Here: {case.here}")
        print_out("\n".join(f"  {label}: {value}" for label, value in case.rows))


def _json(played: list[tuple[str, Result, list[Outcome]]], cases: list[Case], *, held: bool) -> str:
    runs = [
        {
            "scenario": name,
            "world": msgspec.to_builtins(result.world),
            "outcome": msgspec.to_builtins(result.outcome),
            "many": plain(many) if many else None,
        }
        for name, result, many in played
    ]
    return msgspec.json.encode(
        {"held": held, "runs": runs, "cases": [msgspec.to_builtins(case) for case in cases]}
    ).decode()
