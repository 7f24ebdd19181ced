"""When a drive is replaced without anybody having said so, and all that keeps it from being."""

from __future__ import annotations

import attrs
import pytest

from rustfs_proto.topology.hardware import Mounted
from rustfs_proto.topology.unattended import Watched, why_not

PATH = "/srv/drives/1"
OLD = Mounted("8:17", "/dev/sdb1", PATH, "xfs", "40")
NEW = Mounted("8:33", "/dev/sdc1", PATH, "xfs", "90")
ROOT = Mounted("253:0", "/dev/vda", "/", "ext4", "22")
SRV = Mounted("253:1", "/dev/vdb", "/srv", "ext4", "23")
OTHER = Mounted("8:49", "/dev/sdd1", "/srv/drives/2", "xfs", "41")


def watched(*seen: Mounted | None) -> Watched:
    """A drive that was known by the first, and then seen so."""
    first, *later = seen
    found = Watched.of(PATH, first)
    for one in later:
        found = found.seen(one)
    return found


@pytest.mark.parametrize(
    ("seen", "now", "is_new"),
    [
        ((OLD,), OLD, False),
        ((OLD,), NEW, False),
        ((OLD, NEW), NEW, True),
        ((OLD, ROOT, NEW), NEW, True),
        ((OLD, NEW, ROOT), NEW, False),
        ((OLD, None), None, False),
        ((ROOT, NEW), NEW, True),
        ((None, NEW), NEW, True),
        # The same disk, mounted once more: it has the drive, or was emptied.
        ((OLD, ROOT, attrs.evolve(OLD, mount_id="91")), attrs.evolve(OLD, mount_id="91"), True),
    ],
)
def test_what_is_mounted_is_new_when_it_stays(seen, now, is_new):
    """It is not what was there, and was there at the look before."""
    assert watched(*seen).is_new(now) is is_new


def test_an_empty_disk_of_its_own_is_taken():
    """Where another was, or where none was since the start."""
    for first in (OLD, ROOT, SRV):
        assert why_not(watched(first, NEW), NEW, [OTHER, None], ()) == ""


@pytest.mark.parametrize(
    ("now", "others", "names", "reason"),
    [
        (ROOT, [OTHER], (), "lies on the root file system"),
        (SRV, [OTHER], (), "lies on what is mounted at /srv, and not on a disk of its own"),
        (NEW, [OTHER, attrs.evolve(OTHER, device="8:33")], (), "shares its file system, /dev/sdc1"),
        (NEW, [attrs.evolve(OTHER, source="/dev/sdc1")], (), "shares its file system"),
        (NEW, [OTHER], ("photos", "log"), "has files on it (log, photos)"),
    ],
)
def test_doubts(now, others, names, reason):
    """The mount is absent, the disk is that of other drives too, or somebody's files are there."""
    assert reason in why_not(watched(OLD, now), now, others, names)


def test_where_a_disk_was_once_there_must_be_one():
    """Also after the folder lay bare for several looks."""
    found = watched(ROOT, NEW, SRV, SRV)
    assert found.is_new(SRV) and "not on a disk of its own" in why_not(found, SRV, [], ())
