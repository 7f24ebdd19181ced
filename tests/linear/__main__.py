"""More operations than a suite has time for.

    python -m tests.linear --ops 20000 --seed 1       many clients, workers dying; the verdict on each key
    python -m tests.linear --ops 2000 --plant NAME    with a bug on purpose, to see it found
    python -m tests.linear --nodes 3 --drives 2       a cluster, two faults at once on its nodes and network;
                                                      --nemesis isolate,pause-node for these kinds alone
    python -m tests.linear --judge FILE ...           the verdict on histories of an earlier run

The histories of a run stay in its folder, one file for each key. The status is 1 where one has no order.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kit.growing import QUICK
from tests.linear import cluster_nemesis, nemesis
from tests.linear.history import op_of
from tests.linear.planted import BUGS, environment_of
from tests.linear.run import Plan, run
from tests.linear.search import Undecided
from tests.linear.verdict import judge

LAYOUT_SHARE = 8
"""Of the faults, orders to move slots: one of them takes longer than a fault lasts."""


def main(arguments: list[str]) -> int:
    """Run or judge, and tell what came of it."""
    options = _parse(arguments)
    try:
        if options.judge:
            for path in options.judge:
                ops = [op_of(line) for line in path.read_text().splitlines()]
                _say(f"{path.name}: {judge(path.name, ops, versioned=options.versioned)}")
        else:
            _run(options)
    except (AssertionError, Undecided) as error:
        _say(f"{type(error).__name__}: {error}")
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="linear-", dir=options.folder))
    _say(f"drives and histories in {folder}")
    plan = Plan(
        options.ops,
        options.seed,
        drives=options.drives,
        clients=options.clients,
        each=options.each,
        versioned=options.versioned,
        nodes=options.nodes,
        pools=options.pools,
        teams=options.teams,
        kinds=_kinds(options),
        environment=(QUICK if options.pools > 1 else {})
        | (environment_of(options.plant, folder / "bug") if options.plant else {}),
    )
    _say(run(folder, plan, _say).text())


def _kinds(options: argparse.Namespace) -> dict[str, int]:
    usual = nemesis.KINDS if options.nodes == 1 else cluster_nemesis.KINDS
    if options.pools > 1:
        usual = {**usual, "layout": LAYOUT_SHARE}
    if options.no_kills:
        return {}
    return {kind: usual.get(kind, 1) for kind in options.nemesis} if options.nemesis else {**usual}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.linear", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--ops", type=int, default=20_000, help="of all clients together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--drives", type=int, default=5, help="of each node")
    parser.add_argument("--pools", type=int, default=1, help="of so many drives; slots move between two")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--teams", type=int, default=1, help="of the clients, each on keys of its own")
    parser.add_argument("--each", type=int, default=200, help="operations on one key before the next")
    parser.add_argument("--versioned", action="store_true", help="in a bucket with versioning")
    parser.add_argument("--no-kills", action="store_true", help="nobody dies")
    parser.add_argument("--nemesis", type=lambda text: text.split(","), help="these kinds of faults alone")
    parser.add_argument("--plant", choices=BUGS, help="with this bug")
    parser.add_argument("--folder", type=Path, help="where the folder of the run is made")
    parser.add_argument("--judge", type=Path, nargs="+", metavar="FILE", help="histories to judge again")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
