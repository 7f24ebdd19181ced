"""One client's connection: requests one after the other, each answered before the next is looked at.

A turn is: read a head, let the application answer, send the answer, deal with what the handler left of the
body. A plain head is read at once; for any other a turn has a fresh h11 state that is fed what arrived early,
so pipelined requests wait in `Inflow.leftover` and a body can pass h11 by. Timeouts come from `watch`: it
calls
`expire`, which cancels the one scope that everything here runs in.
"""

from __future__ import annotations

import h11
import structlog
import trio

from rustfs_node.acceptor.net.answer import encode_head, has_body
from rustfs_node.acceptor.net.framing import CONTINUE, Inflow, body_of, discard
from rustfs_node.acceptor.net.messages import Application, HttpRequest, Outcome, Response, StreamBroken
from rustfs_node.acceptor.net.plain_head import PlainHead, plain_head
from rustfs_node.acceptor.net.strictness import ambiguity
from rustfs_node.acceptor.net.transport import Disconnected, Transport
from rustfs_node.acceptor.net.watch import Phase
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.s3.httpdate import format_http_date
from rustfs_proto.s3.target import header_map

log = structlog.get_logger()

SERVER_NAME = "rustfs-node"
JOIN_BYTES_MAX = 16 * 1024
"""Up to this a body is copied behind its head: one buffer to send costs less than two."""


