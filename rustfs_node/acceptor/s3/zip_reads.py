"""GetObject, HeadObject and ListObjectsV2 within zip archives, where x-minio-extract asks for it.

Conditions, ranges and overrides are about the member as they are about an object otherwise. How its bytes are
expanded on their way is in `zip_stream`.
"""

from __future__ import annotations

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3 import listing, reads
from rustfs_node.acceptor.s3.versions import version_lines
from rustfs_node.acceptor.s3.zip_archive import ZipArchive
from rustfs_node.acceptor.s3.zip_stream import MemberStream, take_slot
from rustfs_proto.s3.conditions import check_read, range_applies
from rustfs_proto.s3.content_types import content_type_of
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.headers import object_headers, response_overrides
from rustfs_proto.s3.listing import parse_list_objects_v2
from rustfs_proto.s3.ranges import ByteRange, parse_range
from rustfs_proto.s3.xml_listings import ObjectsPage, list_objects_v2
from rustfs_proto.s3.zip_access import MemberKey, MemberListing, member_key
from rustfs_proto.s3.zip_directory import Member
from rustfs_proto.s3.zip_member import check_readable


async def get_object(call: Call) -> Response:
    """The bytes of the object, or of a member of an archive."""
    named = member_key(call.headers, call.key)
    if named is None:
        return await reads.get_object(call)
    slot = take_slot(call)
    try:
        archive, member = await _find(call, named)
        response, span = _describe(call, archive, member)
        stream = await MemberStream.open(call, archive, member, span, slot)
        # What is wrong with the first piece can still be answered.
        await stream.load()
    # Whatever ended it, the next request must find the slot free.
    except BaseException:
        slot.give_back()
        raise
    response.stream = stream
    return response


async def head_object(call: Call) -> Response:
    """The same without the bytes."""
    named = member_key(call.headers, call.key)
    if named is None:
        return await reads.head_object(call)
    slot = take_slot(call)
    try:
        response, _ = _describe(call, *await _find(call, named))
        return response
    finally:
        slot.give_back()


async def list_objects_2(call: Call) -> Response:
    """A page of the bucket's keys, or of the members of the archive in which the prefix ends. Where there is
    no such archive, there are no keys below it.
    """
    named = member_key(call.headers, call.params.get("prefix", ""))
    if named is None:
        return await listing.list_objects_2(call)
    query = parse_list_objects_v2(call.params)
    found = MemberListing(named.archive, query)
    slot = take_slot(call)
    try:
        archive = await ZipArchive.open(call, named.archive)
        await archive.walk(found.add)
        owner = call.services.owner if query.fetch_owner else None
        page = found.page(archive.etag, archive.modified_ms, owner)
    except S3Error as error:
        if error.code != "NoSuchKey":
            raise
        page = ObjectsPage()
    finally:
        slot.give_back()
    return Response(200, list(XML_HEADERS), list_objects_v2(call.bucket, query, page))


async def _find(call: Call, named: MemberKey) -> tuple[ZipArchive, Member]:
    """The member and its archive; raises NoSuchKey, and what `ZipArchive` and `check_readable` raise."""
    if "partNumber" in call.params:
        raise not_implemented("Reading a part of a member of a zip archive")
    archive = await ZipArchive.open(call, named.archive)
    member = await archive.find(named.name)
    check_readable(member, archive.directory)
    return archive, member


def _describe(call: Call, archive: ZipArchive, member: Member) -> tuple[Response, ByteRange]:
    """The head of the answer, and which bytes it is about. Raises what conditions and ranges raise."""
    etag, modified_ms = archive.etag, archive.modified_ms
    check_read(call.headers, etag=etag, modified_ms=modified_ms)
    headers = object_headers(
        etag=etag,
        modified_ms=modified_ms,
        content={"content-type": content_type_of(member.name)},
        user={},
        overrides=response_overrides(call.params, is_signed=True),
    )
    headers += version_lines(call, archive.sub)
    wanted = call.headers.get("range")
    span = None
    if wanted is not None and range_applies(call.headers, etag=etag, modified_ms=modified_ms):
        span = parse_range(wanted, member.size)
    if span is None:
        return Response(200, headers, length=member.size), ByteRange(0, member.size)
    headers.append((b"content-range", span.content_range(member.size).encode()))
    return Response(206, headers, length=span.length), span
