"""A process that gives every payload back: `python -m tests.conformance.echo_process ENDPOINT`."""

from __future__ import annotations

import sys

import trio

from rustfs_node.bus import BusSettings, Request, open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.drive_ops import ShardWritten


def echo(requests: list[Request]) -> None:
    for request in requests:
        request.reply(ShardWritten(), request.frames)


if __name__ == "__main__":
    bus = open_bus("drive", sys.argv[1], {}, BusSettings(), SystemClock())
    bus.serve(echo)
    trio.run(bus.run)
