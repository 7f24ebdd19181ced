"""The life of a node: start all workers at once, say when it serves, obey signals, stop in the order
acceptors, sets, drives.

Nothing here decides about drives (`formation`) or about one process (`worker`).
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import structlog
import trio

from rustfs_node import logs
from rustfs_node.config import ConfigError, Settings, origins_after, reloaded
from rustfs_node.plan import NodePlan, encode_plan
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.forking import Forge
from rustfs_node.seams.node_files import write_private
from rustfs_node.supervisor import readiness
from rustfs_node.supervisor.commands import (
    ACCEPTORS,
    DRIVES,
    SETS,
    WorkerCommand,
    start,
    worker_commands,
)
from rustfs_node.supervisor.notify import Notifier
from rustfs_node.supervisor.worker import Worker

PROCESS = "supervisor"

_STAGES_OF_STOPPING = (ACCEPTORS, SETS, DRIVES)


class NodeFailed(Exception):
    """The node could not begin to serve; the text says what is missing."""


@attrs.define(eq=False)
class Node:
    """A running node. `reread` gives the configuration as it is now; `announce` is called once, when the node
    first serves. `attend` is given the node and a nursery for as long as it runs.
    """

    plan: NodePlan
    plan_file: str
    forge: Forge
    clock: Clock
    notifier: Notifier
    log: structlog.typing.FilteringBoundLogger
    reread: Callable[[], Settings]
    announce: Callable[[NodePlan], None]
    attend: Callable[[Node, trio.Nursery], Awaitable[None]]
    workers: dict[str, Worker] = attrs.field(factory=dict)
    stages: dict[str, list[str]] = attrs.field(factory=dict)
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _stop: trio.Event = attrs.field(factory=trio.Event)
    _patience: list[trio.CancelScope] = attrs.field(factory=list)
    _ready: bool = False
    _hurry: bool = False
    _nursery: trio.Nursery | None = None

    @property
    def is_serving(self) -> bool:
        """Between the start and the stop."""
        return self._ready and not self._stop.is_set()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises `NodeFailed` where it never came to serving."""
        self.keep_plan(self.plan)
        failure = ""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await nursery.start(self._obey_signals)
            nursery.start_soon(self._keep_watchdog_quiet)
            self._start_workers()
            await self.attend(self, nursery)
            failure = await self._wait_until_serving()
            if not failure:
                nursery.start_soon(self._report_changes)
                await self._stop.wait()
            await self._stop_workers()
            nursery.cancel_scope.cancel()
        if failure:
            raise NodeFailed(failure)

    def _start_workers(self) -> None:
        """All at once: each connects to the others as they appear."""
        for stage, commands in worker_commands(self.plan, self.plan_file).items():
            self.stages[stage] = []
            for name, command in commands.items():
                self.run_worker(stage, name, command)

    def run_worker(self, stage: str, name: str, command: WorkerCommand) -> None:
        """Keep one more worker running."""
        assert self._nursery is not None, "the node does not run"
        assert name not in self.workers, name
        worker = Worker(
            name=name,
            spawn=partial(start, self.forge, name, command),
            settings=self.plan.settings.node,
            log=self.log,
            on_change=self._note_change,
        )
        self.workers[name] = worker
        self.stages[stage].append(name)
        self._nursery.start_soon(worker.run)

    async def drop_worker(self, name: str) -> bool:
        """Stop one for good; whether there was one."""
        worker = self.workers.get(name)
        if worker is None:
            return False
        await worker.stop(trio.CancelScope(deadline=trio.current_time() + self._stop_deadline_s))
        # Only now: who stops the node meanwhile has to wait for it too.
        del self.workers[name]
        for names in self.stages.values():
            names[:] = [one for one in names if one != name]
        self._note_change()
        return True

    def keep_plan(self, plan: NodePlan) -> None:
        """What workers that are started from now on read."""
        self.plan = plan
        write_private(self.plan_file, encode_plan(plan))

    def _note_change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _wait_until_serving(self) -> str:
        """Wait for the workers; what is missing when waiting is over, empty when the node serves (or is told
        to stop before).
        """
        deadline_s = self.plan.settings.node.start_deadline_s
        while True:
            with trio.move_on_after(deadline_s):
                while not self._stop.is_set() and not self._is_decided():
                    await self._changed.wait()
            lacking = readiness.missing(self.plan, self.workers)
            if self._stop.is_set() or not lacking:
                break
            if self._is_hopeless():
                return f"the node cannot serve: {'; '.join(lacking)} (the reasons stand in the log above)"
            # A drive that rebuilds its index lives and works; to give up would make it begin again.
            self.log.info("still_starting", lacking=lacking)
            self.notifier.starting(readiness.summary(self.workers), 2 * deadline_s)
        if not self._stop.is_set():
            self._begin_serving()
        return ""

    def _begin_serving(self) -> None:
        self._ready = True
        self.announce(self.plan)
        self.log.info("node_ready", status=readiness.summary(self.workers))
        self.notifier.ready(readiness.summary(self.workers))

    def _is_decided(self) -> bool:
        """Whether waiting longer for a start makes no sense."""
        if readiness.refused(self.workers, [*self.stages[ACCEPTORS], *self.stages[SETS]]):
            return True
        return readiness.is_settled(self.workers) and not readiness.missing(self.plan, self.workers)

    def _is_hopeless(self) -> bool:
        """Whether all that is missing has failed already, or will not come."""
        refused = readiness.refused(self.workers, [*self.stages[ACCEPTORS], *self.stages[SETS]])
        return bool(refused) or readiness.is_settled(self.workers)

    async def _report_changes(self) -> None:
        """Keep the status line of systemd true."""
        while not self._stop.is_set():
            self.notifier.status(readiness.summary(self.workers))
            await self._changed.wait()

    async def _keep_watchdog_quiet(self) -> None:
        """Twice per interval, as sd_watchdog_enabled(3) advises."""
        while self.notifier.watchdog_s > 0:
            self.notifier.alive()
            await trio.sleep(self.notifier.watchdog_s / 2)

    async def _obey_signals(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if number == signal.SIGHUP:
                    self._reload()
                elif not self._stop.is_set():
                    self.log.info("stopping", signal=signal.Signals(number).name)
                    self._stop.set()
                    self._note_change()
                else:
                    # Asked a second time: whoever asks does not want to wait.
                    self._hurry = True
                    for scope in self._patience:
                        scope.cancel()

    def _reload(self) -> None:
        """Take over what can be changed while running, and tell the workers."""
        self.notifier.reloading(self.clock.monotonic_s())
        try:
            settings, later = reloaded(self.plan.settings, self.reread())
        except ConfigError as error:
            self.log.warning("reload_failed", errors=error.errors)
        else:
            origins = origins_after(self.plan.origins, self.plan.settings, settings)
            self.keep_plan(attrs.evolve(self.plan, settings=settings, origins=origins))
            node = settings.node
            logs.configure(PROCESS, node.log_level, node.log_format, node.log_lines_kept)
            self.log.info("reloaded", needs_restart=later)
        for worker in self.workers.values():
            worker.send_signal(signal.SIGHUP)
        if self._ready:
            self.notifier.ready(readiness.summary(self.workers))

    @property
    def _stop_deadline_s(self) -> float:
        return 0.0 if self._hurry else self.plan.settings.node.stop_deadline_s

    async def _stop_workers(self) -> None:
        """Clients first, so that nobody is cut off by a server that is already gone."""
        self.notifier.stopping()
        for stage in _STAGES_OF_STOPPING:
            patience_s = self._stop_deadline_s
            async with trio.open_nursery() as nursery:
                for name in self.stages[stage]:
                    scope = trio.CancelScope(deadline=trio.current_time() + patience_s)
                    self._patience.append(scope)
                    nursery.start_soon(self.workers[name].stop, scope)
        self.log.info("stopped")
