"""The client of `tests.node.storm` with what a client that asks hundreds of times a second cannot afford left
out: a bare socket, one packet for each request, a signing key that is derived once a day. It hides nothing
either, and has the same three outcomes.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote

from rustfs_proto.s3.sigv4 import SigningKeys
from rustfs_proto.s3.sigv4_claims import ALGORITHM, EMPTY_SHA256, format_amz_date
from tests.kit.node import RunningNode
from tests.node.storm.client import Answer, outcome_of

ANSWER_S = 180.0
"""Longer than a node is stopped and any deadline in it after that, of which completing an upload has the
longest: who waits that long was forgotten.
"""

READ_BYTES = 256 * 1024
HEAD_END = b"\r\n\r\n"


class Cut(OSError):
    """The connection ended before the answer did, or what came is no answer."""


class Wire:
    """One connection, kept as long as it lasts. `wall_s` is the time by the node's clock."""

    def __init__(self, node: RunningNode, bucket: str, wall_s: Callable[[], float] = time.time) -> None:
        self._node, self._bucket, self._wall_s = node, bucket, wall_s
        self._host = f"{node.host}:{node.port}"
        self._keys = SigningKeys()
        self._socket: socket.socket | None = None

    def request(
        self,
        method: str,
        key: str = "",
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises `Refused`, `Lost` or `Forgotten`."""
        path = f"/{self._bucket}" + (f"/{quote(key)}" if key else "")
        ask = partial(self._ask, method, path, query, body, headers or {})
        return outcome_of(f"{method} {path}", ask, self.close, ANSWER_S)

    def close(self) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(
        self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Answer]:
        request = self._signed(method, path, query, body, headers)
        if self._socket is None:
            self._socket = socket.create_connection((self._node.host, self._node.port), ANSWER_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        status, found, content = _read(self._socket, has_body=method != "HEAD")
        if found.get("connection") == "close":
            self.close()
        return status, Answer(found, content)

    def _signed(self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Queries have to be sorted, and encoded, by whoever makes them."""
        now = format_amz_date(self._wall_s())
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        digest = hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
        sent = {
            **headers, "host": self._host, "content-length": str(len(body)), "x-amz-date": now,
            "x-amz-content-sha256": digest,
        }  # fmt: skip
        names = sorted(sent)
        signed, lines = ";".join(names), "\n".join(f"{name}:{sent[name]}" for name in names)
        canonical = f"{method}\n{path}\n{query}\n{lines}\n\n{signed}\n{digest}".encode()
        text = f"{ALGORITHM}\n{now}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()
        signature = hmac.digest(self._keys.key(self._node.secret_key, scope), text, "sha256").hex()
        credential = f"{self._node.access_key}/{scope}"
        head = "".join(f"{name}: {sent[name]}\r\n" for name in names)
        return (
            f"{method} {path}{'?' if query else ''}{query} HTTP/1.1\r\n{head}authorization: {ALGORITHM} "
            f"Credential={credential},SignedHeaders={signed},Signature={signature}\r\n\r\n"
        ).encode() + body


def _read(connection: socket.socket, *, has_body: bool) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, and body."""
    data = b""
    while (end := data.find(HEAD_END)) < 0:
        data += _some(connection)
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    status = int(first.split(" ", 2)[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    content = data[end + len(HEAD_END) :]
    if status == 100:
        raise Cut("asked to go on with a body that was sent already")
    if not has_body or status in (204, 304):
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        return status, headers, _chunks(connection, content)
    return status, headers, _exactly(connection, content, int(headers["content-length"]))


def _chunks(connection: socket.socket, data: bytes) -> bytes:
    """The body whose first bytes are `data`; trailers are none."""
    content = b""
    while True:
        while b"\r\n" not in data:
            data += _some(connection)
        size_text, _, data = data.partition(b"\r\n")
        size = int(size_text.partition(b";")[0], 16)
        data = _exactly(connection, data, size + 2, may_be_more=True)
        if size == 0:
            return content
        content, data = content + data[:size], data[size + 2 :]


def _exactly(connection: socket.socket, data: bytes, size: int, *, may_be_more: bool = False) -> bytes:
    if len(data) >= size:
        if len(data) > size and not may_be_more:
            raise Cut(f"{len(data) - size} bytes come after the answer")
        return data
    parts, left = [data], size - len(data)
    while left > 0:
        part = _some(connection)
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(READ_BYTES)
    if not part:
        raise Cut("the connection ended before the answer")
    return part
