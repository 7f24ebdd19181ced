"""ListMultipartUploads: the uploads of a bucket that are under way, merged from all sets in order of key and
initiation.
"""

from __future__ import annotations

from heapq import merge
from itertools import groupby

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_proto.s3.listing import Position, UploadsQuery, parse_list_uploads
from rustfs_proto.s3.xml_listings import ListedUpload, UploadsPage, list_uploads
from rustfs_proto.stamp import wall_ms_of
from rustfs_proto.wire.upload_ops import UploadEntry, UploadList, UploadsListed


async def list_multipart_uploads(call: Call) -> Response:
    """A page of uploads."""
    query = parse_list_uploads(call.params)
    page = UploadsPage() if query.max_uploads == 0 else await _page(call, query)
    return Response(200, list(XML_HEADERS), list_uploads(call.bucket, query, page, call.services.owner))


async def _page(call: Call, query: UploadsQuery) -> UploadsPage:
    start = query.start or Position("")
    request = UploadList(
        call.bucket,
        prefix=query.prefix.encode(),
        after=start.key.encode(),
        after_upload=_marker(query.upload_id_marker),
        after_group=start.is_prefix,
        delimiter=query.delimiter.encode(),
        limit=query.max_uploads,
    )
    pages = await call.sets.ask_all(request, UploadsListed, trace=call.request_id)
    merged = merge(*(page.entries for page in pages), key=_order)
    entries = [next(same) for _, same in groupby(merged, _order)]
    more = len(entries) > query.max_uploads or any(page.more for page in pages)
    return _shown(entries[: query.max_uploads], more)


def _order(entry: UploadEntry) -> tuple[bytes, bytes]:
    return entry.key, entry.upload_id


def _marker(text: str) -> bytes:
    """An upload-id-marker that is no upload's name stands behind all uploads of its key, as if there were
    none.
    """
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _shown(entries: list[UploadEntry], more: bool) -> UploadsPage:
    uploads = [
        ListedUpload(
            entry.key.decode(),
            entry.upload_id.hex(),
            wall_ms_of(entry.stamp),
            entry.storage_class,
            entry.checksum_algorithm,
            entry.checksum_type,
        )
        for entry in entries
        if entry.upload_id
    ]
    prefixes = [entry.key.decode() for entry in entries if not entry.upload_id]
    if not more or not entries:
        return UploadsPage(uploads, prefixes)
    last = entries[-1]
    position = Position(last.key.decode(), is_prefix=not last.upload_id)
    return UploadsPage(uploads, prefixes, position, last.upload_id.hex())
