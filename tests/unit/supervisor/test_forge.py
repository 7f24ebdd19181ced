"""The forge: real processes forked from one that has loaded the program, buried by it, and dead with it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from rustfs_node.seams.forking import Forge, ForgeLost
from rustfs_node.seams.processes import ALIVE, BeatLine, beat_pipe
from tests.kit.node import descriptor_of

ROOT = Path(__file__).parents[3]

# Born to say who they are, and to leave with the status that they are given, or to wait.
PROGRAM = """
import os, signal, socket, sys
from rustfs_node.seams.forking import serve_line
from rustfs_node.seams.processes import die_with_parent

birth = serve_line(socket.socket(fileno=int(sys.argv[1])))
if birth is not None:
    assert die_with_parent(birth.parent)
    os.write(birth.beat_fd, birth.order.role.encode())
    if birth.order.arguments:
        sys.exit(int(birth.order.arguments[0]))
    signal.pause()
"""


# Where the system has no room for the second process.
CROWDED = """
import os

fork, outcomes = os.fork, [None, OSError(11, "no room")]

def fork_perhaps():
    outcome = outcomes.pop(0) if outcomes else None
    if outcome is not None:
        raise outcome
    return fork()

os.fork = fork_perhaps
"""


@asynccontextmanager
async def running_forge(program=PROGRAM):
    """A forge of small processes, ended with its children."""
    forge = Forge([sys.executable, "-c", program, "{line_fd}"], os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        with trio.fail_after(60):
            yield forge
    finally:
        forge.close(kill=True)


async def test_forked_and_buried():
    """Each fork is a process of its own with its name, orders and line; its exit status comes back."""
    async with running_forge() as forge:
        children = [await forge.fork(f"child-{status}", "some-role", [str(status)]) for status in (0, 7)]
        assert len({child.pid for child in children}) == 2
        assert [await child.receive_beats() for child in children] == [b"some-role"] * 2
        assert [await child.wait() for child in children] == [0, 7]
        for child in children:
            child.close()
        waiting = await forge.fork("child-name", "waits", [])
        assert await waiting.receive_beats() == b"waits"
        assert Path(f"/proc/{waiting.pid}/comm").read_text().strip() == "child-name"
        waiting.send_signal(signal.SIGTERM)
        assert await waiting.wait() == -signal.SIGTERM
        waiting.send_signal(signal.SIGTERM)
        waiting.close()


async def test_a_forge_that_dies_takes_its_children_along():
    """SIGKILL to the forge ends what came from it, and the next request starts another one."""
    async with running_forge() as forge:
        child = await forge.fork("first", "waits", [])
        assert await child.receive_beats() == b"waits"
        with descriptor_of(child.pid) as fd:
            os.kill(
                int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL
            )
            assert fd is None or select.select([fd], [], [], 30)[0]
        assert await child.wait() == -signal.SIGKILL
        child.close()
        again = await forge.fork("second", "waits", [])
        assert await again.receive_beats() == b"waits"
        again.close()


async def test_a_forge_that_cannot_start_is_lost():
    """Whoever asks is told, each time anew."""
    forge = Forge([sys.executable, "-c", "raise SystemExit(3)", "{line_fd}"], os.environ)
    for _ in range(2):
        with pytest.raises(ForgeLost):
            await forge.fork("nobody", "nothing", [])


async def test_no_descriptor_is_left():
    """Forks, burials and the end of a forge give every descriptor back."""
    before = len(os.listdir("/proc/self/fd"))
    async with running_forge() as forge:
        for _ in range(3):
            child = await forge.fork("child", "some-role", ["0"])
            await child.wait()
            child.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_loaded_program_has_one_thread():
    """A fork copies only the thread that forks: nothing that workers load may start another one."""
    code = "import rustfs_node.forge, os; print(len(os.listdir('/proc/self/task')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_the_forge_ends_with_its_line():
    """A supervisor that closes the line, or is gone, leaves no forge behind."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        line = str(theirs.fileno())
        command = [sys.executable, "-m", "rustfs_node.forge", "--line", line, "--parent", str(os.getpid())]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=(theirs.fileno(),))
        theirs.close()
        ours.close()
        assert process.wait(60) == 0


async def test_a_fork_that_the_system_refuses_harms_nobody():
    """Whoever asked is told, and the processes that are there already go on."""
    async with running_forge(CROWDED + PROGRAM) as forge:
        child = await forge.fork("first", "waits", [])
        assert await child.receive_beats() == b"waits"
        with pytest.raises(ForgeLost):
            await forge.fork("second", "waits", [])
        third = await forge.fork("third", "waits", [])
        assert await third.receive_beats() == b"waits"
        assert Path(f"/proc/{child.pid}/comm").read_text().strip() == "first"
        for one in (child, third):
            one.close()


def test_beats_to_a_dead_supervisor_do_nothing():
    """Between the death of the supervisor and its own a worker does not crash."""
    ours, theirs = beat_pipe()
    line = BeatLine(theirs)
    line.send(ALIVE)
    os.close(ours)
    line.send(ALIVE)
    os.close(theirs)