class BadHead(Exception):
    """What arrived is no request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """Serves one transport until either side has had enough. `phase`, `turn` and `moved_bytes` are for the
    watcher.
    """

    def __init__(
        self,
        transport: Transport,
        application: Application,
        settings: AcceptorSettings,
        clock: Clock,
        *,
        peer: str,
        scratch: memoryview,
        is_local: bool = False,
    ) -> None:
        self._transport = transport
        self._application = application
        self._settings = settings
        self._clock = clock
        self._peer, self._is_local = peer, is_local
        self._inflow = Inflow(transport, scratch)
        self._scope = trio.CancelScope()
        self._phase = Phase.HEAD
        self._answered = True
        self._expired: Phase | None = None
        self._last_turn = False
        self._keeps_alive = True
        self.turn = 0

    @property
    def phase(self) -> Phase:
        return Phase.BODY if self._inflow.waiting else self._phase

    @property
    def moved_bytes(self) -> int:
        return self._transport.moved_bytes

    @property
    def is_answering(self) -> bool:
        """Whether a request is under way: its head has arrived, and its answer is not all sent."""
        return self.phase not in (Phase.IDLE, Phase.HEAD)

    def expire(self, phase: Phase) -> None:
        self._expired = phase
        self._scope.cancel()

    def finish_next(self) -> None:
        """End after the next answer, be its request in flight or yet to come."""
        self._keeps_alive = False

    def finish_soon(self) -> None:
        """End after the request in flight, or now if there is none: half a head is none."""
        self._last_turn = True
        if self._phase in (Phase.IDLE, Phase.HEAD):
            self._scope.cancel()

    async def serve(self) -> None:
        """Until the connection ends; never raises but for cancellation from outside."""
        try:
            with self._scope:
                await self._transport.handshake()
                while await self._take_turn():
                    pass
            if self._expired is Phase.BODY and not self._answered:
                await self._refuse("RequestTimeout")
        except Disconnected as gone:
            log.debug("client_gone", peer=self._peer, reason=str(gone))
        finally:
            self._transport.close()

    async def turn_away(self) -> None:
        """Answer that there are too many connections, whatever the request."""
        try:
            with self._scope:
                await self._transport.handshake()
                await self._refuse(
                    "SlowDown", "This server has as many connections as it may; try again later."
                )
        except Disconnected as gone:
            log.debug("client_gone", peer=self._peer, reason=str(gone))
        finally:
            self._transport.close()

    async def _take_turn(self) -> bool:
        """One request; whether another may follow."""
        self.turn += 1
        if self._inflow.leftover:
            # Pipelined requests find their bytes at hand: without this, they would keep the others waiting.
            await trio.lowlevel.checkpoint()
        try:
            head, http = await self._read_head()
            if head is None:
                return False
            request = self._request_of(head, http)
        except BadHead as bad:
            await self._refuse(bad.code, str(bad))
            return False
        return await self._answer(request, keep_alive=wants_keep_alive(head, request.headers))

    async def _read_head(self) -> tuple[PlainHead | h11.Request | None, h11.Connection | None]:
        """The next head, None where the client has ended; with h11's state where h11 has read it."""
        self._phase = Phase.IDLE
        arrived, self._inflow.leftover = self._inflow.leftover, b""
        if not arrived:
            arrived = await self._receive_head_bytes()
        plain = plain_head(arrived, self._settings.head_bytes_max)
        if plain is not None:
            self._inflow.leftover = arrived[plain.size_bytes :]
            return plain, None
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=self._settings.head_bytes_max)
        return await self._read_any_head(http, arrived), http

    async def _read_any_head(self, http: h11.Connection, arrived: bytes) -> h11.Request | None:
        pieces: list[bytes] = []
        try:
            while True:
                self._phase = Phase.HEAD
                http.receive_data(arrived)
                pieces.append(arrived)
                event = http.next_event()
                if event is not h11.NEED_DATA:
                    break
                arrived = await self._receive_head_bytes()
        except h11.RemoteProtocolError as error:
            too_long = error.error_status_hint == 431
            raise BadHead(
                "RequestHeaderSectionTooLarge" if too_long else "InvalidRequest", str(error)
            ) from None
        if not isinstance(event, h11.Request):
            return None
        self._inflow.leftover = http.trailing_data[0]
        raw = b"".join(pieces)
        raw = raw[: len(raw) - len(self._inflow.leftover)]
        if len(raw) > self._settings.head_bytes_max:
            # h11 does not count while a head arrives in one piece, as it may behind another request.
            raise BadHead("RequestHeaderSectionTooLarge", f"The request's head has {len(raw)} bytes.")
        fault = ambiguity(raw, event)
        if fault:
            raise BadHead("InvalidRequest", f"The request's head is ambiguous: {fault}.")
        return event

    async def _receive_head_bytes(self) -> bytes:
        if self._last_turn and self._phase is Phase.IDLE:
            return b""
        view = self._inflow.scratch[: self._settings.head_bytes_max]
        return bytes(view[: await self._transport.receive_into(view)])

    def _request_of(self, head: PlainHead | h11.Request, http: h11.Connection | None) -> HttpRequest:
        headers = header_map(head.headers)
        self._inflow.expects_continue = (
            headers.get("expect", "").lower() == "100-continue" and head.http_version != b"1.0"
        )
        try:
            body = body_of(headers, self._inflow, http)
        except h11.RemoteProtocolError as error:
            raise BadHead("InvalidRequest", str(error)) from None
        method = head.method.decode("latin-1")
        return HttpRequest(
            method,
            head.target,
            headers,
            body,
            self._peer,
            self._transport.secure,
            is_local=self._is_local,
        )

    async def _answer(self, request: HttpRequest, *, keep_alive: bool) -> bool:
        begun_s = self._clock.monotonic_s()
        self._phase, self._answered = Phase.WORK, False
        response = await self._application.handle(request)
        if self._inflow.expects_continue and response.status < 400 and not request.body.left_bytes:
            # An accepted empty body was never read, so the client still waits. Some clients read whatever
            # comes instead of 100 as the answer to every later request of the connection.
            self._inflow.expects_continue = False
            await self._transport.send([CONTINUE])
        keep_alive = keep_alive and self._keeps_alive and not response.close
        keep_alive = keep_alive and not self._last_turn and self._may_follow(request)
        sent_before = self._transport.moved_bytes
        first_byte_s = self._clock.monotonic_s() - begun_s
        complete = False
        try:
            complete = await self._send(response, is_head=request.method == "HEAD", keep_alive=keep_alive)
        finally:
            sent_bytes = self._transport.moved_bytes - sent_before
            outcome = Outcome(sent_bytes, complete, self._clock.monotonic_s() - begun_s, first_byte_s)
            self._application.finished(request, response, outcome)
        if not complete:
            return False
        if keep_alive and await discard(request.body, self._inflow, self._settings.refused_drain_bytes):
            return True
        if request.body.left_bytes:
            await self._linger()
        return False

    def _may_follow(self, request: HttpRequest) -> bool:
        """Whether the rest of the body is worth reading to keep the connection. A client that still waits for
        100 (Continue) may send the body or not after a final answer, so nobody could tell where the next
        request begins; and it may take the final answer for what it waited for.
        """
        left_bytes = request.body.left_bytes
        if self._inflow.expects_continue:
            return False
        return 0 <= left_bytes <= self._settings.refused_drain_bytes

    async def _refuse(self, code: str, message: str | None = None) -> None:
        with trio.move_on_after(self._settings.linger_s):
            await self._send(self._application.refuse(code, message), is_head=False, keep_alive=False)
            await self._linger()

    async def _send(self, response: Response, *, is_head: bool, keep_alive: bool) -> bool:
        """The whole answer; False when its rest could not be had."""
        try:
            head = self._encode_head(response, keep_alive=keep_alive)
        except ValueError:
            log.exception("answer_unsendable", peer=self._peer)
            response = self._application.refuse("InternalError")
            head = self._encode_head(response, keep_alive=keep_alive)
        self._phase, self._answered = Phase.SEND, True
        body = b"" if is_head or not has_body(response) else response.body
        if len(body) <= JOIN_BYTES_MAX:
            await self._transport.send([head + body])
        else:
            await self._transport.send([head, body])
        return response.stream is None or await self._send_blocks(response)

    def _encode_head(self, response: Response, *, keep_alive: bool) -> bytes:
        date = format_http_date(self._clock.wall_ms() // 1000)
        return encode_head(response, date, SERVER_NAME, keep_alive=keep_alive)

    async def _send_blocks(self, response: Response) -> bool:
        assert response.stream is not None
        try:
            while True:
                self._phase = Phase.WORK
                if not await response.stream.ready():
                    return True
                self._phase = Phase.SEND
                # In no variable here: while the client is slow, the block may be given up.
                response.stream.sent(await self._transport.send_some(response.stream.take()))
        except StreamBroken as broken:
            log.warning("answer_cut", peer=self._peer, reason=str(broken))
            return False
        finally:
            response.stream.close()

    async def _linger(self) -> None:
        """Let the client see the answer: closing on bytes that nobody read would reset the connection (RFC
        9112 §9.6).
        """
        self._transport.end_sending()
        with trio.move_on_after(self._settings.linger_s):
            while await self._transport.receive_into(self._inflow.scratch):
                await trio.lowlevel.checkpoint()


def wants_keep_alive(head: PlainHead | h11.Request, headers: dict[str, str]) -> bool:
    """HTTP/1.1 connections persist unless the client says close (RFC 9112 §9.3); those of HTTP/1.0 are
    closed.
    """
    if head.http_version == b"1.0":
        return False
    connection = headers.get("connection")
    return connection is None or "close" not in connection.lower()
