"""What acceptors pass on to the supervisor of their node: what an operator wants done with a drive; and what
they tell the workers of its set of that.
"""

from __future__ import annotations

from rustfs_proto.wire.message import Message


class DriveLookAgain(Message, frozen=True):
    """Let the drive at `path` go, look at its folder again, and serve it if it belongs there. `formats`:
    where it is empty it becomes the slot's new drive. `accepts`: also where the node would not dare to, as
    `--accept-drive` at the start. Faults: NOT_FOUND (no such drive on this node), CONFLICT (it cannot take
    part, with the reason), OVERLOADED (the node is still starting), DRIVE_FAULT.
    """

    path: str
    formats: bool = False
    accepts: bool = False


class DriveLetGo(Message, frozen=True):
    """Let the drive at `path` go, until it is looked at again or the node is started again. Faults:
    NOT_FOUND, OVERLOADED.
    """

    path: str


class DriveStands(Message, frozen=True):
    """Answer to both: which slot it is, its id, and whether it was formatted just now."""

    set_index: int
    slot: int
    drive_id: str
    is_new: bool = False


class DriveLocate(Message, frozen=True):
    """Where is the disk of the drive at `path`? `light`: `on` or `off`, or empty to leave it as it is.
    Faults: NOT_FOUND, OVERLOADED, INVALID (no such word), DRIVE_FAULT (a light is there and cannot be
    switched).
    """

    path: str
    light: str = ""


class DiskFound(Message, frozen=True):
    """A disk, as the kernel names it and tells of it; what it does not tell is empty. `address` is its place
    in the kernel's tree, `by_path` udev's name of the way to it, `bay` where it sits, `light` the file that
    switches the light there.
    """

    name: str
    model: str = ""
    serial: str = ""
    wwid: str = ""
    size_bytes: int = 0
    rotates: bool = False
    address: str = ""
    by_path: str = ""
    bay: str = ""
    light: str = ""
    is_lit: bool = False


class DriveLocated(Message, frozen=True):
    """Answer to `DriveLocate`: `source` is mounted at `mount`; `problem` says why there are no disks."""

    set_index: int
    slot: int
    drive_id: str
    mount: str = ""
    source: str = ""
    disks: tuple[DiskFound, ...] = ()
    problem: str = ""


class DriveGone(Message, frozen=True):
    """A notice to the workers of its set: the drive in that slot will not answer, and why. It holds until
    the drive answers again.
    """

    slot: int
    reason: str
