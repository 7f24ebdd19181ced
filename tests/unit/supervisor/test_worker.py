"""Workers: real child processes, started, watched, restarted and stopped."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial

import attrs
import pytest
import trio
import trio.testing

from rustfs_node import logs
from rustfs_node.seams.forking import ForgeLost
from rustfs_node.seams.processes import spawn
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.backoff import Backoff
from rustfs_node.supervisor.worker import Worker, WorkerState, describe

PRELUDE = "import os, sys, signal, time; beat = int(sys.argv[1]);"
READY_AND_WAIT = PRELUDE + "os.write(beat, b'R'); signal.pause()"
DEAF = (
    PRELUDE
    + "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(beat, b'R'); signal.pause(); signal.pause()"
)
SILENT = PRELUDE + "signal.pause()"
SETTINGS = NodeSettings(restart_delay_first_s=0.01, restart_delay_max_s=0.02, hang_after_s=30.0)


@attrs.define(eq=False, slots=False)
class Watched:
    """A worker running a Python one-liner, and a way to wait for what becomes of it."""

    code: str
    settings: NodeSettings = SETTINGS
    spawned: int = 0
    children: list = attrs.field(factory=list)
    changed: trio.Event = attrs.field(factory=trio.Event)
    refusals: int = 0
    may_spawn: trio.Event = attrs.field(factory=trio.Event)
    is_spawning: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self.may_spawn.set()
        self.worker = Worker(
            name="test",
            spawn=self.spawn,
            settings=self.settings,
            log=logs.get_logger("test"),
            on_change=self.note,
        )

    async def spawn(self):
        self.spawned += 1
        if self.spawned <= self.refusals:
            raise ForgeLost("told to refuse")
        self.is_spawning.set()
        await self.may_spawn.wait()
        child = spawn("test", [sys.executable, "-c", self.code, "{beat_fd}"], os.environ)
        self.children.append(child)
        return child

    def note(self):
        self.changed.set()
        self.changed = trio.Event()

    async def until(self, condition):
        with trio.fail_after(30):
            while not condition():
                await self.changed.wait()

    async def stop(self, within_s=30.0):
        await self.worker.stop(trio.CancelScope(deadline=trio.current_time() + within_s))


def is_ready(watched):
    return watched.worker.state is WorkerState.READY


async def test_ready_and_stopped(nursery):
    """A worker is ready when its process says so, and stops at SIGTERM without being started again."""
    watched = Watched(READY_AND_WAIT)
    nursery.start_soon(watched.worker.run)
    await watched.until(partial(is_ready, watched))
    await watched.stop()
    assert watched.worker.state is WorkerState.STOPPED
    assert watched.worker.last_status == -signal.SIGTERM
    assert watched.spawned == 1


async def test_killed_process_is_started_again(nursery):
    """After a death there is a new process, ready again."""
    watched = Watched(READY_AND_WAIT)
    nursery.start_soon(watched.worker.run)
    for number in (1, 2, 3):
        await watched.until(lambda number=number: is_ready(watched) and watched.spawned == number)
        os.kill(watched.children[-1].pid, signal.SIGKILL)
        await watched.until(lambda: not is_ready(watched))
    await watched.until(partial(is_ready, watched))
    await watched.stop()
    assert watched.spawned == 4


async def test_silent_process_is_killed(nursery):
    """A process that gives no sign of life is killed and started again."""
    watched = Watched(SILENT, attrs.evolve(SETTINGS, hang_after_s=0.2))
    nursery.start_soon(watched.worker.run)
    await watched.until(lambda: watched.spawned == 2)
    assert watched.worker.last_status == -signal.SIGKILL
    await watched.stop()


async def test_beats_keep_a_process_alive(nursery):
    """Beats within the time mean life, however long the process takes to become ready."""
    beats = "[(time.sleep(0.05), os.write(beat, b'.')) for _ in range(12)];"
    code = f"{PRELUDE} {beats} os.write(beat, b'R'); signal.pause()"
    watched = Watched(code, attrs.evolve(SETTINGS, hang_after_s=0.5))
    nursery.start_soon(watched.worker.run)
    await watched.until(partial(is_ready, watched))
    assert watched.spawned == 1
    await watched.stop()


async def test_process_that_ignores_sigterm_is_killed(nursery):
    """When patience is over a process is killed."""
    watched = Watched(DEAF)
    nursery.start_soon(watched.worker.run)
    await watched.until(partial(is_ready, watched))
    await watched.stop(within_s=0.1)
    assert watched.worker.last_status == -signal.SIGKILL


async def test_stop_while_waiting_to_start_again(nursery):
    """A worker that waits out its delay stops at once."""
    watched = Watched("raise SystemExit(3)", attrs.evolve(SETTINGS, restart_delay_first_s=600.0))
    nursery.start_soon(watched.worker.run)
    await watched.until(lambda: watched.worker.last_status == 3)
    with trio.fail_after(5):
        await watched.stop()


async def test_a_process_that_cannot_be_made_is_tried_again(nursery):
    """Where the forge is lost, that counts as a death of the worker, and the next try may succeed."""
    watched = Watched(READY_AND_WAIT, refusals=2)
    nursery.start_soon(watched.worker.run)
    await watched.until(partial(is_ready, watched))
    assert watched.spawned == 3
    await watched.stop()


async def test_stop_while_a_process_is_being_made(nursery):
    """The process that comes after the word to stop is told so at once."""
    watched = Watched(READY_AND_WAIT)
    watched.may_spawn = trio.Event()
    nursery.start_soon(watched.worker.run)
    await watched.is_spawning.wait()
    nursery.start_soon(watched.stop)
    await trio.testing.wait_all_tasks_blocked()
    watched.may_spawn.set()
    await watched.until(lambda: watched.worker.state is WorkerState.STOPPED)
    assert watched.worker.last_status == -signal.SIGTERM


async def test_no_descriptor_is_left(nursery):
    """Starting and burying a process gives every descriptor back."""
    watched = Watched("pass", attrs.evolve(SETTINGS, restart_delay_first_s=0.001, restart_delay_max_s=0.001))
    before = len(os.listdir("/proc/self/fd"))
    nursery.start_soon(watched.worker.run)
    await watched.until(lambda: watched.spawned == 5)
    await watched.stop()
    assert len(os.listdir("/proc/self/fd")) == before


def test_backoff_doubles_and_forgets():
    """The delay doubles up to its limit and starts anew after a calm run."""
    settings = NodeSettings(restart_delay_first_s=1.0, restart_delay_max_s=5.0, restart_calm_s=60.0)
    backoff = Backoff(settings)
    assert [backoff.died(0.0) for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    assert backoff.died(61.0) == 1.0
    backoff.deaths = 10**6
    assert backoff.died(0.0) == 5.0


@pytest.mark.parametrize(
    ("status", "text"), [(3, "exit status 3"), (-9, "killed by SIGKILL"), (-250, "killed by signal 250")]
)
def test_statuses_in_words(status, text):
    """An exit status reads like a sentence."""
    assert describe(status) == text
