"""Objects in and out of a set, for every geometry and around every threshold."""

from __future__ import annotations

from random import Random

import pytest
import trio

from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.set_ops import Get, Span
from tests.unit.erasureset.kit import running_set

GEOMETRIES = [1, 2, 3, 4, 5, 8, 12, 16]
SIZES = [0, 1, 2, 15, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 41000]


def body_of(size: int, seed: int = 0) -> bytes:
    return Random(size * 1000 + seed).randbytes(size)


@pytest.mark.parametrize("drives", GEOMETRIES)
async def test_every_size_comes_back(drives: int) -> None:
    """Inline objects, shard files of one stripe and of many: what went in comes out."""
    async with running_set(drives) as a_set:
        for size in SIZES:
            await a_set.client.put(b"k%d" % size, body_of(size))
        for size in SIZES:
            assert await a_set.client.get(b"k%d" % size) == body_of(size), size


@pytest.mark.parametrize("drives", GEOMETRIES)
async def test_reads_survive_the_loss_of_m_drives(drives: int) -> None:
    """Any m drives emptied, which then are healing: every object is still there, byte for byte."""
    async with running_set(drives) as a_set:
        for size in SIZES:
            await a_set.client.put(b"k%d" % size, body_of(size))
        m = {1: 0, 2: 1, 3: 1, 4: 2, 5: 2, 8: 4, 12: 4, 16: 4}[drives]
        for drive in Random(drives).sample(a_set.drives, m):
            drive.empty()
        for size in SIZES:
            assert await a_set.client.get(b"k%d" % size) == body_of(size), size


@pytest.mark.parametrize("drives", [2, 4, 5])
async def test_reads_survive_damage(drives: int) -> None:
    """Damaged records and fragments on m drives are read around, and noted for healing."""
    async with running_set(drives) as a_set:
        for size in SIZES[1:]:
            await a_set.client.put(b"k%d" % size, body_of(size))
        for drive in a_set.drives[: drives // 2]:
            for size in SIZES[1:]:
                stored = next(iter(drive.versions("b", b"k%d" % size).values()))
                stored.inline = stored.inline and bytes([stored.inline[0] ^ 1]) + stored.inline[1:]
            drive.damaged_fragments |= {(data_id, index) for data_id in drive.files for index in range(20)}
        for size in SIZES[1:]:
            assert await a_set.client.get(b"k%d" % size) == body_of(size), size
        notes = {note for drive in a_set.drives for note in drive.heal_notes()}
        assert ("b", b"k1025") in notes


async def test_ranges() -> None:
    """A span is cut from whichever stripes it touches."""
    async with running_set(4) as a_set:
        body = body_of(20000)
        for key, content in ((b"large", body), (b"small", body[:700])):
            await a_set.client.put(key, content)
            size = len(content)
            for first, last in [(0, 0), (5, 9), (size - 1, -1), (4090 % size, -1), (0, 10**9), (100, 8500)]:
                stop = size if last == -1 else last + 1
                assert await a_set.client.get(key, Span(first, last)) == content[first:stop], (first, last)
            assert await a_set.client.get(key, Span(suffix=10)) == content[-10:]
            assert await a_set.client.get(key, Span(suffix=10**9)) == content
            outside = await a_set.client.ask(Get("b", key, Span(size, -1)))
            assert (outside.offset, outside.length) == (-1, 0)


async def test_an_object_keeps_what_was_said_of_it() -> None:
    """Headers, user metadata, checksums and storage class come back; a Get without data brings no bytes."""
    async with running_set(4) as a_set:
        for size in (0, 100, 9000):
            what = {"headers": {"content-type": "x/y"}, "user": {"ä": "ö"}, "checksums": {"CRC32": "AAAA"}}
            stamp = await a_set.client.put(b"k", body_of(size), **what, storage_class="GLACIER")
            got = await a_set.client.ask(Get("b", b"k", want_data=False))
            assert got.stamp == stamp
            assert (got.head.size, got.head.etag, got.head.storage_class) == (size, f"etag-{size}", "GLACIER")
            assert (got.meta.headers, got.meta.user, got.meta.checksums) == tuple(what.values())


async def test_the_newest_write_is_read() -> None:
    """Overwrites, removals and writes after a removal follow one another."""
    async with running_set(4) as a_set:
        client = a_set.client
        assert await client.get_fault(b"k") is FaultCode.NOT_FOUND
        for size in (10, 9000, 20, 0):
            await client.put(b"k", body_of(size))
            assert await client.get(b"k") == body_of(size)
            removed = await client.delete(b"k", b"never")
            assert removed.stamps[0] > 0 == removed.stamps[1]
            assert removed.faults == ("", "")
            assert await client.get_fault(b"k") is FaultCode.NOT_FOUND
        assert all(not drive.versions("b", b"k") for drive in a_set.drives)


async def test_replaced_versions_are_dropped() -> None:
    """After an overwrite is settled every drive holds one version."""
    async with running_set(5) as a_set:
        for size in (10, 20, 9000, 30):
            await a_set.client.put(b"k", body_of(size))
        await a_set.client.get(b"k")
        assert [len(drive.versions("b", b"k")) for drive in a_set.drives] == [1] * 5


async def test_too_much_damage_is_told_at_once() -> None:
    """With one good shard of two a read ends with a fault, in whatever order the drives answer."""
    async with running_set(4) as a_set:
        for number in range(8):
            key = b"k%d" % number
            await a_set.client.put(key, body_of(8193))
            for good in a_set.drives:
                for drive in a_set.drives:
                    ids = drive.files if drive is not good else ()
                    drive.damaged_fragments = {(data_id, index) for data_id in ids for index in range(20)}
                with trio.fail_after(2):
                    assert await a_set.client.get_fault(key) is FaultCode.NO_QUORUM
