"""What must be true when all faults are over: of the history, of what lies on the drives, of what still
runs.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence

import trio

from rustfs_proto.disk.identity import OK
from rustfs_proto.erasure.geometry import quorum_of
from rustfs_proto.objects import decode_geometry, decode_head
from rustfs_proto.wire.drive_ops import RowKind, Space
from tests.kit.at_rest import Folder, all_records, identity_of
from tests.kit.census import Version, take
from tests.kit.sim.atlas import Atlas
from tests.kit.sim.history import Kind, Outcome
from tests.kit.sim.linear import is_linearizable
from tests.kit.sim.listings import wrong_listings
from tests.kit.sim.node import SimNode
from tests.kit.sim.workload import BUCKET, Scene

LOOKS, LOOK_S = 5, 0.7
"""How often, and how far apart, in virtual seconds: drives are asked how they are every few seconds."""


def check_history(scene: Scene) -> None:
    """Every key linearizable, every listing possible."""
    for key, ops in sorted(scene.history.by_key().items()):
        if not is_linearizable(ops):
            told = "\n    ".join(map(str, ops))
            scene.world.fail(f"the history of {key} is not linearizable:\n    {told}")
    for sentence in wrong_listings(scene.history):
        scene.world.fail(sentence)


def tasks_of(node: SimNode) -> Counter[str]:
    """How many tasks each process has."""
    return Counter(
        {
            name: _tasks_below(process.life.nursery)
            for name, process in node.processes.items()
            if process.life is not None
        }
    )


def _tasks_below(nursery: trio.Nursery) -> int:
    return sum(1 + sum(_tasks_below(inner) for inner in task.child_nurseries) for task in nursery.child_tasks)


async def check_tasks(node: SimNode, at_start: Counter[str]) -> None:
    """Idle again, no process has more tasks than when it began, but for those that ask something just now."""
    for _ in range(LOOKS):
        more = {name: count for name, count in tasks_of(node).items() if count > at_start[name]}
        if not more:
            return
        await trio.sleep(LOOK_S)
    for name, count in more.items():
        node.world.fail(f"{name} had {at_start[name]} tasks when it began and has {count} now")


def check_drives(node: SimNode, atlas: Atlas, scene: Scene) -> None:
    """What lies on the drives: a write quorum of every version that was read last, and nothing that nobody
    needs.

    The node is not running. Drives that lost what they had cannot have a quorum of it: see the atlas.
    """
    shown = {
        op.key: op.value for op in scene.history.ops if op.kind is Kind.READ and op.outcome is Outcome.OK
    }
    for set_plan in node.plan.sets:
        with contextlib.ExitStack() as stack:
            drives = [
                Folder(stack.enter_context(node.disks[drive.name].quietly()), drive.path)
                for drive in set_plan.drives
            ]
            census = take(drives)
            found = _found(drives)
            states = [identity_of(drive).state for drive in drives]
        if atlas.swarm.is_loss:
            # A record that was damaged names its shard files no more, and the index still does.
            continue
        for slot, drive in enumerate(set_plan.drives):
            for path in census.leftovers.get(slot, ()):
                node.world.fail(f"{drive.name} still has {path}, which no record names")
            if states[slot] != OK:
                node.world.fail(f"{drive.name} is {states[slot]}")
        for version, (etag, quorum) in found.items():
            held = len(census.good(version))
            if shown.get(version.key.decode()) == etag and held < quorum:
                node.world.fail(f"{version.key!r} {etag[:6]} was read and is on {held} drives")


def check_healed(node: SimNode, scene: Scene) -> None:
    """After a quiet time every drive of a set has its shard of every version that was read last, and counts.

    The node runs, and stands still while it is looked at.
    """
    shown = {
        op.key: op.value for op in scene.history.ops if op.kind is Kind.READ and op.outcome is Outcome.OK
    }
    for set_plan in node.plan.sets:
        with contextlib.ExitStack() as stack:
            drives = [
                Folder(stack.enter_context(node.disks[drive.name].quietly()), drive.path)
                for drive in set_plan.drives
            ]
            census, found = take(drives), _found(drives)
            states = [identity_of(drive).state for drive in drives]
        for drive, state in zip(set_plan.drives, states, strict=True):
            if state != OK and set_plan.m:
                node.world.fail(f"{drive.name} is still {state}")
        for version, (etag, _) in found.items():
            good = census.good(version)
            if shown.get(version.key.decode()) == etag and len(good) < len(drives):
                node.world.fail(
                    f"{version.key!r} {etag[:6]} is not healed: drives {good} of {len(drives)} have it"
                )


def _found(drives: Sequence[Folder]) -> dict[Version, tuple[str, int]]:
    """The ETag and write quorum of every version of every object; of equal ones, which copies have, only the
    newest version.
    """
    found: dict[Version, tuple[str, int]] = {}
    for drive in drives:
        for _, one in all_records(drive):
            record = one.record
            if record.space == Space.OBJECT and record.bucket == BUCKET and record.kind == RowKind.VALUE:
                version = Version(record.space, record.bucket, record.key, record.sub, record.stamp)
                quorum = quorum_of(decode_geometry(record.meta))
                found[version] = (decode_head(record.head).etag, quorum)
    newest = {(version.key, found[version][0]): version for version in sorted(found)}
    return {version: found[version] for version in newest.values()}
