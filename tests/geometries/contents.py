"""What every geometry is filled with, and what must be true of it afterwards.

Keys of every kind: inline and in shard files, of one stripe and of many, from one body and from parts, empty,
replaced by smaller and by larger, removed, removed and stored again. Their names are spread over the slots by
the placement of the set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from random import Random

import attrs

from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Get,
    List,
    ObjectInfo,
    PartTarget,
    PutFinish,
    PutOpen,
    PutSmall,
    Span,
)
from rustfs_proto.wire.upload_ops import UploadComplete, UploadCreate, WantedPart
from tests.unit.erasureset.kit import Client

STRIPE_BYTES = 4096
BUCKET = "b"


def body_of(size: int, seed: int) -> bytes:
    """Bytes that no other key has."""
    return Random(size * 1009 + seed).randbytes(size)


SMALL = {b"empty": 0, b"one": 1, b"inline": 700, b"inline/most": STRIPE_BYTES, b"inline/b": 33}
LARGE = {b"file": STRIPE_BYTES + 1, b"file/many": 5 * STRIPE_BYTES + 123}
PARTS = (9000, 5000, 1)

STORED: dict[bytes, bytes] = {
    **{key: body_of(size, 1) for key, size in (SMALL | LARGE).items()},
    b"parts": b"".join(body_of(size, number) for number, size in enumerate(PARTS)),
    b"replaced/by-large": body_of(9001, 2),
    b"replaced/by-small": body_of(90, 2),
    b"replaced/alike": body_of(701, 2),
    b"stored-again": body_of(702, 2),
}
"""Every key that is there, with its bytes."""

REMOVED = (b"gone/large", b"gone/small", b"replaced")
NEVER = b"never"
IN_FILES = (b"file/many", b"replaced/by-large")
"""Keys whose bytes stand in shard files whatever the geometry."""

SPANS = (Span(0, 0), Span(5, 90), Span(suffix=30), Span(4000, 4200), Span(8191, 12288), Span(13_999))


async def fill_first(client: Client) -> None:
    """The first half of the history: what will be replaced and removed, and a little that stays."""
    for key, size in ((b"replaced/by-large", 80), (b"replaced/by-small", 9001), (b"replaced/alike", 700)):
        await client.put(key, body_of(size, 9))
    for key, size in ((b"gone/large", 9002), (b"gone/small", 20), (b"replaced", 70), (b"stored-again", 9003)):
        await client.put(key, body_of(size, 9))
    for key in LARGE:
        await client.put(key, STORED[key])


async def fill_rest(client: Client) -> None:
    """The second half: afterwards STORED is there and REMOVED is not."""
    deleted = await client.delete(*REMOVED, b"stored-again")
    assert set(deleted.faults) == {""}
    for key, body in STORED.items():
        if key == b"parts":
            await put_in_parts(client, key, body, PARTS)
        elif key not in LARGE:
            await client.put(key, body, user={"key": key.decode()})


async def put_in_parts(client: Client, key: bytes, body: bytes, sizes: tuple[int, ...]) -> None:
    """Store an object by an upload of parts."""
    upload_id = (await client.ask(UploadCreate(BUCKET, key, ObjectInfo()))).upload_id
    wanted: list[WantedPart] = []
    at = 0
    for number, size in enumerate(sizes, 1):
        piece = body[at : at + size]
        at += size
        info = ObjectInfo(etag=hashlib.md5(piece).hexdigest())
        target = PartTarget(upload_id, number)
        if size <= client.stripe_bytes:
            await client.ask(PutSmall(BUCKET, key, info, target), piece)
        else:
            handle = await client.send_blocks(PutOpen(BUCKET, key, size, target), piece)
            await client.ask(PutFinish(handle, info))
        wanted.append(WantedPart(number, info.etag))
    await client.ask(UploadComplete(BUCKET, key, upload_id, tuple(wanted), 0))


def cut(body: bytes, span: Span) -> bytes:
    """The bytes of a span, none where it cannot be satisfied."""
    if span.suffix >= 0:
        return body[-span.suffix :] if span.suffix else b""
    return body[span.first :] if span.last == -1 else body[span.first : span.last + 1]


async def check(
    client: Client,
    chance: Random,
    stored: Mapping[bytes, bytes] = STORED,
    keys: Collection[bytes] = STORED,
) -> None:
    """What is stored under those keys is read whole and in part, all is listed, and nothing else is."""
    for key in keys:
        body = stored[key]
        assert await client.get(key) == body, key
        span = chance.choice(SPANS)
        assert await client.get(key, span) == cut(body, span), (key, span)
    for key in (*REMOVED, NEVER):
        if key not in stored:
            assert await client.get_fault(key) is FaultCode.NOT_FOUND, key
    got = await client.ask(Get(BUCKET, b"inline", want_data=False))
    assert got.meta.user == {"key": "inline"}
    await check_listings(client, stored)


async def check_listings(client: Client, stored: Mapping[bytes, bytes] = STORED) -> None:
    """In one page, in small ones and by folders: the keys that are there, with their sizes."""
    page = await client.ask(List(BUCKET))
    assert [(entry.key, entry.head.size) for entry in page.entries] == [
        (key, len(stored[key])) for key in sorted(stored)
    ]
    keys: list[bytes] = []
    while len(keys) < len(stored):
        page = await client.ask(List(BUCKET, after=keys[-1] if keys else b"", limit=5))
        assert page.entries, keys
        keys.extend(entry.key for entry in page.entries)
    assert (keys, page.more) == (sorted(stored), False)
    names = {key.partition(b"/")[0] + (b"/" if b"/" in key else b"") for key in stored}
    page = await client.ask(List(BUCKET, delimiter=b"/"))
    assert [entry.key for entry in page.entries] == sorted(names)


@attrs.define
class Tried:
    """How reads and writes of a set went that has one drive too few: `refused` are the keys that were
    answered by a clean fault.
    """

    refused: set[bytes] = attrs.field(factory=set)
    served: set[bytes] = attrs.field(factory=set)


async def check_right_or_refused(client: Client, stored: Mapping[bytes, bytes] = STORED) -> Tried:
    """Whatever is answered is right, and what is not answered is refused for want of drives."""
    tried = Tried()
    for key, body in stored.items():
        for span in (Span(), Span(1, 5)):
            try:
                assert await client.get(key, span) == cut(body, span), (key, span)
                tried.served.add(key)
            except Fault as fault:
                require_no_quorum(fault, key)
                tried.refused.add(key)
    for key in (*REMOVED, NEVER):
        if key not in stored:
            assert await client.get_fault(key) in {FaultCode.NOT_FOUND, FaultCode.NO_QUORUM}, key
    try:
        await check_listings(client, stored)
    except Fault as fault:
        require_no_quorum(fault, b"a listing")
    return tried


def require_no_quorum(fault: Fault, what: bytes) -> None:
    """The one clean answer for want of drives."""
    assert fault.code is FaultCode.NO_QUORUM, (what, fault)


async def write(client: Client, chance: Random) -> None:
    """New and replaced objects of both kinds, one in parts, and a removal: afterwards they are what is read,
    and all is listed.
    """
    seed = chance.randrange(1 << 20)
    fresh = {
        b"new/small": body_of(500, seed),
        b"new/large": body_of(9100, seed),
        b"inline": body_of(640, seed),
        b"file/many": body_of(9200, seed),
        b"new/parts": body_of(4100 + 9, seed),
    }
    for key, body in fresh.items():
        if key == b"new/parts":
            await put_in_parts(client, key, body, (4100, 9))
        else:
            await client.put(key, body, user={"key": key.decode()})
    assert (await client.delete(b"one", NEVER)).faults == ("", "")
    stored = {key: body for key, body in (STORED | fresh).items() if key != b"one"}
    await check(client, chance, stored, fresh)
    assert await client.get_fault(b"one") is FaultCode.NOT_FOUND


async def check_writes_refused(client: Client) -> None:
    """No write is acknowledged; each is refused for want of drives, and at once."""
    for key, size in ((b"refused/small", 10), (b"refused/large", 9100)):
        try:
            await client.put(key, body_of(size, 5))
        except Fault as fault:
            require_no_quorum(fault, key)
        else:
            raise AssertionError(f"{key!r} was stored")
    assert (await client.delete(b"refused/key-that-may-be-there")).faults in {("",), ("no_quorum",)}
