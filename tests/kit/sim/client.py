"""A small S3 client over the lines of the simulation: one request at a time, signed, on a kept connection.

It gives up after a while, and hangs up when it does. What became of such a request it does not know.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from random import Random
from urllib.parse import quote

import attrs
import trio
from lxml import etree

from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from tests.kit.sim.node import KEYS, Refused, SimNode
from tests.kit.sim.pipe import Cut, Line

PATIENCE_S = 40.0
_SIGNED_BY = Credentials(KEYS.access_key, KEYS.secret_key)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Lost(Exception):
    """No answer, or not all of it."""


@attrs.frozen
class Answer:
    """Header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = attrs.field(repr=False)

    @property
    def etag(self) -> str:
        """Without its quotes."""
        return self.headers["etag"].strip('"')

    @property
    def code(self) -> str:
        """The code of an error document."""
        return self.text("Code")

    def text(self, name: str) -> str:
        """The first element of that name in the document; empty where there is none."""
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        """All elements of that name, or path of names, anywhere in the document."""
        if not self.body:
            return []
        return [found.text or "" for found in etree.fromstring(self.body).iterfind(f".//{{*}}{name}")]


@attrs.define(eq=False)
class S3Client:
    """One client. `bytes_until_cut` makes it hang up in the middle of sending."""

    node: SimNode
    name: str
    random: Random
    bytes_until_cut: int = -1
    _line: Line | None = None
    _held: bytearray = attrs.field(factory=bytearray)

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """The answer; raises Lost."""
        target = quote(path)
        if query:
            target += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        raw = self._signed(method, target, headers or {}, body)
        answer = None
        with trio.move_on_after(PATIENCE_S):
            try:
                answer = await self._exchange(method, raw)
            except (Cut, Refused):
                self.hang_up()
        if answer is None:
            self.hang_up()
            self.node.world.trace.note("answer", self.name, method, target, "lost")
            raise Lost
        self.node.world.trace.note("answer", self.name, method, target, answer.status, len(answer.body))
        if answer.headers.get("connection") == "close":
            self.hang_up()
        return answer

    def hang_up(self) -> None:
        """End the connection."""
        if self._line is not None:
            self._line.cut()
        self._line = None
        self._held.clear()

    def _signed(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        now_s = self.node.world.wall_ms() / 1000
        signature = sign_request(
            _SIGNED_BY,
            method,
            target,
            {"host": "sim", **headers},
            now_s=now_s,
            payload_hash="UNSIGNED-PAYLOAD",
        )
        lines = [f"{name}: {value}" for name, value in signature.headers.items()]
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, f"content-length: {len(body)}", "", ""])
        return head.encode() + body

    async def _exchange(self, method: str, raw: bytes) -> Answer:
        if self._line is None:
            acceptors = self.node.acceptors()
            if not acceptors:
                raise Refused
            self._line = self.node.connect(self.random.choice(acceptors))
        cut_after, self.bytes_until_cut = self.bytes_until_cut, -1
        if 0 <= cut_after < len(raw):
            await self._line.upstream.put(raw[:cut_after])
            raise Cut
        line, sent = self._line, trio.Event()

        async def send() -> None:
            try:
                await line.upstream.put(raw)
                sent.set()
            except Cut:
                # The reader finds the answer that came before, or the same end.
                await trio.lowlevel.checkpoint()

        answer = None
        async with trio.open_nursery() as nursery:
            # An answer may come before all is sent; who sends on without reading would wait for ever.
            nursery.start_soon(send)
            with contextlib.suppress(Cut):
                answer = await self._answer(method)
            nursery.cancel_scope.cancel()
        if answer is None:
            raise Cut
        if not sent.is_set():
            self.hang_up()
        return answer

    async def _answer(self, method: str) -> Answer:
        while b"\r\n\r\n" not in self._held:
            await self._receive()
        at = self._held.index(b"\r\n\r\n")
        head = bytes(self._held[:at]).decode("latin-1")
        del self._held[: at + 4]
        _, *lines = head.split("\r\n")
        found = _STATUS.match(head.encode())
        assert found is not None, head
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        while len(self._held) < size:
            await self._receive()
        body = bytes(self._held[:size])
        del self._held[:size]
        return Answer(int(found[1]), headers, body)

    async def _receive(self) -> None:
        assert self._line is not None
        view = memoryview(bytearray(64 * 1024))
        size = await self._line.downstream.take_into(view)
        if not size:
            raise Cut
        self._held += view[:size]
