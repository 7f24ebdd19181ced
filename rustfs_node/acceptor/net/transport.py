"""A connection's bytes, plain; `tls` has the same over TLS.

Rules: a receive returns without a checkpoint once bytes were read, so that one receive buffer can serve every
connection of the process: nobody else runs between the read and the caller's use of it. The price is that a
receive that finds bytes waiting never yields; whoever loops over receives checkpoints once per block.
`moved_bytes` rises with every byte in either direction: the watcher tells stalled from slow by it.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Protocol

import trio

Buffer = bytes | memoryview


class Disconnected(Exception):
    """The client went away: nobody is left to answer."""


class Transport(Protocol):
    """What a connection needs of the layer below. Every method but `close` raises `Disconnected`."""

    moved_bytes: int
    secure: bool

    async def handshake(self) -> None:
        """Agree on what must be agreed before the first byte."""
        ...

    async def receive_into(self, view: memoryview) -> int:
        """Fill some of `view`; the number of bytes, 0 when the client has ended its side."""
        ...

    async def send(self, buffers: Sequence[Buffer]) -> None:
        """All of the buffers, in order."""
        ...

    async def send_some(self, buffer: memoryview) -> int:
        """Some of `buffer`; how much, 0 where none went but some may now. `buffer` is let go before the
        client is waited for.
        """
        ...

    def end_sending(self) -> None:
        """Tell the client that nothing follows; receiving goes on."""
        ...

    def close(self) -> None:
        """Release the socket; a second call does nothing."""
        ...


class PlainTransport:
    """TCP as it is."""

    secure = False

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._is_drained = False
        self.moved_bytes = 0

    async def handshake(self) -> None:
        """Nothing to agree on."""

    async def receive_into(self, view: memoryview) -> int:
        if self._is_drained:
            # Nothing was left the last time: asking costs a system call and an exception.
            await wait_readable(self._socket)
        size = await receive(self._socket, view)
        self._is_drained = size < len(view)
        self.moved_bytes += size
        return size

    async def send(self, buffers: Sequence[Buffer]) -> None:
        pending: list[Buffer] = [buffer for buffer in buffers if len(buffer)]
        while pending:
            try:
                sent = self._socket.sendmsg(pending)
            except BlockingIOError:
                await wait_writable(self._socket)
            except OSError as error:
                raise Disconnected(str(error)) from None
            else:
                self.moved_bytes += sent
                pending = unsent(pending, sent)

    async def send_some(self, buffer: memoryview) -> int:
        try:
            sent = self._socket.send(buffer)
        except BlockingIOError:
            del buffer
            await wait_writable(self._socket)
            return 0
        except OSError as error:
            raise Disconnected(str(error)) from None
        self.moved_bytes += sent
        return sent

    def end_sending(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Disconnected(str(error)) from None

    def close(self) -> None:
        close_socket(self._socket)


async def receive(connected: socket.socket, view: memoryview) -> int:
    """Fill some of `view`; returns without a checkpoint once there are bytes."""
    while True:
        try:
            return connected.recv_into(view)
        except BlockingIOError:
            await wait_readable(connected)
        except OSError as error:
            raise Disconnected(str(error)) from None


def unsent(buffers: Sequence[Buffer], sent: int) -> list[Buffer]:
    """What is left of `buffers` after their first `sent` bytes."""
    for index, buffer in enumerate(buffers):
        if sent < len(buffer):
            return [memoryview(buffer)[sent:], *buffers[index + 1 :]]
        sent -= len(buffer)
    return []


async def wait_readable(connected: socket.socket) -> None:
    """Until bytes, an end or an error can be read."""
    try:
        await trio.lowlevel.wait_readable(connected)
    except (trio.ClosedResourceError, OSError) as error:
        raise Disconnected(str(error)) from None


async def wait_writable(connected: socket.socket) -> None:
    """Until bytes can be sent."""
    try:
        await trio.lowlevel.wait_writable(connected)
    except (trio.ClosedResourceError, OSError) as error:
        raise Disconnected(str(error)) from None


def close_socket(connected: socket.socket) -> None:
    """Close it, first waking whoever waits for it; once closed, nothing happens."""
    if connected.fileno() >= 0:
        trio.lowlevel.notify_closing(connected)
        connected.close()
