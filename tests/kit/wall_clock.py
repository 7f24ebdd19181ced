"""A wall clock for each node that a test sets while the node runs; the monotonic clock goes on as it is.

Every process of the node has a small library preloaded that adds what stands in a file, so a change holds at
once for all of them. It is made with the machine's C compiler when a test needs it.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import attrs

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static const volatile long long *off_ms;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TEST_WALL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof *off_ms, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) off_ms = found;
    real = dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = real(clock, now);
    if (clock == CLOCK_REALTIME && off_ms) {
        now->tv_sec += *off_ms / 1000;
        now->tv_nsec += *off_ms % 1000 * 1000000;
        if (now->tv_nsec >= 1000000000) { now->tv_nsec -= 1000000000; now->tv_sec++; }
        if (now->tv_nsec < 0) { now->tv_nsec += 1000000000; now->tv_sec--; }
    }
    return done;
}
"""


def why_not() -> str:
    """Why no clock can be set here; empty where one can."""
    return "" if shutil.which("cc") else "a wall clock that can be set needs a C compiler"


@attrs.define(eq=False)
class WallClock:
    """That of one node, below `folder`. `off_ms`: by how much it is ahead."""

    folder: Path
    off_ms: int = 0

    def make(self) -> dict[str, str]:
        """The environment of a process that goes by it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        source, library = self.folder / "wall_clock.c", self.folder / "wall_clock.so"
        source.write_text(_SOURCE)
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
        self.set(0)
        return {"LD_PRELOAD": str(library), "TEST_WALL_CLOCK": str(self._offset)}

    def set(self, off_ms: int) -> None:
        """From now on it is ahead by that much."""
        self.off_ms = off_ms
        # In place: the processes have the file's memory.
        file = os.open(self._offset, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(file, struct.pack("q", off_ms), 0)
        os.close(file)

    @property
    def _offset(self) -> Path:
        return self.folder / "off_ms"
