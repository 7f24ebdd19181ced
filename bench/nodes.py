"""What it costs that a call goes to another node: `python -m bench.nodes`.

The same calls over ipc, over TCP and over TCP with CURVE, in turns within one run, so that the ratios say
something on whatever machine this is. All of it is on one machine: a real network adds its own time.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import tempfile

import structlog
import trio

from bench.bus import Cost, measure, serve
from rustfs_node.bus import Bus, BusSettings, RemotePeer, RemoteSide, node_keys, open_bus
from rustfs_node.seams.clock import SystemClock

_KEYS = node_keys(b"of a cluster that only measures", "node1:9001")
_TURNS = 3
_WORK = (
    # Calls, at a time, bytes.
    (5_000, 1, 4096),
    (30_000, 32, 4096),
    (500, 1, 1 << 20),
    (1_000, 8, 1 << 20),
)


def open_server(kind: str, endpoint: str) -> Bus:
    """Who answers."""
    if kind != "curve":
        return open_bus("server", endpoint, {}, BusSettings(), SystemClock())
    side = RemoteSide(_KEYS, endpoint, frozenset({_KEYS.public}))
    return open_bus("server", None, {}, BusSettings(), SystemClock(), side)


def open_client(kind: str, endpoint: str) -> Bus:
    """Who asks."""
    peer = RemotePeer(endpoint, _KEYS.public) if kind == "curve" else endpoint
    side = RemoteSide(_KEYS, None, frozenset()) if kind == "curve" else None
    return open_bus("client", None, {"server": peer}, BusSettings(), SystemClock(), side)


async def answer(bus: Bus) -> None:
    """For ever."""
    bus.serve(serve)
    await bus.run()


async def ask(bus: Bus) -> list[Cost]:
    """All of the work, once."""
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.run)
        costs = [await measure(bus, calls, width, bytes(size)) for calls, width, size in _WORK]
        nursery.cancel_scope.cancel()
    return costs


def one_turn(kind: str, folder: str) -> list[Cost]:
    """Over that kind of connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"ipc://{folder}/bus" if kind == "ipc" else f"tcp://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, "-m", "bench.nodes", kind, endpoint])
    try:
        return trio.run(ask, open_client(kind, endpoint))
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Without arguments: measure all kinds. With a kind and an endpoint: be the other side."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    if len(sys.argv) > 1:
        trio.run(answer, open_server(*sys.argv[1:]))
        return
    best: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_TURNS):
            for kind in ("ipc", "tcp", "curve"):
                costs = one_turn(kind, folder)
                before = best.get(kind, costs)
                best[kind] = [
                    min(pair, key=lambda cost: cost.elapsed_us) for pair in zip(before, costs, strict=True)
                ]
    for kind, costs in best.items():
        for (_, width, size), cost in zip(_WORK, costs, strict=True):
            print(
                f"{kind:6} {width:3} at a time, {size:8} bytes: {cost.elapsed_us:8.1f} µs per call,"
                f" {size / cost.elapsed_us / 1.048576:7.0f} MiB/s,"
                f" processor {cost.asking_us:7.1f} asking {cost.answering_us:7.1f} answering"
            )


if __name__ == "__main__":
    main()
