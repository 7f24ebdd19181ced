"""What this process runs on: programs, libraries and mounts, as files of the system tell it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, requires, version

_PROGRAM = "rustfs-node"
_MOUNTS = "/proc/self/mounts"


def own_versions() -> dict[str, str]:
    """Name to version: the kernel, Python, and the libraries that the program needs."""
    found = {"kernel": platform.release(), "machine": platform.machine(), "python": platform.python_version()}
    for line in requires(_PROGRAM) or ():
        name = line.split(">=")[0].split(";")[0].strip()
        if "extra ==" not in line:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "none"
    return found


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def read_mounts() -> str:
    """The kernel's table of mounts; asks no disk, so one that hangs does not matter."""
    with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()
