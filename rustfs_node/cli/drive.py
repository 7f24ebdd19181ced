"""`rustfs-node ctl drive`: the drives of a deployment, and what is to be done with one of a node.

`list` and `show` tell of all nodes, whichever is asked. The others are about a drive of the node that is
asked.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import trio

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

_READ = "dd if=/dev/{} of=/dev/null bs=1M count=64 iflag=direct status=none"
_BLINK = f"timeout 60 sh -c 'while sleep 0.5; do {_READ}; done'"
"""Half of the time it reads, half it rests, for a minute."""

_DONE = {
    "replace": "is the slot's new drive and is being rebuilt; ctl status tells how far it is",
    "online": "is served",
    "offline": "is served no more; drive online takes it back, as does a start of the node",
}


def run(args: argparse.Namespace) -> int:
    """List, show, replace, take back, let go or locate."""
    if args.action == "locate":
        return _locate(args)
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


def _locate(args: argparse.Namespace) -> int:
    """Exit status 1 also where a light was to be switched and there is none."""
    told = _ask_where(args, "on" if args.for_s else args.light)
    if isinstance(told, int):
        return told
    print(json.dumps(told) if args.json else "\n".join(where(told)), flush=True)
    has_light = any(disk["light"] for disk in told["disks"])
    if not args.for_s or not has_light:
        return EXIT_FAILED if not has_light and (args.light or args.for_s) else 0
    try:
        trio.run(trio.sleep, args.for_s)
    except KeyboardInterrupt:
        pass
    finally:
        told = _ask_where(args, "off")
    return told if isinstance(told, int) else 0


def _ask_where(args: argparse.Namespace, light: str) -> dict[str, Any] | int:
    words = {"path": args.path} | ({"light": light} if light else {})
    return ask_owner(args, f"drive/locate?{urlencode(words)}", "POST")


def where(told: dict[str, Any]) -> Iterator[str]:
    """For whoever goes to the machine."""
    yield f"drive {told['path']} of node {told['node']} (set {told['set_index']}, slot {told['disk_index']})"
    yield f"  id      {told['uuid']}"
    yield f"  mounted {told['source']} at {told['mount']}"
    if told["problem"]:
        yield f"  but     {told['problem']}"
    for disk in told["disks"]:
        kind = "hard disk" if disk["rotates"] else "solid state"
        place = ", ".join(filter(None, (disk["bay"], disk["by_path"] or disk["address"])))
        yield f"  disk    {disk['name']}: {disk['model'] or 'no model'}, {size(disk['size_bytes'])}, {kind}"
        yield f"  serial  {disk['serial'] or disk['wwid'] or 'not told'}"
        yield f"  place   {place or 'not told'}"
        if disk["light"]:
            yield f"  light   {'ON' if disk['is_lit'] else 'off'}"
        else:
            yield "  light   none that the kernel can switch; as root, this has its activity light blink:"
            yield f"          {_BLINK.format(disk['name'])}"


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl drive`."""
    from rustfs_node.cli.verbs import add_verbs

    group = "drive", "the drives: list, show, replace, online, offline, locate"
    verbs = (
        ("list", "all drives of all nodes"),
        ("show", "one drive"),
        ("replace", "make the empty folder of a drive the slot's new drive, and rebuild it"),
        ("online", "serve a drive that was left out, taken offline or put back"),
        ("offline", "serve a drive no more, before its disk is pulled"),
        ("locate", "which disk of the machine it is, where that sits, and switch the light there"),
    )
    for verb, parser in add_verbs(actions, group, verbs, run, "action"):
        if verb != "list":
            parser.add_argument("path", metavar="DIR", help="its folder, as the node was given it")
        if verb == "locate":
            _add_lights(parser)
        elif verb != "list":
            parser.add_argument("--accept", action="store_true", help=_ACCEPTS[verb != "offline"])


def _add_lights(parser: argparse.ArgumentParser) -> None:
    lights = parser.add_mutually_exclusive_group()
    for word in ("on", "off"):
        lights.add_argument(
            f"--{word}", dest="light", action="store_const", const=word, default="", help=f"switch it {word}"
        )
    lights.add_argument(
        "--for", dest="for_s", type=float, metavar="SECONDS", default=0.0, help="on, and off again after that"
    )
