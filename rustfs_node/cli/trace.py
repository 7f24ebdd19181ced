"""`rustfs-node ctl trace`: the requests of a node as they end."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from rustfs_node.cli.asking import ask_owner
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.randomness import SystemRandomness


def run(args: argparse.Namespace) -> int:
    """Print them until interrupted, or for so many seconds."""
    query = {
        "listener": SystemRandomness().token(8).hex(),
        "bucket": args.bucket,
        "operation": args.operation,
        "errors": str(args.errors).lower(),
        "slower_ms": f"{args.slower_than:f}",
        "hops": str(args.hops).lower(),
    }
    clock = SystemClock()
    until_s = clock.monotonic_s() + args.seconds if args.seconds else float("inf")
    silent: dict[str, str] = {}
    try:
        while True:
            told = ask_owner(args, f"trace?{urlencode(query)}")
            if isinstance(told, int):
                return told
            _print(args, told)
            silent = _complain(silent, told["silent"])
            if clock.monotonic_s() >= until_s:
                return 0
    except KeyboardInterrupt:
        return 0


def _print(args: argparse.Namespace, told: dict[str, Any]) -> None:
    for one in told["requests"]:
        if args.json:
            print(json.dumps(one))
            continue
        print(line_for_people(one))
        for line in hops_for_people(one.get("hops", [])):
            print(f"             {line}")
    if told["dropped"]:
        print(f"{told['dropped']} more requests ended and were not kept", file=sys.stderr)
    sys.stdout.flush()


def _complain(before: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """Once for each that falls silent."""
    for name, reason in now.items():
        if name not in before:
            print(f"{name} tells nothing: {reason}", file=sys.stderr)
    return now


def line_for_people(one: dict[str, Any]) -> str:
    """When it ended, what it was, what became of it, and how long that took."""
    ended = datetime.fromtimestamp(one["ended_ms"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    times = f"{one['first_byte_ms']:8.1f} {one['duration_ms']:8.1f} ms"
    sizes = f"{one['received_bytes']:>10} in {one['sent_bytes']:>10} out"
    what = f"{one['bucket']}/{one['key']}" if one["bucket"] else "-"
    words = f"{ended} {one['operation']:24} {one['status']} {times} {sizes}  {what}"
    return f"{words} {one['code']}" if one["code"] else words


def hops_for_people(hops: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for each message that the request took, below the one for which it was asked: how long after the
    first it began, how long its answer took, in which process.
    """
    first_ms = min((one["began_ms"] for one in hops), default=0.0)

    def below(parent: int | None, depth: int) -> Iterator[str]:
        for index, one in enumerate(hops):
            if one["within"] == parent:
                times = f"+{one['began_ms'] - first_ms:7.1f} {one['took_ms']:8.1f} ms"
                words = f"{times}  {'  ' * depth}{one['process']} {one['operation']}"
                yield f"{words} {one['fault']}" if one["fault"] else words
                yield from below(index, depth + 1)

    yield from below(None, 0)


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl trace`."""
    from rustfs_node.cli import keys

    text = "the requests of the node as they end: when the answer began, and how long all of it took"
    parser = actions.add_parser("trace", help=text, description=text)
    parser.add_argument("--bucket", metavar="BUCKET", default="", help="only those of this bucket")
    parser.add_argument("--operation", metavar="OP", default="", help="only these, as GetObject")
    parser.add_argument("--errors", action="store_true", help="only those that failed")
    parser.add_argument(
        "--slower-than", type=float, metavar="MS", default=0.0, help="only those that took so long"
    )
    parser.add_argument(
        "--hops", action="store_true", help="and where in the node the time went, process by process"
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S", default=0.0, help="how long (default: until interrupted)"
    )
    keys.add_endpoint(parser)
    parser.set_defaults(run=run)
