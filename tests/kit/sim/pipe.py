"""Connections between clients and acceptors: two one-way pipes of limited size, cut at any moment."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from rustfs_node.acceptor.net.transport import Buffer, Disconnected

ROOM_BYTES = 64 * 1024


class Cut(Exception):
    """The connection is gone."""


@attrs.define(eq=False)
class Pipe:
    """Bytes in one direction."""

    held: bytearray = attrs.field(factory=bytearray)
    is_ended: bool = False
    is_cut: bool = False
    _changed: trio.Event = attrs.field(factory=trio.Event)

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def put(self, data: Buffer) -> None:
        """All of it, as room comes."""
        view = memoryview(data)
        while view:
            view = view[await self.put_some(view) :]

    async def take_into(self, view: memoryview) -> int:
        """Some bytes, 0 at the end; no checkpoint once bytes were taken."""
        while not self.held:
            if self.is_cut:
                raise Cut
            if self.is_ended:
                return 0
            await self._changed.wait()
        size = min(len(view), len(self.held))
        view[:size] = self.held[:size]
        del self.held[:size]
        self._change()
        return size

    async def put_some(self, view: memoryview) -> int:
        """What there is room for, or 0 after waiting for room. `view` is let go before that."""
        if self.is_cut:
            raise Cut
        room = ROOM_BYTES - len(self.held)
        if room <= 0:
            del view
            await self._changed.wait()
            return 0
        size = min(len(view), room)
        self.held += view[:size]
        self._change()
        return size

    def end(self) -> None:
        """Nothing follows."""
        self.is_ended = True
        self._change()

    def cut(self) -> None:
        """A reset: what was not taken is lost."""
        self.is_cut = True
        self.held.clear()
        self._change()


@attrs.define(eq=False)
class Line:
    """One connection. The server's end is a `Transport` of the acceptor."""

    upstream: Pipe = attrs.field(factory=Pipe)
    downstream: Pipe = attrs.field(factory=Pipe)

    def cut(self) -> None:
        """Both directions."""
        self.upstream.cut()
        self.downstream.cut()


class ServerEnd:
    """See `rustfs_node.acceptor.net.transport.Transport`."""

    secure = False

    def __init__(self, line: Line) -> None:
        self._line = line
        self.moved_bytes = 0

    async def handshake(self) -> None:
        """Nothing to agree on."""

    async def receive_into(self, view: memoryview) -> int:
        try:
            size = await self._line.upstream.take_into(view)
        except Cut:
            raise Disconnected("cut") from None
        self.moved_bytes += size
        return size

    async def send(self, buffers: Sequence[Buffer]) -> None:
        for buffer in buffers:
            try:
                await self._line.downstream.put(buffer)
            except Cut:
                raise Disconnected("cut") from None
            self.moved_bytes += len(buffer)

    async def send_some(self, buffer: memoryview) -> int:
        try:
            sent = await self._line.downstream.put_some(buffer)
        except Cut:
            raise Disconnected("cut") from None
        self.moved_bytes += sent
        return sent

    def end_sending(self) -> None:
        self._line.downstream.end()

    def close(self) -> None:
        self._line.downstream.end()
        self._line.upstream.cut()
