"""Multipart uploads: parts in any order, completion, giving up, and what is left afterwards."""

from __future__ import annotations

import hashlib

import pytest
import trio
import trio.testing
from msgspec.structs import replace

from rustfs_proto.wire.drive_ops import RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Get,
    List,
    ObjectInfo,
    PartTarget,
    PutAbort,
    PutBlock,
    PutFinish,
    PutOpen,
    PutSmall,
    ReadBlock,
    Span,
)
from rustfs_proto.wire.upload_ops import (
    UploadAbort,
    UploadComplete,
    UploadCreate,
    UploadGet,
    UploadList,
    UploadParts,
    WantedPart,
)
from tests.unit.erasureset.kit import Client, TestSet, running_set
from tests.unit.erasureset.test_objects import body_of

PLAIN = ObjectInfo()


def etag_of(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


async def begin(client: Client, info: ObjectInfo = PLAIN, algorithm: str = "") -> bytes:
    return (await client.ask(UploadCreate("b", b"k", info, algorithm))).upload_id


async def put_part(
    client: Client, upload_id: bytes, number: int, body: bytes, **checksums: str
) -> WantedPart:
    info = ObjectInfo(etag=etag_of(body), checksums=checksums)
    target = PartTarget(upload_id, number)
    if len(body) <= client.stripe_bytes:
        await client.ask(PutSmall("b", b"k", info, target), *([body] if body else []))
    else:
        handle = await client.send_blocks(PutOpen("b", b"k", len(body), target), body)
        await client.ask(PutFinish(handle, info))
    return WantedPart(number, info.etag, checksums)


def complete(upload_id: bytes, *parts: WantedPart, least: int = 0) -> UploadComplete:
    return UploadComplete("b", b"k", upload_id, parts, least)


def rows_left(a_set: TestSet) -> list[tuple[int, bytes]]:
    return [
        (space, sub)
        for drive in a_set.drives
        for (space, _, _, sub), versions in drive.rows.items()
        if space in {Space.UPLOAD, Space.PART} and versions[max(versions)].commit.kind == RowKind.VALUE
    ]


@pytest.mark.parametrize("drives", [1, 2, 4, 5])
async def test_an_upload_becomes_an_object(drives: int) -> None:
    """Parts of any size, sent in any order and one of them twice, are read as one object; no rows of the
    upload remain.
    """
    async with running_set(drives) as a_set:
        client = a_set.client
        upload_id = await begin(client, ObjectInfo(headers={"content-type": "a/b"}, user={"x": "y"}))
        bodies = {1: b"", 2: body_of(10000), 3: body_of(4096), 4: body_of(1), 5: b"", 9: body_of(9000)}
        await put_part(client, upload_id, 3, b"replaced")
        wanted = {
            number: await put_part(client, upload_id, number, bodies[number]) for number in (9, 1, 5, 3, 2, 4)
        }
        done = await client.ask(complete(upload_id, *(wanted[number] for number in sorted(bodies))))
        whole = b"".join(bodies[number] for number in sorted(bodies))
        digests = b"".join(hashlib.md5(bodies[number]).digest() for number in sorted(bodies))
        assert done.head.etag == f"{hashlib.md5(digests).hexdigest()}-6"
        assert await client.get(b"k") == whole
        assert await client.get(b"k", Span(9990, 14200)) == whole[9990:14201]
        got = await client.ask(Get("b", b"k", want_data=False))
        assert (got.stamp, got.meta.headers, got.meta.user) == (
            done.stamp,
            {"content-type": "a/b"},
            {"x": "y"},
        )
        assert rows_left(a_set) == []
        assert await client.fault_of(UploadGet("b", b"k", upload_id)) is FaultCode.NOT_FOUND
        await client.delete(b"k")
        assert (await client.ask(List("b"))).entries == ()


async def test_a_bad_completion_changes_nothing() -> None:
    """Wrong order, unknown parts, other ETags and small parts are each told apart; the upload goes on."""
    async with running_set(4) as a_set:
        client = a_set.client
        upload_id = await begin(client)
        one, two = await put_part(client, upload_id, 1, b"one"), await put_part(client, upload_id, 2, b"two")
        assert await client.fault_of(complete(upload_id)) is FaultCode.INVALID_PART
        assert await client.fault_of(complete(upload_id, two, one)) is FaultCode.INVALID_PART_ORDER
        assert await client.fault_of(complete(upload_id, one, one)) is FaultCode.INVALID_PART_ORDER
        assert await client.fault_of(complete(upload_id, replace(one, number=3))) is FaultCode.INVALID_PART
        assert await client.fault_of(complete(upload_id, replace(one, etag="0"))) is FaultCode.INVALID_PART
        assert await client.fault_of(complete(upload_id, one, two, least=4)) is FaultCode.PART_TOO_SMALL
        assert await client.get_fault(b"k") is FaultCode.NOT_FOUND
        await client.ask(complete(upload_id, one, two, least=3))
        assert await client.get(b"k") == b"onetwo"


async def test_checksums_of_the_whole() -> None:
    """A full-object CRC is combined from the parts' values, and a composite one taken over them."""
    async with running_set(4) as a_set:
        client = a_set.client
        for kind, value in (("FULL_OBJECT", "y/U6HA=="), ("COMPOSITE", None)):
            upload_id = await begin(client, ObjectInfo(checksum_type=kind), "CRC32")
            parts = [
                await put_part(client, upload_id, 1, b"12345", CRC32="y/U6HA=="),
                await put_part(client, upload_id, 2, b"", CRC32="AAAAAA=="),
            ]
            done = await client.ask(complete(upload_id, *parts))
            assert done.meta.checksum_type == kind
            assert done.meta.checksums["CRC32"] == value or (
                value is None and done.meta.checksums["CRC32"].endswith("-2")
            )


async def test_parts_are_listed() -> None:
    """Pages of parts in order of number, with what the client said of them."""
    async with running_set(4) as a_set:
        client = a_set.client
        other = await begin(client)
        upload_id = await begin(client, ObjectInfo(user={"a": "b"}), "SHA256")
        await put_part(client, other, 1, b"other")
        for number in (1, 2, 5, 300, 10000):
            await put_part(client, upload_id, number, b"x" * number, SHA256=f"s{number}")
        page = await client.ask(UploadParts("b", b"k", upload_id, after=1, limit=3))
        assert [(part.number, part.size, part.checksums) for part in page.parts] == [
            (number, number, {"SHA256": f"s{number}"}) for number in (2, 5, 300)
        ]
        assert all(part.stamp for part in page.parts)
        assert (page.more, page.info.user, page.checksum_algorithm) == (True, {"a": "b"}, "SHA256")
        page = await client.ask(UploadParts("b", b"k", upload_id, after=300))
        assert ([part.number for part in page.parts], page.more) == ([10000], False)


async def test_giving_up() -> None:
    """After an abort nothing of the upload is left, and nothing can be added to it."""
    async with running_set(4) as a_set:
        client = a_set.client
        upload_id = await begin(client)
        await put_part(client, upload_id, 1, body_of(9000))
        handle = await client.send_blocks(PutOpen("b", b"k", 9000, PartTarget(upload_id, 2)), body_of(9000))
        await client.ask(UploadAbort("b", b"k", upload_id))
        assert await client.fault_of(PutFinish(handle, ObjectInfo())) is FaultCode.NOT_FOUND
        assert rows_left(a_set) == []
        for message in (
            UploadAbort("b", b"k", upload_id),
            UploadParts("b", b"k", upload_id),
            complete(upload_id, WantedPart(1, "")),
            PutOpen("b", b"k", 9000, PartTarget(upload_id, 2)),
            PutSmall("b", b"k", ObjectInfo(), PartTarget(upload_id, 2)),
        ):
            assert await client.fault_of(message) is FaultCode.NOT_FOUND, message
        assert (await client.ask(UploadList("b"))).entries == ()


async def test_completion_after_different_drives_missed_different_parts() -> None:
    """Each part is on a quorum of its own; the object is readable although no k drives have all of it."""
    async with running_set(4) as a_set:
        client = a_set.client
        upload_id = await begin(client)
        parts = []
        for number, away in ((1, 0), (2, 1), (3, 2)):
            a_set.drives[away].refuses = FaultCode.PEER_DOWN
            parts.append(await put_part(client, upload_id, number, body_of(9000, number)))
            a_set.drives[away].refuses = None
        await client.ask(complete(upload_id, *parts))
        assert await client.get(b"k") == b"".join(body_of(9000, number) for number in (1, 2, 3))


async def test_a_write_that_is_given_up_leaves_no_files() -> None:
    """An aborted or abandoned stream is forgotten by the drives, and its memory is free again."""
    async with running_set(4, handle_idle_s=0.1, in_flight_bytes_max=40000) as a_set:
        client = a_set.client
        for _ in range(5):
            handle = await client.send_blocks(PutOpen("b", b"k", -1), body_of(9000))
            await client.ask(PutAbort(handle))
            assert await client.fault_of(PutFinish(handle, ObjectInfo())) is FaultCode.NOT_FOUND
        handle = await client.send_blocks(PutOpen("b", b"k", -1), body_of(9000))
        with trio.fail_after(5):
            while any(drive.files for drive in a_set.drives):  # noqa: ASYNC110 - the drives tell nobody
                await trio.sleep(0.01)
        assert await client.fault_of(PutBlock(handle, 3), b"x") is FaultCode.NOT_FOUND


async def test_blocks_must_follow_one_another() -> None:
    """A block out of order, too long, empty, or after a short one is refused; so is a finish short of the
    announced size.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        handle = (await client.ask(PutOpen("b", b"k", 9000))).handle
        assert await client.fault_of(PutBlock(handle, 1), bytes(4096)) is FaultCode.INVALID
        assert await client.fault_of(PutBlock(handle, 0), bytes(4097)) is FaultCode.INVALID
        assert await client.fault_of(PutBlock(handle, 0)) is FaultCode.INVALID
        await client.ask(PutBlock(handle, 0), bytes(4000))
        assert await client.fault_of(PutBlock(handle, 1), bytes(10)) is FaultCode.INVALID
        assert await client.fault_of(PutFinish(handle, ObjectInfo())) is FaultCode.INVALID


async def test_a_stream_of_unknown_size_may_be_small() -> None:
    """A stream that ends within its first block becomes an inline object; one without blocks is empty."""
    async with running_set(4) as a_set:
        client = a_set.client
        for body in (b"", b"small", body_of(4000)):
            handle = await client.send_blocks(PutOpen("b", b"k", -1), body)
            await client.ask(PutFinish(handle, ObjectInfo()))
            assert await client.get(b"k") == body
        handle = await client.send_blocks(PutOpen("b", b"small", -1), b"small")
        await client.ask(PutFinish(handle, ObjectInfo(), expect=0))
        assert (await client.ask(Get("b", b"small"))).meta.parts[0].data_id == b""
        handle = await client.send_blocks(PutOpen("b", b"small", -1), b"again")
        with pytest.raises(Fault, match="conflict"):
            await client.ask(PutFinish(handle, ObjectInfo(), expect=0))


async def test_malformed_requests_are_refused() -> None:
    """Numbers and ids out of range are faults of the caller, and the worker lives on."""
    async with running_set(2) as a_set:
        client = a_set.client
        upload_id = await begin(client)
        for message, code in [
            (PutSmall("b", b"k", PLAIN, PartTarget(upload_id, 0)), FaultCode.INVALID),
            (PutSmall("b", b"k", PLAIN, PartTarget(upload_id, 10001)), FaultCode.INVALID),
            (PutOpen("b", b"k", 1, PartTarget(b"short", 1)), FaultCode.NOT_FOUND),
            (UploadParts("b", b"k", b""), FaultCode.NOT_FOUND),
            (Get("b", b"k", Span(-5, -1)), FaultCode.INVALID),
            (ReadBlock("b", b"k", 0, 0, 1), FaultCode.INVALID),
            (ReadBlock("b", b"k", 5, 0, 4 * 4096 + 1), FaultCode.INVALID),
            (ReadBlock("b", b"k", 5, 0, 10), FaultCode.NOT_FOUND),
            (List("b", after=b"\xff", after_group=True), FaultCode.INVALID),
        ]:
            assert await client.fault_of(message) is code, message
        page = await client.ask(UploadParts("b", b"k", upload_id, after=99999))
        assert page.parts == ()
        assert (await client.ask(List("b", limit=0))).entries == ()


async def test_an_upload_keeps_its_stripes() -> None:
    """An upload that was begun under another setting takes no more parts, and completes with those it has."""
    async with running_set(4) as before:
        upload_id = await begin(before.client)
        part = await put_part(before.client, upload_id, 1, body_of(9000))
        await trio.testing.wait_all_tasks_blocked()
        async with running_set(4, stripe_bytes=8192) as after:
            for drive, old in zip(after.drives, before.drives, strict=True):
                drive.rows, drive.files = old.rows, old.files
            more = PutSmall("b", b"k", PLAIN, PartTarget(upload_id, 2))
            assert await after.client.fault_of(more, b"x") is FaultCode.NOT_FOUND
            await after.client.ask(UploadComplete("b", b"k", upload_id, (part,), 0))
            assert await after.client.get(b"k") == body_of(9000)
