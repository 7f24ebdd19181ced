"""What a running node does with one of its drives when an operator asks for it.

The drive's worker goes first, so that nobody works in the folder while it is looked at. Set workers know
every slot of their set: to them the drive is away, and comes back when its new worker answers. Whatever
fails, what the plan says of the drive is true afterwards.
"""

from __future__ import annotations

from functools import partial

import attrs
import structlog

from rustfs_node.plan import DrivePlan, NodePlan, SetPlan
from rustfs_node.seams.hardware import Hardware
from rustfs_node.seams.threads import ThreadPool, Threads
from rustfs_node.supervisor.commands import DRIVES, drive_command
from rustfs_node.supervisor.locating import LIGHTS, locate
from rustfs_node.supervisor.node import Node
from rustfs_node.supervisor.second_look import Keeper
from rustfs_proto.disk.identity import HEALING
from rustfs_proto.topology.findings import as_asked
from rustfs_proto.topology.hardware import Mounted, mount_at
from rustfs_proto.topology.verdicts import Verdict
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.supervisor_ops import (
    DriveLetGo,
    DriveLocate,
    DriveLocated,
    DriveLookAgain,
    DriveStands,
)

log = structlog.get_logger("supervisor")

LET_GO = "drive {path} was taken offline: rustfs-node ctl drive online {path} takes it back"


@attrs.frozen
class NodeDrives:
    """`Drives` of `control`."""

    node: Node
    keeper: Keeper
    hardware: Hardware = attrs.field(factory=Hardware)
    threads: Threads = attrs.field(factory=lambda: ThreadPool(1))
    _mounts: dict[str, Mounted] = attrs.field(factory=dict)

    def note_mounts(self) -> None:
        """Remember on what the drives lie that are served: when a disk is gone its folder lies on another."""
        table = self.hardware.mounts()
        for one in self.node.plan.sets:
            for drive in self.node.plan.own_drives(one):
                if not drive.fault and (now := mount_at(drive.path, table)) is not None:
                    before = self._mounts.setdefault(drive.path, now)
                    if len(now.folder) >= len(before.folder):
                        self._mounts[drive.path] = now

    async def look_again(self, message: DriveLookAgain) -> DriveStands:
        """Serve the drive, or tell why it cannot be."""
        one, drive = self._find(message.path)
        is_served = await self.node.drop_worker(drive.name)
        try:
            verdict = await self.keeper.look_again(
                message.path, formats=message.formats, accepts=message.accepts
            )
        # Nothing is known but what was known before, whatever it was that went wrong.
        except BaseException:
            if is_served:
                self._serve(one, drive)
            raise
        looked_at = _as_judged(drive, verdict)
        self._keep(one, looked_at)
        if verdict.fault:
            raise Fault(FaultCode.CONFLICT, as_asked(verdict.fault))
        self._serve(one, looked_at)
        log.info(
            "drive_looked_at", path=message.path, drive_id=looked_at.drive_id, is_new=verdict.write_identity
        )
        self.note_mounts()
        return DriveStands(one.index, drive.slot, looked_at.drive_id, verdict.write_identity)

    async def let_go(self, message: DriveLetGo) -> DriveStands:
        """Serve it no more."""
        one, drive = self._find(message.path)
        await self.node.drop_worker(drive.name)
        self._keep(one, attrs.evolve(drive, fault=LET_GO.format(path=drive.path)))
        log.info("drive_let_go", path=message.path)
        return DriveStands(one.index, drive.slot, drive.drive_id)

    async def locate(self, message: DriveLocate) -> DriveLocated:
        """Where its disk is, and have the light there switched."""
        one, drive = self._find(message.path)
        if message.light not in {"", *LIGHTS}:
            raise Fault(FaultCode.INVALID, f"a light is switched on or off, not {message.light}")
        work = partial(locate, self.hardware, drive.path, message.light, self._mounts.get(drive.path))
        mounted, disks, problem = await self.threads.run(work)
        return DriveLocated(
            set_index=one.index,
            slot=drive.slot,
            drive_id=drive.drive_id,
            mount=mounted.folder if mounted else "",
            source=mounted.source if mounted else "",
            disks=disks,
            problem=problem,
        )

    def _find(self, path: str) -> tuple[SetPlan, DrivePlan]:
        if not self.node.is_serving:
            raise Fault(FaultCode.OVERLOADED, "the node is starting or stopping: try again later")
        own = [(one, drive) for one in self.node.plan.sets for drive in self.node.plan.own_drives(one)]
        for one, drive in own:
            if drive.path == path:
                return one, drive
        known = ", ".join(drive.path for _, drive in own)
        raise Fault(FaultCode.NOT_FOUND, f"{path} is no drive of this node, which has {known}")

    def _keep(self, one: SetPlan, drive: DrivePlan) -> None:
        self.node.keep_plan(_with_drive(self.node.plan, one.index, drive))

    def _serve(self, one: SetPlan, drive: DrivePlan) -> None:
        # A node that began to stop meanwhile would not stop this one.
        if self.node.is_serving:
            command = drive_command(self.node.plan_file, one.index, drive.slot)
            self.node.run_worker(DRIVES, drive.name, command)


def _as_judged(drive: DrivePlan, verdict: Verdict) -> DrivePlan:
    identity = verdict.identity
    if identity is None:
        return attrs.evolve(drive, fault=verdict.fault)
    is_healing = identity.state == HEALING
    return attrs.evolve(drive, drive_id=identity.drive_id, healing=is_healing, fault=verdict.fault)


def _with_drive(plan: NodePlan, set_index: int, drive: DrivePlan) -> NodePlan:
    """The same plan with what it says of that slot now."""
    sets = [
        attrs.evolve(one, drives=tuple(drive if each.slot == drive.slot else each for each in one.drives))
        if one.index == set_index
        else one
        for one in plan.sets
    ]
    return attrs.evolve(plan, sets=tuple(sets))
