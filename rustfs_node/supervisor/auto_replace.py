"""Replacing drives without being told to, where `node.auto_replace` allows it.

Each drive's folder is watched by the kernel's table of mounts. Where a new and empty file system appears
there, it is given to `NodeDrives.look_again`, which does what it does for `ctl drive replace`, without
accepting anything. What stands in the way is logged once, and tried again until it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import structlog
import trio

from rustfs_node.seams.files import Files
from rustfs_node.seams.hardware import Hardware
from rustfs_node.seams.threads import ThreadPool, Threads
from rustfs_node.supervisor.control import Drives
from rustfs_node.supervisor.inspection import HARMLESS
from rustfs_node.supervisor.node import Node
from rustfs_node.supervisor.node_drives import LET_GO
from rustfs_proto.disk.layout import IDENTITY_FILE
from rustfs_proto.topology.hardware import Mounted, mount_at
from rustfs_proto.topology.unattended import Watched, why_not
from rustfs_proto.topology.verdicts import Refusal
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.supervisor_ops import DriveLookAgain

log = structlog.get_logger("supervisor")


@attrs.define(eq=False)
class AutoReplace:
    """`run` watches the drives of `node`. `turns` is held while one is replaced: an operator may be at it."""

    node: Node
    drives: Drives
    turns: trio.Lock
    files: Files
    hardware: Hardware = attrs.field(factory=Hardware)
    threads: Threads = attrs.field(factory=lambda: ThreadPool(1))
    _watched: dict[str, Watched] = attrs.field(factory=dict)
    _told: dict[str, str] = attrs.field(factory=dict)

    async def run(self) -> None:
        """Until cancelled."""
        self._watched = {path: Watched.of(path, now) for path, now in self._mounts().items()}
        while True:
            await trio.sleep(self.node.plan.settings.node.auto_replace_look_s)
            if self.node.is_serving:
                await self.look()

    async def look(self) -> None:
        """Once at all drives."""
        mounts = self._mounts()
        for path, now in mounts.items():
            watched = self._watched[path]
            self._watched[path] = watched.seen(now)
            if now is not None and watched.is_new(now) and not self._is_let_go(path):
                await self._consider(watched, now, mounts)

    def _mounts(self) -> dict[str, Mounted | None]:
        table = self.hardware.mounts()
        return {path: mount_at(path, table) for path in self._paths()}

    def _paths(self) -> dict[str, str]:
        """The drives of this node, with why they are not served."""
        plan = self.node.plan
        return {drive.path: drive.fault for one in plan.sets for drive in plan.own_drives(one)}

    def _is_let_go(self, path: str) -> bool:
        """Whoever took it offline says when it is to be served again."""
        return self._paths()[path] == LET_GO.format(path=path)

    async def _consider(self, watched: Watched, now: Mounted, mounts: Mapping[str, Mounted | None]) -> None:
        path = watched.path
        try:
            names = set(await self.threads.run(lambda: self.files.list_folder(path)))
            others = [one for other, one in mounts.items() if other != path]
            if IDENTITY_FILE in names:
                problem = f"{path} has an identity: rustfs-node ctl drive online {path}, if it belongs there"
            else:
                problem = why_not(watched, now, others, names - HARMLESS)
            if not problem:
                async with self.turns:
                    await self.drives.look_again(DriveLookAgain(path, formats=True))
                self._watched[path] = Watched.of(path, now)
                log.info("drive_replaced_by_itself", path=path, source=now.source)
        except (Fault, Refusal, OSError) as error:
            problem = error.message if isinstance(error, Fault) else str(error)
        if problem and self._told.get(path) != problem:
            log.warning("drive_not_replaced_by_itself", path=path, reason=problem)
        self._told[path] = problem
