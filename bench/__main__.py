"""`python -m bench compare NAME=URL NAME=URL …`: the same work against each endpoint, in turns."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bench.report import plot, table
from bench.run import measure, prepare
from bench.work import OPERATIONS, Endpoint, Outcome, Work, parse_endpoint

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "B": 1}


def _size(text: str) -> int:
    for unit, scale in _UNITS.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * scale
    raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 4KiB or 16MiB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    compare = parser.add_subparsers(required=True).add_parser(
        "compare", help="measure endpoints against each other"
    )
    compare.add_argument("endpoints", nargs="+", metavar="NAME=URL[,pid=N]")
    compare.add_argument(
        "--op", action="append", choices=OPERATIONS, help="repeatable; put and get if not given"
    )
    compare.add_argument(
        "--size", action="append", type=_size, help="repeatable, e.g. 4KiB; 4KiB if not given"
    )
    compare.add_argument("--connections", type=int, default=32)
    compare.add_argument("--seconds", type=float, default=5.0, help="of each turn")
    compare.add_argument("--turns", type=int, default=3)
    compare.add_argument("--keys", type=int, default=1000, help="objects for each of the two load processes")
    compare.add_argument("--bucket", default="bench")
    compare.add_argument("--plot", type=Path, help="save a chart there")
    return parser


def _turns(endpoints: list[Endpoint], work: Work, turns: int) -> list[tuple[Endpoint, Outcome]]:
    """Each endpoint's best turn by rate: what disturbs a turn makes it slower, never faster."""
    for endpoint in endpoints:
        prepare(endpoint, work)
    taken: dict[str, list[Outcome]] = {endpoint.name: [] for endpoint in endpoints}
    for _ in range(turns):
        for endpoint in endpoints:
            taken[endpoint.name].append(measure(endpoint, work))
    return [(endpoint, max(taken[endpoint.name], key=lambda outcome: outcome.rate)) for endpoint in endpoints]


def main() -> None:
    """Parse, measure, print."""
    options = _parser().parse_args()
    keys = (os.environ.get("RUSTFS_ACCESS_KEY", ""), os.environ.get("RUSTFS_SECRET_KEY", ""))
    endpoints = [parse_endpoint(text, *keys, options.bucket) for text in options.endpoints]
    rows = []
    for size in options.size or [4096]:
        for operation in options.op or ["put", "get"]:
            work = Work(operation, size, options.connections, options.seconds, keys_per_process=options.keys)
            rows.append((work, _turns(endpoints, work, options.turns)))
    print(table(rows))
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
