"""`rustfs-node ctl locks`: for which keys writes take turns just now, and how many wait."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import urlencode

from rustfs_node.cli.asking import ask_owner
from rustfs_node.cli.main import EXIT_FAILED
from rustfs_node.cli.table import table

_COLUMNS = ("held", "waiting", "worker", "key")


def run(args: argparse.Namespace) -> int:
    """Print them, the oldest first; status 1 where a worker did not answer, which is told."""
    told = ask_owner(args, f"locks?{urlencode({'count': args.count})}")
    if isinstance(told, int):
        return told
    locks = told["locks"]
    if args.json:
        print(json.dumps(locks))
    else:
        print("\n".join(table(_COLUMNS, map(_row, locks))) if locks else "no key has its turn taken")
        if told["total"] > len(locks):
            print(f"and {told['total'] - len(locks)} more, held for less long")
    for worker, reason in told["silent"].items():
        print(f"{worker} tells nothing: {reason}", file=sys.stderr)
    return EXIT_FAILED if told["silent"] else 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return f"{one['held_s']:.1f} s", str(one["waiting"]), one["worker"], f"{one['bucket']}/{one['key']}"


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl locks`."""
    from rustfs_node.cli import keys

    text = "the keys for which writes take turns, for how long, and how many wait"
    parser = actions.add_parser("locks", help=text, description=text)
    parser.add_argument(
        "--count", type=int, default=100, metavar="N", help="of each worker (default %(default)s)"
    )
    keys.add_endpoint(parser)
    parser.set_defaults(run=run)
