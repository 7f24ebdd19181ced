"""Drives of a formation as values, and formations on real folders that stop after so many writes."""

from __future__ import annotations

import errno
import os

import attrs

from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.randomness import SystemRandomness
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.formation import Former
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.formation import decide
from rustfs_proto.topology.verdicts import Formation, Wish

IDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(1000)]
NOW_MS = 1_800_000_000_000


def fresh(path: str, **fields) -> Finding:
    return Finding(path, Condition.FRESH, **({"free_bytes": 1 << 40, "mount": path} | fields))


def fresh_drives(count: int) -> list[Finding]:
    return [fresh(f"/d{number}") for number in range(count)]


def unusable(path: str) -> Finding:
    return Finding(path, Condition.UNUSABLE, f"drive {path} is broken; mend it")


def outcome(found: list[Finding], wish: Wish | None = None, *, first_id: int = 0) -> Formation:
    ids = IDS[first_id : first_id + len(found) + 1]
    return decide(found, wish or Wish(), ids, NOW_MS)


def afterwards(found: list[Finding], formation: Formation, *, has_data: bool = True) -> list[Finding]:
    """What a later start finds, when all that was decided was written and the drives were used."""
    return [
        finding
        if verdict.identity is None
        else attrs.evolve(
            finding,
            condition=Condition.FORMATTED,
            identity=verdict.identity,
            deployment=formation.deployment,
            has_data=has_data,
        )
        for finding, verdict in zip(found, formation.verdicts, strict=True)
    ]


def formed(count: int) -> list[Finding]:
    """Drives of a deployment in use."""
    found = fresh_drives(count)
    return afterwards(found, outcome(found))


def faults(formation: Formation) -> dict[str, str]:
    return {verdict.path: verdict.fault for verdict in formation.verdicts if verdict.fault}


class Stopped(Exception):
    """The machine went off."""


class FilesThatStop(RealFiles):
    """Real files that raise `Stopped` instead of the write numbered `writes`."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        if path.endswith(".json"):
            if self.left == 0:
                raise Stopped
            self.left -= 1
        super().write_file(path, content, mode=mode)


class FilesThatFailIn(RealFiles):
    """Real files of which those in `folder` can be read only."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def write_file(self, path: str, content: bytes, *, mode: int = 0o600) -> None:
        if path.startswith(f"{self.folder}/"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        super().write_file(path, content, mode=mode)


def former(files: RealFiles | None = None, known_mounts=None, accepted=(), **settings) -> Former:
    node = NodeSettings(format_free_bytes_min=0, lock_wait_s=0.2, **settings)
    return Former(
        files or RealFiles(), SystemClock(), SystemRandomness(), node, frozenset(accepted), known_mounts or {}
    )
