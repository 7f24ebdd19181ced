"""Buses over each kind of connection, for tests that must hold on all."""

from __future__ import annotations

import socket
from typing import Protocol

import attrs
import trio

from rustfs_node.bus import (
    Bus,
    BusSettings,
    Handler,
    KeyPair,
    MemoryNet,
    RemotePeer,
    RemoteSide,
    node_keys,
    open_bus,
)
from rustfs_node.seams.clock import SystemClock


class Net(Protocol):
    """Where buses find each other by name. `listens` is false for one that only asks."""

    def open_bus(self, name: str, peers: tuple[str, ...], settings: BusSettings, *, listens: bool) -> Bus: ...


@attrs.frozen
class ZmqNet:
    """Real sockets in a folder whose path is short enough for them."""

    folder: str

    def open_bus(self, name: str, peers: tuple[str, ...], settings: BusSettings, *, listens: bool) -> Bus:
        endpoints = {peer: f"ipc://{self.folder}/{peer}" for peer in peers}
        listen = f"ipc://{self.folder}/{name}" if listens else None
        return open_bus(name, listen, endpoints, settings, SystemClock())


SECRET = b"of a cluster that lives on one machine"


def free_port() -> int:
    """A port of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


@attrs.frozen
class CurveNet:
    """Encrypted TCP, each bus at a port of its own; all of them have the keys of one node."""

    ports: dict[str, int] = attrs.field(factory=dict)
    keys: KeyPair = attrs.field(factory=lambda: node_keys(SECRET, "node1:9001"))

    def endpoint(self, name: str) -> str:
        """Where that bus listens, or will."""
        return f"tcp://127.0.0.1:{self.ports.setdefault(name, free_port())}"

    def open_bus(self, name: str, peers: tuple[str, ...], settings: BusSettings, *, listens: bool) -> Bus:
        listen = self.endpoint(name) if listens else None
        side = RemoteSide(self.keys, listen, frozenset({self.keys.public}))
        remote = {peer: RemotePeer(self.endpoint(peer), self.keys.public) for peer in peers}
        return open_bus(name, None, remote, settings, SystemClock(), side)


@attrs.frozen
class InMemory:
    """The memory link on the real clock."""

    net: MemoryNet = attrs.field(factory=MemoryNet)

    def open_bus(self, name: str, peers: tuple[str, ...], settings: BusSettings, *, listens: bool) -> Bus:
        return self.net.open_bus(name, peers, settings)


@attrs.define
class Stage:
    """Runs buses in a nursery and can end each by itself."""

    net: Net
    nursery: trio.Nursery
    settings: BusSettings = attrs.field(factory=BusSettings)
    scopes: dict[str, tuple[trio.CancelScope, trio.Event]] = attrs.field(factory=dict)

    async def start(
        self,
        name: str,
        peers: tuple[str, ...] = (),
        handler: Handler | None = None,
        settings: BusSettings | None = None,
    ) -> Bus:
        """A running bus."""
        bus = self.net.open_bus(name, peers, settings or self.settings, listens=handler is not None)
        if handler is not None:
            bus.serve(handler)
        await self.nursery.start(self._run, name, bus)
        return bus

    async def _run(self, name: str, bus: Bus, task_status: trio.TaskStatus[None]) -> None:
        with trio.CancelScope() as scope:
            ended = trio.Event()
            self.scopes[name] = scope, ended
            try:
                await bus.run(task_status)
            finally:
                ended.set()

    async def stop(self, name: str) -> None:
        """End that bus, as a process does that stops in good order."""
        scope, ended = self.scopes[name]
        scope.cancel()
        await ended.wait()
