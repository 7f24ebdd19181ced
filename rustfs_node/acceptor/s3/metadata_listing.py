"""Listings that tell the metadata of each object: a page as it was listed, then its objects looked at.

An object that was replaced or removed since it was listed is told without metadata: what is there now is not
what the line speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.metadata_listing import Described, wants_metadata
from rustfs_proto.s3.xml_listings import ListedObject, ObjectsPage
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, Got


async def described(call: Call, page: ObjectsPage) -> ObjectsPage:
    """The page with metadata where the request asks for it. Raises `Fault`."""
    if not wants_metadata(call.params):
        return page
    at_once = call.services.settings.listing_lookups
    objects: list[ListedObject] = []
    for begin in range(0, len(page.objects), at_once):
        objects += await _look_at(call, page.objects[begin : begin + at_once])
    return attrs.evolve(page, objects=objects)


async def _look_at(call: Call, objects: Sequence[ListedObject]) -> list[ListedObject]:
    gathering = Gathering(len(objects))
    for index, item in enumerate(objects):
        key = item.key.encode()
        call.sets.bus.ask(
            call.sets.home(call.bucket, key),
            Get(call.bucket, key, want_data=False),
            deadline_s=call.sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=call.request_id,
        )
    shown: list[ListedObject] = []
    for item, outcome in zip(objects, await gathering.outcomes(), strict=True):
        if isinstance(outcome, Fault):
            if outcome.code is not FaultCode.NOT_FOUND:
                raise outcome
            shown.append(item)
        else:
            shown.append(_described(item, typed(outcome, Got)))
    return shown


def _described(item: ListedObject, got: Got) -> ListedObject:
    if (got.head.etag, modified_ms_of(got.head, got.stamp)) != (item.etag, item.modified_ms):
        return item
    meta = got.meta
    return attrs.evolve(item, described=Described(meta.headers, meta.user, meta.tags))
