"""From folders to a formation: lock and look at every drive, let `rustfs_proto.topology` decide, then write
what was decided.

The order of writes is what makes it safe to stop anywhere; the reasons stand in
`rustfs_proto.topology.formation`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence

import attrs
import trio

from rustfs_node.seams.clock import Clock
from rustfs_node.seams.files import Files
from rustfs_node.seams.node_files import FolderLock, lock_folder, mount_point_of
from rustfs_node.seams.randomness import Randomness
from rustfs_node.settings.node import NodeSettings
from rustfs_node.settings.storage_class import StorageClassSettings
from rustfs_node.supervisor.inspection import Inspector, unusable
from rustfs_proto.disk.identity import format_identity
from rustfs_proto.disk.layout import IDENTITY_FILE
from rustfs_proto.erasure.storage_classes import wanted_parity
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import LAYOUT_FILE, Deployment, format_deployment
from rustfs_proto.topology.endpoints import PoolShape
from rustfs_proto.topology.findings import Finding
from rustfs_proto.topology.formation import decide
from rustfs_proto.topology.verdicts import Formation, Verdict, Wish

_LOCK_POLL_S = 0.05


@attrs.define(eq=False)
class Former:
    """Makes a formation of folders, through the seams it is given. `found` is what `form` saw."""

    files: Files
    clock: Clock
    randomness: Randomness
    settings: NodeSettings
    accepted: frozenset[str]
    known_mounts: Mapping[str, str]
    classes: StorageClassSettings = attrs.field(factory=StorageClassSettings)
    pools: tuple[PoolShape, ...] = ()
    may_grow: bool = False
    found: Sequence[Finding] = ()
    _locks: list[FolderLock] = attrs.field(factory=list)

    async def form(
        self, paths: Sequence[str], before_writing: Callable[[str], None] | None = None
    ) -> Formation:
        """Look, decide and write. Raises `Refusal` or `ValueError` where the node must not start, with the
        reasons, or whatever `before_writing`, given the deployment's id, raises; then nothing was written.
        """
        try:
            self.found = await self.look(paths)
            formation = decide(self.found, self.wish(), self.new_ids(len(paths)), self.clock.wall_ms())
            if before_writing is not None:
                before_writing(formation.deployment.deployment_id)
            self.write(formation)
        finally:
            self.release()
        return formation

    async def look(self, paths: Sequence[str]) -> list[Finding]:
        """Lock and look at these drives, which stay locked until `release`."""
        inspector = Inspector(self.files, os.geteuid())
        deadline_s = trio.current_time() + self.settings.lock_wait_s
        return [await self._inspect(inspector, path, deadline_s) for path in paths]

    def release(self) -> None:
        """Let the drives go."""
        while self._locks:
            self._locks.pop().close()

    async def _inspect(self, inspector: Inspector, path: str, deadline_s: float) -> Finding:
        problem = inspector.make_folder(path)
        if problem:
            return unusable(path, problem)
        try:
            lock = lock_folder(path)
            # The workers of a node that was killed hold their drives until the kernel has buried them.
            while lock is None and trio.current_time() < deadline_s:
                await trio.sleep(_LOCK_POLL_S)
                lock = lock_folder(path)
        except OSError as error:
            return unusable(path, inspector.why_unreadable(path, error))
        if lock is None:
            return unusable(path, say.in_use(path))
        self._locks.append(lock)
        return inspector.look(path, mount_point_of(path))

    def wish(self) -> Wish:
        """What the configuration asks for."""
        standard = self.classes.standard
        return Wish(
            parity=wanted_parity(self.settings.parity, standard),
            parity_setting="storage_class.standard" if standard else "node.parity",
            classes=self.classes.by_name(),
            set_drives=self.settings.set_drives,
            format_free_bytes_min=self.settings.format_free_bytes_min,
            start_free_bytes_min=self.settings.start_free_bytes_min,
            accepted=self.accepted,
            known_mounts=self.known_mounts,
            pools=self.pools,
            may_grow=self.may_grow,
        )

    def new_ids(self, drives: int) -> list[str]:
        """Fresh uuids: for a deployment and for each drive."""
        return [str(uuid.UUID(bytes=self.randomness.token(16), version=4)) for _ in range(drives + 1)]

    def write(self, formation: Formation) -> None:
        """Write what was decided: new drives before old ones, and on each the layout before the identity: a
        folder without identity is empty to whoever looks next. A drive that returns heals before any layout
        says that it is back.
        """
        deployment = formation.deployment
        if formation.first:
            self.begin_founding(formation.verdicts, deployment)
            # From here on nothing is formatted anew; before all of it is done nothing is served.
            self.write_layouts(formation.verdicts, deployment)
            return
        if formation.added_from is not None:
            # Nothing of an added set counts before one drive has the layout complete.
            added = [
                v for v in formation.verdicts if v.set_index >= formation.added_from and v.write_identity
            ]
            self.begin_founding([attrs.evolve(v, write_layout=True) for v in added], deployment)
        fresh = [v for v in formation.verdicts if v.write_identity and not v.returns]
        self._write_identities([v for v in formation.verdicts if v.returns])  # those that heal
        self.write_layouts(fresh, deployment)
        self._write_identities(fresh)
        self.write_layouts([v for v in formation.verdicts if v not in fresh], deployment)

    def begin_founding(self, verdicts: Sequence[Verdict], deployment: Deployment) -> None:
        """The first step: as if nothing had been done, to whoever looks before the last step."""
        self.write_layouts(verdicts, attrs.evolve(deployment, complete=False))
        self._write_identities(verdicts)

    def write_layouts(self, verdicts: Sequence[Verdict], deployment: Deployment) -> None:
        """Write the layout to the drives that want it."""
        for verdict in verdicts:
            if verdict.write_layout:
                self.files.write_file(f"{verdict.path}/{LAYOUT_FILE}", format_deployment(deployment))

    def _write_identities(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.write_identity and verdict.identity is not None:
                content = format_identity(verdict.identity)
                self.files.write_file(f"{verdict.path}/{IDENTITY_FILE}", content)
