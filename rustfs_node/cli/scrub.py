"""`rustfs-node ctl scrub`: how the scrubs of the drives are, and to have them begin now.

Exit status: 0 it was told, or done; 1 something that was found does not read well yet (`status`), a drive
does not tell or could not do it, or the node does not answer; 2 the arguments are wrong.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from rustfs_node.cli.asking import ask_owner
from rustfs_node.cli.main import EXIT_FAILED
from rustfs_node.cli.table import table

_COLUMNS = ("set", "slot", "drive", "last full scrub", "now", "left", "found", "repaired", "")
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def run(args: argparse.Namespace) -> int:
    """Start, tell or stop."""
    query = {"set": "" if args.set is None else str(args.set), "drive": args.drive}
    query["flat_out"] = "true" if getattr(args, "flat_out", False) else ""
    words = urlencode({name: value for name, value in query.items() if value})
    told = ask_owner(args, f"scrub/{args.verb}?{words}", "GET" if args.verb == "status" else "POST")
    if isinstance(told, int):
        return told
    drives = told["drives"]
    print(json.dumps(told) if args.json else "\n".join(lines(drives)))
    is_well = not any("reason" in one or (args.verb == "status" and one["unrepaired"]) for one in drives)
    return 0 if is_well else EXIT_FAILED


def lines(drives: list[dict[str, Any]]) -> Iterator[str]:
    """A table for people, and what it cannot say."""
    yield from table(_COLUMNS, map(_row, drives))
    if any(one.get("found") for one in drives):
        yield "found and repaired since the drive's worker started; ctl logs and the node's log have the keys"


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    place = (str(one["set_index"]), str(one["disk_index"]), one["endpoint"])
    if "reason" in one:
        return (*place, "-", "-", "-", "-", "-", one["reason"])
    left = "-" if one["left_s"] is None else f"about {_duration(one['left_s'])}"
    unrepaired = f"{one['unrepaired']} not yet repaired" if one["unrepaired"] else ""
    return (*place, _ended(one), _now(one), left, str(one["found"]), str(one["repaired"]), unrepaired)


def _ended(one: dict[str, Any]) -> str:
    if one["ended_ms"]:
        return datetime.fromtimestamp(one["ended_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return "not known" if one["rounds"] else "never"


def _now(one: dict[str, Any]) -> str:
    if not one["running"]:
        return "rests"
    share = min(1.0, one["round_rows"] / max(1, one["rows_there"]))
    words = [f"{share:.0%} read", *(word.replace("_", " ") for word in ("ordered", "flat_out") if one[word])]
    return ", ".join(words)


def _duration(seconds: int) -> str:
    for unit_s, unit in _UNITS:
        if seconds >= 2 * unit_s:
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} s"


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl scrub`."""
    from rustfs_node.cli.verbs import add_verbs

    group = "scrub", "what drives read to find damage: status, start, stop"
    verbs = (
        ("status", "of each drive the last full scrub, how far it is now, and what it found"),
        ("start", "begin to scrub now, and not when it is time"),
        ("stop", "end scrubs that were ordered, as if they had not been"),
    )
    for verb, parser in add_verbs(actions, group, verbs, run, "verb"):
        parser.add_argument("--set", type=int, metavar="N", help="the drives of this erasure set alone")
        parser.add_argument("--drive", metavar="DIR", default="", help="this drive alone")
        if verb == "start":
            parser.add_argument(
                "--flat-out",
                action="store_true",
                help="as fast as the drive goes, beside clients: drive.scrub_bytes_per_s does not count",
            )
