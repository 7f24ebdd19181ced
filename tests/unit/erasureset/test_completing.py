"""The end of an upload: what is promised once the object is there, whatever befalls the tidying up."""

from __future__ import annotations

from collections.abc import Callable

import trio

from rustfs_proto.wire.drive_ops import Commit, RowKind, Space
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.set_ops import List
from rustfs_proto.wire.upload_ops import (
    UploadAbort,
    UploadComplete,
    UploadGet,
    UploadList,
    UploadParts,
)
from tests.unit.erasureset.kit import TestSet, running_real_set, running_set
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import begin, complete, put_part, rows_left

BODY = body_of(9000)


def ends_upload(message: object) -> bool:
    return isinstance(message, Commit) and (message.space, message.kind) == (Space.UPLOAD, RowKind.TOMBSTONE)


def is_object(message: object) -> bool:
    return isinstance(message, Commit) and message.space == Space.OBJECT


def refuse_all(a_set: TestSet[ModelDrive], which: Callable[[object], bool]) -> None:
    for drive in a_set.drives:
        drive.refuses_where = which


async def uploaded(a_set: TestSet[ModelDrive]) -> tuple[bytes, UploadComplete]:
    """An upload of one part, and what completes it."""
    upload_id = await begin(a_set.client)
    return upload_id, complete(upload_id, await put_part(a_set.client, upload_id, 1, BODY))


async def test_a_completion_that_cannot_tidy_up_is_a_completion() -> None:
    """The object is durable, so that the answer is good; the upload stays, to be completed again or given up
    without harm.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        upload_id, message = await uploaded(a_set)
        refuse_all(a_set, ends_upload)
        await client.ask(message)
        assert await client.get(b"k") == BODY
        refuse_all(a_set, lambda _: False)
        await client.ask(message)
        assert await client.get(b"k") == BODY
        assert rows_left(a_set) == []
        assert await client.fault_of(UploadGet("b", b"k", upload_id)) is FaultCode.NOT_FOUND


async def test_a_completion_that_died_half_way_can_be_asked_again() -> None:
    """Wherever the end of the upload got before the worker died, the next try completes it, or is told that
    the upload is over.
    """
    for reached in range(5):
        async with running_set(4) as a_set:
            _, message = await uploaded(a_set)
            for drive in a_set.drives[reached:]:
                drive.refuses_where = ends_upload
            await a_set.client.ask(message)
            refuse_all(a_set, lambda _: False)
            if reached < 2:
                await a_set.client.ask(message)
            else:
                assert await a_set.client.fault_of(message) is FaultCode.NOT_FOUND
            assert await a_set.client.get(b"k") == BODY


async def test_a_completion_that_got_nowhere_hides_nothing() -> None:
    """Its record is on a write quorum of drives of which too few have the part: it was never acknowledged,
    and what was there before is read and listed, or nothing where nothing was.
    """
    for before in (b"what was there before", None):
        async with running_set(6, 2) as a_set:
            client = a_set.client
            if before is not None:
                await client.put(b"k", before)
            upload_id = await begin(client)
            for drive in a_set.drives[4:]:
                drive.refuses = FaultCode.OVERLOADED
            message = complete(upload_id, await put_part(client, upload_id, 1, BODY))
            for drive in a_set.drives:
                drive.refuses = None
            for drive in a_set.drives[:2]:
                drive.refuses_where = is_object
            assert await client.fault_of(message) is FaultCode.NO_QUORUM
            refuse_all(a_set, lambda _: False)
            listed = [entry.head.size for entry in (await client.ask(List("b"))).entries]
            if before is None:
                assert await client.get_fault(b"k") is FaultCode.NOT_FOUND
                assert listed == []
            else:
                assert await client.get(b"k") == before
                assert listed == [len(before)]


async def test_an_upload_is_not_over_while_its_end_may_be_lost() -> None:
    """Its end is on one drive, and those that may have it too are away: giving up again fails, and is not
    told that there is nothing left to do.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        upload_id = await begin(client)
        for drive in a_set.drives[1:]:
            drive.refuses_where = ends_upload
        assert await client.fault_of(UploadAbort("b", b"k", upload_id)) is FaultCode.NO_QUORUM
        refuse_all(a_set, lambda _: False)
        for drive in a_set.drives[1:3]:
            drive.refuses = FaultCode.PEER_DOWN
        assert await client.fault_of(UploadAbort("b", b"k", upload_id)) is FaultCode.NO_QUORUM
        for drive in a_set.drives:
            drive.refuses = None
        await client.ask(UploadAbort("b", b"k", upload_id))
        assert (await client.ask(UploadList("b"))).entries == ()


