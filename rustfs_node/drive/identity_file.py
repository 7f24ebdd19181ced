"""Reading and changing rustfs.json, and making the folders beside it.

A drive without its identity is never touched: an empty folder under a mount point is the root disk.
"""

from __future__ import annotations

import attrs

from rustfs_node.seams.files import Files
from rustfs_proto.disk.identity import HEALING, DriveIdentity, IdentityError, format_identity, parse_identity
from rustfs_proto.disk.layout import IDENTITY_FILE, LOG_FOLDER, QUARANTINE_FOLDER, REBUILD_FILE, SHARD_FOLDER


class DriveRefused(Exception):
    """The drive cannot be used; the text says why and what to do."""


class IdentityLost(DriveRefused):
    """Its identity is not there, or damaged: which drive it is cannot be told."""


@attrs.frozen
class DriveAddress:
    """Which drive is expected at a path: what the plan of the node says. Ids are uuids in text form."""

    path: str
    deployment_id: str
    set_index: int
    slot: int
    drive_id: str


def read_identity(files: Files, address: DriveAddress) -> DriveIdentity:
    """What rustfs.json says, if it is the expected drive's; raises DriveRefused."""
    try:
        found = parse_identity(files.read_file(f"{address.path}/{IDENTITY_FILE}"))
    except OSError as error:
        text = f"{address.path}/{IDENTITY_FILE} cannot be read ({error.strerror}): is the drive mounted?"
        kind = IdentityLost if isinstance(error, FileNotFoundError) else DriveRefused
        raise kind(text) from error
    except IdentityError as error:
        raise IdentityLost(f"{address.path}: {error}") from error
    for name in ("deployment_id", "set_index", "slot", "drive_id"):
        wanted, got = getattr(address, name), getattr(found, name)
        if wanted != got:
            raise DriveRefused(
                f"{address.path} is another drive: {name} is {got}, expected {wanted}; mount the right one"
            )
    return found


def write_identity(files: Files, path: str, identity: DriveIdentity) -> None:
    """Replace rustfs.json durably."""
    files.write_file(f"{path}/{IDENTITY_FILE}", format_identity(identity))


def mark_healing(files: Files, path: str, identity: DriveIdentity, reason: str) -> DriveIdentity:
    """From the return of this call on, and after any power cut, the drive's absences prove nothing."""
    # How far a rebuild was says nothing of what is lost now.
    _forget(files, f"{path}/{REBUILD_FILE}")
    if identity.state == HEALING:
        return identity
    healing = identity.healing(reason)
    write_identity(files, path, healing)
    return healing


def mark_well(files: Files, path: str, identity: DriveIdentity) -> DriveIdentity:
    """From the return of this call on, and after any power cut, the drive's absences count again."""
    well = identity.healed()
    write_identity(files, path, well)
    _forget(files, f"{path}/{REBUILD_FILE}")
    return well


def _forget(files: Files, path: str) -> None:
    """Nothing rests on its being gone."""
    if files.exists(path):
        files.remove(path)


def lay_out(files: Files, path: str, identity: DriveIdentity) -> DriveIdentity:
    """Make the folders of a drive that is new, durably. A folder that was there once and is gone took
    versions along.
    """
    folders = (LOG_FOLDER, SHARD_FOLDER, QUARANTINE_FOLDER)
    missing = [name for name in folders if not files.exists(f"{path}/{name}")]
    lost = [name for name in missing if name != QUARANTINE_FOLDER]
    if identity.laid_out and lost:
        identity = mark_healing(files, path, identity, f"folder {' and '.join(lost)} was gone at start")
    for name in missing:
        files.make_folder(f"{path}/{name}")
    if missing:
        # Durable after this line: the folders themselves.
        files.sync_folder(path)
    if not identity.laid_out:
        identity = attrs.evolve(identity, laid_out=True)
        write_identity(files, path, identity)
    return identity
