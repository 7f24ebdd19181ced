"""`rustfs-node ctl object inspect`: on which drives the shards of a key are, and how they are there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from rustfs_node.cli.asking import ask_owner
from rustfs_node.cli.main import EXIT_FAILED
from rustfs_node.cli.standing import size

_WELL = frozenset({"whole"})


def run(args: argparse.Namespace) -> int:
    """Print it; status 0 where every drive has every version whole."""
    query = {"bucket": args.bucket, "key": args.key} | ({"deep": "true"} if args.deep else {})
    told = ask_owner(args, f"object/inspect?{urlencode(query)}")
    if isinstance(told, int):
        return told
    print(json.dumps(told) if args.json else "\n".join(_lines(told)))
    is_whole = all(drive["state"] in _WELL for one in told["versions"] for drive in one["drives"])
    return 0 if is_whole else EXIT_FAILED


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['bucket']}/{told['key']}: set {told['set_index']}"
    for one in told["versions"]:
        what = "delete marker" if one["delete_marker"] else f"{size(one['size'])}, ETag {one['etag']}"
        shape = f", {one['data_shards']}+{one['parity_shards']}" if one["data_shards"] else ""
        yield f"version {one['version_id']}: {one['verdict']}, {what}{shape}"
        width = max(len(drive["endpoint"]) for drive in one["drives"])
        for drive in one["drives"]:
            yield f"  shard {drive['shard']:2}  {drive['endpoint']:{width}}  {drive['state']}"
    if told["more"]:
        yield "the key has further, older versions"


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl object`."""
    from rustfs_node.cli import keys

    verbs = actions.add_parser("object", help="where the shards of an object are: inspect").add_subparsers(
        required=True, metavar="VERB"
    )
    text = "where the shards of a key lie, and how they are on each drive"
    inspect = verbs.add_parser("inspect", help=text, description=text)
    inspect.add_argument("bucket", metavar="BUCKET")
    inspect.add_argument("key", metavar="KEY")
    inspect.add_argument("--deep", action="store_true", help="read every shard file to its end")
    keys.add_endpoint(inspect)
    inspect.set_defaults(run=run)
