"""Damage to a drive as a whole, and to what it says it is."""

from __future__ import annotations

import shutil

import attrs

from rustfs_node.seams.real_files import RealFiles
from rustfs_proto.disk.identity import format_identity
from rustfs_proto.disk.layout import IDENTITY_FILE
from tests.kit.at_rest import Drive, at_rest, identity_of, tree
from tests.kit.corrupt.places import each, flip_bit, lose_file


def empty_drive(drive: Drive) -> None:
    """The drive is replaced by an empty one: its folder stays, all in it is gone.

    Of a drive in memory empty folders are left, because no drive worker ever has to remove one.
    """
    drive = at_rest(drive)
    if not isinstance(drive.files, RealFiles):
        each(drive, [f"{drive.path}/{path}" for path in tree(drive)], lose_file)
        return
    for name in drive.files.list_folder(drive.path):
        path = f"{drive.path}/{name}"
        if drive.files.stat(path).is_folder:
            shutil.rmtree(path)
        else:
            drive.files.remove(path)


def wrong_identity(drive: Drive) -> int:
    """The drive says, whole and checked, that it stands in another slot, as when cables were swapped."""
    drive, found = at_rest(drive), identity_of(drive)
    size = max(found.set_size, 2)
    other = attrs.evolve(found, slot=(found.slot + 1) % size, set_size=size)
    drive.files.write_file(f"{drive.path}/{IDENTITY_FILE}", format_identity(other))
    return 1


def damage_identity(drive: Drive) -> int:
    """A digit of the drive's id is another."""
    drive = at_rest(drive)
    path = f"{drive.path}/{IDENTITY_FILE}"
    needle = b'"drive_id": "'
    flip_bit(drive, path, drive.files.read_file(path).index(needle) + len(needle), bit=1)
    return 1


def lose_identity(drive: Drive) -> int:
    """The drive does not say any more what it is."""
    drive = at_rest(drive)
    lose_file(drive, f"{drive.path}/{IDENTITY_FILE}")
    return 1
