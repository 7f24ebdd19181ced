"""`rustfs-node ctl usage`: what is stored, by bucket, or by prefix of one bucket."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from urllib.parse import urlencode

from rustfs_node.cli.asking import Document, ask_owner
from rustfs_node.cli.standing import size

_HEAD = ("SIZE", "OBJECTS", "VERSIONS", "MARKERS")
_TOP = "(keys without a slash)"


def run(args: argparse.Namespace) -> int:
    """Print it."""
    query = f"?{urlencode({'bucket': args.bucket})}" if args.bucket else ""
    told = ask_owner(args, f"datausageinfo{query}")
    if isinstance(told, int):
        return told
    print(json.dumps(told) if args.json else "\n".join(lines(told, args.bucket)))
    return 0


def lines(told: Document, bucket: str) -> Iterator[str]:
    """A table, the largest first, and how old it is."""
    if "ageSeconds" not in told:
        yield "nothing was counted yet"
        return
    if bucket:
        yield from _table("PREFIX", told["prefixesUsageInfo"], bucket, told["bucketsUsageInfo"].get(bucket))
    else:
        total = {
            "size": told["objectsTotalSize"],
            **{name: told[name] for name in ("objectsCount", "versionsCount", "deleteMarkersCount")},
        }
        yield from _table("BUCKET", told["bucketsUsageInfo"], "all buckets", total)
    yield f"counted {told['ageSeconds']:.0f} s ago"
    for name, what in (("bucketsLeftOut", "buckets"), ("prefixesLeftOut", "prefixes of all buckets")):
        if told.get(name):
            yield f"{told[name]} {what} are not told by name"
    if told["setsUntold"]:
        sets = ", ".join(map(str, told["setsUntold"]))
        yield f"without what is in set {sets}: not counted yet, or not told"


def _table(what: str, found: Document, of_all: str, total: Document | None) -> Iterator[str]:
    rows = sorted(found.items(), key=lambda item: (-item[1]["size"], item[0]))
    named = [(name or _TOP, counts) for name, counts in rows]
    named += [(of_all, total)] if total is not None else []
    width = max(len(name) for name, _ in [(what, {}), *named])
    yield f"{what:{width}}  " + "  ".join(f"{head:>10}" for head in _HEAD)
    for name, counts in named:
        numbers = [counts[key] for key in ("objectsCount", "versionsCount", "deleteMarkersCount")]
        cells = [size(counts["size"]), *map(str, numbers)]
        yield f"{name:{width}}  " + "  ".join(f"{cell:>10}" for cell in cells)


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl usage`."""
    from rustfs_node.cli import keys

    text = "what is stored in each bucket, or below each first prefix of one"
    parser = actions.add_parser("usage", help=text, description=text)
    parser.add_argument("bucket", metavar="BUCKET", nargs="?", default="")
    keys.add_endpoint(parser)
    parser.set_defaults(run=run)
