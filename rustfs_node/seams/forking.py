"""The line to a process that forks others on demand: both ends of it.

Starting a Python program costs a third of a second of processor time, nearly all of it for loading modules. A
process that has loaded them once, and has neither threads nor an event loop, gives birth to others within
milliseconds, and shares its pages with them.

    request                                answer
    fork: name and arguments, a descriptor process id, empty where there can be none
    reap: process id                       exit status, empty where it is no child

One request at a time. What was forked is not buried before it was asked for, so its process id stays its own.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence

import attrs
import msgspec
import trio

from rustfs_node.seams.processes import Child, beat_pipe

_REQUEST_BYTES = 65536
_ANSWER_BYTES = 64
_ANSWER_S = 300.0
"""A forge that is silent for so long will not answer any more; until then it may be loading its modules on a
machine that has no time for it."""

_PR_SET_NAME = 15


class ForgeLost(Exception):
    """There is no new process: the forge has died, and the next request starts another one; or it cannot
    fork now.
    """


@attrs.frozen
class Fork:
    """Have a process: `name` for lists of processes, `role` and `arguments` for whoever gives it its job."""

    name: str
    role: str
    arguments: tuple[str, ...]


@attrs.frozen
class Birth:
    """What a forked process is told: its order, its parent, and the descriptor for signs of life."""

    order: Fork
    parent: int
    beat_fd: int


_decoder = msgspec.json.Decoder(Fork | int)


class Forge:
    """The asking end. `command` starts the other one; `{line_fd}` in it becomes the line's descriptor."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = tuple(command), dict(environment)
        self._lock = trio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: trio.socket.SocketType | None = None

    def start(self) -> None:
        """Let it load what it needs; the first request waits until it has."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [word.replace("{line_fd}", str(theirs.fileno())) for word in self._command],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=self._environment,
                process_group=0,
            )
        self._line = trio.socket.from_stdlib_socket(ours)

    async def fork(self, name: str, role: str, arguments: Sequence[str]) -> Child:
        """A new process. Raises `ForgeLost`."""
        ours, theirs = beat_pipe()
        try:
            answer = await self._ask(Fork(name, role, tuple(arguments)), theirs)
            if not answer:
                raise ForgeLost("the system has no room for another process now")
            pid = int(answer)
            return Child(name, pid, os.pidfd_open(pid), ours, lambda: self._reap(pid))
        # An interrupt too must not leak the descriptor.
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)

    async def _reap(self, pid: int) -> int:
        """How the process ended. It was killed with its parent where that can tell no more."""
        try:
            return int(await self._ask(pid))
        except (ForgeLost, ValueError):
            return -signal.SIGKILL

    async def _ask(self, request: Fork | int, *descriptors: int) -> bytes:
        async with self._lock:
            if self._line is None:
                self.start()
            assert self._line is not None
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
            answer = b""
            # A request whose answer nobody takes would shift all answers after it.
            with trio.move_on_after(_ANSWER_S, shield=True), contextlib.suppress(OSError):
                await self._line.sendmsg([msgspec.json.encode(request)], rights if descriptors else [])
                answer = await self._line.recv(_ANSWER_BYTES)
            if not answer:
                self.close(kill=True)
                raise ForgeLost("the process that workers are forked from is gone")
            return answer.removeprefix(b"=")

    def close(self, *, kill: bool = False) -> None:
        """Let it end, which it does when its line is closed; or make it."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._process is not None:
            if kill:
                self._process.kill()
            self._process.wait()
            self._process = None


def serve_line(line: socket.socket) -> Birth | None:
    """The answering end: fork and bury until the line is closed. Returns in every process that is born too,
    with what it is to do.
    """
    # What is loaded stays: no collection shall touch, and so copy, the pages that are shared.
    gc.collect()
    gc.freeze()
    parent = os.getpid()
    while True:
        raw, descriptors, _, _ = socket.recv_fds(line, _REQUEST_BYTES, 1)
        if not raw:
            return None
        request = _decoder.decode(raw)
        if isinstance(request, int):
            line.send(b"=" + _status_of(request))
            continue
        (beat_fd,) = descriptors
        try:
            pid = os.fork()
        except OSError:
            # Too many processes, or no memory: whoever asked will ask again, and those that live go on.
            pid = -1
        if not pid:
            line.close()
            os.setpgid(0, 0)
            _set_name(request.name)
            return Birth(request, parent, beat_fd)
        os.close(beat_fd)
        line.send(b"=%d" % pid if pid > 0 else b"=")


def _status_of(pid: int) -> bytes:
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return b""
    return b"%d" % os.waitstatus_to_exitcode(status)


def _set_name(name: str) -> None:
    """In lists of processes; the kernel keeps 15 bytes."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
