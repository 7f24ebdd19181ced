"""`rustfs-node ctl heal` and `ctl census`: go over versions on all drives, and heal them or only count.

Exit status: 0 nothing is wrong (a heal has begun, goes on, or left nothing behind; all versions are full),
1 something is (versions could not be healed, or are not full; the sequence has failed, was stopped or lost;
the node does not do it), 2 the arguments are wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import trio

from rustfs_node.cli.asking import Document, ask_owner
from rustfs_node.cli.main import EXIT_FAILED
from rustfs_node.cli.standing import size

_POLL_S = 0.5
_GOING_ON = frozenset({"waiting", "running", "unknown"})
_PROTECTIONS = ("full", "degraded", "at_risk", "unreadable")
_MEANINGS = {
    "full": "every drive has its shard",
    "degraded": "shards are lacking, one more may be lost",
    "at_risk": "one shard less, and they cannot be read",
    "unreadable": "too few shards are left",
}


def run(args: argparse.Namespace) -> int:
    """Start, tell or stop."""
    if args.verb == "start":
        return _start(args)
    if args.verb == "stop":
        told = ask_owner(args, f"healing/stop?{_query(id=args.id)}", "POST")
        return told if isinstance(told, int) else _tell(args, told)
    told = ask_owner(args, f"healing/status?{_query(id=args.id or '')}")
    return told if isinstance(told, int) else _tell(args, told)


def _start(args: argparse.Namespace) -> int:
    told = _begin(args, is_dry_run=args.dry_run)
    if isinstance(told, int):
        return told
    if args.wait:
        told = _wait(args, told["id"])
        return told if isinstance(told, int) else _tell(args, {"sequences": [told]})
    print(json.dumps(told) if args.json else f"{told['id']}: ctl heal status tells how far it is")
    return 0


def census(args: argparse.Namespace) -> int:
    """Count, and wait for it; status 0 where every version is full."""
    told = _begin(args, is_dry_run=True)
    if isinstance(told, int):
        return told
    told = _wait(args, told["id"])
    if isinstance(told, int):
        return told
    print(json.dumps(told) if args.json else "\n".join(_census_lines(told)))
    is_full = told["protections"].get("full", 0) == told["versions"]
    return 0 if told["state"] == "finished" and is_full and not told["failed"] else EXIT_FAILED


def _begin(args: argparse.Namespace, *, is_dry_run: bool) -> Document | int:
    bucket, _, prefix = args.scope.partition("/")
    sets = "" if args.set is None else str(args.set)
    flags = {"dry_run": "true" if is_dry_run else "", "deep": "true" if args.deep else ""}
    query = _query(bucket=bucket, prefix=prefix, set=sets, **flags)
    return ask_owner(args, f"healing/start?{query}", "POST")


def _query(**params: str) -> str:
    return urlencode({name: value for name, value in params.items() if value}, quote_via=quote)


def _wait(args: argparse.Namespace, name: str) -> Document | int:
    """Until it has ended, telling a terminal how far it is. Interrupted, it is stopped."""
    is_watched = sys.stderr.isatty() and not args.json
    try:
        while True:
            told = ask_owner(args, f"healing/status?{_query(id=name)}")
            if isinstance(told, int):
                return told
            one: Document = told["sequences"][0]
            if is_watched:
                print(f"\r\x1b[K{_progress(one)}", end="", file=sys.stderr, flush=True)
            if one["state"] not in _GOING_ON:
                return one
            trio.run(trio.sleep, _POLL_S)
    except KeyboardInterrupt:
        ask_owner(args, f"healing/stop?{_query(id=name)}", "POST")
        return EXIT_FAILED
    finally:
        if is_watched:
            print(file=sys.stderr)


def _tell(args: argparse.Namespace, told: Document) -> int:
    sequences = told["sequences"]
    if args.json:
        print(json.dumps(told))
    elif not sequences:
        print("no sequence is known: workers remember the last ones since they were started")
    else:
        print("\n".join(line for one in sequences for line in _lines(one)))
    is_well = all(one["state"] in _GOING_ON | {"finished"} and not one["failed"] for one in sequences)
    return 0 if is_well or args.verb == "stop" else EXIT_FAILED


def _lines(one: Document) -> Iterator[str]:
    what = " ".join(word for word, is_so in (("dry run", one["dry_run"]), ("deep", one["deep"])) if is_so)
    yield f"{one['id']}: {one['scope'] or 'everything'}{f' ({what})' if what else ''}: {_progress(one)}"
    if one["found"]:
        yield f"  found: {_counts(one['found'])}"
        yield f"  repaired: {_counts(one['repaired']) or 'nothing'}"
    kept = {name: one["protections"][name] for name in _PROTECTIONS if name in one["protections"]}
    if kept:
        yield f"  versions: {_counts(kept)}"
    yield from _reasons(one)


def _census_lines(one: Document) -> Iterator[str]:
    yield f"{one['scope'] or 'everything'}: {_progress(one)}"
    yield f"{'set':>4} " + " ".join(f"{name:>11}" for name in _PROTECTIONS)
    for each in one["sets"]:
        counts = " ".join(f"{each['protections'].get(name, 0):>11}" for name in _PROTECTIONS)
        yield f"{each['set_index']:>4} {counts}"
    for name in _PROTECTIONS[1:]:
        if one["protections"].get(name):
            yield f"{one['protections'][name]} versions are {name}: {_MEANINGS[name]}"
    if one["found"]:
        yield f"found: {_counts(one['found'])}"
    yield from _reasons(one)


def _reasons(one: Document) -> Iterator[str]:
    for each in one["sets"]:
        if each["reason"]:
            yield f"  set {each['set_index']}: {each['state']}: {each['reason']}"
    for failure in one["failures"]:
        yield f"  {failure['bucket']}/{failure['key']} ({failure['version_id']}): {failure['reason']}"
    if one["failed"] > len(one["failures"]):
        yield f"  and {one['failed'] - len(one['failures'])} more"


def _progress(one: Document) -> str:
    left = "" if one["left_s"] is None else f", about {one['left_s']} s left"
    failed = f", {one['failed']} failed" if one["failed"] else ""
    return (
        f"{one['state']}: {one['objects']} objects, {one['versions']} versions, {size(one['bytes'])},"
        f" {one['versions_per_s']:.0f} versions/s, {size(one['bytes_per_s'])}/s{failed}{left}"
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command lines of `ctl heal` and `ctl census`."""
    from rustfs_node.cli import keys

    heal = actions.add_parser("heal", help="go over versions and heal them: start, status, stop")
    verbs = heal.add_subparsers(required=True, metavar="VERB", dest="verb")
    text = "go over all versions of a bucket, a prefix or everything, and heal what lacks or is damaged"
    start = verbs.add_parser("start", help="begin, and print an id", description=text)
    _add_scope(start)
    start.add_argument("--dry-run", action="store_true", help="change nothing, only count")
    start.add_argument("--wait", action="store_true", help="until it has ended, and tell what it did")
    status = verbs.add_parser("status", help="how far a heal is, or all that are known")
    status.add_argument("id", nargs="?", metavar="ID")
    stop = verbs.add_parser("stop", help="stop a heal; what it is healing just now is finished")
    stop.add_argument("id", metavar="ID")
    for parser in (start, status, stop):
        keys.add_endpoint(parser)
        parser.set_defaults(run=run)
    text = "count the shards of all versions on all drives; status 1 where a version is not full"
    counting = actions.add_parser("census", help=text, description=text)
    _add_scope(counting)
    keys.add_endpoint(counting)
    counting.set_defaults(run=census)


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scope", nargs="?", default="", metavar="BUCKET[/PREFIX]", help="default: everything")
    parser.add_argument("--set", type=int, metavar="N", help="this erasure set alone")
    parser.add_argument("--deep", action="store_true", help="read every shard file to its end")
