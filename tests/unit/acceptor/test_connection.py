"""A connection over a real socket: framing, keep-alive, pipelining, 100 (Continue), refusals, limits,
draining.
"""

from __future__ import annotations

import attrs
import pytest
import trio

from rustfs_node.acceptor.net.framing import BodyIncomplete
from rustfs_node.acceptor.net.messages import HttpRequest, Response, StreamBroken
from rustfs_node.acceptor.net.transport import Disconnected
from tests.unit.acceptor.http_kit import TEST_SETTINGS, connected, echo, read_all, request, serving, until


async def ignore_body(_: HttpRequest) -> Response:
    return Response(403, body=b"no")


async def test_requests_follow_each_other_on_one_connection():
    """A connection serves one request after the other, with and without bodies."""
    async with serving(echo) as running, connected(running) as client:
        await client.send(request("GET", "/a"))
        assert (await client.answer())[2] == b"GET /a "
        await client.send(request("PUT", "/b", "Content-Length: 3"), b"xyz")
        assert (await client.answer())[2] == b"PUT /b xyz"
        await client.send(request("PUT", "/c", "Content-Length: 0"))
        assert (await client.answer())[2] == b"PUT /c "


async def test_pipelined_requests_are_answered_in_order():
    """Requests that arrive in one piece, bodies among them, do not bleed into each other."""
    pipeline = request("PUT", "/1", "Content-Length: 2") + b"ab" + request("GET", "/2")
    pipeline += (
        request("PUT", "/3", "Transfer-Encoding: chunked") + b"3\r\ncde\r\n0\r\n\r\n" + request("GET", "/4")
    )
    async with serving(echo) as running, connected(running) as client:
        await client.send(pipeline)
        bodies = [(await client.answer())[2] for _ in range(4)]
    assert bodies == [b"PUT /1 ab", b"GET /2 ", b"PUT /3 cde", b"GET /4 "]


async def test_head_and_body_may_arrive_byte_by_byte():
    """Nothing depends on how TCP cuts the bytes."""
    message = request("PUT", "/x", "Content-Length: 5") + b"hello"
    message += request("PUT", "/y", "Transfer-Encoding: chunked") + b"5\r\nworld\r\n0\r\n\r\n"
    async with serving(echo) as running, connected(running) as client:
        await client.send(*(bytes([byte]) for byte in message))
        assert (await client.answer())[2] == b"PUT /x hello"
        assert (await client.answer())[2] == b"PUT /y world"


async def test_large_bodies_pass_in_both_directions():
    """A body far larger than any buffer arrives and leaves unchanged."""
    content = bytes(range(256)) * 12_345

    async def mirror(incoming: HttpRequest) -> Response:
        return Response(200, body=await read_all(incoming))

    async with serving(mirror) as running, connected(running) as client:
        await client.send(request("PUT", "/", f"Content-Length: {len(content)}"), content)
        assert (await client.answer())[2] == content


async def test_continue_is_sent_when_the_body_is_wanted():
    """100 (Continue) comes when the handler begins to read."""
    async with serving(echo) as running, connected(running) as client:
        await client.send(request("PUT", "/k", "Content-Length: 2", "Expect: 100-continue"))
        assert (await client.head())[0] == 100
        await client.send(b"ok")
        assert (await client.answer())[2] == b"PUT /k ok"


async def test_continue_is_not_sent_for_a_refused_body():
    """A refused upload costs the client no body: the answer comes at once and closes."""
    async with serving(ignore_body) as running, connected(running) as client:
        await client.send(request("PUT", "/k", "Content-Length: 2000", "Expect: 100-continue"))
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (403, "close")
        assert await client.ended()


async def test_the_rest_of_a_refused_small_body_is_dropped():
    """A short unread body does not cost the connection, and is not taken for the next request."""
    async with serving(ignore_body) as running, connected(running) as client:
        for _ in range(2):
            await client.send(request("PUT", "/k", "Content-Length: 50000"), b"x" * 50_000)
            status, headers, _ = await client.answer()
            assert status == 403
            assert "connection" not in headers


async def test_a_large_refused_body_closes_after_the_answer_was_seen():
    """The client reads the whole answer although its body was never read."""
    settings = attrs.evolve(TEST_SETTINGS, refused_drain_bytes=1000)
    async with serving(ignore_body, settings) as running, connected(running) as client:
        await client.send(request("PUT", "/k", "Content-Length: 100000"), b"x" * 100_000)
        status, headers, body = await client.answer()
        assert (status, headers["connection"], body) == (403, "close", b"no")
        assert await client.ended()


