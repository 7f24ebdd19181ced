"""Removing everything whose key has a prefix, every version of it, page by page.

Each set is emptied by itself, as its keys are at home there. What is written in front of the page that is at
hand stays. Where a delete fails, it ends there with that fault: what was removed stays removed, and the next
attempt goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from rustfs_node.acceptor.faults import fault_named
from rustfs_node.acceptor.sets import Gathering, Sets
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    DELETE_KEYS_MAX,
    ListVersions,
    RemoveVersions,
    VersionEntry,
    VersionsListed,
    VersionsRemoved,
)
from rustfs_proto.wire.upload_ops import UploadAbort, UploadEntry, UploadList, UploadsListed

Permit = Callable[[], Awaitable[None]]
"""Asked before each page is removed; raises where that must not be any more."""

_UPLOADS_AT_ONCE = 100


async def always() -> None:
    """A `Permit` that is always given."""


async def remove_below(
    sets: Sets, bucket: str, prefix: bytes, trace: str, *, permit: Permit = always
) -> None:
    """Remove every version of every key that begins with `prefix`. Raises `Fault`."""
    for peer in sets.names:
        await _remove_pages(sets, peer, ListVersions(bucket, prefix=prefix), trace, permit)


async def remove_key(sets: Sets, bucket: str, key: bytes, trace: str) -> None:
    """Remove every version of the key. Raises `Fault`."""
    # Of all keys that begin with it, it is the first.
    await _remove_pages(sets, sets.lead(bucket, key), ListVersions(bucket, prefix=key), trace, always, key)


async def _remove_pages(
    sets: Sets, peer: str, request: ListVersions, trace: str, permit: Permit, only: bytes | None = None
) -> None:
    """Remove what `request` lists at that set, up to the first key that is not `only`."""
    request = replace(request, limit=min(sets.settings.force_delete_keys, DELETE_KEYS_MAX))
    more = True
    while more:
        page, _ = await sets.ask(peer, request, VersionsListed, trace=trace)
        entries = [entry for entry in page.entries if only is None or entry.key == only]
        if entries:
            await permit()
            await _remove(sets, peer, request.bucket, entries, trace)
            last = entries[-1]
            request = replace(request, after=last.key, after_sub=last.sub)
        more = page.more and len(entries) == len(page.entries) > 0


async def give_up_uploads(sets: Sets, bucket: str, trace: str, *, permit: Permit = always) -> None:
    """Give up every multipart upload of the bucket. Raises `Fault`."""
    for peer in sets.names:
        last, more = UploadEntry(b""), True
        while more:
            request = UploadList(bucket, after=last.key, after_upload=last.upload_id, limit=_UPLOADS_AT_ONCE)
            page, _ = await sets.ask(peer, request, UploadsListed, trace=trace)
            if page.entries:
                await permit()
                await _abort(sets, peer, bucket, page.entries, trace)
                last = page.entries[-1]
            more = page.more and bool(page.entries)


async def _remove(sets: Sets, peer: str, bucket: str, entries: Sequence[VersionEntry], trace: str) -> None:
    versions = tuple((entry.key, entry.sub) for entry in entries)
    removed, _ = await sets.ask(peer, RemoveVersions(bucket, versions), VersionsRemoved, trace=trace)
    for code in removed.faults:
        if code:
            raise fault_named(code)


async def _abort(sets: Sets, peer: str, bucket: str, uploads: Sequence[UploadEntry], trace: str) -> None:
    gathering = Gathering(len(uploads))
    for index, upload in enumerate(uploads):
        sets.bus.ask(
            peer,
            UploadAbort(bucket, upload.key, upload.upload_id),
            deadline_s=sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=trace,
        )
    for outcome in await gathering.outcomes():
        if isinstance(outcome, Fault) and outcome.code is not FaultCode.NOT_FOUND:
            raise outcome
