"""`parbook journal verify|info|replay|repair|export`: what an operator does with a journal."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from parbook.cli.output import atomic_output, check_output, print_out
from parbook.cli.progress import ProgressBar
from parbook.errors import InputError, MisuseError
from parbook.journal.catalogue import CATALOGUE, Catalogue
from parbook.journal.examine import Report, examine, repair
from parbook.journal.export import command_lines, event_lines, write_parquet
from parbook.journal.layout import Frame
from parbook.journal.lock import EPOCH, DirectoryFence
from parbook.journal.recovery import recover
from parbook.journal.segments import segment_names
from parbook.journal.storage import DiskStorage

_RUNS = (
    "select run, datetime(opened_at_ns / 1000000000, 'unixepoch'), "
    "coalesce(datetime(closed_at_ns / 1000000000, 'unixepoch'), 'not closed'), process, epoch, durability, "
    "first_record, coalesce(last_record, '?') from runs order by run desc limit 10"
)


def add_parser(commands: Any) -> None:
    """Add the subcommand and its own to argparse's `commands`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "journal",
        help="look into an exchange's journal, verify, replay, repair or export it",
        description="What parbook.open wrote. Only repair changes anything, and it deletes nothing.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _action(actions, "info", _info, "say what is in it: segments, snapshots, runs")
    _action(
        actions, "verify", _verify, "read every byte and compare every checksum; exit code 1 when something is wrong"
    )
    replay = _action(actions, "replay", _replay, "run it again and say which state comes out")
    replay.add_argument("--from-start", action="store_true", help="from the first record, not from the newest snapshot")
    mend = _action(actions, "repair", _repair, "put what is damaged, and all behind it, into quarantine")
    mend.add_argument("--yes", action="store_true", help="do it; without this it only says what would be done")
    export = _action(actions, "export", _export, "write its commands or events for other programs")
    export.add_argument("out", metavar="OUT", type=Path, help="OUT.jsonl or OUT.parquet")
    export.add_argument("--events", action="store_true", help="the events of a replay, not the commands")


