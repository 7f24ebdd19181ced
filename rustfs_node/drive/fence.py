"""When a drive may still be trusted.

- A failed write or sync is final: the kernel has forgotten what it could not write, and the next sync would
  succeed.
- A mount that went away is final: the path is the root disk now, where everything would be created afresh.
  Where only rustfs.json is lost, and the log stands there still, it is written again (`engine`).
- A HEALING drive joins the others before its absences count again (`rejoin`).
- Slow syncs and single read errors make the drive SUSPECT for a while; repeated read errors fence it.

A fenced drive does nothing more until the process is started again by somebody who has looked at it.
"""

from __future__ import annotations

from collections import deque

import attrs
import structlog

from rustfs_node.drive.identity_file import DriveAddress, DriveRefused, IdentityLost, read_identity
from rustfs_node.seams.files import Files
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger("drive")


@attrs.define
class Fence:
    """The state of one drive. `reason` says why it is not ONLINE. `joins` is the token of whoever is about
    to end its healing, in this life of the drive.
    """

    path: str
    settings: DriveSettings
    is_healing: bool = False
    reason: str = ""
    is_fenced: bool = False
    joins: bytes = b""
    _suspect_until_s: float = 0.0
    _read_errors_s: deque[float] = attrs.field(factory=deque)

    def state(self, now_s: float) -> DriveState:
        """How far to trust the drive at that moment of the monotonic clock."""
        if self.is_fenced:
            return DriveState.FAULTY
        if self.is_healing:
            return DriveState.HEALING
        return DriveState.SUSPECT if now_s < self._suspect_until_s else DriveState.ONLINE

    def reason_at(self, now_s: float) -> str:
        """Why it is not ONLINE at that moment."""
        return "" if self.state(now_s) == DriveState.ONLINE else self.reason

    @property
    def evidence(self) -> bool:
        """Whether what the drive lacks proves anything."""
        return not (self.is_healing or self.is_fenced)

    def trip(self, reason: str) -> None:
        """Fence the drive for good."""
        if not self.is_fenced:
            log.error("drive_fenced", path=self.path, reason=reason)
            self.is_fenced, self.reason = True, reason

    def fault(self) -> Fault:
        """What every request to a fenced drive gets."""
        return Fault(FaultCode.DRIVE_FAULT, f"the drive at {self.path} is fenced: {self.reason}")

    def note_sync(self, duration_s: float, now_s: float) -> None:
        """A sync took that long."""
        if duration_s > self.settings.slow_sync_s:
            self._suspect(f"a sync took {duration_s:.1f} s", now_s)

    def note_read_errors(self, count: int, now_s: float) -> None:
        """Reading failed that often."""
        recent = self._read_errors_s
        recent.extend([now_s] * count)
        while recent and recent[0] < now_s - self.settings.suspect_s:
            recent.popleft()
        if len(recent) >= self.settings.read_errors:
            self.trip(f"{len(recent)} read errors within {self.settings.suspect_s} s")
        elif count:
            self._suspect(f"{count} read errors", now_s)

    def check_mount(self, files: Files, address: DriveAddress, device: int) -> str:
        """Fence the drive where its folder is on another device now, or is another drive. Where only its
        identity is lost: why, and what becomes of that is for the caller to see. Blocks.
        """
        try:
            found = files.stat(address.path).device
            if found != device:
                self.trip(f"{address.path} lies on another file system than before: the mount went away")
            else:
                read_identity(files, address)
        except IdentityLost as error:
            return str(error)
        except OSError as error:
            self.trip(f"{address.path} cannot be read: {error}")
        except DriveRefused as error:
            self.trip(str(error))
        return ""

    def _suspect(self, reason: str, now_s: float) -> None:
        log.warning("drive_suspect", path=self.path, reason=reason)
        self._suspect_until_s = now_s + self.settings.suspect_s
        self.reason = reason
