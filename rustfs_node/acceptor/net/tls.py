"""TLS over a socket by `ssl.MemoryBIO`, and the certificate that can change while connections live.

The same rules as in `transport`. Ciphertext is received in large pieces into one buffer of the process and
decrypted straight into the caller's memory, which moves uploads about twice as fast as a stream class that
hands out `bytes` per record.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from rustfs_node.acceptor.net.transport import (
    Buffer,
    Disconnected,
    close_socket,
    receive,
    unsent,
    wait_writable,
)

_PIECE_BYTES = 64 * 1024
"""Most bytes encrypted ahead of a client that is slow to take them."""


class Certificate:
    """The TLS context of an acceptor. Connections that are open keep the one they began with."""

    def __init__(self, cert_path: str, key_path: str) -> None:
        self._cert_path = cert_path
        self._key_path = key_path
        self.context = self._load()

    def reload(self) -> None:
        """Read the files again. Raises OSError (ssl.SSLError is one) and keeps the old certificate where they
        do not fit.
        """
        self.context = self._load()

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self._cert_path, self._key_path)
        return context


class TlsTransport:
    """A `Transport` whose bytes are encrypted. `scratch` is the process' buffer for ciphertext."""

    secure = True

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, scratch: memoryview) -> None:
        self._socket = connected
        self._scratch = scratch
        self._received = ssl.MemoryBIO()
        self._to_send = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=True)
        self._is_secure = self._has_ended = False
        self.moved_bytes = 0

    async def handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive_records()
            except ssl.SSLError as error:
                # The alert that tells the client why is in the outgoing buffer.
                await self._flush()
                raise Disconnected(f"TLS handshake: {error}") from None
            else:
                await self._flush()
                self._is_secure = True
                return

    async def receive_into(self, view: memoryview) -> int:
        if self._has_ended:
            # Only the client's end is waited for: nobody wants to know what it says until then.
            ignored = await receive(self._socket, self._scratch)
            self.moved_bytes += ignored
            return ignored
        while True:
            size = self._decrypt(view)
            if size is not None:
                return size
            await self._flush()
            await self._receive_records()

    def _decrypt(self, view: memoryview) -> int | None:
        """As many of the records at hand as `view` holds; None when more must be received first."""
        filled = 0
        try:
            while filled < len(view):
                # With a buffer to fill, `read` answers the number of bytes, whatever its stub says.
                size = cast("int", self._tls.read(len(view) - filled, view[filled:]))
                if not size:
                    break
                filled += size
        except ssl.SSLWantReadError:
            return filled or None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return filled
        except ssl.SSLError as error:
            raise Disconnected(f"TLS: {error}") from None
        return filled

    async def _receive_records(self) -> None:
        size = await receive(self._socket, self._scratch)
        self.moved_bytes += size
        if size:
            self._received.write(self._scratch[:size])
        else:
            self._received.write_eof()

    async def send(self, buffers: Sequence[Buffer]) -> None:
        for buffer in buffers:
            self._encrypt(buffer)
        await self._flush()

    async def send_some(self, buffer: memoryview) -> int:
        size = min(len(buffer), _PIECE_BYTES)
        self._encrypt(buffer[:size])
        del buffer
        await self._flush()
        return size

    def _encrypt(self, rest: Buffer) -> None:
        """All of it into the outgoing buffer."""
        while len(rest):
            try:
                rest = memoryview(rest)[self._tls.write(rest) :]
            except ssl.SSLError as error:
                raise Disconnected(f"TLS: {error}") from None

    async def _flush(self) -> None:
        pending: list[Buffer] = [self._to_send.read()] if self._to_send.pending else []
        while pending:
            try:
                sent = self._socket.send(pending[0])
            except BlockingIOError:
                await wait_writable(self._socket)
            except OSError as error:
                raise Disconnected(str(error)) from None
            else:
                self.moved_bytes += sent
                pending = unsent(pending, sent)

    def end_sending(self) -> None:
        self._say_goodbye()
        try:
            self._socket.send(self._to_send.read())
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Disconnected(str(error)) from None

    def _say_goodbye(self) -> None:
        """Put close_notify into the outgoing buffer (RFC 8446 §6.1). What OpenSSL thinks of bytes that the
        client sent meanwhile does not matter any more: it is written first.
        """
        self._has_ended = True
        with suppress(ssl.SSLError):
            self._tls.unwrap()

    def close(self) -> None:
        if self._is_secure and not self._has_ended and self._socket.fileno() >= 0:
            self._say_goodbye()
            # The connection ends either way; a peer that is gone needs no farewell.
            with suppress(OSError):
                self._socket.send(self._to_send.read())
        close_socket(self._socket)