async def test_head_answers_have_a_length_and_no_body():
    """HEAD tells the length that GET would send."""

    async def describe(_: HttpRequest) -> Response:
        return Response(200, length=12345)

    async with serving(describe) as running, connected(running) as client:
        await client.send(request("HEAD"), request("HEAD"))
        for _ in range(2):
            status, headers, _ = await client.answer(has_body=False)
            assert (status, headers["content-length"]) == (200, "12345")


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_body_have_no_length(status: int):
    """204 and 304 end with their head."""

    async def answer(_: HttpRequest) -> Response:
        return Response(status, body=b"never sent")

    async with serving(answer) as running, connected(running) as client:
        await client.send(request(), request())
        for _ in range(2):
            found, headers, _ = await client.answer()
            assert found == status
            assert "content-length" not in headers


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"nonsense\r\n\r\n", "InvalidRequest"),
        (b"GET / HTTP/1.1\r\n\r\n", "InvalidRequest"),
        (request("PUT", "/", "Content-Length: 5", "Transfer-Encoding: chunked"), "InvalidRequest"),
        (request("PUT", "/", "Content-Length: 5", "Content-Length: 6"), "InvalidRequest"),
        (request("PUT", "/", "Content-Length: -1"), "InvalidRequest"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 40_000, "RequestHeaderSectionTooLarge"),
    ],
)
async def test_what_is_no_request_is_refused_and_ends_the_connection(message: bytes, code: str):
    """Bad heads, and every framing that could smuggle a request, are refused."""
    async with serving(echo) as running, connected(running) as client:
        await client.send(message)
        status, headers, body = await client.answer()
        assert (status, headers["connection"], body) == (400, "close", code.encode())
        assert await client.ended()


async def test_http_1_0_and_connection_close_end_the_connection():
    """The client decides that a request is the last one."""
    for message in (b"GET / HTTP/1.0\r\n\r\n", request("GET", "/", "Connection: close")):
        async with serving(echo) as running, connected(running) as client:
            await client.send(message)
            assert (await client.answer())[1]["connection"] == "close"
            assert await client.ended()


async def test_a_body_that_ends_early_is_told_to_the_handler():
    """A client that closes its side within a body is no endless wait."""
    seen: list[str] = []

    async def handle(incoming: HttpRequest) -> Response:
        try:
            await read_all(incoming)
        except BodyIncomplete as error:
            seen.append(str(error))
        return Response(400, body=b"short")

    async with serving(handle) as running, connected(running) as client:
        await client.send(request("PUT", "/", "Content-Length: 10"), b"half")
        await client.stream.send_eof()
        assert (await client.answer())[2] == b"short"
    assert seen == ["the connection ended 6 bytes early"]


class _Blocks:
    """Three blocks, or a break after the first."""

    def __init__(self, *, breaks: bool) -> None:
        self.closed = False
        self._left = [b"2" * 100_000, b"3" * 100_000]
        self._breaks = breaks

    async def ready(self) -> bool:
        await trio.lowlevel.checkpoint()
        if self._breaks and len(self._left) == 1:
            raise StreamBroken("gone")
        return bool(self._left)

    def take(self) -> memoryview:
        return memoryview(self._left[0])

    def sent(self, size_bytes: int) -> None:
        self._left[0] = self._left[0][size_bytes:]
        self._left = [block for block in self._left if block]

    def close(self) -> None:
        self.closed = True


async def test_streamed_answers_arrive_whole():
    """Body and blocks add up to the announced length, and the connection lives on."""
    blocks = _Blocks(breaks=False)

    async def handle(_: HttpRequest) -> Response:
        return Response(200, body=b"1" * 100_000, stream=blocks, length=300_000)

    async with serving(handle) as running, connected(running) as client:
        await client.send(request())
        body = (await client.answer())[2]
        assert body == b"1" * 100_000 + b"2" * 100_000 + b"3" * 100_000
        await until(lambda: bool(running.application.outcomes))
    assert blocks.closed
    assert running.application.outcomes[0].complete


async def test_a_broken_stream_cuts_the_connection():
    """A client can tell a short answer from a whole one."""
    blocks = _Blocks(breaks=True)

    async def handle(_: HttpRequest) -> Response:
        return Response(200, body=b"1" * 100_000, stream=blocks, length=300_000)

    async with serving(handle) as running, connected(running) as client:
        await client.send(request())
        with pytest.raises(EOFError):
            await client.answer()
        await until(lambda: bool(running.application.outcomes))
    assert blocks.closed
    assert not running.application.outcomes[0].complete


async def test_a_line_break_in_a_header_is_never_sent():
    """A header that would split the answer costs the answer, not the server."""

    async def handle(_: HttpRequest) -> Response:
        return Response(200, [(b"x-evil", b"a\r\nset-cookie: b")])

    async with serving(handle) as running, connected(running) as client:
        await client.send(request())
        _, headers, body = await client.answer()
        assert body == b"InternalError"
        assert "set-cookie" not in headers


