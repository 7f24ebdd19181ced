"""`rustfs-node ctl layout` and `ctl pool`: asks a running node where slots are, and orders that they move.

Requests are signed by the owner, whose key pair comes from the environment as it does for `serve`, or from
the file that `--credentials-file` names.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from rustfs_node.cli.asking import ask_owner

ADDING = """\
A pool is added by a start: give `serve` one argument more, behind those that it has, as in

    rustfs-node serve /data{1...4} /more{1...4}

Empty folders are formatted into the deployment, and own nothing at first. `rustfs-node ctl pool rebalance`
then moves a share there, while the node serves.

In a cluster all nodes are stopped, given the argument, and started: those that are there, and the new ones if
it names some. They wait for each other before anything is written.\
"""


def add(_args: argparse.Namespace) -> int:
    """Say how it is done."""
    print(ADDING)
    return 0


def run(args: argparse.Namespace) -> int:
    """Make the request that the arguments stand for, and print the answer."""
    told = ask_owner(args, target_of(args), args.method)
    if isinstance(told, int):
        return told
    print(json.dumps(told) if args.json else "\n".join(_lines(told)))
    return 0


def target_of(args: argparse.Namespace) -> str:
    """The target of the request, with its parameters."""
    pools = getattr(args, "leaving", None)
    if args.path.endswith("decommission"):
        return f"{args.path}?pool={args.pool}"
    return str(args.path) if pools is None else f"{args.path}?leaving={pools}"


def _lines(told: dict[str, Any]) -> list[str]:
    if "sets" not in told:
        return _change_lines(told)
    lines = [f"{'set':>4} {'pool':>5} {'drives':>7} {'slots':>6}"]
    lines += [
        f"{one['set']:>4} {one['pool']:>5} {one['drives']:>7} {one['slots']:>6}" for one in told["sets"]
    ]
    change = told["change"]
    return [*lines, *(["no slots were ever moved"] if change is None else _change_lines(change))]


def _change_lines(change: dict[str, Any]) -> list[str]:
    leaving = ", ".join(map(str, change["leaving"]))
    lines = [f"{change['state']}: {change['slots_left']} of {change['slots']} slots are left to be moved"]
    if leaving:
        lines.append(f"pools that are left empty: {leaving}")
    if change["objects"]:
        mib = change["bytes"] / 2**20
        rate = change["bytes_per_s"] / 2**20
        lines.append(f"moved: {change['objects']} versions, {mib:.1f} MiB, {rate:.1f} MiB/s")
    if change["left_s"] is not None:
        lines.append(f"about {change['left_s']} seconds are left")
    if change["slots_waiting_for_uploads"]:
        lines.append(f"{change['slots_waiting_for_uploads']} slots wait for open uploads to end")
    return lines
