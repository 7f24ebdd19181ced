"""More steps than a suite has time for.

    python -m tests.model --steps 20000              every difference is a bug, of the node or of the model
    python -m tests.model --seed 17 --steps 1        one round again
    python -m tests.model --repeat operations.txt    the operations that a difference has printed

The node is one that is started for the run, or the server that `S3_TEST_ENDPOINT`, `S3_TEST_ACCESS_KEY` and
`S3_TEST_SECRET_KEY` name. The status is 1 where a difference was found.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.clients.server import Server, named_by_environment
from tests.kit.node import RunningNode
from tests.model.campaign import run
from tests.model.duel import Arena, Difference, Duel, repeat
from tests.model.wire import Wire


def main(arguments: list[str]) -> int:
    """Run, and tell of what differs."""
    options = _parse(arguments)
    with a_server() as server, contextlib.closing(Wire(server)) as wire:
        arena = Arena(wire)
        return _repeat(arena, options.repeat) if options.repeat else _run(arena, options)


def _run(arena: Arena, options: argparse.Namespace) -> int:
    began_s = time.monotonic()
    lost = run(arena, options.seed, options.steps)
    took_s = time.monotonic() - began_s
    for (operation, status), count in sorted(arena.outcomes.items()):
        _say(f"{count:8} {operation} {status}")
    _say(f"{arena.steps} steps in {took_s:.0f} s, {arena.steps / took_s:.0f} each second")
    if lost is None:
        return 0
    _say(f"{lost.difference}\nagain: python -m tests.model --seed {lost.seed} --steps 1")
    return 1


def _repeat(arena: Arena, path: str) -> int:
    try:
        repeat(Duel(arena, f"m-again-{time.time_ns()}"), Path(path).read_text(encoding="utf-8").splitlines())
    except Difference as difference:
        _say(str(difference))
        return 1
    return 0


@contextlib.contextmanager
def a_server() -> Iterator[Server]:
    """The server that the environment names, or a node of four drives."""
    named = named_by_environment()
    if named is not None:
        yield named
        return
    with tempfile.TemporaryDirectory() as folder, RunningNode(folder) as node:
        yield Server(node.url, node.access_key, node.secret_key)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", metavar="FILE", help="only these operations, one on each line")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
