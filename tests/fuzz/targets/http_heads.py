"""Bytes of a client's connection, as the acceptor's connections read them.

The requests that the application gets must be those, and only those, that the grammar gives (`http_oracle`):
whoever sees more of them than a proxy did has been smuggled to. And where the bytes are cut into packets must
make no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import trio

from rustfs_node.acceptor.net.connection import Connection
from rustfs_node.acceptor.net.framing import BodyIncomplete
from rustfs_node.acceptor.net.messages import HttpRequest, Outcome, Response
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.s3.error_codes import ERRORS
from rustfs_proto.s3.errors import S3Error
from tests.fuzz.campaign import Target
from tests.fuzz.refusals import check_refusal
from tests.fuzz.targets.http_oracle import Message, read_messages
from tests.kit.drives import FixedClock

SETTINGS = AcceptorSettings(address="127.0.0.1:0", head_bytes_max=2048, refused_drain_bytes=4096)
_SCRATCH = memoryview(bytearray(64 * 1024))
_CHUNKED = b"PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_SPLITS = (1, 7, 100)
"""Bytes of a packet, beside all in one."""


class MemoryTransport:
    """A client that has sent everything and ended its side; keeps what it is sent."""

    secure = False

    def __init__(self, data: bytes, packet_bytes: int) -> None:
        self._data, self._packet_bytes = data, packet_bytes
        self.sent = bytearray()
        self.moved_bytes = 0
        self.is_closed = False

    async def handshake(self) -> None:
        """Nothing to agree on."""

    async def receive_into(self, view: memoryview) -> int:
        size = min(len(view), self._packet_bytes, len(self._data))
        view[:size] = self._data[:size]
        self._data = self._data[size:]
        self.moved_bytes += size
        return size

    async def send(self, buffers: Sequence[bytes | memoryview]) -> None:
        for buffer in buffers:
            self.sent += buffer

    def end_sending(self) -> None:
        """Nobody waits for it."""

    def close(self) -> None:
        self.is_closed = True


class Recorder:
    """An application that keeps what it was asked; it reads no body of a GET."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.bodies: list[bytes | None] = []
        self.refusals: list[str] = []

    async def handle(self, request: HttpRequest) -> Response:
        self.requests.append(request)
        self.bodies.append(None)
        if request.method == "GET":
            return Response(200)
        body, view = bytearray(), memoryview(bytearray(50))
        try:
            while size := await request.body.read_into(view):
                body += view[:size]
        except BodyIncomplete:
            return Response(400, close=True)
        self.bodies[-1] = bytes(body)
        return Response(200, body=b"ok")

    def refuse(self, code: str, message: str | None = None) -> Response:
        check_refusal(S3Error(code, message))
        self.refusals.append(f"{code} {(message or '')[:30]}")
        return Response(ERRORS[code].status)

    def finished(self, request: HttpRequest, response: Response, outcome: Outcome) -> None:
        """Nothing is logged."""


async def serve(data: bytes, packet_bytes: int) -> Recorder:
    """What one connection makes of the bytes."""
    application = Recorder()
    transport = MemoryTransport(data, packet_bytes)
    connection = Connection(transport, application, SETTINGS, FixedClock(), peer="client", scratch=_SCRATCH)
    await connection.serve()
    assert transport.is_closed
    return application


async def serve_in_packets(data: bytes) -> list[Recorder]:
    """The same bytes in one piece, and in packets of several sizes."""
    return [await serve(data, packet_bytes) for packet_bytes in (len(data) or 1, *_SPLITS)]


def told(application: Recorder) -> list[tuple[str, bytes, dict[str, str], bytes | None]]:
    """The requests as values."""
    return [
        (request.method, request.target, request.headers, body)
        for request, body in zip(application.requests, application.bodies, strict=True)
    ]


def check(data: bytes) -> str:
    """See the module."""
    application, *others = trio.run(serve_in_packets, data)
    for packet_bytes, again in zip(_SPLITS, others, strict=True):
        assert told(again) == told(application), f"packets of {packet_bytes} bytes: {told(again)}"
        # Only whether: in one piece a head may be seen to be wrong, in many to be too long.
        assert len(again.refusals) == len(application.refusals), f"packets of {packet_bytes} bytes"
    wanted = read_messages(data)
    assert len(application.requests) <= len(wanted), f"{told(application)[len(wanted) :]} is no request"
    for got, message in zip(told(application), wanted, strict=False):
        _compare(got, message)
    if len(application.requests) < len(wanted):
        _check_stop(application, wanted)
    return f"{len(application.requests)} served, {','.join(application.refusals) or 'none'} refused"


def _compare(got: tuple[str, bytes, dict[str, str], bytes | None], wanted: Message) -> None:
    method, target, headers, body = got
    assert (method, target) == (wanted.method, wanted.target)
    lowered = {"transfer-encoding"}
    for name, value in wanted.headers.items():
        assert headers[name] == (value.lower() if name in lowered else value), name
    assert headers.keys() == wanted.headers.keys()
    if body is not None:
        assert wanted.is_whole and body == wanted.body, f"body {body!r}, not {wanted.body!r}"


def _check_stop(application: Recorder, wanted: list[Message]) -> None:
    """A request that the grammar allows may go unanswered only for a reason."""
    last = wanted[len(application.requests) - 1] if application.requests else None
    if application.refusals:
        # Heads longer than the limit, and versions after 1.1.
        return
    assert last is not None, "nothing was answered"
    # A body that nobody read is read to its end only while it is small, or not waited for.
    assert last.method == "GET" or "expect" in last.headers or not last.is_whole, last


def reshape(random: Random, _data: bytes) -> bytes:
    """Well-formed requests with lines added, repeated, exchanged or left out."""
    lines = b"".join(random.choices(seeds(), k=random.randint(1, 2))).split(b"\r\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        match random.randrange(4):
            case 0:
                lines.insert(at + 1, random.choice(TARGET.tokens).rstrip(b"\r\n"))
            case 1:
                lines.insert(at, lines[random.randrange(len(lines))])
            case 2:
                lines[at] = random.choice(
                    (lines[at].upper(), lines[at].lower(), lines[at].replace(b" ", b"  "))
                )
            case _:
                del lines[at]
                lines = lines or [b""]
    return b"\r\n".join(lines)


def seeds() -> list[bytes]:
    return [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /b/k HTTP/1.1\r\nHost: a\r\n\r\n",
        _CHUNKED + b"5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\nDELETE /b/k HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /b/k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        b"HEAD /b?x=%20y HTTP/1.0\r\nConnection: keep-alive\r\nX-Amz-Meta-A: \xc3\xa4  b\t\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\nHost:a\r\nConnection: close\r\nA: 1\r\na:2\r\nContent-Length: 1\r\n\r\nx",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" * 3,
    ]


TARGET = Target(
    "http_heads",
    check,
    seeds,
    executions=1200,
    tokens=(
        b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\n ", b"\r\n\t", b": ", b" :", b":", b" ", b"\t",
        b"\0",
        b"Content-Length: ", b"Content-Length: 5\r\n", b"content-length:0\r\n", b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"chunked", b"identity", b"Host: a\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
        b"0\r\n\r\n", b"5\r\nhello\r\n", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PUT /s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        b"\x80", b"\x7f",
    ),
    suffix=".http",
    reshape=reshape,
)  # fmt: skip
