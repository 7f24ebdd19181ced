"""A request and an answer as this server sees them, above the bytes of HTTP and below the meaning of S3."""

from __future__ import annotations

from typing import Protocol

import attrs

from rustfs_node.acceptor.net.framing import RawBody


class StreamBroken(Exception):
    """The rest of an answer cannot be had; its head is gone already, so the connection must be cut to tell
    the client.
    """


class Blocks(Protocol):
    """The rest of an answer's body. What a client is slow to take may be given up and read again, so nobody
    else keeps it meanwhile.
    """

    async def ready(self) -> bool:
        """Wait for bytes to send; False at the end. Raises `StreamBroken`."""
        ...

    def take(self) -> memoryview:
        """The bytes that are ready; not to be kept while the client is waited for."""
        ...

    def sent(self, size_bytes: int) -> None:
        """So many of them are sent."""
        ...

    def close(self) -> None:
        """Nothing more is wanted; frees what was read ahead. A second call does nothing."""
        ...


@attrs.define
class HttpRequest:
    """A request whose head has arrived. `headers` has lower-case names, one Latin-1 character per byte of the
    value.

    `body` reads the rest from the connection, on demand and never past the request's end. `facts` are what
    the application found out, for its log. `is_local`: it came by the node's own socket, from root or the
    node's user.
    """

    method: str
    target: bytes
    headers: dict[str, str]
    body: RawBody
    peer: str
    secure: bool
    facts: dict[str, str] = attrs.field(factory=dict)
    is_local: bool = False


@attrs.define
class Response:
    """An answer. `headers` are those beside Date, Server, Content-Length and Connection, which the connection
    writes itself.

    The client gets `body`, then everything from `stream`. `length` is the Content-Length where that is not
    `len(body)`: of a streamed answer, or of the body that an answer to HEAD only describes. After an answer
    with `close` the connection ends.
    """

    status: int
    headers: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    body: bytes = b""
    stream: Blocks | None = None
    length: int | None = None
    close: bool = False


@attrs.frozen
class Outcome:
    """What became of an answer: body bytes that were sent, whether that was all of it, seconds since the head
    had arrived, and how many of them had passed when the answer began to leave.
    """

    sent_bytes: int
    complete: bool
    duration_s: float
    first_byte_s: float


class Application(Protocol):
    """What a connection serves."""

    async def handle(self, request: HttpRequest) -> Response:
        """The answer, whatever happens; only `Disconnected` and cancellation leave it as exceptions."""
        ...

    def refuse(self, code: str, message: str | None = None) -> Response:
        """An answer for what never became a request: `code` is an S3 error code."""
        ...

    def finished(self, request: HttpRequest, response: Response, outcome: Outcome) -> None:
        """The answer is sent, or could not be."""
        ...
