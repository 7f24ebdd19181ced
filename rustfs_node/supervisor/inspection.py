"""Looking at drives before anything is decided: one `Finding` per folder.

Nothing is changed but a probe file that is written, synced and removed, and a missing folder that is made
where its parent exists. The caller holds the folders' locks from here to the end of the formation.
"""

from __future__ import annotations

import os.path

import attrs

from rustfs_node.seams.files import Files
from rustfs_proto.disk.identity import DriveIdentity, IdentityError, parse_identity
from rustfs_proto.disk.layout import IDENTITY_FILE, LOG_FOLDER, SHARD_FOLDER
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import LAYOUT_FILE, Deployment, DeploymentError, parse_deployment
from rustfs_proto.topology.findings import Condition, Finding

PROBE_FILE = ".rustfs-probe"

_OURS = (IDENTITY_FILE, LAYOUT_FILE)
# Where a drive worker makes files: each may have an owner, a mode and a mount of its own.
_WRITTEN = (LOG_FOLDER, SHARD_FOLDER)
# What a crash of our own, or mkfs, leaves behind: such a folder is as good as empty.
HARMLESS = frozenset(
    {"lost+found", LAYOUT_FILE, *(f".{name}.tmp" for name in (*_OURS, PROBE_FILE)), PROBE_FILE}
)


@attrs.frozen
class Inspector:
    """Looks at drives through the seam; `user` is the id that we write as."""

    files: Files
    user: int

    def make_folder(self, path: str) -> str:
        """Have a folder at `path`, making it inside an existing parent; what is wrong otherwise, or empty."""
        parent = os.path.dirname(path)
        try:
            if self.files.exists(path):
                return "" if self.files.stat(path).is_folder else say.not_a_folder(path)
            if not self.files.exists(parent):
                return say.no_parent(path, parent)
            self.files.make_folder(path)
            self.files.sync_folder(parent)
        except PermissionError as error:
            return say.denied(path, parent, str(error.strerror), self.user)
        except OSError as error:
            return say.unreadable(path, str(error.strerror))
        return ""

    def why_unreadable(self, path: str, error: OSError) -> str:
        """Why looking, or locking, failed."""
        if isinstance(error, PermissionError):
            return say.denied(path, str(error.filename or path), str(error.strerror), self.user)
        return say.unreadable(path, str(error.strerror))

    def look(self, path: str, mount: str) -> Finding:
        """What is in the folder, which exists and is locked."""
        try:
            names = set(self.files.list_folder(path))
            free_bytes = self.files.space(path).free_bytes
            identity = self._identity(path) if IDENTITY_FILE in names else None
            deployment = self._deployment(path) if identity is not None and LAYOUT_FILE in names else None
        except (IdentityError, DeploymentError) as error:
            return unusable(path, say.bad_identity(path, str(error)), mount)
        except OSError as error:
            return unusable(path, self.why_unreadable(path, error), mount)
        strange = sorted(names - HARMLESS - {IDENTITY_FILE})
        if identity is None and strange:
            return unusable(path, say.occupied(path, strange), mount)
        places = (path, *(f"{path}/{name}" for name in _WRITTEN if name in names and identity is not None))
        problem = next(filter(None, (self._probe(path, place) for place in places)), "")
        if problem:
            return unusable(path, problem, mount)
        return Finding(
            path=path,
            condition=Condition.FRESH if identity is None else Condition.FORMATTED,
            identity=identity,
            deployment=deployment,
            has_data=bool(strange),
            mount=mount,
            free_bytes=free_bytes,
        )

    def _identity(self, path: str) -> DriveIdentity:
        return parse_identity(self.files.read_file(f"{path}/{IDENTITY_FILE}"))

    def _deployment(self, path: str) -> Deployment:
        return parse_deployment(self.files.read_file(f"{path}/{LAYOUT_FILE}"))

    def _probe(self, path: str, place: str) -> str:
        """Really write, sync and remove a file: permissions, read-only mounts and dying disks all
        show here.
        """
        probe = f"{place}/{PROBE_FILE}"
        try:
            self.files.write_file(probe, b"may be removed at any time\n")
            self.files.remove(probe)
        except OSError as error:
            words = say.denied if isinstance(error, PermissionError) else say.unwritable
            return words(path, place, str(error.strerror), self.user)
        return ""


def unusable(path: str, problem: str, mount: str = "/") -> Finding:
    """A drive that takes no part."""
    return Finding(path, Condition.UNUSABLE, problem, mount=mount)
