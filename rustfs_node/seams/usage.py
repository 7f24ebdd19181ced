"""What this process uses of the machine, as the kernel tells it."""

from __future__ import annotations

import os
import resource

import attrs


@attrs.frozen
class Usage:
    """`cpu_s`: processor time since the process began, its own and the kernel's for it."""

    cpu_s: float
    resident_bytes: int
    descriptors: int
    descriptors_max: int


def own_usage() -> Usage:
    """How much it is now."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[1])
    return Usage(
        cpu_s=spent.ru_utime + spent.ru_stime,
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        # The listing itself has one.
        descriptors=len(os.listdir("/proc/self/fd")) - 1,
        descriptors_max=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )
