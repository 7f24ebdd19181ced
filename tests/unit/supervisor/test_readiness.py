"""When a node may be called ready, decided from the states of its workers."""

from __future__ import annotations

import pytest

from rustfs_node import logs
from rustfs_node.config import Settings
from rustfs_node.plan import Credentials
from rustfs_node.role import EXIT_REFUSED
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor import readiness
from rustfs_node.supervisor.planning import make_plan
from rustfs_node.supervisor.worker import Worker, WorkerState
from tests.unit.supervisor.formation_kit import fresh_drives, outcome

PLAN = make_plan(outcome(fresh_drives(4)), Settings(), "/run/x", Credentials("abc", "12345678"))
DRIVES = [f"drive-0-{slot}" for slot in range(4)]


@pytest.fixture
def workers():
    """All workers of a node of four drives, ready."""

    def make(name):
        worker = Worker(
            name=name,
            spawn=lambda: pytest.fail("nothing is started here"),
            settings=NodeSettings(),
            log=logs.get_logger("test"),
            on_change=lambda: None,
        )
        worker.state = WorkerState.READY
        return worker

    return {name: make(name) for name in [*DRIVES, "set-0", "acceptor-0"]}


def test_all_ready(workers):
    """With everybody ready nothing is missing."""
    assert readiness.missing(PLAN, workers) == []
    assert readiness.is_settled(workers)
    assert readiness.summary(workers) == "6 of 6 workers ready"


def test_read_quorum_is_enough(workers):
    """Two of four drives can be read from; one cannot."""
    for name in DRIVES[:2]:
        workers[name].state = WorkerState.DEAD
    assert readiness.missing(PLAN, workers) == []
    workers[DRIVES[2]].state = WorkerState.STARTING
    assert readiness.missing(PLAN, workers) == ["set-0 has 1 drive ready of 4, needs 2"]
    assert readiness.summary(workers) == "3 of 6 workers ready; not: drive-0-0, drive-0-1, drive-0-2"


@pytest.mark.parametrize("name", ["set-0", "acceptor-0"])
def test_no_set_worker_or_acceptor(workers, name):
    """Every set worker and every acceptor is needed."""
    workers[name].state = WorkerState.STARTING
    assert readiness.missing(PLAN, workers) == [f"{name} is starting"]


def test_settled(workers):
    """A worker that still starts is waited for; one that has died once is not."""
    workers[DRIVES[0]].state = WorkerState.STARTING
    assert not readiness.is_settled(workers)
    workers[DRIVES[0]].last_status = 1
    assert readiness.is_settled(workers)


def test_refused(workers):
    """A worker that refused is told apart from one that crashed."""
    workers["acceptor-0"].last_status = EXIT_REFUSED
    workers["set-0"].last_status = 1
    assert readiness.refused(workers, ["acceptor-0", "set-0"]) == ["acceptor-0"]
