"""GetObject and HeadObject, and how any operation finds the version that it is about.

User Guide, "Working with delete markers": without an id a delete marker is as good as nothing (404), and says
so by x-amz-delete-marker; by its id it can only be deleted (405).
"""

from __future__ import annotations

from tests.model.answers import Answer, Refused, error, quoted
from tests.model.operations import Range, Read, Version
from tests.model.s3.conditions import read_refusals
from tests.model.s3.state import Bucket, ObjectVersion
from tests.model.symbols import MADE_UP, Maybe


def read(bucket: Bucket, operation: Read) -> Answer:
    """The bytes asked for, or only what HEAD tells of them."""
    version = select(bucket, operation.key, operation.version)
    if refusals := read_refusals(bucket, version, operation.on):
        raise Refused(*refusals)
    begin, end = _bounds(version, operation)
    headers = object_headers(bucket, version) | {"content-length": str(end - begin)}
    if operation.shows_checksum and version.checksum is not None:
        headers |= checksum_headers(version)
    if operation.part is not None and version.parts:
        headers["x-amz-mp-parts-count"] = str(len(version.parts))
    is_part_of_it = (operation.part is not None and end > begin) or _selects(operation.range)
    if is_part_of_it:
        headers["content-range"] = f"bytes {begin}-{end - 1}/{len(version.data)}"
    body = None if operation.is_head else version.data[begin:end]
    return Answer(206 if is_part_of_it else 200, headers, body)


def select(bucket: Bucket, key: str, version_id: Version) -> ObjectVersion:
    """The version meant; raises Refused where it is not there or is a delete marker."""
    version = bucket.current(key) if version_id is None else bucket.find(key, version_id)
    if version is None:
        raise Refused(not_there(version_id))
    if not version.is_marker:
        return version
    marker = {"x-amz-delete-marker": "true", "x-amz-version-id": version.id}
    if version_id is None:
        raise Refused(error("NoSuchKey", marker))
    raise Refused(
        error("MethodNotAllowed", marker | {"last-modified": version.made, "allow": Maybe("DELETE")})
    )


def not_there(version_id: Version) -> Answer:
    """What it is called that there is no such thing, or that the id can be that of none."""
    codes = {None: "NoSuchKey", MADE_UP: "InvalidArgument"}
    return error(codes.get(version_id, "NoSuchVersion"))


def object_headers(bucket: Bucket, version: ObjectVersion) -> dict[str, object]:
    """What GET and HEAD tell of a version."""
    carried = version.carried
    headers: dict[str, object] = {"content-type": "binary/octet-stream"} | dict(carried.content)
    headers |= {"etag": quoted(version.etag), "last-modified": version.made, **bucket.id_header(version)}
    headers |= {f"x-amz-meta-{name}": value for name, value in carried.user}
    if version.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = version.storage_class
    if carried.tags:
        headers["x-amz-tagging-count"] = str(len(carried.tags))
    return headers


def checksum_headers(version: ObjectVersion) -> dict[str, object]:
    """What x-amz-checksum-mode: ENABLED adds."""
    checksum = version.checksum
    assert checksum is not None
    name = f"x-amz-checksum-{checksum.algorithm.lower()}"
    return {name: checksum.value, "x-amz-checksum-type": checksum.kind}


def _selects(wanted: Range | None) -> bool:
    """Whether a Range header means anything: one that ends before it begins is ignored (RFC 9110 §14.2)."""
    if wanted is None:
        return False
    return wanted.first is None or wanted.last is None or wanted.first <= wanted.last


def _bounds(version: ObjectVersion, operation: Read) -> tuple[int, int]:
    if operation.part is not None:
        return _part_bounds(version, operation.part)
    size, wanted = len(version.data), operation.range
    if wanted is None or not _selects(wanted):
        return 0, size
    if wanted.first is None:
        begin, end = max(0, size - (wanted.last or 0)), size
    else:
        begin, end = wanted.first, size if wanted.last is None else min(size, wanted.last + 1)
    if begin >= size:
        raise Refused(error("InvalidRange", {"content-range": Maybe(f"bytes */{size}")}))
    return begin, end


def _part_bounds(version: ObjectVersion, number: int) -> tuple[int, int]:
    begin = 0
    for part in version.parts:
        if part.number == number:
            return begin, begin + len(part.data)
        begin += len(part.data)
    if version.parts or number != 1:
        raise Refused(error("InvalidPartNumber"))
    return 0, len(version.data)