async def test_idle_connections_are_closed():
    """A connection without requests ends after the idle limit."""
    settings = attrs.evolve(TEST_SETTINGS, idle_timeout_s=0.05)
    async with serving(echo, settings) as running, connected(running) as client:
        await client.send(request())
        await client.answer()
        assert await client.ended()


async def test_a_slow_head_is_cut_although_bytes_keep_coming():
    """The whole head has to come in time: a byte now and then does not extend it."""
    settings = attrs.evolve(TEST_SETTINGS, head_timeout_s=0.1)
    async with serving(echo, settings) as running, connected(running) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
        with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - whichever byte meets the closed socket
            while True:
                await client.send(b"b")
                await trio.sleep(0.01)


async def test_a_stalled_body_is_answered():
    """A client that stops sending its body is told RequestTimeout and loses the connection."""
    settings = attrs.evolve(TEST_SETTINGS, body_gap_max_s=0.05)
    async with serving(echo, settings) as running, connected(running) as client:
        await client.send(request("PUT", "/", "Content-Length: 10"), b"half")
        assert (await client.answer())[2] == b"RequestTimeout"
        assert await client.ended()


async def test_a_client_that_does_not_read_is_dropped():
    """An answer that nobody takes does not hold its connection for ever."""
    settings = attrs.evolve(TEST_SETTINGS, send_gap_max_s=0.1)

    async def handle(_: HttpRequest) -> Response:
        return Response(200, body=b"x" * (64 << 20))

    async with serving(handle, settings) as running, connected(running) as client:
        await client.send(request())
        await until(lambda: bool(running.application.outcomes))
        assert not running.application.outcomes[0].complete


async def test_more_connections_than_allowed_are_turned_away():
    """One connection too many is answered SlowDown; when one ends, there is room again."""
    settings = attrs.evolve(TEST_SETTINGS, connections_max=1)
    async with serving(echo, settings) as running:
        async with connected(running) as first:
            await first.send(request())
            await first.answer()
            async with connected(running) as second:
                assert (await second.answer())[2] == b"SlowDown"
        await until(lambda: not running.server.connections)
        async with connected(running) as third:
            await third.send(request("GET", "/again"))
            assert (await third.answer())[2] == b"GET /again "


async def test_stopping_lets_requests_finish_and_closes_idle_connections():
    """A drain answers what is in flight, ends what is idle, and takes nothing new."""
    entered, release = trio.Event(), trio.Event()

    async def handle(_: HttpRequest) -> Response:
        entered.set()
        await release.wait()
        return Response(200, body=b"done")

    async with serving(handle) as running, connected(running) as idle, connected(running) as busy:
        await busy.send(request())
        await entered.wait()
        running.stopping.set()
        assert await idle.ended()
        release.set()
        _, headers, body = await busy.answer()
        assert (headers["connection"], body) == ("close", b"done")
        await running.ended.wait()
        with pytest.raises(OSError):
            await trio.open_tcp_stream("127.0.0.1", running.port)


async def test_requests_that_outlast_the_drain_deadline_are_cut():
    """Stopping ends in bounded time."""
    settings = attrs.evolve(TEST_SETTINGS, drain_deadline_s=0.05)

    async def handle(_: HttpRequest) -> Response:
        await trio.sleep_forever()
        raise AssertionError

    async with serving(handle, settings) as running, connected(running) as client:
        await client.send(request())
        running.stopping.set()
        await running.ended.wait()


async def test_a_client_that_vanishes_is_told_to_the_handler():
    """Reading from a client that reset the connection raises Disconnected in the handler."""
    seen = trio.Event()

    async def handle(incoming: HttpRequest) -> Response:
        try:
            return await echo(incoming)
        except (Disconnected, BodyIncomplete):
            seen.set()
            raise Disconnected from None

    async with serving(handle) as running:
        async with connected(running) as client:
            await client.send(request("PUT", "/", "Content-Length: 10"), b"half")
        await seen.wait()


async def test_a_crash_in_one_connection_leaves_the_others():
    """Even an error that no layer expected costs only its own connection."""

    async def handle(incoming: HttpRequest) -> Response:
        if incoming.target == b"/crash":
            raise ZeroDivisionError
        return await echo(incoming)

    async with serving(handle) as running, connected(running) as first, connected(running) as second:
        await first.send(request("GET", "/crash"))
        assert await first.ended()
        await second.send(request("GET", "/fine"))
        assert (await second.answer())[2] == b"GET /fine "
