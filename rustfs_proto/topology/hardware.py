"""What the kernel says of mounts and disks, as far as it takes to find the disk of a drive's folder.

Only texts are looked at here; whoever has them read asks no disk for them, because one that hangs, or is
gone, is what they may be about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import attrs

T = TypeVar("T")

_VPD_HEADER_BYTES = 4


@attrs.frozen
class Mounted:
    """A file system: `device` is its number, as `8:17`, `source` what was mounted at `folder`. `mount_id`
    tells one time of mounting from another.
    """

    device: str
    source: str
    folder: str
    kind: str
    mount_id: str = ""


def mount_at(path: str, mountinfo: str) -> Mounted | None:
    """What is mounted at the folder or above it, the last of several there, by /proc/self/mountinfo."""
    found: list[Mounted] = []
    for line in mountinfo.splitlines():
        first, _, second = line.partition(" - ")
        words, behind = first.split(" "), second.split(" ")
        if len(words) >= 6 and len(behind) >= 2:
            folder, source = unescaped(words[4]), unescaped(behind[1])
            found.append(Mounted(words[2], source, folder, behind[0], words[0]))
    return deepest_at(path, ((one.folder, one) for one in found))


def deepest_at(path: str, mounts: Iterable[tuple[str, T]]) -> T | None:
    """Of what is mounted at these folders, in the order of the kernel's table, what the path lies on: at the
    deepest folder, the last of several there. None where it lies below none.
    """
    deepest, found = "", None
    for folder, mount in mounts:
        is_above = folder in {"/", path} or path.startswith(f"{folder}/")
        if is_above and len(folder) >= len(deepest):
            deepest, found = folder, mount
    return found


def unescaped(word: str) -> str:
    """The kernel writes blanks and the like as octal numbers."""
    for escaped, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(escaped, plain)
    return word


def is_anonymous(device: str) -> bool:
    """Whether that number names no disk, as with btrfs and tmpfs."""
    return device.startswith("0:")


def serial_of_page(page: bytes) -> str:
    """The serial number in a SCSI page 0x80 (`vpd_pg80`); empty where there is none."""
    if len(page) < _VPD_HEADER_BYTES or page[1] != 0x80:
        return ""
    size_bytes = int.from_bytes(page[2:4], "big")
    raw = page[_VPD_HEADER_BYTES : _VPD_HEADER_BYTES + size_bytes]
    return raw.decode("ascii", "replace").strip(" \0")


def pci_slot_address(device_path: str) -> str:
    """The last PCI device on the way to that device of /sys, as /sys/bus/pci/slots names addresses: without
    its function. Empty where there is none.
    """
    found = ""
    for part in device_path.split("/"):
        domain, _, rest = part.partition(":")
        if len(domain) == 4 and len(rest) == 7 and rest[2] == ":" and rest[5] == ".":
            found = part.rpartition(".")[0]
    return found
