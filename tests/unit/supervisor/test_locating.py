"""Finding the disk of a drive in what the kernel tells, laid out as it lays it out; switching its light."""

from __future__ import annotations

from pathlib import Path

import pytest

from rustfs_node.cli.drive import where
from rustfs_node.seams.hardware import Hardware
from rustfs_node.supervisor.locating import locate
from rustfs_proto.topology.hardware import Mounted, mount_at, pci_slot_address, serial_of_page
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.supervisor_ops import DiskFound

MOUNTS = r"""22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 8:17 / /srv/drives/1 rw,noatime shared:9 - xfs /dev/sdb1 rw,inode64
41 22 253:2 / /srv/drives/2 rw,noatime - xfs /dev/mapper/vg-two rw
42 22 259:1 / /srv/drives/3 rw,noatime - xfs /dev/nvme0n1 rw
43 22 0:44 / /srv/drives/4 rw,noatime - btrfs /dev/sdb1 rw
44 22 8:49 / /srv/drives/5 rw,noatime - xfs /dev/sdd1 rw
45 22 0:45 / /srv/drives/6 rw - tmpfs tmpfs rw
46 22 8:17 / /srv/with\040blank rw - xfs /dev/sdb1 rw
47 22 7:3 / /srv/drives/8 rw - ext4 /dev/loop3 rw
"""
HBA = "sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/host0/target0:2:3"
SDB, SDC = f"{HBA}/0:2:3:0/block/sdb", f"{HBA}/0:2:4:0/block/sdc"
NVME = "sys/devices/pci0000:5d/0000:5d:02.0/0000:5e:00.0/nvme/nvme0"
BAY = "sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/host0/enclosure/0:0:24:0/Slot 03"
PAGE = b"\0\x80\0\x08  ZA1B2C"


class Tree:
    """Files and links below a folder that stands for the root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: str | bytes = "") -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())

    def link(self, path: str, target: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(self.root / target)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Two SAS disks of which one is in an enclosure with a light, an NVMe disk in a PCI slot, a volume over
    both SAS disks, and a loop device.
    """
    tree = Tree(tmp_path)
    tree.write("proc/self/mountinfo", MOUNTS)
    for place, address, serial in ((SDB, "0:2:3:0", PAGE), (SDC, "0:2:4:0", b"")):
        for name, text in (("vendor", "SEAGATE"), ("model", "ST16000NM002G"), ("wwid", "naa.5000c500")):
            tree.write(f"{HBA}/{address}/{name}", text)
        tree.write(f"{HBA}/{address}/vpd_pg80", serial)
        tree.write(f"{place}/size", "31251759104")
        tree.write(f"{place}/queue/rotational", "1")
        tree.link(f"{place}/device", f"{HBA}/{address}")
    tree.write(f"{SDB}/sdb1/partition", "1")
    tree.link("sys/dev/block/8:17", f"{SDB}/sdb1")
    tree.link("sys/class/block/sdb1", f"{SDB}/sdb1")
    tree.write(f"{BAY}/locate", "0")
    tree.write(f"{BAY}/slot", "3")
    tree.link(f"{HBA}/0:2:3:0/enclosure_device:Slot 03", BAY)
    tree.link("sys/dev/block/253:2", "sys/devices/virtual/block/dm-2")
    tree.link("sys/devices/virtual/block/dm-2/slaves/sdb1", f"{SDB}/sdb1")
    tree.link("sys/devices/virtual/block/dm-2/slaves/sdc", SDC)
    tree.write(f"{NVME}/model", "SAMSUNG MZQL2")
    tree.write(f"{NVME}/serial", "S64HNE0R")
    tree.write(f"{NVME}/nvme0n1/size", "7501476528")
    tree.write(f"{NVME}/nvme0n1/queue/rotational", "0")
    tree.link(f"{NVME}/nvme0n1/device", NVME)
    tree.link("sys/dev/block/259:1", f"{NVME}/nvme0n1")
    tree.write("sys/bus/pci/slots/12/address", "0000:5e:00")
    tree.write("sys/bus/pci/slots/12/attention", "0")
    tree.write("sys/bus/pci/slots/4/address", "0000:3b:00")
    tree.write("sys/devices/virtual/block/loop3/size", "2048")
    tree.link("sys/dev/block/7:3", "sys/devices/virtual/block/loop3")
    for name in ("sdb", "sdb1"):
        tree.write(f"dev/{name}")
        tree.link(f"dev/disk/by-path/pci-0000:3b:00.0-sas-phy3-lun-0{name[3:]}", f"dev/{name}")
    return tree


