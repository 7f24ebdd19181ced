"""What a call over the bus costs: `python -m bench.bus`.

Two processes over ipc. Per call: elapsed time, and processor time of either side, ZeroMQ's own thread
included. `bench.nodes` compares ipc with what is between nodes.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from resource import RUSAGE_SELF, getrusage

import attrs
import structlog
import trio

from rustfs_node.bus import Bus, BusSettings, Reply, Request, open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.drive_ops import DriveStatus, DriveStatusReply, ShardWrite, ShardWritten
from rustfs_proto.wire.faults import Fault


def cpu_us() -> float:
    """Processor time of this process, all threads."""
    usage = getrusage(RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def serve(requests: list[Request]) -> None:
    """Answer a write at once, and a status with this process' processor time as `rows`."""
    for request in requests:
        if isinstance(request.message, DriveStatus):
            request.reply(DriveStatusReply("", 0, 0, 0, 0, int(cpu_us()), 0, 0, 0))
        else:
            request.reply(ShardWritten())


@attrs.frozen
class Cost:
    """Of one call, in microseconds: elapsed, and of the processor on either side."""

    elapsed_us: float
    asking_us: float
    answering_us: float


async def measure(bus: Bus, calls: int, width: int, frame: bytes) -> Cost:
    """`calls` calls, asked `width` at a time: the next round when the last one is answered."""
    finished = trio.Event()
    left, in_round = calls, 0

    def ask_round() -> None:
        nonlocal in_round
        in_round = width
        for index in range(width):
            bus.ask(
                "server", ShardWrite(b"0" * 16, index, b"1" * 16), (frame,), deadline_s=10, on_reply=answered
            )

    def answered(answer: Reply | Fault) -> None:
        nonlocal left, in_round
        assert isinstance(answer, Reply), answer
        left, in_round = left - 1, in_round - 1
        if left <= 0:
            finished.set()
        elif in_round == 0:
            ask_round()

    server_us = await server_cpu_us(bus)
    own_us, start = cpu_us(), time.perf_counter()
    ask_round()
    await finished.wait()
    elapsed_us, own_us = (time.perf_counter() - start) * 1e6, cpu_us() - own_us
    server_us = await server_cpu_us(bus) - server_us
    return Cost(elapsed_us / calls, own_us / calls, server_us / calls)


async def server_cpu_us(bus: Bus) -> int:
    """The other side's processor time."""
    reply = await bus.call("server", DriveStatus(), deadline_s=10)
    assert isinstance(reply.message, DriveStatusReply)
    return reply.message.rows


async def with_bus(bus: Bus, work: Callable[[Bus], object] | None) -> None:
    """Run the bus for as long as `work` takes, or for ever."""
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.run)
        if work is None:
            await trio.sleep_forever()
        for calls, width, size_bytes in (
            (20_000, 1, 100),
            (100_000, 32, 100),
            (60_000, 32, 3000),
            (20_000, 16, 16_384),
            (2_000, 4, 262_144),
            (1_000, 4, 1 << 20),
        ):
            cost = await measure(bus, calls, width, bytes(size_bytes))
            print(
                f"{width:5} at a time, {size_bytes:8} bytes: {cost.elapsed_us:7.1f} µs per call,"
                f" processor {cost.asking_us:6.1f} asking {cost.answering_us:6.1f} answering"
            )
        nursery.cancel_scope.cancel()


def main() -> None:
    """Without arguments: start the other side and measure. With an endpoint: be the other side."""
    # Calls are logged at debug, which a node leaves out.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    if len(sys.argv) > 1:
        bus = open_bus("server", sys.argv[1], {}, BusSettings(), SystemClock())
        bus.serve(serve)
        trio.run(with_bus, bus, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        endpoint = f"ipc://{folder}/bus"
        server = subprocess.Popen([sys.executable, "-m", "bench.bus", endpoint])
        try:
            bus = open_bus("client", None, {"server": endpoint}, BusSettings(), SystemClock())
            trio.run(with_bus, bus, print)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
