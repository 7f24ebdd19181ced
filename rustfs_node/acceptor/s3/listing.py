"""ListObjects, versions 1 and 2, and ListObjectVersions.

Every set lists its own keys in order; here their pages are merged. Each set is asked for a full page, as all
of it may come from one of them.
"""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from operator import attrgetter

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.metadata_listing import described
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.attributes import check_optional_attributes
from rustfs_proto.s3.listing import (
    ObjectsQuery,
    Position,
    VersionsQuery,
    parse_list_objects,
    parse_list_objects_v2,
    parse_list_versions,
)
from rustfs_proto.s3.xml_listings import (
    ListedObject,
    ListedVersion,
    ObjectsPage,
    VersionsPage,
    list_objects,
    list_objects_v2,
    list_versions,
)
from rustfs_proto.s3.xml_out import Owner
from rustfs_proto.wire.set_ops import List, Listed, ListEntry


async def list_objects_v1(call: Call) -> Response:
    """A page of the bucket's keys."""
    query = parse_list_objects(call.params)
    page = await _page(call, query)
    return Response(200, list(XML_HEADERS), list_objects(call.bucket, query, page))


async def list_objects_2(call: Call) -> Response:
    """The same with continuation tokens, and owners only where they are asked for."""
    query = parse_list_objects_v2(call.params)
    page = await described(call, await _page(call, query))
    return Response(200, list(XML_HEADERS), list_objects_v2(call.bucket, query, page))


async def list_object_versions(call: Call) -> Response:
    """Every object here is the one, null version of its key."""
    query = parse_list_versions(call.params)
    page = await described(call, await _page(call, query))
    versions = [ListedVersion(item, "null", is_latest=True) for item in page.objects]
    next_version_id = "" if page.next is None or page.next.is_prefix else "null"
    shown = VersionsPage(versions, page.common_prefixes, page.next, next_version_id)
    return Response(200, list(XML_HEADERS), list_versions(call.bucket, query, shown))


async def _page(call: Call, query: ObjectsQuery | VersionsQuery) -> ObjectsPage:
    check_optional_attributes(call.headers)
    if query.max_keys == 0:
        return ObjectsPage()
    start = query.start or Position("")
    request = List(
        call.bucket,
        prefix=query.prefix.encode(),
        after=start.key.encode(),
        after_group=start.is_prefix,
        delimiter=query.delimiter.encode(),
        limit=query.max_keys,
    )
    entries, more = merge_pages(
        await call.sets.ask_all(request, Listed, trace=call.request_id), query.max_keys
    )
    is_silent = isinstance(query, ObjectsQuery) and not query.fetch_owner
    return _shown(entries, more, None if is_silent else call.services.owner)


def merge_pages(pages: list[Listed], limit: int) -> tuple[list[ListEntry], bool]:
    """The first `limit` entries of all pages in key order, and whether more follow. A common prefix that
    several sets have is one entry. No page may end before its set's entries do unless it holds `limit` of
    them.
    """
    if len(pages) == 1:
        return list(pages[0].entries), pages[0].more
    by_key = attrgetter("key")
    merged = merge(*(page.entries for page in pages), key=by_key)
    entries = [next(same) for _, same in groupby(merged, by_key)]
    return entries[:limit], len(entries) > limit or any(page.more for page in pages)


def _shown(entries: list[ListEntry], more: bool, owner: Owner | None) -> ObjectsPage:
    objects: list[ListedObject] = []
    prefixes: list[str] = []
    for entry in entries:
        key, head = entry.key.decode(), entry.head
        if head is None:
            prefixes.append(key)
        else:
            modified_ms = modified_ms_of(head, entry.stamp)
            objects.append(ListedObject(key, head.size, head.etag, modified_ms, head.storage_class, owner))
    last = entries[-1] if entries and more else None
    position = None if last is None else Position(last.key.decode(), is_prefix=last.head is None)
    return ObjectsPage(objects, prefixes, position)