def disks(tree: Tree, path: str, light: str = "") -> tuple[Mounted | None, tuple[DiskFound, ...], str]:
    return locate(Hardware(str(tree.root)), path, light)


def test_a_partition_leads_to_its_disk_and_its_bay(tree: Tree) -> None:
    """Folders below a mount too. Each thing where the kernel has it for SAS disks."""
    mounted, (disk,), problem = disks(tree, "/srv/drives/1/data")
    assert mounted is not None
    assert (mounted.source, mounted.folder, problem) == ("/dev/sdb1", "/srv/drives/1", "")
    assert (disk.name, disk.model, disk.serial) == ("sdb", "SEAGATE ST16000NM002G", "ZA1B2C")
    assert (disk.size_bytes, disk.rotates, disk.address) == (31251759104 * 512, True, "0:2:3:0")
    assert disk.by_path == "pci-0000:3b:00.0-sas-phy3-lun-0"
    assert disk.bay == "enclosure 0:0:24:0, Slot 03 (number 3)"
    assert (disk.light, disk.is_lit) == (f"/{BAY}/locate", False)


def test_a_light_is_switched(tree: Tree) -> None:
    """On and off again, and the answer tells how it is then; who only looks changes nothing."""
    assert disks(tree, "/srv/drives/1", "on")[1][0].is_lit
    assert (tree.root / BAY / "locate").read_text() == "1"
    assert disks(tree, "/srv/drives/1")[1][0].is_lit
    assert not disks(tree, "/srv/drives/1", "off")[1][0].is_lit


def test_a_light_that_cannot_be_switched_is_told_with_what_to_type(tree: Tree) -> None:
    """As it is for whoever is not root."""
    light = tree.root / BAY / "locate"
    light.unlink()
    light.mkdir()
    with pytest.raises(Fault, match=r"as root, echo 1 > '/sys/devices/.*/Slot 03/locate'") as refused:
        disks(tree, "/srv/drives/1", "on")
    assert refused.value.code is FaultCode.DRIVE_FAULT


def test_a_volume_leads_to_all_its_disks(tree: Tree) -> None:
    """Through the layers between; a disk without a bay has no light, and is told by its other name."""
    _, (first, second), _ = disks(tree, "/srv/drives/2")
    assert (first.name, second.name) == ("sdb", "sdc")
    assert (second.bay, second.light, second.serial, second.wwid) == ("", "", "", "naa.5000c500")


def test_an_nvme_disk_is_in_a_slot_of_pci(tree: Tree) -> None:
    """Whose light is that of its slot; the controller of other disks is none of theirs."""
    _, (disk,), _ = disks(tree, "/srv/drives/3", "on")
    assert (disk.name, disk.model, disk.serial) == ("nvme0n1", "SAMSUNG MZQL2", "S64HNE0R")
    assert (disk.bay, disk.light) == ("PCI slot 12", "/sys/bus/pci/slots/12/attention")
    assert disk.is_lit and not disk.rotates


def test_a_file_system_without_a_number_is_found_by_its_name(tree: Tree) -> None:
    """As btrfs; one on no disk is told as that, one whose disk is gone as that."""
    assert [disk.name for disk in disks(tree, "/srv/drives/4")[1]] == ["sdb"]
    for path, words in (("/srv/drives/6", "tmpfs lies on none"), ("/srv/drives/5", "pulled, or has died")):
        mounted, found, problem = disks(tree, path)
        assert mounted is not None and not found and words in problem
    _, _, problem = disks(Tree(tree.root / "nothing"), "/srv/drives/1")
    assert problem == "the kernel's table of mounts cannot be read"


