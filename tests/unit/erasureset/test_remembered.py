"""What a set worker remembers of versions that were read lately."""

from __future__ import annotations

from rustfs_node.erasureset.versions import ReadableVersion, Versions
from rustfs_proto.objects import Geometry, ObjectMeta, Part

GEOMETRY = Geometry(2, 2, 1 << 20)


def version(data_id: bytes, parts: int = 1) -> ReadableVersion:
    """One of so many parts, whose shard files have that name."""
    named = tuple(Part(number, 10, data_id * 16) for number in range(1, parts + 1))
    return ReadableVersion("b", b"k", 7, ObjectMeta(GEOMETRY, named))


def test_a_version_that_came_back_with_other_files() -> None:
    """Its slot was moved away and back since it was read: the files that it has now are remembered."""
    versions = Versions(10, 10)
    versions.put(version(b"a"))
    versions.put(version(b"z"))
    assert versions.get("b", b"k", 7) == version(b"z")


def test_what_proved_wrong_is_forgotten() -> None:
    """But not what was learned meanwhile; and it takes no room any more."""
    versions, wrong = Versions(10, 10), version(b"a", parts=9)
    versions.put(wrong)
    versions.forget(wrong)
    assert versions.get("b", b"k", 7) is None
    for number in range(9):
        versions.put(ReadableVersion("b", b"k", 100 + number, version(b"y").meta))
    assert versions.get("b", b"k", 100) is not None
    versions.put(version(b"z"))
    versions.forget(wrong)
    assert versions.get("b", b"k", 7) == version(b"z")
