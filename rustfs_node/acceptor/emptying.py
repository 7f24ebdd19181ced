"""Removing everything whose key has a prefix, page by page by ordinary deletes.

Each set is emptied by itself, as its keys are at home there. What is written in front of the page that is at
hand stays. Where a delete fails, it ends there with that fault: what was removed stays removed, and the next
attempt goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from rustfs_node.acceptor.faults import fault_named
from rustfs_node.acceptor.sets import Gathering, Sets
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    DELETE_KEYS_MAX,
    Delete,
    Deleted,
    List,
    Listed,
    UploadAbort,
    UploadEntry,
    UploadList,
    UploadsListed,
)

Permit = Callable[[], Awaitable[None]]
"""Asked before each page is removed; raises where that must not be any more."""

_UPLOADS_AT_ONCE = 100


async def always() -> None:
    """A `Permit` that is always given."""


async def remove_objects(
    sets: Sets, bucket: str, prefix: bytes, trace: str, *, permit: Permit = always
) -> None:
    """Remove every object of the bucket whose key begins with `prefix`. Raises `Fault`."""
    limit = min(sets.settings.force_delete_keys, DELETE_KEYS_MAX)
    for peer in sets.names:
        after, more = b"", True
        while more:
            request = List(bucket, prefix=prefix, after=after, limit=limit)
            page, _ = await sets.ask(peer, request, Listed, trace=trace)
            keys = tuple(entry.key for entry in page.entries)
            if keys:
                await permit()
                await _delete(sets, peer, bucket, keys, trace)
                after = keys[-1]
            more = page.more and bool(keys)


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


async def _delete(sets: Sets, peer: str, bucket: str, keys: tuple[bytes, ...], trace: str) -> None:
    deleted, _ = await sets.ask(peer, Delete(bucket, keys), Deleted, trace=trace)
    for code in deleted.faults:
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
