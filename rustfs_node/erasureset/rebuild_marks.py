"""How far the rebuild of a drive is, kept on that drive so that whoever rebuilds it next goes on there.

Written now and then: what was given since is only compared again. A drive of an earlier release keeps
nothing, and is compared from its first row on.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.erasureset.heal_counts import Rebuild
from rustfs_node.erasureset.state import SetState
from rustfs_proto.disk.rebuild_place import RebuildPlace
from rustfs_proto.wire.drive_ops import RowName
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import MarkRebuild, RebuildMarked

log = structlog.get_logger()


class RebuildMarks:
    """Of the drive in `slot`."""

    def __init__(self, state: SetState, slot: int, rebuild: Rebuild) -> None:
        self._state, self._slot, self._rebuild = state, slot, rebuild
        self._kept_s = trio.current_time()

    async def recall(self) -> tuple[RebuildPlace, bytes]:
        """Where to go on, and the token with which the drive has joined. Raises `Fault`."""
        try:
            marked = await self._ask(MarkRebuild())
        except Fault as fault:
            if fault.code is not FaultCode.UNKNOWN_OP:
                raise
            log.debug("rebuild_mark_unknown", set=self._state.plan.name, slot=self._slot)
            return RebuildPlace(), b""
        place = self._rebuild.place = RebuildPlace(marked.stage, marked.at)
        return place, marked.joined

    @property
    def are_due(self) -> bool:
        """Whether it is time to keep it again."""
        return trio.current_time() >= self._kept_s + self._state.settings.heal_keep_s

    async def keep(self, stage: int, at: RowName) -> None:
        """It has come so far. Where the drive does not take it the one before is as true."""
        self._kept_s = trio.current_time()
        self._rebuild.place = RebuildPlace(stage, at)
        try:
            await self._ask(MarkRebuild(stage, at))
        except Fault as fault:
            log.debug("rebuild_not_marked", set=self._state.plan.name, slot=self._slot, reason=str(fault))

    async def _ask(self, message: MarkRebuild) -> RebuildMarked:
        reply = await self._state.drives.write(self._slot, message, ())
        assert isinstance(reply.message, RebuildMarked)
        return reply.message
