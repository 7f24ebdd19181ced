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


class DriveGone(Message, frozen=True):
    """A notice to the workers of its set: the drive in that slot will not answer, and why. It holds until
    the drive answers again.
    """

    slot: int
    reason: str
