"""Listings that tell the metadata of each object: a page as it was listed, then its objects looked at.

An object that was replaced or removed since it was listed is told without metadata: what is there now is not
what the line speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.s3.versions import look_up
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.metadata_listing import Described, wants_metadata
from rustfs_proto.s3.xml_listings import ListedObject, ObjectsPage, VersionsPage
from rustfs_proto.versions import parse_version_id
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Got


async def described(call: Call, page: ObjectsPage) -> ObjectsPage:
    """The page with metadata where the request asks for it. Raises `Fault`."""
    if not wants_metadata(call.params):
        return page
    found = await _look_at_all(call, [(item.key, None) for item in page.objects])
    objects = [_described(item, got) for item, got in zip(page.objects, found, strict=True)]
    return attrs.evolve(page, objects=objects)


async def versions_described(call: Call, page: VersionsPage) -> VersionsPage:
    """The same for versions; delete markers have no metadata."""
    if not wants_metadata(call.params):
        return page
    found = await _look_at_all(
        call, [(one.item.key, parse_version_id(one.version_id)) for one in page.versions]
    )
    versions = [
        attrs.evolve(one, item=_described(one.item, got))
        for one, got in zip(page.versions, found, strict=True)
    ]
    return attrs.evolve(page, versions=versions)


_Name = tuple[str, bytes | None]
"""A key, and the sub of a version or None for the current one."""


async def _look_at_all(call: Call, names: Sequence[_Name]) -> list[Got | None]:
    at_once = call.services.settings.listing_lookups
    found: list[Got | None] = []
    for begin in range(0, len(names), at_once):
        outcomes = await look_up(call, names[begin : begin + at_once])
        found += [_unless_gone(outcome) for outcome in outcomes]
    return found


def _unless_gone(outcome: Got | Fault) -> Got | None:
    if not isinstance(outcome, Fault):
        return outcome
    if outcome.code is not FaultCode.NOT_FOUND:
        raise outcome
    return None


def _described(item: ListedObject, got: Got | None) -> ListedObject:
    if got is None or got.is_marker:
        return item
    if (got.head.etag, modified_ms_of(got.head, got.stamp)) != (item.etag, item.modified_ms):
        return item
    meta = got.meta
    return attrs.evolve(item, described=Described(meta.headers, meta.user, meta.tags))
