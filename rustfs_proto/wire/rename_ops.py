"""What a set worker answers about renames.

A rename is two rows of `Space.RENAME` with one id. The one at the target brings the bytes and keeps the
target as it is; the one at the source is the *mark*: once a write quorum has it, the rename has happened, and
not before. Each row is at the home of its key. Whoever meets an open rename asks the source's home what
became of it, and ends it.
"""

from __future__ import annotations

from enum import IntEnum

from rustfs_proto.objects import Rename
from rustfs_proto.wire.message import Message
from rustfs_proto.wire.set_ops import ObjectInfo


class StagedPart(Message, frozen=True):
    """What a part of the object says of itself."""

    number: int
    size: int
    etag: str
    checksums: dict[str, str]


class RenameStage(Message, frozen=True):
    """Open a rename at its target. `info` is what the object says of itself. The bytes are frame 0,
    at most one stripe (no frame: there are none), or the parts of `upload_id`, which ends by this: they get
    the numbers, ETags and checksums of `parts`.

    `expect` is the stamp of the target's current version, 0 for none. Faults: CONFLICT, NOT_FOUND (no such
    upload), INVALID_PART, LOCKED, UNRESOLVED, NO_QUORUM, FULL.
    """

    bucket: str
    key: bytes
    rename: Rename
    info: ObjectInfo
    expect: int
    upload_id: bytes = b""
    parts: tuple[StagedPart, ...] = ()


class RenameStaged(Message, frozen=True):
    """The target is kept as it is until the rename of that id has ended."""

    rename_id: bytes


class RenameMark(Message, frozen=True):
    """Set the mark at the source, if its current version is still `rename.stamp`: with the answer the rename
    has happened. Faults: CONFLICT, NOT_FOUND (it was given up), LOCKED, UNRESOLVED, NO_QUORUM, FULL.
    """

    bucket: str
    key: bytes
    rename_id: bytes
    rename: Rename


class RenameState(IntEnum):
    """What became of a rename."""

    OPEN = 0  # no mark, and one may still come
    MOVED = 1  # it has happened
    ENDED = 2  # there is no mark and never will be: it was given up, or everything is done


class RenameDecide(Message, frozen=True):
    """Has the rename happened? Asked of the source. `gives_up`: where it has not, it never shall. Fault
    NO_QUORUM: too few drives answer to tell.
    """

    bucket: str
    key: bytes
    rename_id: bytes
    gives_up: bool = False


class RenameDecided(Message, frozen=True):
    """Answer to `RenameDecide`; `state` is a `RenameState`."""

    state: int


class RenameFinish(Message, frozen=True):
    """It has happened: make what was brought the target's object, and end it there."""

    bucket: str
    key: bytes
    rename_id: bytes


class RenameDrop(Message, frozen=True):
    """It never shall: end it at the target, which stays as it is."""

    bucket: str
    key: bytes
    rename_id: bytes


class RenameForget(Message, frozen=True):
    """It has happened, and is finished at the target: remove the object from the source, and end it there."""

    bucket: str
    key: bytes
    rename_id: bytes


class RenamesOpen(Message, frozen=True):
    """Which renames are open at keys of the bucket?"""

    bucket: str


class OpenRename(Message, frozen=True):
    """One of `RenamesListed`."""

    rename_id: bytes
    rename: Rename


class RenamesListed(Message, frozen=True):
    """Answer to `RenamesOpen`."""

    renames: tuple[OpenRename, ...]
