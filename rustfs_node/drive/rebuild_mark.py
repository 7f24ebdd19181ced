"""How far the rebuild of this drive is, in rebuild.json: told to whoever rebuilds it next.

Written in a thread, when the set worker says so. It goes when the drive is well, and with whatever makes it
HEALING: what was given before that may be what was lost.
"""

from __future__ import annotations

from functools import partial

import structlog

from rustfs_node.bus import Request
from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.shards import NO_ROOM
from rustfs_node.seams.threads import Threads
from rustfs_proto.disk.layout import REBUILD_FILE
from rustfs_proto.disk.rebuild_place import RebuildPlace, format_rebuild_place, parse_rebuild_place
from rustfs_proto.wire.heal_ops import ASK, MarkRebuild, RebuildMarked

log = structlog.get_logger("drive")


class RebuildMark:
    """Answers `MarkRebuild`."""

    def __init__(self, engine: DriveEngine, threads: Threads) -> None:
        self._engine, self._threads = engine, threads
        self._path = f"{engine.address.path}/{REBUILD_FILE}"

    async def answer(self, request: Request, message: MarkRebuild) -> None:
        """Keep what it says, if anything; then tell what is kept."""
        fence = self._engine.fence
        if not fence.is_healing:
            request.reply(RebuildMarked())
            return
        if message.stage != ASK:
            await self._keep(RebuildPlace(message.stage, message.at))
        place = await self._recall()
        request.reply(RebuildMarked(place.stage, place.at, fence.joins))

    async def _recall(self) -> RebuildPlace:
        try:
            raw = await self._threads.run(partial(self._engine.files.read_file, self._path))
        except OSError:
            # There is none, or it cannot be read: the rebuild begins at the first row.
            raw = b""
        return parse_rebuild_place(raw) or RebuildPlace()

    async def _keep(self, place: RebuildPlace) -> None:
        write = partial(self._engine.files.write_file, self._path, format_rebuild_place(place))
        try:
            # Durable after this line: what stands before that place was given, and need not be compared.
            await self._threads.run(write)
        except OSError as error:
            if error.errno not in NO_ROOM:
                self._engine.fence.trip(f"writing how far the rebuild is failed: {error}")
            log.warning("rebuild_place_not_kept", path=self._path, reason=str(error))
