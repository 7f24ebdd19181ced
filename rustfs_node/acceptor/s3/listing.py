"""ListObjects, versions 1 and 2.

Every set lists its own keys in order; here their pages are merged. Each set is asked for a full page, as all
of it may come from one of them.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.merging import listed_object, merge_pages
from rustfs_node.acceptor.s3.metadata_listing import described
from rustfs_node.acceptor.s3.steady import ask_steadily
from rustfs_proto.s3.attributes import check_optional_attributes
from rustfs_proto.s3.listing import (
    ObjectsQuery,
    Position,
    parse_list_objects,
    parse_list_objects_v2,
)
from rustfs_proto.s3.xml_listings import (
    ListedObject,
    ObjectsPage,
    list_objects,
    list_objects_v2,
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


async def _page(call: Call, query: ObjectsQuery) -> ObjectsPage:
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
    pages = await ask_steadily(call, request, Listed)
    entries, more = merge_pages(pages, query.max_keys)
    return _shown(entries, more, call.services.owner if query.fetch_owner else None)


def _shown(entries: list[ListEntry], more: bool, owner: Owner | None) -> ObjectsPage:
    objects: list[ListedObject] = []
    prefixes: list[str] = []
    for entry in entries:
        if entry.head is None:
            prefixes.append(entry.key.decode())
        else:
            objects.append(listed_object(entry.key, entry.stamp, entry.head, owner))
    last = entries[-1] if entries and more else None
    position = None if last is None else Position(last.key.decode(), is_prefix=last.head is None)
    return ObjectsPage(objects, prefixes, position)
