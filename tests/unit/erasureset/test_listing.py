"""Listings against a model, with drives that missed writes, and page by page."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rustfs_proto.versions import Versioning
from rustfs_proto.wire.drive_ops import Scan
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Delete, List, ListEntry, ObjectInfo
from rustfs_proto.wire.upload_ops import UploadCreate, UploadList
from tests.unit.erasureset.kit import Client, TestSet, running_set

KEYS = st.text(alphabet="ab/\u00e9", min_size=1, max_size=4).map(str.encode)
PREFIXES = st.sampled_from([b"", b"a", b"a/", b"b/a", b"/", "é".encode()])
DELIMITERS = st.sampled_from([b"", b"/", b"a", b"b/"])


def expected(keys: set[bytes], prefix: bytes, delimiter: bytes, after: bytes = b"") -> list[bytes]:
    """Keys and common prefixes, each once, in order."""
    shown: list[bytes] = []
    for key in sorted(keys):
        if not key.startswith(prefix) or key <= after:
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if at < 0 else key[: at + len(delimiter)]
        if not shown or shown[-1] != entry:
            shown.append(entry)
    return shown


async def pages(client: Client, prefix: bytes, delimiter: bytes, limit: int) -> list[ListEntry]:
    """All entries, page by page as an acceptor goes on."""
    found: list[ListEntry] = []
    more = True
    while more:
        after, is_group = (found[-1].key, found[-1].head is None) if found else (b"", False)
        page = await client.ask(List("b", prefix, after, is_group, delimiter, limit))
        assert len(page.entries) <= limit
        assert page.entries or not page.more
        found.extend(page.entries)
        more = page.more
    return found


async def write_with_drives_away(
    a_set: TestSet, operations: list[tuple[bytes, bool]], seed: int
) -> set[bytes]:
    """Puts (True) and removals (False), each missed by a drive chosen by chance; the keys that are there."""
    random, there = Random(seed), set[bytes]()
    for key, is_put in operations:
        away = random.choice([*a_set.drives, None])
        if away is not None:
            away.refuses = FaultCode.PEER_DOWN
        if is_put:
            await a_set.client.put(key, b"x")
            there.add(key)
        else:
            await a_set.client.delete(key)
            there.discard(key)
        if away is not None:
            away.refuses = None
    return there


@given(
    operations=st.lists(st.tuples(KEYS, st.sampled_from([True, True, False])), max_size=25),
    prefix=PREFIXES,
    delimiter=DELIMITERS,
    limit=st.integers(1, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_pages_show_what_is_there(
    operations: list[tuple[bytes, bool]], prefix: bytes, delimiter: bytes, limit: int, seed: int
) -> None:
    """Whatever drives missed: the pages together are the keys and common prefixes of the model, in order,
    each once.
    """
    import trio

    async def check() -> None:
        async with running_set(4, scan_rows_max=3) as a_set:
            there = await write_with_drives_away(a_set, operations, seed)
            shown = await pages(a_set.client, prefix, delimiter, limit)
            assert [entry.key for entry in shown] == expected(there, prefix, delimiter)
            for entry in shown:
                assert entry.head is None or entry.head.size == 1

    trio.run(check)


async def test_start_within_a_group() -> None:
    """Keys of a group that follow the start are still shown as the group; a group passed over is not."""
    async with running_set(4) as a_set:
        for key in (b"a/1", b"a/2", b"b"):
            await a_set.client.put(key, b"x")
        for after, is_group, keys in [
            (b"a/1", False, [b"a/", b"b"]),
            (b"a/", True, [b"b"]),
            (b"a/2", False, [b"b"]),
        ]:
            page = await a_set.client.ask(List("b", after=after, after_group=is_group, delimiter=b"/"))
            assert [entry.key for entry in page.entries] == keys


@pytest.mark.parametrize("drives", [1, 2, 3, 5, 8])
async def test_listing_needs_enough_drives(drives: int) -> None:
    """Any drives may be away as long as N - W + 1 are there; with fewer the listing is an error, never
    shorter.
    """
    async with running_set(drives) as a_set:
        for number in range(30):
            await a_set.client.put(b"k%02d" % number, b"x")
        state_drives = a_set.drives
        away = {1: 0, 2: 1, 3: 1, 5: 2, 8: 3}[drives]
        for drive in state_drives[:away]:
            drive.refuses = FaultCode.DRIVE_FAULT
        page = await a_set.client.ask(List("b"))
        assert [entry.key for entry in page.entries] == [b"k%02d" % number for number in range(30)]
        for drive in state_drives[away:]:
            drive.refuses = FaultCode.DRIVE_FAULT
        with pytest.raises(Fault, match="no_quorum"):
            await a_set.client.ask(List("b"))


async def test_emptied_drives_do_not_vote() -> None:
    """Two drives that were replaced show nothing, and nobody takes that for an empty bucket."""
    async with running_set(4) as a_set:
        await a_set.client.put(b"k", b"x")
        for drive in a_set.drives[:2]:
            drive.empty()
        assert [entry.key for entry in (await a_set.client.ask(List("b"))).entries] == [b"k"]
        a_set.drives[2].empty()
        with pytest.raises(Fault, match="no_quorum"):
            await a_set.client.ask(List("b"))


async def test_a_partial_write_is_not_listed() -> None:
    """A version that was never acknowledged and is passed over by reads is passed over by listings."""
    async with running_set(5) as a_set:
        for drive in a_set.drives[1:]:
            drive.refuses = FaultCode.DRIVE_FAULT
        with pytest.raises(Fault):
            await a_set.client.put(b"k", b"x")
        for drive in a_set.drives:
            drive.refuses = None
        assert (await a_set.client.ask(List("b"))).entries == ()


async def test_uploads_are_listed_by_key_and_age() -> None:
    """Several uploads of one key follow one another as they were begun; paging goes on in the middle of a
    key.
    """
    async with running_set(4) as a_set:
        begun: list[tuple[bytes, bytes]] = []
        for key in (b"a", b"a", b"a", b"b/c", b"b/d", b"c"):
            upload_id = (
                await a_set.client.ask(UploadCreate("b", key, ObjectInfo(storage_class="COLD")))
            ).upload_id
            begun.append((key, upload_id))
        found: list[tuple[bytes, bytes]] = []
        more = True
        while more:
            key, upload_id = found[-1] if found else (b"", b"")
            page = await a_set.client.ask(UploadList("b", after=key, after_upload=upload_id, limit=2))
            found.extend((entry.key, entry.upload_id) for entry in page.entries)
            more = page.more
        assert found == begun
        page = await a_set.client.ask(UploadList("b", after=b"a", delimiter=b"/"))
        assert [(entry.key, entry.storage_class) for entry in page.entries] == [
            (b"b/", "STANDARD"),
            (b"c", "COLD"),
        ]


async def test_deleted_keys_are_passed_over_in_growing_pages() -> None:
    """Finding the first key behind many that have delete markers takes few questions to each drive,
    however few keys are asked for; so does a group about which drives differ.
    """
    async with running_set(4) as a_set:
        keys = [b"d/%03d" % number for number in range(120)]
        for key in keys:
            await a_set.client.ask(Delete("b", (key,), versioning=Versioning.ENABLED))
        await a_set.client.put(b"e", b"x")
        for query, asks in ((List("b", limit=1), 12), (List("b", delimiter=b"/", limit=1), 16)):
            for drive in a_set.drives:
                drive.seen.clear()
            page = await a_set.client.ask(query)
            assert [entry.key for entry in page.entries] == [b"e"]
            for drive in a_set.drives:
                assert sum(isinstance(message, Scan) for message in drive.seen) < asks
            # One drive has missed the marker of one key.
            name = next(name for name in a_set.drives[0].rows if name[2] == keys[0])
            del a_set.drives[0].rows[name]
