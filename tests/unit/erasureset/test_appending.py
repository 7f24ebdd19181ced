"""Appends to versions, where drives come late or fail, and where memory is short."""

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio.testing

from rustfs_proto.versions import Versioning
from rustfs_proto.wire.drive_ops import Commit, ShardWrite, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, Got, ObjectInfo, PutDone, PutFinish, PutOpen, PutSmall
from tests.unit.erasureset.kit import Client, running_set
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.test_objects import body_of

INFO = ObjectInfo(etag="ab" * 16)


async def put(client: Client, body: bytes, **more: object) -> PutDone:
    request = PutSmall("b", b"k", INFO, versioning=Versioning.ENABLED, **more)  # type: ignore[arg-type]
    done = await client.ask(request, body)
    assert isinstance(done, PutDone)
    return done


@pytest.mark.parametrize("drives", [3, 4, 5])
async def test_a_drive_that_comes_late_gets_the_very_version(
    monkeypatch: pytest.MonkeyPatch, drives: int
) -> None:
    """A drive that had not committed what is appended to when it was asked is given the same version as the
    others, and none that only it has.
    """
    async with running_set(drives, inline_bytes_max=1) as a_set:
        first = await put(a_set.client, body_of(3000))
        with trio.fail_after(5):
            while not all(drive.rows_of_key("b", b"k") for drive in a_set.drives):  # noqa: ASYNC110
                await trio.sleep(0.01)
        late = a_set.drives[-1]
        theirs = late.rows.pop((Space.OBJECT, "b", b"k", first.sub))
        commit = ModelDrive._commit  # noqa: SLF001 - the version comes between question and commit

        def commit_late(drive: ModelDrive, message: Commit, frames: tuple[bytes, ...]) -> object:
            if message.space == Space.OBJECT and drive is late:
                drive.rows.setdefault((Space.OBJECT, "b", b"k", first.sub), theirs)
            return commit(drive, message, frames)

        monkeypatch.setattr(ModelDrive, "_commit", commit_late)
        second = await put(a_set.client, b"more", expect=first.stamp, appends=True)
        await trio.testing.wait_all_tasks_blocked()
        for drive in a_set.drives:
            assert set(drive.rows_of_key("b", b"k")) == {first.sub, second.sub}
        a_set.drives[0].is_silent = True
        got = await a_set.client.ask(Get("b", b"k", want_data=False))
        assert isinstance(got, Got)
        assert got.sub == second.sub


async def test_who_waits_for_memory_does_not_hold_the_lock() -> None:
    """An append and conditional writes of its key, which fill all memory while they wait for their turn, all
    get through.
    """
    async with running_set(3, in_flight_bytes_max=4000, lock_wait_s=1.0, inline_bytes_max=4096) as a_set:
        first = await put(a_set.client, body_of(3000))
        outcomes: list[FaultCode | None] = []

        async def attempt(body: bytes, **more: object) -> None:
            try:
                await put(a_set.client, body, expect=first.stamp, **more)
            except Fault as fault:
                outcomes.append(fault.code)
            else:
                outcomes.append(None)

        for drive in a_set.drives:
            drive.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(attempt, b"more", appends=True))
            await trio.testing.wait_all_tasks_blocked()
            for drive in a_set.drives:
                drive.release()
                # The append is about to read what it continues.
                drive.hold()
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(3):
                nursery.start_soon(attempt, body_of(3900))
            await trio.testing.wait_all_tasks_blocked()
            for drive in a_set.drives:
                drive.release()
        assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[FaultCode.CONFLICT] * 3]))


async def test_an_append_names_what_it_continues() -> None:
    """Without the stamp of the version that it continues an append is refused; it never replaces one."""
    async with running_set(3) as a_set:
        first = await put(a_set.client, body_of(300))
        with pytest.raises(Fault, match="conflict"):
            await put(a_set.client, b"more", appends=True)
        got = await a_set.client.ask(Get("b", b"k", want_data=False))
        assert isinstance(got, Got)
        assert got.stamp == first.stamp


@pytest.mark.parametrize("restarted", [1, 2])
async def test_appended_bytes_are_on_a_write_quorum(monkeypatch: pytest.MonkeyPatch, restarted: int) -> None:
    """Drives that lost the new bytes before the commit, as those do that are started again, do not count for
    them: the append is acknowledged only where a write quorum has all of it.
    """
    async with running_set(4, inline_bytes_max=1) as a_set:
        first = await put(a_set.client, body_of(3000))
        await trio.testing.wait_all_tasks_blocked()
        before = {data_id for drive in a_set.drives for data_id in drive.files}
        commit = ModelDrive._commit  # noqa: SLF001 - what is lost is lost between two messages

        def commit_without(drive: ModelDrive, message: Commit, frames: tuple[bytes, ...]) -> object:
            if message.space == Space.OBJECT and drive in a_set.drives[:restarted]:
                for data_id in drive.files.keys() - before:
                    del drive.files[data_id]
            return commit(drive, message, frames)

        monkeypatch.setattr(ModelDrive, "_commit", commit_without)
        outcome: FaultCode | None = None
        try:
            await put(a_set.client, b"more", expect=first.stamp, appends=True)
        except Fault as fault:
            outcome = fault.code
        assert outcome == (None if restarted == 1 else FaultCode.NO_QUORUM)


@pytest.mark.parametrize("size", [300, 4000])
async def test_objects_of_other_stripes_are_appended_to(size: int) -> None:
    """What is appended to an object that was written under another setting can be read, or is refused."""
    async with running_set(4) as before:
        # Both draw the same numbers by chance; the second must not come upon the name of the file.
        for _ in range(5):
            await put(before.client, b"x")
        await put(before.client, body_of(size))
        await trio.testing.wait_all_tasks_blocked()
        async with running_set(4, stripe_bytes=8192) as a_set:
            for drive, old in zip(a_set.drives, before.drives, strict=True):
                drive.rows, drive.files = old.rows, old.files
            found = await a_set.client.ask(Get("b", b"k", want_data=False))
            assert isinstance(found, Got)
            try:
                await put(a_set.client, body_of(7000, 2), expect=found.stamp, appends=True)
            except Fault as fault:
                assert fault.code is FaultCode.INVALID  # noqa: PT017 - one of two good ends
                assert await a_set.client.get(b"k") == body_of(size)
            else:
                assert await a_set.client.get(b"k") == body_of(size) + body_of(7000, 2)


async def test_completing_an_append_copies_only_what_is_new() -> None:
    """A read that completes a half-written append gives drives the new bytes; those that it has in common
    with the version before are there.
    """
    async with running_set(4, inline_bytes_max=1) as a_set:
        client = a_set.client
        handle = await client.send_blocks(PutOpen("b", b"k", 40_000), body_of(40_000))
        request = PutFinish(handle, INFO, versioning=Versioning.ENABLED)
        first = await client.ask(request)
        assert isinstance(first, PutDone)
        await trio.testing.wait_all_tasks_blocked()
        for drive in a_set.drives[2:]:
            drive.refuses_where = lambda message: isinstance(message, Commit)
        with pytest.raises(Fault):
            await put(client, b"more", expect=first.stamp, appends=True)
        for drive in a_set.drives:
            drive.refuses_where = lambda _message: False
            drive.seen.clear()
        got = await client.ask(Get("b", b"k", want_data=False))
        assert isinstance(got, Got)
        assert got.head.size == 40_004
        for drive in a_set.drives:
            assert sum(isinstance(message, ShardWrite) for message in drive.seen) <= 1
            assert set(drive.rows_of_key("b", b"k")) == {first.sub, got.sub}
