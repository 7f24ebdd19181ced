"""A line between nodes of a `Network` on which packets are late, lost, doubled and out of order.

Each node has a TUN device beside its ordinary one, and one process reads what the nodes send into theirs. It
is a process of its own, so that it does not wait for whoever tests. What it does to a packet is drawn from a
seed; packets come as they please, so a run does not repeat exactly. Only what is routed to it passes through
it: see `Network.relay`.

    python -m tests.kit.relay NAMESPACE ...     as `Relay` starts it: weather on stdin, counts at its end
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import heapq
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import IO, Any

import attrs

DEVICE = "tun0"
PACKET_BYTES_MAX = 65536
PACKETS_AT_ONCE = 64
WAITING_MAX = 20_000
"""Packets that wait for their time; what is more is lost, as in any queue."""

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_STOP_S = 10.0


@attrs.frozen
class Weather:
    """What happens to a packet: shares of 1, and seconds. Where `jitter_s` is more than the time between two
    packets they change places.
    """

    seed: int = 0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    double: float = 0.0


class Sky:
    """Pure: when a packet arrives, how often, or never. `counts` tells what became of them."""

    def __init__(self, weather: Weather) -> None:
        self._weather, self._chance = weather, Random(weather.seed)
        self._last_due_s: dict[bytes, float] = {}
        self.counts: Counter[str] = Counter()

    def arrivals(self, line: bytes, now_s: float) -> list[float]:
        """Of a packet that was sent now over that line."""
        weather, draw = self._weather, self._chance.random
        self.counts["carried"] += 1
        if draw() < weather.loss:
            self.counts["lost"] += 1
            return []
        copies = 1 + (draw() < weather.double)
        self.counts["doubled"] += copies - 1
        due_s = [now_s + weather.delay_s + draw() * weather.jitter_s for _ in range(copies)]
        last_s = self._last_due_s.get(line, 0.0)
        self.counts["overtaking"] += min(due_s) < last_s
        self._last_due_s[line] = max(last_s, *due_s)
        return due_s


class Relay:
    """The process. `names` are network namespaces under /run/netns."""

    def __init__(self, names: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.relay", *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        if self._out.readline() != "ready\n":
            raise OSError(f"the relay ended with {self._process.wait()}")

    def set(self, weather: Weather) -> None:
        """From now on."""
        self._in.write(json.dumps(attrs.asdict(weather)) + "\n")
        self._in.flush()

    def close(self) -> Counter[str]:
        """What it did to packets."""
        self._in.close()
        told = self._out.read()
        self._out.close()
        self._process.wait(_STOP_S)
        return Counter(json.loads(told or "{}"))

    @property
    def _in(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout


def why_not() -> str:
    """Why there can be no relay here; empty where there can."""
    return "" if os.access("/dev/net/tun", os.W_OK) else "a relay needs /dev/net/tun"


class _Loop:
    """Reads all devices, and writes each packet to that of its target when its time has come."""

    def __init__(self, devices: Sequence[int]) -> None:
        self._devices = devices
        self._sky = Sky(Weather())
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._number = 0
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """Until stdin ends."""
        poll = select.poll()
        for descriptor in (*self._devices, 0):
            poll.register(descriptor, select.POLLIN)
        while True:
            due_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
            ready = poll.poll(None if due_s is None else max(0.0, due_s * 1000))
            for descriptor, _ in ready:
                if descriptor != 0:
                    self._take_in(descriptor)
                elif not self._obey():
                    return
            self._send_due()

    def _obey(self) -> bool:
        """Another weather; False where there will be none."""
        line = os.read(0, 4096).decode()
        self.counts += self._sky.counts
        self._sky = Sky(Weather(**json.loads(line.splitlines()[-1]))) if line else Sky(Weather())
        return bool(line)

    def _take_in(self, device: int) -> None:
        now_s = time.monotonic()
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(device, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            target = _target(packet, len(self._devices))
            if target is None:
                continue
            for due_s in self._sky.arrivals(packet[12:20], now_s):
                if len(self._waiting) < WAITING_MAX:
                    self._number += 1
                    heapq.heappush(self._waiting, (due_s, self._number, target, packet))

    def _send_due(self) -> None:
        now_s = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, target, packet = heapq.heappop(self._waiting)
            try:
                os.write(self._devices[target], packet)
            except OSError as error:
                # A full device loses packets, as any does.
                if error.errno not in (errno.EAGAIN, errno.EIO, errno.ENOBUFS, errno.ENOMEM):
                    raise


def _target(packet: bytes, count: int) -> int | None:
    """The number of the node that an IPv4 packet goes to; None for all else."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    number = packet[19] - 1
    return number if number < count else None


def _device(name: str) -> int:
    """A new TUN device in that namespace, which this process is in afterwards."""
    with Path(f"/run/netns/{name}").open("rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {name}")
    # Packets come in by another device than answers leave by.
    for which in ("all", "default"):
        Path(f"/proc/sys/net/ipv4/conf/{which}/rp_filter").write_text("0")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    request = struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(device, _TUNSETIFF, request)
    _set_up(DEVICE)
    return device


def _set_up(device: str) -> None:
    """What `ip link set DEVICE up` does."""
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request: Any = struct.pack("16sH22x", device.encode(), 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(any_socket, get_flags, request), 16)
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH22x", device.encode(), flags | up))


def main(names: Sequence[str]) -> None:
    """See the module."""
    loop = _Loop([_device(name) for name in names])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    loop.run()
    sys.stdout.write(json.dumps(loop.counts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
