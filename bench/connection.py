"""One client connection as a state machine over a non-blocking socket: send a request, read its answer,
report, go on.
"""

from __future__ import annotations

import socket
import time

from bench.wire import Prepared

_RECEIVE_BYTES = 1 << 20


class Connection:
    """Keeps one request under way. `step` moves it as far as the socket allows."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._buffer = bytearray(_RECEIVE_BYTES)
        self.request: Prepared | None = None
        self.status = 0
        self.received = bytearray()
        self.began_s = 0.0

    def begin(self, request: Prepared, *, keep_body: bool) -> None:
        """Start a request; `keep_body` asks that `received` holds the answer's body afterwards."""
        self.request = request
        self._to_send = (
            [memoryview(request.head), request.body] if len(request.body) else [memoryview(request.head)]
        )
        self._head = bytearray()
        self._body_left = -1
        self._keep = keep_body
        self._no_body = request.head.startswith(b"HEAD")
        self.received = bytearray()
        self.began_s = time.perf_counter()

    @property
    def sending(self) -> bool:
        """Whether the socket's writability is what it waits for."""
        return bool(self._to_send)

    def step(self) -> bool:
        """Advance; true when the answer is complete. Raises ConnectionError when the peer hung up."""
        try:
            while self._to_send:
                sent = self.socket.send(self._to_send[0])
                rest = self._to_send[0][sent:]
                self._to_send[:1] = [rest] if len(rest) else []
            while self._body_left != 0:
                count = self.socket.recv_into(self._buffer)
                if count == 0:
                    raise ConnectionError("the server closed the connection in the middle of an answer")
                self._take(memoryview(self._buffer)[:count])
        except BlockingIOError:
            return False
        return True

    def _take(self, data: memoryview) -> None:
        if self._body_left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            data = memoryview(bytes(self._head[end + 4 :]))
            self._read_head(bytes(self._head[:end]))
        self._body_left -= len(data)
        if self._body_left < 0:
            raise ConnectionError(f"{-self._body_left} bytes more than Content-Length announced")
        if self._keep:
            self.received += data

    def _read_head(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split(b" ", 2)[1])
        self._body_left = 0
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and not self._no_body:
                self._body_left = int(value)
