"""A set over real drive workers and real files: the rooms fit together."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rustfs_proto.erasure.geometry import default_parity
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.set_ops import List
from rustfs_proto.wire.upload_ops import UploadCreate
from tests.unit.erasureset.kit import running_real_set
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import ObjectInfo, complete, put_part

SIZES = [0, 1, 1023, 1025, 4095, 4097, 8193, 41000]


@pytest.mark.parametrize("drives", [1, 2, 3, 4, 5, 8])
async def test_objects_survive_what_their_parity_allows(tmp_path: Path, drives: int) -> None:
    """With m drives stopped, then emptied: every object is read back; a removed one stays away."""
    async with running_real_set(tmp_path, drives) as a_set:
        client = a_set.client
        await client.put(b"gone", body_of(700))
        for size in SIZES:
            await client.put(b"k%d" % size, b"replaced")
            await client.put(b"k%d" % size, body_of(size))
        await client.delete(b"gone")
        lost = Random(drives).sample(a_set.drives, default_parity(drives))

        async def check() -> None:
            for size in SIZES:
                assert await client.get(b"k%d" % size) == body_of(size), size
            assert await client.get_fault(b"gone") is FaultCode.NOT_FOUND
            page = await client.ask(List("b"))
            assert [entry.key for entry in page.entries] == sorted(b"k%d" % size for size in SIZES)

        await check()
        for drive in lost:
            await drive.stop()
        await check()
        for drive in lost:
            await drive.start()
        await check()
        for drive in lost:
            await drive.empty()
        await check()
        if drives > 1:
            await client.put(b"after", body_of(9000))
            assert await client.get(b"after") == body_of(9000)


async def test_flipped_bytes_in_shard_files_are_read_around(tmp_path: Path) -> None:
    """Two of four drives with a wrong byte in every shard file: the object is whole, and noted
    for healing.
    """
    async with running_real_set(tmp_path, 4) as a_set:
        await a_set.client.put(b"k", body_of(41000))
        for drive in a_set.drives[:2]:
            for path in drive.shard_files():
                content = bytearray(path.read_bytes())
                content[-5] ^= 1
                path.write_bytes(content)
        assert await a_set.client.get(b"k") == body_of(41000)


async def test_versions_and_files_come_and_go(tmp_path: Path) -> None:
    """Overwrites, uploads and removals; what a completed upload shares with its parts stays readable after
    they are gone.
    """
    async with running_real_set(tmp_path, 4) as a_set:
        client = a_set.client
        for round_number in range(3):
            upload_id = (await client.ask(UploadCreate("b", b"k", ObjectInfo()))).upload_id
            bodies = [body_of(9000, round_number), body_of(5000, round_number), body_of(1, round_number)]
            parts = [await put_part(client, upload_id, number, body) for number, body in enumerate(bodies, 1)]
            await client.ask(complete(upload_id, *parts))
            assert await client.get(b"k") == b"".join(bodies)
        stamp = await client.put(b"k", b"small again")
        assert await client.get(b"k") == b"small again"
        await client.put(b"k", body_of(9000), expect=stamp)
        assert await client.get(b"k") == body_of(9000)
        assert (await client.delete(b"k")).faults == ("",)
        assert await client.get_fault(b"k") is FaultCode.NOT_FOUND
        await client.put(b"k", b"new", expect=0)
        assert await client.get(b"k") == b"new"


async def test_a_drive_that_was_away_does_not_bring_old_versions_back(tmp_path: Path) -> None:
    """It missed an overwrite and a removal; neither is undone by its return."""
    async with running_real_set(tmp_path, 4) as a_set:
        client = a_set.client
        for key in (b"kept", b"removed"):
            await client.put(key, body_of(9000))
        await a_set.drives[1].stop()
        await client.put(b"kept", body_of(300))
        await client.delete(b"removed")
        await a_set.drives[1].start()
        assert await client.get(b"kept") == body_of(300)
        assert await client.get_fault(b"removed") is FaultCode.NOT_FOUND
        assert [entry.key for entry in (await client.ask(List("b"))).entries] == [b"kept"]
