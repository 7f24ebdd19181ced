"""Where one request's body ends (RFC 9112 §6): by Content-Length or by the chunked coding.

h11 reads heads and chunked bodies. A body of known length goes past h11, from the socket straight into the
reader's memory. Either way a body never takes a byte of the request behind it: those are left in
`Inflow.leftover`. A 100 (Continue) is sent only when the handler begins to read, so that a refused upload
costs the client nothing (RFC 9110 §10.1.1).
"""

from __future__ import annotations

from typing import Protocol

import h11
import trio

from rustfs_node.acceptor.net.strictness import ambiguity_of_trailer
from rustfs_node.acceptor.net.transport import Disconnected, Transport

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_CHUNKED_BYTES = 16 * 1024
"""Most bytes of a chunked body decoded before others get their turn: about 0.1 s of one-byte chunks."""


class BodyIncomplete(Exception):
    """The body ended, or stopped making sense, before its time."""


class Inflow:
    """What a connection receives. `leftover` are bytes that arrived early; `waiting` is true while bytes of a
    body are awaited.

    `scratch` is shared by all connections of the process, see the rules of `transport`.
    """

    def __init__(self, transport: Transport, scratch: memoryview) -> None:
        self.transport = transport
        self.scratch = scratch
        self.leftover = b""
        self.waiting = False
        self.expects_continue = False

    async def receive_into(self, view: memoryview) -> int:
        """Body bytes into `view`: those that came early first. 0: the client has ended its side."""
        if self.leftover:
            size = min(len(view), len(self.leftover))
            view[:size] = self.leftover[:size]
            self.leftover = self.leftover[size:]
            return size
        if self.expects_continue:
            self.expects_continue = False
            await self.transport.send([CONTINUE])
        self.waiting = True
        size = await self.transport.receive_into(view)
        self.waiting = False
        return size


class RawBody(Protocol):
    """A request's body as it travels. `left_bytes` is what is still to come, -1 where that cannot
    be known.
    """

    left_bytes: int

    @property
    def read_bytes(self) -> int:
        """How much of it has been read."""
        ...

    def take(self, size_bytes: int) -> bytes | None:
        """The next bytes without waiting, if they are all here already."""
        ...

    async def read_into(self, view: memoryview) -> int:
        """Fill some of `view`; 0 at the end of the body. Raises `BodyIncomplete` when the client ends before
        that.
        """
        ...


class NoBody:
    """A request with neither Content-Length nor Transfer-Encoding has no body; `declared` tells it from an
    empty one.
    """

    left_bytes = 0
    read_bytes = 0

    def take(self, size_bytes: int) -> bytes | None:
        return None

    async def read_into(self, view: memoryview) -> int:
        return 0


class SizedBody:
    """A body of known length."""

    def __init__(self, inflow: Inflow, size_bytes: int) -> None:
        self._inflow = inflow
        self._size_bytes = self.left_bytes = size_bytes

    @property
    def read_bytes(self) -> int:
        return self._size_bytes - self.left_bytes

    def take(self, size_bytes: int) -> bytes | None:
        leftover = self._inflow.leftover
        if not size_bytes <= min(self.left_bytes, len(leftover)):
            return None
        self.left_bytes -= size_bytes
        self._inflow.leftover = leftover[size_bytes:]
        return leftover[:size_bytes]

    async def read_into(self, view: memoryview) -> int:
        if self.left_bytes == 0:
            return 0
        size = await self._inflow.receive_into(view[: self.left_bytes])
        if size == 0:
            raise BodyIncomplete(f"the connection ended {self.left_bytes} bytes early")
        self.left_bytes -= size
        return size


class ChunkedBody:
    """A body in HTTP's chunked coding, decoded by h11; its trailer fields are dropped, as no operation of S3
    uses them.
    """

    def __init__(self, inflow: Inflow, http: h11.Connection) -> None:
        self._inflow = inflow
        self._http = http
        self._piece = memoryview(b"")
        # What h11 had not taken in when it was last given more: the trailer lies in it as a whole.
        self._recent = http.trailing_data[0]
        self.left_bytes = -1
        self.read_bytes = 0

    def take(self, size_bytes: int) -> bytes | None:
        return None

    async def read_into(self, view: memoryview) -> int:
        while not self._piece and self.left_bytes:
            await self._next_event()
        size = min(len(view), len(self._piece))
        view[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        self.read_bytes += size
        return size

    async def _next_event(self) -> None:
        try:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                size = await self._inflow.receive_into(self._inflow.scratch[:_CHUNKED_BYTES])
                received = bytes(self._inflow.scratch[:size])
                self._recent = self._http.trailing_data[0] + received
                self._http.receive_data(received)
                # Receiving does not yield while bytes are at hand, and h11 makes an event of every chunk.
                await trio.lowlevel.checkpoint()
        except h11.RemoteProtocolError as error:
            raise BodyIncomplete(str(error)) from None
        if isinstance(event, h11.Data):
            self._piece = memoryview(event.data)
        elif isinstance(event, h11.EndOfMessage):
            leftover = self._http.trailing_data[0]
            raw = self._recent[: len(self._recent) - len(leftover)]
            fault = ambiguity_of_trailer(raw, event.headers)
            if fault:
                raise BodyIncomplete(fault)
            self.left_bytes = 0
            self._inflow.leftover = leftover


def body_of(headers: dict[str, str], inflow: Inflow, http: h11.Connection | None) -> RawBody:
    """The body that these headers frame; `inflow.leftover` must hold what came behind the head. `http` has
    read the head, and must be there for the chunked coding.

    Both framings at once is how requests are smuggled past a proxy, so that is refused as a bad head (RFC
    9112 §6.1).
    """
    if "transfer-encoding" in headers:
        if "content-length" in headers:
            raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
        assert http is not None
        inflow.leftover = b""  # h11 holds them
        return ChunkedBody(inflow, http)
    size = int(headers.get("content-length", "0"))
    return SizedBody(inflow, size) if size else NoBody()


async def discard(body: RawBody, inflow: Inflow, bytes_max: int) -> bool:
    """Read and drop what is left of `body` if that is at most `bytes_max`; whether the next request may
    follow.
    """
    if body.left_bytes == 0:
        return True
    if inflow.expects_continue or body.left_bytes > bytes_max:
        return False
    dropped = 0
    try:
        while size := await body.read_into(inflow.scratch):
            dropped += size
            if dropped > bytes_max:
                return False
    except (BodyIncomplete, Disconnected):
        return False
    return True
