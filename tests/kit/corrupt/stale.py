"""Old news: files as they once were, back in their places. Every checksum in them is right."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_proto.disk.layout import INDEX_COMPANIONS, INDEX_FILE, LOG_FOLDER, SHARD_FOLDER
from tests.kit.at_rest import Drive, at_rest, tree
from tests.kit.corrupt.places import each, lose_file

WHOLE_DRIVE = ("",)
LOG = (LOG_FOLDER,)
SHARDS = (SHARD_FOLDER,)
INDEX = tuple(INDEX_FILE + suffix for suffix in ("", *INDEX_COMPANIONS))


@attrs.frozen
class Keepsake:
    """Files of a drive as they once were, by their path from its root. `parts` are the files and folders that
    were looked at.
    """

    parts: tuple[str, ...]
    content: dict[str, bytes]


def remember(drive: Drive, parts: Sequence[str] = WHOLE_DRIVE) -> Keepsake:
    """How the drive, or some files and folders of it, are now."""
    return Keepsake(tuple(parts), {path: data for part in parts for path, data in tree(drive, part).items()})


def put_back(drive: Drive, keepsake: Keepsake) -> int:
    """Those parts are as they were then: what came into them later is gone."""
    drive = at_rest(drive)
    later = [path for part in keepsake.parts for path in tree(drive, part) if path not in keepsake.content]
    each(drive, [f"{drive.path}/{path}" for path in later], lose_file)
    return put_over(drive, keepsake)


def put_over(drive: Drive, keepsake: Keepsake) -> int:
    """The files that were remembered are as they were then; what came beside them later stays."""
    drive = at_rest(drive)
    for path, content in keepsake.content.items():
        parent, _, _ = path.rpartition("/")
        if parent:
            drive.files.make_folder(f"{drive.path}/{parent}")
        drive.files.write_file(f"{drive.path}/{path}", content)
    return len(keepsake.content)
