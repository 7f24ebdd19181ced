"""A wire between two processes in the hands of a test: it may fall silent, and it may break."""

from __future__ import annotations

import socket
import struct

import attrs
import trio


@attrs.define(eq=False)
class Relay:
    """Carries bytes from its own port to `target` and back. Frozen, it carries nothing and closes nothing,
    as a network that drops packets.
    """

    nursery: trio.Nursery
    target: int
    port: int = 0
    _is_open: trio.Event = attrs.field(factory=trio.Event)
    _ends: list[trio.SocketStream] = attrs.field(factory=list)

    async def start(self) -> None:
        """Carry from now on."""
        self._is_open.set()
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        self.nursery.start_soon(self._accept, listener)

    def freeze(self) -> None:
        """Silence, in both directions and for new connections."""
        self._is_open = trio.Event()

    def thaw(self) -> None:
        """What was sent meanwhile arrives now."""
        self._is_open.set()

    def cut(self) -> None:
        """Every connection is reset, with all that was under way on it."""
        ends, self._ends = self._ends, []
        for end in ends:
            if end.socket.fileno() < 0:
                continue
            end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.socket.close()

    async def _accept(self, listener: trio.SocketListener) -> None:
        while True:
            await self._is_open.wait()
            near = await listener.accept()
            try:
                far = await trio.open_tcp_stream("127.0.0.1", self.target)
            except OSError:
                await trio.aclose_forcefully(near)
                continue
            self._ends += [near, far]
            self.nursery.start_soon(self._carry, near, far)
            self.nursery.start_soon(self._carry, far, near)

    async def _carry(self, source: trio.SocketStream, target: trio.SocketStream) -> None:
        try:
            async for data in source:
                await self._is_open.wait()
                await target.send_all(data)
            await self._is_open.wait()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await trio.aclose_forcefully(target)
