"""Streamed writes that are open: a bounded table, and an end for those that nobody goes on with."""

from __future__ import annotations

import structlog
import trio

from rustfs_node.erasureset.stream import Stream
from rustfs_node.seams.clock import Clock
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()


class Handles:
    """Streams by handle."""

    def __init__(self, limit: int, idle_s: float, clock: Clock) -> None:
        self._limit = limit
        self._idle_s = idle_s
        self._clock = clock
        self._streams: dict[int, Stream] = {}
        self._last = 0

    def add(self, stream: Stream) -> int:
        """A handle for a new stream; raises `Fault` OVERLOADED when too many are open."""
        if len(self._streams) >= self._limit:
            raise Fault(FaultCode.OVERLOADED, f"{self._limit} streamed writes are open: try again later")
        self._last += 1
        self._streams[self._last] = stream
        return self._last

    def get(self, handle: int) -> Stream:
        """The stream, which is in use now; raises `Fault` NOT_FOUND."""
        stream = self._streams.get(handle)
        if stream is None:
            raise Fault(FaultCode.NOT_FOUND, f"write {handle} is not open: it was finished or given up")
        stream.last_used_s = self._clock.monotonic_s()
        return stream

    def remove(self, handle: int) -> Stream | None:
        """Take a stream out of the table."""
        return self._streams.pop(handle, None)

    async def watch(self) -> None:
        """Give up streams that were not used for the idle limit."""
        while True:
            await trio.sleep(self._idle_s / 4)
            limit_s = self._clock.monotonic_s() - self._idle_s
            for handle, stream in list(self._streams.items()):
                if stream.last_used_s < limit_s:
                    log.warning("write_given_up", bucket=stream.bucket, idle_s=self._idle_s)
                    del self._streams[handle]
                    stream.give_up()
