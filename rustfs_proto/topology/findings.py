"""What was found when a drive's folder was looked at, and the sentences for what is wrong with it.

Every sentence names the drive, what was seen, and what to do. Nothing here decides.
"""

from __future__ import annotations

import re
from enum import StrEnum

import attrs

from rustfs_proto.disk.identity import DriveIdentity
from rustfs_proto.topology.deployment import Deployment


class Condition(StrEnum):
    """The state of a drive's folder."""

    FRESH = "fresh"  # absent or empty, and we may write there
    FORMATTED = "formatted"  # has an identity
    UNUSABLE = "unusable"  # see `problem`


@attrs.frozen
class Finding:
    """One drive as it was found. `deployment` is its copy of the layout, where it has one; `has_data`: a
    drive worker has worked there;
    `mount` is where its file system is mounted, `node` the number of the node that this is on.
    """

    path: str
    condition: Condition
    problem: str = ""
    identity: DriveIdentity | None = None
    deployment: Deployment | None = None
    has_data: bool = False
    mount: str = "/"
    free_bytes: int = 0
    node: int = 0


def no_parent(path: str, parent: str) -> str:
    """The folder would have to be made in one that is not there."""
    return (
        f"drive {path}: {parent} does not exist; mount the file system or make the folder (mkdir -p {path})"
    )


def not_a_folder(path: str) -> str:
    """A plain file stands where the folder should be."""
    return f"drive {path} is a file, not a folder; name the folder where the drive is mounted"


def unreadable(path: str, reason: str) -> str:
    """Looking failed."""
    return f"drive {path} cannot be read: {reason}; check the disk and its mount (dmesg, mount)"


def unwritable(path: str, place: str, reason: str, user: int) -> str:
    """A file could not be written and synced at `place`, the drive itself or something in it."""
    return (
        f"drive {path} cannot be written by user {user}: {reason} ({place});"
        " check that it is mounted read-write and that its disk is well (dmesg, mount)"
    )


def denied(path: str, place: str, reason: str, user: int) -> str:
    """Something belongs to somebody else, or its mode keeps us out."""
    return (
        f"drive {path} cannot be read and written by user {user}: {reason} at {place}; see whose it is"
        f" (ls -ld {place}), and give it to the service's user (chown -R {user} {path})"
    )


def occupied(path: str, names: list[str]) -> str:
    """Somebody else's files."""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return (
        f"drive {path} has no rustfs.json but is not empty ({shown}); nothing there was touched:"
        " name an empty folder, or restore rustfs.json if this was a drive of the deployment"
    )


def bad_identity(path: str, reason: str) -> str:
    """rustfs.json or layout.json cannot be believed."""
    return f"drive {path}: {reason}"


def in_use(path: str) -> str:
    """Another process holds the lock."""
    return f"drive {path} is in use by another process; stop the other rustfs-node that serves it"


def nearly_full(path: str, free_bytes: int, needed_bytes: int) -> str:
    """Not enough space to work."""
    return (
        f"drive {path} is nearly full: {free_bytes} bytes are free, {needed_bytes} are needed;"
        " free or add space on its file system"
    )


def exchanged(path: str, found: str, known: str) -> str:
    """Another drive stands there than when it was looked at."""
    return (
        f"drive {path} has drive id {found}, and had {known} when it was looked at last; put that drive back"
    )


def wrong_deployment(path: str, found: str, ours: str) -> str:
    """A drive of somebody else."""
    return (
        f"drive {path} belongs to deployment {found}, the other drives to {ours}; put the right drive there,"
        " or empty the folder to have it formatted for this one (what it holds is lost)"
    )


def wrong_place(path: str, found: str, given: str, rightful: str) -> str:
    """Swapped drives. `found` and `given` are slots in words; `rightful` is the folder given for the slot
    found.
    """
    return (
        f"drive {path} is given as {given} but was formatted as {found}; drives keep their slots:"
        f" name the folders in their original order, {path} where {rightful} stands now"
    )


def copied(path: str, rightful: str, drive_id: str) -> str:
    """Two folders with one identity."""
    return f"drive {path} is a copy of {rightful}: both have drive id {drive_id}; empty the copy"


def superseded(path: str, found: str, successor: str) -> str:
    """An old drive came back after it was replaced. What it holds may be the last of it: nobody is told to
    throw that away.
    """
    return (
        f"drive {path} has drive id {found}, which was replaced in its slot by {successor}; put that drive"
        f" back, or take this one back with all it holds, to be healed, with --accept-drive {path}"
    )


def beyond_repair(path: str, set_index: int, sound: int, needed: int) -> str:
    """A new drive that nothing could fill."""
    return (
        f"drive {path} is empty and was not formatted: set {set_index} has {drives(sound)} left that could"
        f" rebuild it, of the {needed} that are needed; put the others back where they were,"
        f" or give up what they held with --accept-drive {path}"
    )


def alone(path: str, set_index: int) -> str:
    """Replaced, and not to be taken back without the others."""
    return (
        f"drive {path} was replaced and cannot be taken back alone: the drives of set {set_index} that stayed"
        " are too few to tell what it missed; put all drives back that were replaced together with it,"
        " and name each with --accept-drive"
    )


def unanswered(path: str, node: str) -> str:
    """A drive on a node that has not been heard of."""
    return f"drive {path}: node {node} has not answered; start it, or see why it cannot be reached"


def left_to_its_node(path: str) -> str:
    """An empty drive of another node."""
    return f"drive {path} is empty: its own node formats it when it starts"


def drives(count: int, kind: str = "") -> str:
    """A number of drives in words, as in "1 usable drive"."""
    return f"{count} {kind}{' ' if kind else ''}drive{'' if count == 1 else 's'}"


def unmounted(path: str, expected: str, mount: str) -> str:
    """The bare mount point of a disk that is away."""
    return (
        f"drive {path} is an empty folder on the file system of {mount}, {expected}; mount the disk,"
        f" or allow formatting it where it is with --accept-drive {path}"
    )


def as_asked(text: str) -> str:
    """What a start says, to somebody who asks a running node: his option has another name."""
    return re.sub(r"--accept-drive(?: \S+)?", "--accept", text)


def interrupted(path: str) -> str:
    """Formatting never ended here, yet the deployment is in use elsewhere."""
    return (
        f"drive {path} was never completely formatted, but other drives of its deployment hold data;"
        " empty the folder to have it formatted anew and healed"
    )


def not_asked_for(path: str) -> str:
    """It is empty, and nobody has said that it is to be formatted."""
    return f"drive {path} is empty: rustfs-node ctl drive replace {path} makes it the slot's new drive"
