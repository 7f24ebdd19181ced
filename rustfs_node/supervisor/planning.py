"""From a formation to the plan that the workers read, and the folder it lies in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import accumulate

import attrs
import xxhash

from rustfs_node.config import Settings
from rustfs_node.plan import (
    Credentials,
    DrivePlan,
    NodePlan,
    ProcessPlan,
    SetPlan,
    drive_name,
    endpoint_of,
    set_name,
)
from rustfs_node.seams.node_files import (
    FolderLock,
    empty_folder,
    lock_folder,
    make_private_folder,
    read_bytes,
    temporary_parent,
    write_private,
)
from rustfs_proto.disk.identity import HEALING
from rustfs_proto.erasure.storage_classes import class_parities
from rustfs_proto.topology.endpoints import PoolShape
from rustfs_proto.topology.verdicts import Formation, Verdict

_OWNER_FILE = "owner"
"""In the runtime folder: the supervisor's process id, then its drives, one per line."""

ONLY_NODE_NUMBER = 0
"""The writer part of this node's stamps."""


class RuntimeFolderError(Exception):
    """The folder for the processes' sockets cannot be used; the text says why and what to do."""


@attrs.define(eq=False)
class RuntimeFolder:
    """The folder of sockets and the plan, locked for as long as the node runs."""

    path: str
    _lock: FolderLock

    @property
    def plan_file(self) -> str:
        """Where the plan lies."""
        return f"{self.path}/plan.json"

    def close(self) -> None:
        """Remove what the run left there. The folder stays: a next node may have opened it already."""
        empty_folder(self.path)
        self._lock.close()


def open_runtime_folder(
    configured: str, environ: Mapping[str, str], user: int, drives: Sequence[str]
) -> RuntimeFolder:
    """The folder as configured, else systemd's, else one whose name follows from the drives."""
    path = configured or environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or _default_folder(user, drives)
    path = os.path.abspath(path)
    try:
        make_private_folder(path)
        lock = lock_folder(path)
    except OSError as error:
        raise RuntimeFolderError(
            f"runtime folder {path}: {error}; name another with --runtime-dir"
        ) from error
    if lock is None:
        raise RuntimeFolderError(_who_has(path, drives))
    # A node that was killed leaves its sockets behind.
    empty_folder(path)
    write_private(f"{path}/{_OWNER_FILE}", "\n".join([str(os.getpid()), *drives]).encode())
    return RuntimeFolder(path, lock)


def _who_has(path: str, drives: Sequence[str]) -> str:
    """The folder is locked: by which process, for which drives, and what to do."""
    try:
        pid, *served = read_bytes(f"{path}/{_OWNER_FILE}").decode().splitlines()
    except (OSError, ValueError):
        # It has just begun, or is just going.
        return f"runtime folder {path} is in use by another node: name another with --runtime-dir"
    if set(served) & set(drives):
        return f"these drives are served by process {pid} already: stop it (kill {pid}), or use that node"
    return (
        f"runtime folder {path} is in use by process {pid}, which serves {', '.join(served)}:"
        " name another with --runtime-dir"
    )


def _default_folder(user: int, drives: Sequence[str]) -> str:
    """Short, because socket paths are; the same for each start on these drives, so that nothing piles up."""
    name = xxhash.xxh3_64_hexdigest("\n".join(drives).encode())[:8]
    return f"{temporary_parent((f'/run/user/{user}',))}/rustfs-node-{user}-{name}"


def make_plan(
    formation: Formation,
    settings: Settings,
    runtime_dir: str,
    credentials: Credentials,
    pools: Sequence[PoolShape] = (),
) -> NodePlan:
    """The plan of this node; no `pools` means one. Raises `RuntimeFolderError` where a socket's path would be
    too long.
    """
    numbers = pool_of_each_set(pools, formation.deployment.sizes())
    try:
        sets = tuple(
            attrs.evolve(one, pool=numbers[one.index])
            for one in _sets(formation, runtime_dir, settings.storage_class.by_name())
        )
    except ValueError as error:
        raise RuntimeFolderError(str(error)) from error
    return NodePlan(
        deployment_id=formation.deployment.deployment_id,
        node_number=ONLY_NODE_NUMBER,
        settings=settings,
        sets=sets,
        runtime_dir=runtime_dir,
        credentials=credentials,
    )


def pool_of_each_set(pools: Sequence[PoolShape], sizes: Sequence[int]) -> list[int]:
    """The number of the pool of each set, given how many drives the sets have; no pools means one."""
    numbers = [number for number, pool in enumerate(pools) for _ in range(pool.drives)]
    firsts = accumulate(sizes, initial=0)
    return [numbers[first] if numbers else 0 for first, _ in zip(firsts, sizes, strict=False)]


def _sets(formation: Formation, runtime_dir: str, classes: Mapping[str, str]) -> tuple[SetPlan, ...]:
    return tuple(
        SetPlan(
            index=index,
            name=set_name(index),
            endpoint=endpoint_of(runtime_dir, set_name(index)),
            k=len(record.slots) - record.parity,
            m=record.parity,
            drives=_drives(formation.verdicts, index, runtime_dir),
            workers=(_worker(index, runtime_dir),),
            class_parities=tuple(class_parities(classes, record.parity).items()),
            is_added=formation.deployment.is_added(index),
        )
        for index, record in enumerate(formation.deployment.sets)
    )


def _worker(index: int, runtime_dir: str) -> ProcessPlan:
    return ProcessPlan(ONLY_NODE_NUMBER, set_name(index), endpoint_of(runtime_dir, set_name(index)))


def _drives(verdicts: Sequence[Verdict], set_index: int, runtime_dir: str) -> tuple[DrivePlan, ...]:
    return tuple(
        own_drive(verdict, verdict.path, runtime_dir)
        for verdict in verdicts
        if verdict.set_index == set_index
    )


def own_drive(
    verdict: Verdict, path: str, runtime_dir: str, node: int = ONLY_NODE_NUMBER, listen: str = ""
) -> DrivePlan:
    """The plan of a drive of this node, in the folder that it has here."""
    name, identity = drive_name(verdict.set_index, verdict.slot), verdict.identity
    return DrivePlan(
        slot=verdict.slot,
        name=name,
        endpoint=endpoint_of(runtime_dir, name),
        path=path,
        drive_id="" if identity is None else identity.drive_id,
        healing=identity is not None and identity.state == HEALING,
        fault=verdict.fault,
        node=node,
        listen=listen,
    )
