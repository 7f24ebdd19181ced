"""Listening, accepting, and the set of open connections.

Several acceptors listen on one port by SO_REUSEPORT, and the kernel spreads new connections over them; an
acceptor that is alone does without, so that a second node started on its port is refused instead of taking
half of its clients. A server that stops first goes on for `acceptor.leave_s`, ending each connection with its
next answer; then it closes its listeners, so that new connections go to its siblings, and lets requests in
flight finish.

One acceptor of each node listens at a socket in the runtime folder as well (`local`), where root and the
node's own user need no keys for administration.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import structlog
import trio

from rustfs_node.acceptor.net.connection import Connection
from rustfs_node.acceptor.net.local import LOCAL, is_of_owner
from rustfs_node.acceptor.net.messages import Application
from rustfs_node.acceptor.net.tls import Certificate, TlsTransport
from rustfs_node.acceptor.net.transport import PlainTransport, Transport
from rustfs_node.acceptor.net.watch import Watcher
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.wire.metrics_ops import Measure

log = structlog.get_logger()

Listener = socket.socket
"""A listening socket, to those who only pass it on."""

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def split_address(address: str) -> tuple[str, int]:
    """Host ("" for all) and port of `:9000`, `host:9000` or `[::1]:9000`; ValueError on anything else."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ValueError(f"address {address!r}: write host:port, :port for all addresses, or [IPv6]:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def open_listeners(address: str, backlog: int, *, shared: bool) -> list[Listener]:
    """Listening sockets for `address`, with `shared` together with sibling processes; OSError when it cannot
    be had.
    """
    host, port = split_address(address)
    if not host:
        return [_listen_on_all(port, backlog, shared=shared)]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [_listen(family, place, backlog, shared=shared) for family, _, _, _, place in found]


def address_of(listener: Listener) -> tuple[str, int]:
    """Where it listens; a path has no port."""
    if listener.family == socket.AF_UNIX:
        return listener.getsockname(), 0
    host, port = listener.getsockname()[:2]
    return host, port


def _listen_on_all(port: int, backlog: int, *, shared: bool) -> socket.socket:
    # One socket for both families (RFC 3493 §3.7), or for IPv4 alone where the kernel has no IPv6.
    try:
        return _listen(socket.AF_INET6, ("::", port), backlog, shared=shared)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return _listen(socket.AF_INET, ("", port), backlog, shared=shared)


def _listen(family: int, place: Any, backlog: int, *, shared: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(place[0] != "::"))
        listener.bind(place)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _prepare(connected: socket.socket, is_local: bool) -> bool:
    """Set the socket up; False when the client is gone already."""
    try:
        connected.setblocking(False)
        if is_local:
            return True
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except OSError:
        return False
    return True


class Server:
    """Accepts and serves until told to stop. `certificate` None: plain HTTP."""

    def __init__(
        self,
        application: Application,
        settings: AcceptorSettings,
        clock: Clock,
        certificate: Certificate | None,
    ) -> None:
        self._application = application
        self._settings = settings
        self._clock = clock
        self._certificate = certificate
        self._connections: set[Connection] = set()
        self._is_leaving = False
        self._plain_scratch = memoryview(bytearray(settings.receive_bytes))
        self._cipher_scratch = memoryview(bytearray(settings.receive_bytes))

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._connections)

    def measures(self) -> Iterator[Measure]:
        """How things stand now."""
        under_way = sum(connection.is_answering for connection in self._connections)
        yield Measure("rustfs_http_requests_in_flight", under_way)
        yield Measure("rustfs_http_connections", self.connections)

    async def run(self, listeners: Sequence[Listener], stopping: trio.Event) -> None:
        """Serve until `stopping`, leave, then drain; connections that outlive the drain deadline are cut."""
        async with trio.open_nursery() as nursery:
            try:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(Watcher(self._settings, self._clock).run, self._connections)
                    for listener in listeners:
                        accepting.start_soon(self._accept, listener, nursery)
                    await stopping.wait()
                    await self._leave()
                    accepting.cancel_scope.cancel()
            finally:
                for listener in listeners:
                    listener.close()
            for connection in list(self._connections):
                connection.finish_soon()
            nursery.cancel_scope.deadline = trio.current_time() + self._settings.drain_deadline_s
        if nursery.cancel_scope.cancelled_caught:
            log.warning("connections_cut", drain_deadline_s=self._settings.drain_deadline_s)

    async def _leave(self) -> None:
        """Serve on while whoever spreads requests over nodes finds out that this one is going."""
        self._is_leaving = self._settings.leave_s > 0
        if self._is_leaving:
            for connection in self._connections:
                connection.finish_next()
            await trio.sleep(self._settings.leave_s)

    async def _accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                while True:
                    connected, place = listener.accept()
                    if listener.family == socket.AF_UNIX:
                        self._take_local(connected, nursery)
                    else:
                        self._take(connected, str(place[0]), nursery)
            except BlockingIOError:
                continue
            except OSError as error:
                # Any other error belongs to the connection that was to be accepted, and went with it
                # (accept(2)).
                if error.errno in _SHORTAGES:
                    log.exception("accept_failed", connections=self.connections)
                    await trio.sleep(self._settings.accept_backoff_s)

    def _take_local(self, connected: socket.socket, nursery: trio.Nursery) -> None:
        """Of the node's own socket: the folder keeps others out, and the kernel says who it is."""
        if not is_of_owner(connected):
            connected.close()
            return
        self._take(connected, LOCAL, nursery, is_local=True)

    def _take(
        self, connected: socket.socket, peer: str, nursery: trio.Nursery, *, is_local: bool = False
    ) -> None:
        # Beyond twice the limit not even a refusal is worth its cost.
        if self.connections >= 2 * self._settings.connections_max or not _prepare(connected, is_local):
            connected.close()
            return
        connection = Connection(
            PlainTransport(connected) if is_local else self._transport_of(connected),
            self._application,
            self._settings,
            self._clock,
            peer=peer.removeprefix("::ffff:"),
            scratch=self._plain_scratch,
            is_local=is_local,
        )
        serve = (
            connection.serve if self.connections < self._settings.connections_max else connection.turn_away
        )
        if self._is_leaving:
            connection.finish_next()
        self._connections.add(connection)
        nursery.start_soon(self._serve, connection, serve)

    def _transport_of(self, connected: socket.socket) -> Transport:
        if self._certificate is None:
            return PlainTransport(connected)
        return TlsTransport(connected, self._certificate.context, self._cipher_scratch)

    async def _serve(self, connection: Connection, serve: Callable[[], Awaitable[None]]) -> None:
        try:
            await serve()
        # A bug met by one connection must not cost the others theirs; the log has what it takes to find it.
        except Exception:
            log.exception("connection_crashed")
        finally:
            self._connections.discard(connection)
