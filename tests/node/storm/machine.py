"""What others do on this machine meanwhile, so that a limit in seconds can be held against the node alone.

Others make a node slow in two ways: they take processor time, and whatever they do keeps it waiting for its
turn or for a sync. Both are measured over the same stretch: the processor time of all processes but ours,
shared out over the processors; and how much later than usual a small loop came round that only waits a moment
and syncs a few bytes beside the drives. What counts is the greater of the two. On a machine that does nothing
else both are next to nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import attrs

USUAL_ROUND_S = 0.1
"""A round of the loop that takes no longer is no sign of others: our own processes are at work as well."""

_PAUSE_S = 0.02
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROCESSORS = len(os.sched_getaffinity(0))


@attrs.frozen
class Moment:
    """Seconds of processor time that everybody, and each of our processes, has used until now; and by which
    the loop was late.
    """

    everybody_s: float
    ours_s: dict[int, float]
    late_s: float


class Machine:
    """Watches from the beginning of a `with` block to its end. `folder` lies where the drives do."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "yardstick"
        self._ended = threading.Event()
        self._late_s = 0.0
        self._round_began_s = time.monotonic()
        self._thread = threading.Thread(target=self._go_round)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._path.unlink()

    def now(self, ours: Iterable[int]) -> Moment:
        """`ours` are the ids of the node's processes; this one is added."""
        used = {pid: _used_s(pid) for pid in [os.getpid(), *ours]}
        return Moment(_everybody_s(), used, self._late_s + self._late_this_round_s())

    def _late_this_round_s(self) -> float:
        return max(0.0, time.monotonic() - self._round_began_s - USUAL_ROUND_S)

    def _go_round(self) -> None:
        with self._path.open("wb") as file:
            while not self._ended.wait(_PAUSE_S):
                os.pwrite(file.fileno(), bytes(4096), 0)
                os.fdatasync(file.fileno())
                self._late_s += self._late_this_round_s()
                self._round_began_s = time.monotonic()


def taken_by_others_s(before: Moment, after: Moment) -> float:
    """How much sooner everything between the two moments would have been over on a machine of our own."""
    ours_s = sum(used - before.ours_s.get(pid, 0.0) for pid, used in after.ours_s.items())
    others_s = max(0.0, after.everybody_s - before.everybody_s - ours_s)
    return max(others_s / _PROCESSORS, after.late_s - before.late_s)


def _everybody_s() -> float:
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S


def _used_s(pid: int) -> float:
    """Processor time of a process; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
