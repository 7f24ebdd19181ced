"""ListObjectVersions: every version and delete marker, by key and from the newest on."""

from __future__ import annotations

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.merging import listed_object, merge_pages
from rustfs_node.acceptor.s3.metadata_listing import versions_described
from rustfs_node.acceptor.s3.steady import ask_steadily
from rustfs_node.acceptor.s3.versions import named_sub
from rustfs_proto.s3.attributes import check_optional_attributes
from rustfs_proto.s3.listing import Position, VersionsQuery, parse_list_versions
from rustfs_proto.s3.xml_listings import ListedVersion, VersionsPage, list_versions
from rustfs_proto.s3.xml_out import Owner
from rustfs_proto.versions import version_id_of
from rustfs_proto.wire.set_ops import ListVersions, VersionEntry, VersionsListed


async def list_object_versions(call: Call) -> Response:
    """A page of the bucket's versions."""
    query = parse_list_versions(call.params)
    page = await versions_described(call, await _page(call, query))
    return Response(200, list(XML_HEADERS), list_versions(call.bucket, query, page))


async def _page(call: Call, query: VersionsQuery) -> VersionsPage:
    check_optional_attributes(call.headers)
    marker = query.version_id_marker
    sub = None if marker is None else named_sub(marker, "version-id-marker")
    if query.max_keys == 0:
        return VersionsPage()
    start = query.start or Position("")
    request = ListVersions(
        call.bucket,
        prefix=query.prefix.encode(),
        after=start.key.encode(),
        after_sub=sub,
        after_group=start.is_prefix and sub is None,
        delimiter=query.delimiter.encode(),
        limit=query.max_keys,
    )
    pages = await ask_steadily(call, request, VersionsListed)
    entries, more = merge_pages(pages, query.max_keys)
    return _shown(entries, more, call.services.owner)


def _shown(entries: list[VersionEntry], more: bool, owner: Owner) -> VersionsPage:
    versions = [_version(entry, owner) for entry in entries if entry.head is not None]
    prefixes = [entry.key.decode() for entry in entries if entry.head is None]
    if not entries or not more:
        return VersionsPage(versions, prefixes)
    last = entries[-1]
    position = Position(last.key.decode(), is_prefix=last.head is None)
    return VersionsPage(versions, prefixes, position, version_id_of(last.sub) if last.head else "")


def _version(entry: VersionEntry, owner: Owner) -> ListedVersion:
    head = entry.head
    assert head is not None
    item = listed_object(entry.key, entry.stamp, head, owner)
    return ListedVersion(item, version_id_of(entry.sub), entry.is_latest, entry.is_marker)