def test_a_disk_that_is_not_mounted_any_more_is_not_mistaken_for_that_of_the_root(tree: Tree) -> None:
    """It is told what it was, and its light is left alone; once another is mounted that counts."""
    known = mount_at("/srv/drives/1", MOUNTS)
    bare = "\n".join(line for line in MOUNTS.splitlines() if " /srv/drives/1 " not in line)
    tree.write("proc/self/mountinfo", bare)
    mounted, (disk,), problem = locate(Hardware(str(tree.root)), "/srv/drives/1", "on", known)
    assert mounted == known and (disk.name, disk.light) == ("sdb", "")
    assert problem == "nothing is mounted at /srv/drives/1 any more; it was /dev/sdb1, which is now:"
    assert (tree.root / BAY / "locate").read_text() == "0\n"
    tree.write("proc/self/mountinfo", f"{bare}\n99 22 259:1 / /srv/drives/1 rw - xfs /dev/nvme0n1 rw\n")
    assert [one.name for one in locate(Hardware(str(tree.root)), "/srv/drives/1", "", known)[1]] == [
        "nvme0n1"
    ]


def test_a_loop_device_is_its_own_disk(tree: Tree) -> None:
    """Of which there is hardly anything to tell; with no light nothing is switched."""
    _, (disk,), _ = disks(tree, "/srv/drives/8", "on")
    assert (disk.name, disk.size_bytes, disk.model, disk.bay, disk.light) == ("loop3", 1 << 20, "", "", "")


@pytest.mark.parametrize("page", [b"", b"\0\x80", b"\0\x83\0\x04WWID", b"\0\x80\0\0"])
def test_a_page_without_a_serial_number(page: bytes) -> None:
    """One that is cut short, another page, an empty one."""
    assert serial_of_page(page) == ""


def test_texts_of_the_kernel() -> None:
    """Blanks in names, lines that are none, addresses of PCI."""
    mounted = mount_at("/srv/with blank/x", MOUNTS + "nonsense\n")
    assert mounted is not None and mounted.folder == "/srv/with blank"
    assert mount_at("/srv", "") is None
    assert pci_slot_address("/sys/devices/pci0000:5d/0000:5d:02.0/0000:5e:00.0/nvme/nvme0") == "0000:5e:00"
    assert pci_slot_address("/sys/devices/virtual/block/loop3") == ""


def test_what_is_said_of_a_disk() -> None:
    """With a light how it is; without one what has its activity light blink."""
    disk = {
        "name": "sdb", "model": "ST16", "serial": "ZA1B2C", "wwid": "", "size_bytes": 16 << 40,
        "rotates": True, "address": "0:2:3:0", "by_path": "", "bay": "", "light": "/x", "is_lit": True,
    }  # fmt: skip
    told = {
        "path": "/srv/drives/1", "node": "n1:9000", "set_index": 0, "disk_index": 3, "uuid": "u",
        "problem": "", "source": "/dev/sdb1", "mount": "/srv/drives/1",
        "disks": [disk, disk | {"light": "", "bay": "bay 7"}],
    }  # fmt: skip
    said = list(where(told))
    assert said[0] == "drive /srv/drives/1 of node n1:9000 (set 0, slot 3)"
    assert "  disk    sdb: ST16, 16.0 TiB, hard disk" in said
    assert "  place   0:2:3:0" in said and "  place   bay 7, 0:2:3:0" in said
    assert "  light   ON" in said and "dd if=/dev/sdb of=/dev/null" in said[-1]
    gone = list(where(told | {"problem": "it was pulled", "disks": []}))
    assert gone[-1] == "  but     it was pulled"
