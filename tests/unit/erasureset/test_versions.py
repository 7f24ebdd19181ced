"""Versions that are remembered for the blocks of downloads."""

from __future__ import annotations

from rustfs_node.erasureset.versions import ReadableVersion, Versions
from rustfs_proto.objects import Geometry, ObjectMeta, Part


def version(stamp: int, parts: int, size: int = 5) -> ReadableVersion:
    """One with so many parts of that size."""
    made = tuple(Part(number, size, bytes(16), "") for number in range(1, parts + 1))
    return ReadableVersion("b", b"k", stamp, ObjectMeta(Geometry(2, 2, 1000), made))


def known(versions: Versions) -> list[int]:
    return [stamp for stamp in range(1, 20) if versions.get("b", b"k", stamp) is not None]


def test_those_used_last_are_remembered() -> None:
    """Beyond the number the one goes that was not asked for longest."""
    versions = Versions(2, 1000)
    versions.put(version(1, 1))
    versions.put(version(2, 1))
    assert versions.get("b", b"k", 1) is not None
    versions.put(version(3, 1))
    assert known(versions) == [1, 3]


def test_versions_of_many_parts_count_for_many() -> None:
    """All parts together are bounded, and the latest version is remembered however many it has."""
    versions = Versions(100, 10)
    for stamp in range(1, 6):
        versions.put(version(stamp, 4))
        versions.put(version(stamp, 4))
    assert known(versions) == [4, 5]
    versions.put(version(6, 50))
    assert known(versions) == [6]
    versions.put(version(7, 1))
    assert known(versions) == [7]


def test_a_block_costs_the_stripe_that_is_read_for_it() -> None:
    """A small object has a small stripe; of others a whole one is read."""
    assert version(1, 1, 700).read_bytes == 700
    assert version(1, 1, 5000).read_bytes == 1000
    assert version(1, 3, 5).read_bytes == 1000
