"""`rustfs-node ctl drive`: the drives of a deployment, and what is to be done with one of a node.

`list` and `show` tell of all nodes, whichever is asked. The others are about a drive of the node that is
asked.
"""

from __future__ import annotations

import argparse
import json
from typing import Any
from urllib.parse import urlencode

from rustfs_node.cli.asking import ask_owner
from rustfs_node.cli.main import EXIT_FAILED
from rustfs_node.cli.standing import size
from rustfs_node.cli.table import table

_COLUMNS = ("set", "slot", "drive", "state", "used", "of", "")

_ACCEPTS = {
    True: "also where the disk seems not to be mounted, the set cannot rebuild the drive, or the drive had"
    " been replaced",
    False: "also where its set cannot be written to without it",
}

_DONE = {
    "replace": "is the slot's new drive and is being rebuilt; ctl status tells how far it is",
    "online": "is served",
    "offline": "is served no more; drive online takes it back, as does a start of the node",
}


def run(args: argparse.Namespace) -> int:
    """List, show, replace, take back or let go."""
    return _tell(args) if args.action in {"list", "show"} else _act(args)


def _tell(args: argparse.Namespace) -> int:
    told = ask_owner(args, "info")
    if isinstance(told, int):
        return told
    drives = [drive for server in told["servers"] for drive in server["drives"]]
    if args.action == "show":
        drives = [one for one in drives if args.path in (one["path"], one["endpoint"])]
        if not drives:
            print(f"no node has a drive {args.path}: see rustfs-node ctl drive list")
            return EXIT_FAILED
    drives.sort(key=lambda one: (one["set_index"], one["disk_index"]))
    print(json.dumps(drives) if args.json else "\n".join(table(_COLUMNS, map(_row, drives))))
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    state = "healing" if one["healing"] else one["state"]
    used, total = (size(one[key]) if key in one else "-" for key in ("usedspace", "totalspace"))
    place, reason = (str(one["set_index"]), str(one["disk_index"])), one.get("reason", "")
    return (*place, one["endpoint"], state, used, total, reason)


def _act(args: argparse.Namespace) -> int:
    query = {"path": args.path} | ({"accept": "true"} if getattr(args, "accept", False) else {})
    told = ask_owner(args, f"drive/{args.action}?{urlencode(query)}", "POST")
    if isinstance(told, int):
        return told
    if args.json:
        print(json.dumps(told))
        return 0
    action = "online" if args.action == "replace" and not told["new"] else args.action
    print(f"drive {told['path']} (set {told['set_index']}, slot {told['disk_index']}) {_DONE[action]}")
    return 0


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl drive`."""
    from rustfs_node.cli import keys

    drive = actions.add_parser("drive", help="the drives: list, show, replace, online, offline")
    verbs = drive.add_subparsers(required=True, metavar="VERB", dest="action")
    for verb, text in (
        ("list", "all drives of all nodes"),
        ("show", "one drive"),
        ("replace", "make the empty folder of a drive the slot's new drive, and rebuild it"),
        ("online", "serve a drive that was left out, taken offline or put back"),
        ("offline", "serve a drive no more, before its disk is pulled"),
    ):
        parser = verbs.add_parser(verb, help=text, description=text)
        if verb != "list":
            parser.add_argument("path", metavar="DIR", help="its folder, as the node was given it")
            parser.add_argument("--accept", action="store_true", help=_ACCEPTS[verb != "offline"])
        keys.add_endpoint(parser)
        parser.set_defaults(run=run)
