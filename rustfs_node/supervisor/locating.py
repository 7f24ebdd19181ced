"""Where the disk of a drive is in the machine: what the kernel says of it, and the light at its bay.

Only the kernel's own files are read and written, never the disk.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from rustfs_node.seams.hardware import Hardware
from rustfs_proto.topology.hardware import Mounted, is_anonymous, mount_at, pci_slot_address, serial_of_page
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.supervisor_ops import DiskFound

_SECTOR_BYTES = 512
_BY_PATH = "/dev/disk/by-path"
_PCI_SLOTS = "/sys/bus/pci/slots"
_ENCLOSED = "enclosure_device:"
LIGHTS = {"on": "1", "off": "0"}
_DEPTH = 8
"""Layers of device mapper and RAID between a file system and its disks: more is a circle."""


def locate(
    hardware: Hardware, path: str, light: str, known: Mounted | None = None
) -> tuple[Mounted | None, tuple[DiskFound, ...], str]:
    """What is mounted there, the disks below it, and what is wrong with that, after their lights were
    switched. Where nothing is mounted any more that was `known` to be, that is told, and no light is
    switched: the number of a disk that is gone may be another's by now. Raises `Fault` DRIVE_FAULT where a
    light cannot be switched.
    """
    mounted = mount_at(path, hardware.mounts())
    if mounted is None:
        return None, (), "the kernel's table of mounts cannot be read"
    if known is not None and len(mounted.folder) < len(known.folder):
        text = f"nothing is mounted at {known.folder} any more; it was {known.source}"
        disks = tuple(disks_of(hardware, known))
        problem = f"{text}, which the kernel has no longer" if not disks else f"{text}, which is now:"
        return known, tuple(structs.replace(disk, light="") for disk in disks), problem
    found = disks_of(hardware, mounted)
    if light and any(disk.light for disk in found):
        for disk in found:
            _switch(hardware, disk.light, light)
        found = disks_of(hardware, mounted)
    problem = "" if found else f"the kernel knows no disk below {mounted.source}: {_why(mounted)}"
    return mounted, tuple(found), problem


def _switch(hardware: Hardware, light: str, word: str) -> None:
    if not light:
        return
    value = LIGHTS[word]
    try:
        hardware.write(light, value)
    except OSError as error:
        text = f"the light cannot be switched ({error.strerror}): as root, echo {value} > '{light}'"
        raise Fault(FaultCode.DRIVE_FAULT, text) from error


def _why(mounted: Mounted) -> str:
    if is_anonymous(mounted.device):
        return f"{mounted.kind} lies on none, or is one of several"
    return "it was pulled, or has died, since it was mounted"


def disks_of(hardware: Hardware, mounted: Mounted) -> list[DiskFound]:
    """The disks below a file system, several for RAID and volumes; none where the kernel knows of none."""
    place = f"/sys/dev/block/{mounted.device}"
    if is_anonymous(mounted.device):
        name = hardware.real(mounted.source).rpartition("/")[2]
        place = f"/sys/class/block/{name}" if name else ""
    if not place or not hardware.exists(place):
        return []
    return [_disk(hardware, one) for one in _whole_disks(hardware, hardware.real(place), _DEPTH)]


def _whole_disks(hardware: Hardware, place: str, depth: int) -> Iterator[str]:
    below = hardware.names(f"{place}/slaves")
    if below and depth:
        for name in below:
            yield from _whole_disks(hardware, hardware.real(f"{place}/slaves/{name}"), depth - 1)
    elif hardware.exists(f"{place}/partition"):
        yield place.rpartition("/")[0]
    else:
        yield place


def _disk(hardware: Hardware, place: str) -> DiskFound:
    name, device = place.rpartition("/")[2], f"{place}/device"
    vendor, model = hardware.text(f"{device}/vendor"), hardware.text(f"{device}/model")
    serial = hardware.text(f"{device}/serial") or serial_of_page(hardware.read(f"{device}/vpd_pg80"))
    sectors, light = hardware.text(f"{place}/size"), _light(hardware, device)
    return DiskFound(
        name=name,
        model=model if vendor in {"", "ATA"} or vendor.startswith("0x") else f"{vendor} {model}",
        serial=serial or hardware.text(f"{place}/serial"),
        wwid=hardware.text(f"{device}/wwid") or hardware.text(f"{place}/wwid"),
        size_bytes=int(sectors or 0) * _SECTOR_BYTES,
        rotates=hardware.text(f"{place}/queue/rotational") == "1",
        address=hardware.real(device).rpartition("/")[2] if hardware.exists(device) else "",
        by_path=_by_path(hardware, name),
        bay=_bay(hardware, device),
        light=light,
        is_lit=bool(light) and hardware.text(light) not in {"", "0"},
    )


def _by_path(hardware: Hardware, name: str) -> str:
    """As udev names the way to it."""
    links = hardware.names(_BY_PATH)
    return next((one for one in links if hardware.real(f"{_BY_PATH}/{one}").endswith(f"/{name}")), "")


def _bay(hardware: Hardware, device: str) -> str:
    """The enclosure and its slot, or the slot of PCI; empty where the machine does not tell."""
    for name in _enclosed(hardware, device):
        enclosure, slot = hardware.real(f"{device}/{name}").rsplit("/", 2)[1:]
        number = hardware.text(f"{device}/{name}/slot")
        return f"enclosure {enclosure}, {slot}{f' (number {number})' if number else ''}"
    slot = _pci_slot(hardware, device)
    return f"PCI slot {slot}" if slot else ""


def _light(hardware: Hardware, device: str) -> str:
    """The file that switches the light at the bay."""
    lights = [f"{hardware.real(f'{device}/{name}')}/locate" for name in _enclosed(hardware, device)]
    slot = _pci_slot(hardware, device)
    lights += [f"{_PCI_SLOTS}/{slot}/attention"] if slot else []
    return next(filter(hardware.exists, lights), "")


def _enclosed(hardware: Hardware, device: str) -> list[str]:
    return [name for name in hardware.names(device) if name.startswith(_ENCLOSED)]


def _pci_slot(hardware: Hardware, device: str) -> str:
    """Of a disk that sits in a PCI slot itself, as NVMe drives do; not that of the controller of others."""
    if "/nvme/" not in hardware.real(device):
        return ""
    address = pci_slot_address(hardware.real(device))
    for slot in hardware.names(_PCI_SLOTS):
        if address and hardware.text(f"{_PCI_SLOTS}/{slot}/address") == address:
            return slot
    return ""
