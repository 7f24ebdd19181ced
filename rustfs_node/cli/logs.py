"""`rustfs-node ctl logs`: the last lines of the log of each process of a node, by time."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import urlencode

from rustfs_node.cli.asking import ask_owner
from rustfs_node.cli.main import EXIT_FAILED
from rustfs_node.settings.node import LOG_LEVELS

_FIRST = ("timestamp", "level", "process", "event")


def run(args: argparse.Namespace) -> int:
    """Print them; status 1 where a process did not answer, which is told."""
    told = ask_owner(args, f"logs?{urlencode({'lines': args.lines, 'level': args.level})}")
    if isinstance(told, int):
        return told
    lines = merged(told["processes"])
    print("\n".join(map(json.dumps if args.json else line_for_people, lines)))
    silent = [one for one in told["processes"] if "fault" in one]
    for one in silent:
        print(f"{one['process']} tells nothing: {one['fault']}", file=sys.stderr)
    return EXIT_FAILED if silent else 0


def merged(processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of all by time; those of one moment in the order of their process."""
    return sorted((line for one in processes for line in one["lines"]), key=lambda line: line["timestamp"])


def line_for_people(line: dict[str, Any]) -> str:
    """Time, level, process and event, then the rest."""
    head = " ".join(str(line.get(name, "-")) for name in _FIRST)
    rest = (f"{name}={_text(value)}" for name, value in line.items() if name not in _FIRST)
    return " ".join([head, *rest])


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text and " " not in text else repr(text)


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl logs`."""
    from rustfs_node.cli import keys

    text = "the last lines of the log of each process of the node, by time"
    parser = actions.add_parser("logs", help=text, description=text)
    parser.add_argument(
        "-n", "--lines", type=int, default=100, metavar="N", help="of each process (default %(default)s)"
    )
    parser.add_argument(
        "--level", choices=LOG_LEVELS, default="debug", help="the least that is told (default: all)"
    )
    keys.add_endpoint(parser)
    parser.set_defaults(run=run)