def _action(actions: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("path", metavar="DIRECTORY", type=Path, help="the directory that parbook.open was given")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--progress", action="store_true", help="show progress even when stderr is no terminal")
    parser.set_defaults(run=run)
    return parser


def _storage(path: Path) -> DiskStorage:
    if not (path / EPOCH).exists():
        raise InputError(str(path), "there is no journal", "Name the directory that parbook.open was given.")
    return DiskStorage(path)


def _say(args: argparse.Namespace, value: Any, text: str) -> None:
    print_out(msgspec.json.encode(value).decode() if args.json else text)


# --- looking ------------------------------------------------------------------------------------


def _text(report: Report) -> str:
    lines = [
        f"journal {report.journal or 'without a record'}: records {report.first_record} to {report.last_record}, "
        f"next command {report.last_command}, {'closed' if report.sealed else 'open or not closed'}"
    ]
    for segment in report.segments:
        lines.append(
            f"  {segment.name}  epoch {segment.epoch}, {segment.records} records, {segment.commands} commands, "
            f"{segment.used_bytes / max(segment.bytes, 1):.0%} of {segment.bytes / 2**20:.1f} MiB"
        )
    lines += [f"  {name}  of a writer that was fenced off: not counted" for name in report.fenced]
    for snapshot in report.snapshots:
        what = snapshot.fault.upper() if snapshot.fault else f"state {snapshot.state_hash[:16]}"
        lines.append(f"  {snapshot.name}  behind record {snapshot.record}, {snapshot.bytes / 2**20:.1f} MiB, {what}")
    if report.torn:
        lines.append("  a torn tail behind the last record: nobody was told of it, opening cuts it off")
    if report.damage:
        lines.append(f"  DAMAGE in {report.damaged_segment} at {report.damaged_offset}: {report.damage}")
    return "\n".join(lines)


def _info(args: argparse.Namespace) -> int:
    report = examine(_storage(args.path))
    lines = [_text(report)]
    if not args.json and (args.path / CATALOGUE).exists():
        lines += _catalogue_lines(args.path)
    _say(args, report, "\n".join(lines))
    return 0


def _catalogue_lines(path: Path) -> list[str]:
    import sqlite3  # noqa: PLC0415

    db = sqlite3.connect(f"file:{path / CATALOGUE}?mode=ro", uri=True)
    try:
        rows = db.execute(_RUNS).fetchall()
    except sqlite3.Error as error:
        return [f"  the catalogue cannot be read: {error}"]
    finally:
        db.close()
    head = "  run  opened               closed               process  epoch  durability  records"
    body = [f"  {r[0]:>3}  {r[1]}  {r[2]:<19}  {r[3]:>7}  {r[4]:>5}  {r[5]:<10}  {r[6]} to {r[7]}" for r in rows]
    return [head, *body]


def _verify(args: argparse.Namespace) -> int:
    report = examine(_storage(args.path))
    verdict = "sound" if report.is_sound else "NOT SOUND"
    _say(args, report, f"{_text(report)}\n{args.path}: {verdict}")
    return 0 if report.is_sound else 1


# --- running, mending, exporting ----------------------------------------------------------------


def _replay(args: argparse.Namespace) -> int:
    storage = _storage(args.path)
    began = perf_counter()
    total = sum(storage.size(name) for name in segment_names(storage.names()))
    read = 0

    def count(frame: Frame) -> None:
        nonlocal read
        read += frame.end - frame.offset
        progress(read, total)

    with ProgressBar(str(args.path), quiet=args.json, forced=args.progress) as progress:
        recovered = recover(storage, from_record_1=args.from_start, on_record=count)
    seconds = perf_counter() - began
    result = {
        "state_hash": recovered.core.state_hash(),
        "last_record": recovered.end.record,
        "next_command": recovered.core.next_command,
        "events": recovered.position,
        "snapshot": recovered.snapshot,
        "replayed_records": recovered.replayed_records,
        "replayed_commands": recovered.replayed_commands,
        "seconds": round(seconds, 3),
    }
    _say(
        args,
        result,
        f"state {result['state_hash']} behind record {result['last_record']}, next command {result['next_command']}\n"
        f"began with {recovered.snapshot or 'nothing'}, replayed {recovered.replayed_commands} commands in "
        f"{recovered.replayed_records} records, {seconds:.2f} s, "
        f"{recovered.replayed_commands / max(seconds, 1e-9):,.0f} commands/s",
    )
    return 0


def _repair(args: argparse.Namespace) -> int:
    storage = _storage(args.path)
    with ExitStack() as stack:
        if args.yes:
            fence = DirectoryFence.take(args.path)
            stack.callback(fence.close)
        steps = repair(storage, apply=args.yes)
        if args.yes:
            catalogue = Catalogue(args.path)
            catalogue.removed(catalogue.missing_segments(segment_names(storage.names())))
            catalogue.close()
    if not steps:
        _say(args, {"steps": [], "done": False}, f"{args.path}: nothing to repair")
        return 0
    last = "done: nothing was deleted" if args.yes else "nothing was changed; --yes does it"
    _say(args, {"steps": steps, "done": args.yes}, "\n".join([*steps, last]))
    return 0 if args.yes else 1


def _export(args: argparse.Namespace) -> int:
    storage = _storage(args.path)
    check_output(args.out)
    with atomic_output(args.out) as path:
        if args.out.suffix == ".parquet":
            rows = write_parquet(storage, path, of_events=args.events)
        elif args.out.suffix == ".jsonl":
            rows = _write_lines(storage, path, of_events=args.events)
        else:
            raise MisuseError(f"{args.out}: name OUT.jsonl or OUT.parquet, the suffix says which.")
    _say(args, {"rows": rows}, f"{args.out}: {rows} {'events' if args.events else 'records'}")
    return 0


def _write_lines(storage: DiskStorage, path: Path, *, of_events: bool) -> int:
    with path.open("wb") as file:
        if of_events:
            return event_lines(storage, lambda line: file.write(line + b"\n"))
        rows = 0
        for line in command_lines(storage):
            file.write(line + b"\n")
            rows += 1
        return rows
