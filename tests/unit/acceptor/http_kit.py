"""A server on a free port with an application that the test supplies, and a raw client that writes and reads
bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from rustfs_node.acceptor.net.messages import HttpRequest, Outcome, Response
from rustfs_node.acceptor.net.server import Server, address_of, open_listeners
from rustfs_node.acceptor.net.tls import Certificate
from rustfs_node.seams.clock import SystemClock
from rustfs_node.settings.acceptor import AcceptorSettings

Handle = Callable[[HttpRequest], Awaitable[Response]]

TEST_SETTINGS = AcceptorSettings(address="127.0.0.1:0", watch_interval_s=0.02, linger_s=0.2)


class TestApplication:
    """Answers by one function and keeps what the connections told it."""

    __test__ = False

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self.outcomes: list[Outcome] = []
        self.refusals: list[str] = []

    async def handle(self, request: HttpRequest) -> Response:
        return await self._handle(request)

    def refuse(self, code: str, message: str | None = None) -> Response:
        self.refusals.append(code)
        return Response(400, body=code.encode())

    def finished(self, request: HttpRequest, response: Response, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@attrs.define
class Running:
    """A server that serves: stop it by `stopping`."""

    port: int
    application: TestApplication
    server: Server
    stopping: trio.Event
    ended: trio.Event = attrs.field(factory=trio.Event)


@asynccontextmanager
async def serving(
    handle: Handle, settings: AcceptorSettings = TEST_SETTINGS, certificate: Certificate | None = None
) -> AsyncIterator[Running]:
    """A server around `handle`, gone when the block ends."""
    application = TestApplication(handle)
    server = Server(application, settings, SystemClock(), certificate)
    listeners = open_listeners(settings.address, settings.listen_backlog, shared=False)
    running = Running(address_of(listeners[0])[1], application, server, trio.Event())

    async def run() -> None:
        await server.run(listeners, running.stopping)
        running.ended.set()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            yield running
            nursery.cancel_scope.cancel()
        for listener in listeners:
            listener.close()


class RawClient:
    """Bytes over a stream; reads answers by their Content-Length."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = b""

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            await self.stream.send_all(piece)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        while b"\r\n\r\n" not in self._buffer:
            received = await self.stream.receive_some(65536)
            if not received:
                raise EOFError(self._buffer)
            self._buffer += received
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(status.split()[1]), headers

    async def answer(self, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        status, headers = await self.head()
        size = int(headers.get("content-length", "0")) if has_body else 0
        return status, headers, await self.body(size)

    async def body(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self._buffer) < size:
            received = await self.stream.receive_some(1 << 20)
            if not received:
                raise EOFError(len(self._buffer))
            self._buffer += received
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    async def ended(self) -> bool:
        """Whether the server closes without another byte."""
        return not self._buffer and await self.stream.receive_some(1) == b""


@asynccontextmanager
async def connected(running: Running) -> AsyncIterator[RawClient]:
    """A raw client of that server."""
    stream = await trio.open_tcp_stream("127.0.0.1", running.port)
    async with stream:
        yield RawClient(stream)


def request(method: str = "GET", target: str = "/", *headers: str) -> bytes:
    """A request head."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def read_all(request: HttpRequest) -> bytes:
    """The whole body."""
    body = bytearray()
    buffer = memoryview(bytearray(1000))
    while size := await request.body.read_into(buffer):
        body += buffer[:size]
    return bytes(body)


async def echo(request: HttpRequest) -> Response:
    """Answers with method, target and body."""
    return Response(
        200, body=f"{request.method} {request.target.decode()} ".encode() + await read_all(request)
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells: the state of a server seen from outside."""
    while not condition():  # noqa: ASYNC110 - the server has no reason to tell anybody
        await trio.sleep(0.005)
