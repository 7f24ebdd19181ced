"""Processes: starting them so that none outlives its parent, and the line by which a child shows that it
lives.

`trio.lowlevel.open_process` is not used: it forks from a worker thread, and the parent-death signal of Linux
follows the *thread* that forked, so the child would be killed when that idle thread ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs
import trio

READY = b"R"
ALIVE = b"."

_PR_SET_PDEATHSIG = 1
_PIPE_READ_BYTES = 4096


@attrs.define(eq=False)
class Child:
    """A process that was started. `pidfd` and `beats` are descriptors of the parent, closed by `close`."""

    name: str
    pid: int
    pidfd: int
    beats: int
    _reap: Callable[[], Awaitable[int]]

    async def wait(self) -> int:
        """The exit status, negative for a signal, as `subprocess` gives it."""
        await trio.lowlevel.wait_readable(self.pidfd)
        return await self._reap()

    async def receive_beats(self) -> bytes:
        """What the child wrote since the last call; empty when it closed its end."""
        await trio.lowlevel.wait_readable(self.beats)
        return os.read(self.beats, _PIPE_READ_BYTES)

    def pending_beats(self) -> bytes:
        """What the child wrote and nobody has read yet, without waiting."""
        try:
            return os.read(self.beats, _PIPE_READ_BYTES)
        except BlockingIOError:
            return b""

    def send_signal(self, number: int) -> None:
        """Signal the child; one that has ended already is left alone."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self.pidfd)
        os.close(self.beats)


def beat_pipe() -> tuple[int, int]:
    """The two ends of a line for beats: ours to read from without waiting, and the child's."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    return ours, theirs


def spawn(name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
    """Start a process with stdin from nowhere and our stdout and stderr. `{beat_fd}` in an argument becomes
    the number of the descriptor it writes beats to.

    It gets a process group of its own, so that Ctrl-C at the terminal reaches the supervisor alone, which
    then stops everything in order.
    """
    ours, theirs = beat_pipe()
    try:
        popen = subprocess.Popen(
            [argument.replace("{beat_fd}", str(theirs)) for argument in command],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs,),
            env=dict(environment),
            process_group=0,
        )

        async def reap() -> int:
            return popen.wait()

        return Child(name, popen.pid, os.pidfd_open(popen.pid), ours, reap)
    # An interrupt too must not leak the descriptor.
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)


class BeatLine:
    """The child's end of the line to its supervisor. Without a supervisor nobody listens and
    nothing is sent.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        if fd is not None:
            os.set_blocking(fd, False)

    def send(self, beat: bytes) -> None:
        """Write one beat. A full pipe means that the supervisor is busy and has plenty of beats to read: then
        this one is not needed. A broken one means that it is dead, and this process about to be.
        """
        if self._fd is None:
            return
        try:
            os.write(self._fd, beat)
        except (BlockingIOError, BrokenPipeError):
            return


def die_with_parent(parent_pid: int) -> bool:
    """Have the kernel kill this process when its parent dies, even by SIGKILL. False when the parent is gone
    already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    return os.getppid() == parent_pid


# mallopt(3): parameters and values. Without the first three glibc gives every buffer above 128 KiB back to
# the kernel and page-faults it in again, which costs more than erasure coding itself (0.6 against 10 GiB/s).
# Without the last each thread keeps free megabytes of its own: blocks are received by ZeroMQ's thread and
# freed by ours, and twice as much memory stayed taken as was ever in use.
_MALLOPT = (
    (-3, 32 << 20),  # M_MMAP_THRESHOLD; the most that glibc before 2.35 takes
    (-1, 512 << 20),  # M_TRIM_THRESHOLD
    (-2, 64 << 20),  # M_TOP_PAD
    (-8, 1),  # M_ARENA_MAX
)


def raise_descriptor_limit() -> None:
    """As many descriptors as the administrator allows: the usual soft limit of 1,024 is one of programs that
    use select(), and fewer than an acceptor may have connections.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class SpareMemory:
    """Memory that was freed and is kept for the next burst. Given back once the process rests: a high tide
    should not cost the machine for ever.
    """

    _BUSY = 0.05

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._looked_s, self._used_s = time.monotonic(), time.process_time()
        self._was_busy = False

    def look(self) -> bool:
        """Give it back if less than a twentieth of a core was used since the last look, for the first time
        since more was; whether it was given back.
        """
        now_s, used_s = time.monotonic(), time.process_time()
        is_busy = used_s - self._used_s > self._BUSY * (now_s - self._looked_s)
        self._looked_s, self._used_s = now_s, used_s
        was_busy, self._was_busy = self._was_busy, is_busy
        if is_busy or not was_busy or self._trim is None:
            return False
        self._trim(0)
        return True


def tune_malloc() -> bool:
    """Keep freed megabyte buffers mapped, for all threads together. False where the C library has no mallopt
    (musl): slower, but right. Call it before there are threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    outcomes = [mallopt(parameter, value) for parameter, value in _MALLOPT]
    return outcomes == [1] * len(_MALLOPT)