async def test_giving_up_half_way_can_be_asked_again() -> None:
    """Wherever the end of an upload got before the worker died, giving it up again ends it: no list shows it,
    and no drive has its parts.
    """
    for reached in range(5):
        async with running_set(4) as a_set:
            client = a_set.client
            upload_id, _ = await uploaded(a_set)
            for drive in a_set.drives[reached:]:
                drive.refuses_where = ends_upload
            give_up = UploadAbort("b", b"k", upload_id)
            if reached < 3:
                await client.fault_of(give_up)
                refuse_all(a_set, lambda _: False)
                await client.ask(give_up)
                assert rows_left(a_set) == []
            else:
                await client.ask(give_up)
                refuse_all(a_set, lambda _: False)
            assert await client.fault_of(give_up) is FaultCode.NOT_FOUND
            assert (await client.ask(UploadList("b"))).entries == ()


async def test_drives_that_missed_the_object_keep_its_shards() -> None:
    """A drive without the object's record keeps the rows and files of the parts for the healer, also when
    the upload is asked for again; clients see the upload no more.
    """
    async with running_set(4) as a_set:
        client = a_set.client
        a_set.drives[3].refuses = FaultCode.OVERLOADED
        upload_id, message = await uploaded(a_set)
        a_set.drives[3].refuses = None
        a_set.drives[2].refuses_where = is_object
        await client.ask(message)
        a_set.drives[2].refuses_where = lambda _: False
        for silent in (None, a_set.drives[0], a_set.drives[1]):
            if silent is not None:
                silent.refuses = FaultCode.PEER_DOWN
            assert (await client.ask(UploadList("b"))).entries == ()
            for again in (message, UploadAbort("b", b"k", upload_id), UploadParts("b", b"k", upload_id)):
                assert await client.fault_of(again) is FaultCode.NOT_FOUND
            if silent is not None:
                silent.refuses = None
        spaces = {space for space, *_ in a_set.drives[2].rows}
        assert {Space.UPLOAD, Space.PART} <= spaces
        assert len(a_set.drives[2].files) == 1
        notes = {note for drive in a_set.drives for note in drive.heal_notes()}
        assert ("b", b"k") in notes
        assert await client.get(b"k") == BODY


async def test_a_completion_waits_a_moment_for_slow_drives() -> None:
    """A drive that commits the object a little later than the others ends the upload like them; one that does
    not answer holds the completion up for the limit only.
    """
    async with running_set(4, complete_wait_s=30.0) as a_set:
        _, message = await uploaded(a_set)
        a_set.drives[1].hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(a_set.client.ask, message)
            with trio.fail_after(5):
                while not a_set.drives[1].held:  # noqa: ASYNC110 - the drives tell nobody
                    await trio.sleep(0.01)
            a_set.drives[1].release()
        assert rows_left(a_set) == []
    async with running_set(4, complete_wait_s=0.05) as a_set:
        _, message = await uploaded(a_set)
        a_set.drives[1].is_silent = True
        with trio.fail_after(5):
            await a_set.client.ask(message)
        assert (await a_set.client.ask(UploadList("b"))).entries == ()


async def test_real_drives_drop_the_parts_with_the_upload(tmp_path) -> None:
    """One tombstone ends an upload of many parts, completed or given up, named in the completion or not."""
    async with running_real_set(tmp_path, 4) as a_set:
        client = a_set.client
        upload_id = await begin(client)
        parts = [await put_part(client, upload_id, number, body_of(5000, number)) for number in range(1, 6)]
        await client.ask(complete(upload_id, *parts[:3]))
        given_up = await begin(client)
        await put_part(client, given_up, 1, BODY)
        await client.ask(UploadAbort("b", b"k", given_up))
        assert (await client.ask(UploadList("b"))).entries == ()
        for over in (upload_id, given_up):
            assert await client.fault_of(UploadParts("b", b"k", over)) is FaultCode.NOT_FOUND
        assert await client.get(b"k") == b"".join(body_of(5000, number) for number in range(1, 4))
