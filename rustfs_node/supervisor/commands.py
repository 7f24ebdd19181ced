"""The commands of the workers and the environment they get."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import attrs

from rustfs_node.plan import NodePlan, acceptor_name
from rustfs_node.seams.forking import Forge
from rustfs_node.seams.processes import Child

DRIVES, SETS, ACCEPTORS = "drives", "sets", "acceptors"

# A worker reads its settings from the plan. Secrets have no place in the environment of a process that does
# not need them, and NOTIFY_SOCKET belongs to the one process that systemd knows.
_NOT_INHERITED_PREFIXES = ("RUSTFS_", "MINIO_")
_NOT_INHERITED = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})


@attrs.frozen
class WorkerCommand:
    """What a worker is to be: its role, and that role's arguments."""

    role: str
    arguments: tuple[str, ...]


def worker_commands(plan: NodePlan, plan_file: str) -> dict[str, dict[str, WorkerCommand]]:
    """Stage → (worker name → command), stages in the order in which they depend on each other."""
    drives = {
        drive.name: drive_command(plan_file, one.index, drive.slot)
        for one in plan.sets
        for drive in plan.own_drives(one)
        if not drive.fault
    }
    sets = {
        own.name: _command("erasureset", plan_file, "--set", str(one.index))
        for one in plan.sets
        if (own := plan.own_worker(one)) is not None
    }
    acceptors = {
        acceptor_name(number, plan.node_number): _command("acceptor", plan_file, "--number", str(number))
        for number in range(plan.settings.node.acceptors)
    }
    return {DRIVES: drives, SETS: sets, ACCEPTORS: acceptors}


def drive_command(plan_file: str, set_index: int, slot: int) -> WorkerCommand:
    """The worker of the drive in that slot."""
    return _command("drive", plan_file, "--set", str(set_index), "--slot", str(slot))


def _command(role: str, plan_file: str, *arguments: str) -> WorkerCommand:
    return WorkerCommand(role, ("--plan", plan_file, *arguments))


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What workers inherit."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _NOT_INHERITED and not name.startswith(_NOT_INHERITED_PREFIXES)
    }


def make_forge() -> Forge:
    """The process that workers are forked from; not started yet."""
    command = (sys.executable, "-m", "rustfs_node.forge", "--line", "{line_fd}", "--parent", str(os.getpid()))
    return Forge(command, worker_environment(os.environ))


async def start(forge: Forge, name: str, command: WorkerCommand) -> Child:
    """Start one worker."""
    return await forge.fork(name, command.role, command.arguments)
