"""The commands of the workers and the environment they get."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from rustfs_node.plan import NodePlan, acceptor_name
from rustfs_node.seams.processes import Child, spawn

DRIVES, SETS, ACCEPTORS = "drives", "sets", "acceptors"

# A worker reads its settings from the plan. Secrets have no place in the environment of a process that does
# not need them, and NOTIFY_SOCKET belongs to the one process that systemd knows.
_NOT_INHERITED_PREFIXES = ("RUSTFS_", "MINIO_")
_NOT_INHERITED = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})


def worker_commands(plan: NodePlan, plan_file: str) -> dict[str, dict[str, list[str]]]:
    """Stage → (worker name → command), stages in the order in which they depend on each other."""
    drives = {
        drive.name: _command("drive", plan_file, "--set", str(one.index), "--slot", str(drive.slot))
        for one in plan.sets
        for drive in one.drives
        if not drive.fault
    }
    sets = {one.name: _command("erasureset", plan_file, "--set", str(one.index)) for one in plan.sets}
    acceptors = {
        acceptor_name(number): _command("acceptor", plan_file, "--number", str(number))
        for number in range(plan.settings.node.acceptors)
    }
    return {DRIVES: drives, SETS: sets, ACCEPTORS: acceptors}


def _command(role: str, plan_file: str, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", f"rustfs_node.{role}", "--plan", plan_file, *arguments),
        *("--parent", str(os.getpid()), "--beat-fd", "{beat_fd}"),
    ]


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What workers inherit."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _NOT_INHERITED and not name.startswith(_NOT_INHERITED_PREFIXES)
    }


def start(name: str, command: list[str]) -> Child:
    """Start one worker."""
    return spawn(name, command, worker_environment(os.environ))
