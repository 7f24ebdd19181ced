"""The folder for what was found damaged or strange. Nothing is ever deleted from it by the program."""

from __future__ import annotations

from rustfs_node.seams.files import Files
from rustfs_proto.disk.layout import QUARANTINE_FOLDER


def quarantine(files: Files, drive_path: str, path: str) -> str:
    """Move a file or folder there, durably, under a name that is still free; gives the new path."""
    folder, _, name = path.rpartition("/")
    target = free_name(files, f"{drive_path}/{QUARANTINE_FOLDER}/{name}")
    files.rename(path, target)
    # Durable after both lines; in this order a power cut leaves the file in one of the folders at least.
    files.sync_folder(f"{drive_path}/{QUARANTINE_FOLDER}")
    files.sync_folder(folder)
    return target


def free_name(files: Files, path: str) -> str:
    """The path with the first number behind it that nothing has yet."""
    number = 1
    while files.exists(f"{path}.{number}"):
        number += 1
    return f"{path}.{number}"
