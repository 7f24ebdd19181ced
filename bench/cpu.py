"""Processor time of a server's processes, by what each of them is for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from bench.work import RoleTime

_ROLES = frozenset({"acceptor", "set", "drive"})
_TICKS = os.sysconf("SC_CLK_TCK")

Times = dict[str, RoleTime]


def times_of(pids: Iterable[int]) -> Times:
    """User and system time so far of the process trees under `pids`, by role."""
    found: Times = {}
    for member in chain.from_iterable(map(tree, pids)):
        role = role_of(Path(f"/proc/{member}/comm").read_text())
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        before = found.get(role, RoleTime(0, 0.0))
        found[role] = RoleTime(
            before.processes + 1, before.cpu_s + (int(fields[11]) + int(fields[12])) / _TICKS
        )
    return found


def between(before: Times, after: Times) -> Times:
    """What was spent; a role whose processes were replaced meanwhile counts from their start."""
    none = RoleTime(0, 0.0)
    return {
        role: RoleTime(time.processes, max(0.0, time.cpu_s - before.get(role, none).cpu_s))
        for role, time in after.items()
    }


def role_of(name: str) -> str:
    """The role of a process that calls itself "drive-0-1" or "set-0"; "server" for every other name."""
    role = name.strip().partition("-")[0]
    return role if role in _ROLES else "server"


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in tree(int(child)))]
