"""What a node remembers beside its drives: where each was mounted. When every disk is away at once no drive
is left to tell, and the empty mount points would look like a first start.

The file is a help, not a truth: without it a start goes on as if nothing were known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import msgspec
import structlog
import xxhash

from rustfs_node.seams.node_files import ensure_folder, read_bytes, write_private
from rustfs_proto.topology.verdicts import Formation

log = structlog.get_logger("supervisor")


@attrs.frozen
class MountMemory:
    """One file for each list of folders that a node was started with."""

    folder: str
    paths: tuple[str, ...]

    @property
    def _file(self) -> str:
        return f"{self.folder}/mounts-{xxhash.xxh3_64_hexdigest(chr(10).join(self.paths).encode())[:8]}.json"

    def load(self) -> dict[str, str]:
        """Folder → mount point, of the folders that were drives before."""
        try:
            return msgspec.json.decode(read_bytes(self._file), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            log.warning("mounts_forgotten", file=self._file, reason=str(error))
            return {}

    def save(self, formation: Formation) -> None:
        """Remember the drives that take part now, beside what was known of the others."""
        before = self.load()
        after = before | mounts_of(formation)
        if after == before:
            return
        try:
            ensure_folder(self.folder)
            write_private(self._file, msgspec.json.format(msgspec.json.encode(after), indent=2))
        except OSError as error:
            log.warning("mounts_not_remembered", file=self._file, reason=str(error.strerror))


def mounts_of(formation: Formation) -> dict[str, str]:
    """Where the drives were mounted when they were formatted."""
    sets = formation.deployment.sets
    return {v.path: sets[v.set_index].slots[v.slot].mount for v in formation.verdicts if not v.fault}


def state_folder(environ: Mapping[str, str], home: str) -> str:
    """Systemd's state folder, else one in the user's."""
    given: Sequence[str] = environ.get("STATE_DIRECTORY", "").split(":")
    return given[0] or f"{environ.get('XDG_STATE_HOME') or f'{home}/.local/state'}/rustfs-node"
