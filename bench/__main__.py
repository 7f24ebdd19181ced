"""Measures S3 endpoints against each other, and against what the machine itself can do.

compare: the same work against each endpoint, in turns. node: starts a node on four drives, measures all that
docs/performance.md shows, and prints it. versions: a key with thousands of versions beside others. scrub:
what clients wait for while drives are scrubbed. rebuild: how fast an emptied drive has everything again.
fill: puts many keys onto the drives of a stopped node.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.fill import fill
from bench.node import LARGE_BYTES, Plan, claims, keys_for, measure_node
from bench.rebuild import RebuildPlan, measure_rebuild
from bench.report import claims_table, plot, table
from bench.run import best_of
from bench.scrub import measure_scrub
from bench.versions import measure_versions
from bench.work import OPERATIONS, Work, parse_endpoint

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "B": 1}


def size_of(text: str) -> int:
    """Bytes of a size such as 4KiB."""
    for unit, scale in _UNITS.items():
        if text.endswith(unit) and text.removesuffix(unit).isdigit():
            return int(text.removesuffix(unit)) * scale
    raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 4KiB or 16MiB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    compare = commands.add_parser("compare", help="measure endpoints against each other")
    compare.set_defaults(run=_compare)
    compare.add_argument(
        "endpoints",
        nargs="+",
        metavar="NAME=URL[,pid=N+N][,only=OP+OP]",
        help="or NAME=drives:/FOLDER,/FOLDER?k=N, which writes plain files",
    )
    compare.add_argument(
        "--op", action="append", choices=OPERATIONS, help="repeatable; put and get if not given"
    )
    compare.add_argument(
        "--size", action="append", type=size_of, help="repeatable, e.g. 4KiB; 4KiB if not given"
    )
    compare.add_argument(
        "--list-keys", action="append", type=int, help="with --op list: buckets of that many keys; repeatable"
    )
    compare.add_argument("--keys", type=int, help="objects for each of the two load processes")
    compare.add_argument("--bucket", default="bench")
    compare.add_argument("--plot", type=Path, help="save a chart there")
    node = commands.add_parser("node", help="start a node of four drives and measure it")
    node.set_defaults(run=_node)
    node.add_argument("folders", type=Path, nargs="+", help="one for four drives below it, or one for each")
    node.add_argument("--size", type=size_of, default=LARGE_BYTES, help="of the large objects")
    node.add_argument("--list-keys", type=int, default=1_000_000, help="keys of the large bucket")
    node.add_argument("--plot", type=Path, help="save a chart there")
    for command in (compare, node):
        command.add_argument("--connections", type=int, default=32)
        command.add_argument("--seconds", type=float, default=5.0, help="of each turn")
        command.add_argument("--turns", type=int, default=3)
    versions = commands.add_parser("versions", help="measure a key with many versions beside others")
    versions.set_defaults(run=_versions)
    versions.add_argument("folder", type=Path, help="where a node gets four drives")
    versions.add_argument("--count", type=int, default=10_000, help="of versions")
    scrub = commands.add_parser("scrub", help="measure GET while the scrub runs flat out")
    scrub.set_defaults(run=_scrub)
    scrub.add_argument("folder", type=Path, help="where two nodes get four drives each")
    scrub.add_argument("--usage", action="store_true", help="while a drive counts what is stored instead")
    scrub.add_argument("--count", type=int, default=100_000, help="of objects beside those that are read")
    scrub.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    scrub.add_argument("--seconds", type=float, default=10.0, help="of each turn")
    scrub.add_argument("--turns", type=int, default=5)
    rebuild = commands.add_parser("rebuild", help="measure how fast an emptied drive is rebuilt")
    rebuild.set_defaults(run=_rebuild)
    rebuild.add_argument("folder", type=Path, help="where a node gets four drives")
    rebuild.add_argument(
        "--size", action="append", type=size_of, help="of objects; repeatable, 8MiB and 4KiB if not given"
    )
    rebuild.add_argument("--total", type=size_of, default=1 << 30, help="of all of them, 1024MiB")
    rebuild.add_argument("--count-max", type=int, default=20_000, help="no more objects than that")
    rebuild.add_argument("--throttle", type=int, default=0, help="drives of so many MB/s, on loop devices")
    rebuild.add_argument("--clients", type=int, default=2, help="that read, and as many that write; 0: none")
    filling = commands.add_parser("fill", help="put keys onto the drives of a stopped node")
    filling.set_defaults(run=_fill)
    filling.add_argument("drives", nargs="+", help="the folders of all drives of one set, in any order")
    filling.add_argument("--bucket", required=True, help="the node must know it")
    filling.add_argument("--count", type=int, required=True)
    return parser


def _compare(options: argparse.Namespace) -> int:
    keys = (os.environ.get("RUSTFS_ACCESS_KEY", ""), os.environ.get("RUSTFS_SECRET_KEY", ""))
    try:
        endpoints = [parse_endpoint(text, *keys, options.bucket) for text in options.endpoints]
    except ValueError as error:
        sys.exit(str(error))
    rows = [best_of(endpoints, work, options.turns) for work in _works(options)]
    print(table(rows))
    if options.plot:
        plot(rows, options.plot)
    return 0


def _works(options: argparse.Namespace) -> Iterator[Work]:
    connections, seconds = options.connections, options.seconds
    for operation in options.op or ["put", "get"]:
        for size in options.size or [4096]:
            if operation != "list":
                keys = options.keys or keys_for(operation, size)
                yield Work(operation, size, connections, seconds, keys_per_process=keys)
        for bucket_keys in (options.list_keys or [0]) if operation == "list" else ():
            yield Work("list", 0, connections, seconds, bucket_keys=bucket_keys)


def _node(options: argparse.Namespace) -> int:
    size, list_keys = options.size, options.list_keys
    plan = Plan(options.connections, options.seconds, options.turns, list_keys, object_bytes=size)
    rows = measure_node(options.folders, plan)
    found = claims(rows, plan)
    print(f"{table(rows)}\n\n{claims_table(found)}")
    if options.plot:
        plot(rows, options.plot)
    return int(not all(claim.holds for claim in found))


def _versions(options: argparse.Namespace) -> int:
    found = measure_versions(options.folder, options.count)
    print(claims_table(found))
    return int(not all(claim.holds for claim in found))


def _scrub(options: argparse.Namespace) -> int:
    found = measure_scrub(
        options.folder, options.count, options.clients, options.seconds, options.turns, usage=options.usage
    )
    print(claims_table(found))
    return int(not all(claim.holds for claim in found))


def _rebuild(options: argparse.Namespace) -> int:
    found = []
    for size in options.size or (8 << 20, 4 << 10):
        count = min(options.count_max, options.total // size)
        plan = RebuildPlan(count, size, options.throttle * 1_000_000, options.clients)
        found += measure_rebuild(options.folder, plan)
    print(claims_table(found))
    return int(not all(claim.holds for claim in found))


def _fill(options: argparse.Namespace) -> int:
    fill(options.drives, options.bucket, options.count)
    return 0


def main() -> None:
    """Parse, measure, print. `node` ends with status 1 where a bound is missed."""
    options = _parser().parse_args()
    sys.exit(options.run(options))


if __name__ == "__main__":
    main()
