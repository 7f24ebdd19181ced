"""What the processes of a node hold in memory, as the kernel counts it.

PSS: memory that several processes share counts once, in parts, so that a sum over processes is what the
machine has given away. The kernel's own buffers (sockets, page cache) are in no process and not counted.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Self

import attrs

from tests.kit.node import RunningNode

KIB, MIB = 1024, 1024 * 1024

Held = dict[str, int]
"""Bytes by name of the process."""


def pss_bytes(pid: int) -> int:
    """Proportional set size of one process; 0 where it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * KIB
    return 0


def held_by(node: RunningNode) -> Held:
    """What the supervisor and each worker hold now."""
    assert node.process is not None
    pids = {"supervisor": node.process.pid, **node.worker_pids()}
    return {name: pss_bytes(pid) for name, pid in sorted(pids.items())}


def told(held: Held) -> str:
    """For people: MiB by process, and in all."""
    rows = [f"{name} {size / MIB:.0f}" for name, size in held.items()]
    return f"{sum(held.values()) / MIB:.0f} MiB ({', '.join(rows)})"


@attrs.define
class MemoryWatch:
    """Samples a node from the beginning of a `with` block to its end; what it holds at the beginning is
    `before`, the sample with the largest sum is `most`.
    """

    node: RunningNode
    interval_s: float = 0.05
    before: Held = attrs.field(factory=dict)
    most: Held = attrs.field(factory=dict)
    now: Held = attrs.field(factory=dict)
    _sampled: threading.Condition = attrs.field(factory=threading.Condition)
    _ended: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.before = self.most = self.now = held_by(self.node)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._thread is not None
        self._ended.set()
        self._thread.join()
        self._sample()

    def _run(self) -> None:
        while not self._ended.wait(self.interval_s):
            self._sample()

    def _sample(self) -> None:
        held = held_by(self.node)
        if sum(held.values()) > sum(self.most.values()):
            self.most = held
        with self._sampled:
            self.now = held
            self._sampled.notify_all()

    def wait_for_at_most(self, size_bytes: int, timeout_s: float) -> None:
        """Until all processes together hold no more than that."""
        with self._sampled:
            fell = self._sampled.wait_for(lambda: 0 < sum(self.now.values()) <= size_bytes, timeout_s)
        assert fell, f"after {timeout_s} s: {told(self.now)}"

    @property
    def growth_bytes(self) -> int:
        """How much more all processes together held at one moment than at the beginning."""
        return sum(self.most.values()) - sum(self.before.values())

    def __str__(self) -> str:
        return f"{told(self.before)} grew by {self.growth_bytes / MIB:.0f} to {told(self.most)}"
