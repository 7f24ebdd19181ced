"""Streamed writes that are open: a bounded table, and an end for those that nobody goes on with.

A handle is random: an acceptor may still use one of an earlier life of this process, and must not meet the
stream of somebody else under it.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.erasureset.stream import Stream
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()


class Handles:
    """Streams by handle."""

    def __init__(self, limit: int, idle_s: float, clock: Clock, randomness: Randomness) -> None:
        self._limit = limit
        self._idle_s = idle_s
        self._clock = clock
        self._randomness = randomness
        self._streams: dict[int, Stream] = {}

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._streams)

    def add(self, stream: Stream) -> int:
        """A handle for a new stream; raises `Fault` OVERLOADED when too many are open."""
        if len(self._streams) >= self._limit:
            raise Fault(FaultCode.OVERLOADED, f"{self._limit} streamed writes are open: try again later")
        handle = self._new_handle()
        self._streams[handle] = stream
        return handle

    def _new_handle(self) -> int:
        while True:
            handle = int.from_bytes(self._randomness.token(8), "big") >> 1
            if handle not in self._streams:
                return handle

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
