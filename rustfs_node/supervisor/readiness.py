"""Whether a node may be called ready. Pure: states of workers in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping

from rustfs_node.plan import NodePlan, acceptor_name
from rustfs_node.role import EXIT_REFUSED
from rustfs_node.supervisor.worker import Worker, WorkerState
from rustfs_proto.topology.findings import drives


def missing(plan: NodePlan, workers: Mapping[str, Worker]) -> list[str]:
    """What the node lacks to serve, in words; empty when it can: every acceptor, every set worker and a read
    quorum of drives, which in a cluster the other nodes may have.
    """
    lacking = [
        f"{name} is {workers[name].state}"
        for name in (
            *(acceptor_name(number) for number in range(plan.settings.node.acceptors)),
            *(own.name for own in map(plan.own_worker, plan.sets) if own is not None),
        )
        if workers[name].state is not WorkerState.READY
    ]
    for one in plan.sets:
        ready = [drive for drive in one.drives if _is_ready(workers, drive.name)]
        if len(ready) < one.k - (len(one.drives) - len(plan.own_drives(one))):
            lacking.append(f"{one.name} has {drives(len(ready))} ready of {len(one.drives)}, needs {one.k}")
    return lacking


def is_settled(workers: Mapping[str, Worker]) -> bool:
    """Whether every worker is ready or has failed at least once, so that waiting longer is not worth it while
    enough are ready.
    """
    return all(
        worker.state is WorkerState.READY or worker.last_status is not None for worker in workers.values()
    )


def refused(workers: Mapping[str, Worker], names: list[str]) -> list[str]:
    """Which of these workers said that starting them again will not help."""
    return [name for name in names if workers[name].last_status == EXIT_REFUSED]


def summary(workers: Mapping[str, Worker]) -> str:
    """One line for people: how many are ready, and who is not."""
    away = sorted(name for name, worker in workers.items() if worker.state is not WorkerState.READY)
    text = f"{len(workers) - len(away)} of {len(workers)} workers ready"
    return f"{text}; not: {', '.join(away)}" if away else text


def _is_ready(workers: Mapping[str, Worker], name: str) -> bool:
    return name in workers and workers[name].state is WorkerState.READY
