"""XML documents of clients. Every input goes to every reader.

What is accepted is written down again by a writer of this module's own and must be read as the same;
everything else is refused, whatever it costs others: entity bombs, nesting and long names must neither take
time nor memory (`guards`).
"""

from __future__ import annotations

from rustfs_proto.s3.checksums import ChecksumAlgorithm
from rustfs_proto.s3.delete_conditions import DeleteCondition
from rustfs_proto.s3.httpdate import format_http_date
from rustfs_proto.s3.xml_in import (
    CompletedPart,
    DeleteRequest,
    parse_complete_multipart_upload,
    parse_create_bucket,
    parse_delete,
)
from rustfs_proto.s3.xmltext import S3_NAMESPACE, escape
from tests.fuzz.campaign import Target
from tests.fuzz.refusals import value_or_code

_ELEMENTS = {algorithm.value: algorithm.element for algorithm in ChecksumAlgorithm}


def complete_document(parts: tuple[CompletedPart, ...]) -> bytes:
    """A CompleteMultipartUpload."""
    inner = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{escape(part.etag)}&quot;</ETag>"
        + "".join(
            f"<{_ELEMENTS[name]}>{escape(value)}</{_ELEMENTS[name]}>"
            for name, value in part.checksums.items()
        )
        + "</Part>"
        for part in parts
    )
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def delete_document(request: DeleteRequest) -> bytes:
    """A Delete."""
    inner = "".join(
        f"<Object><Key>{escape(item.key)}</Key>"
        + (f"<VersionId>{escape(item.version_id)}</VersionId>" if item.version_id is not None else "")
        + condition_elements(item.condition)
        + "</Object>"
        for item in request.keys
    )
    quiet = str(request.quiet).lower()
    return f'<Delete xmlns="{S3_NAMESPACE}"><Quiet>{quiet}</Quiet>{inner}</Delete>'.encode()


def condition_elements(condition: DeleteCondition) -> str:
    """What is expected of an object to delete."""
    inner = f"<ETag>{escape(condition.etag)}</ETag>" if condition.etag is not None else ""
    if condition.modified_s is not None:
        inner += f"<LastModifiedTime>{format_http_date(condition.modified_s)}</LastModifiedTime>"
    return inner + (f"<Size>{condition.size}</Size>" if condition.size is not None else "")


def create_document(location: str | None) -> bytes:
    """A CreateBucketConfiguration."""
    if location is None:
        return b""
    inner = f"<LocationConstraint>{escape(location)}</LocationConstraint>"
    return f"<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>".encode()


def check(data: bytes) -> str:
    """See the module."""
    parts, code = value_or_code(lambda: parse_complete_multipart_upload(data))
    if parts is not None:
        assert parse_complete_multipart_upload(complete_document(parts)) == parts
        return "CompleteMultipartUpload"
    deletion, delete_code = value_or_code(lambda: parse_delete(data))
    if deletion is not None:
        assert 0 < len(deletion.keys) <= 1000 and all(item.key for item in deletion.keys)
        assert parse_delete(delete_document(deletion)) == deletion
        return "Delete"
    location, create_code = value_or_code(lambda: parse_create_bucket(data))
    if not create_code:
        assert parse_create_bucket(create_document(location)) == location
        return "CreateBucketConfiguration"
    return f"{code} | {delete_code} | {create_code}"


def seeds() -> list[bytes]:
    return [
        complete_document(
            (CompletedPart(1, "0" * 32, {}), CompletedPart(10_000, "e", {"CRC32C": "AAAAAA=="}))
        ),
        delete_document(DeleteRequest((), quiet=True)).replace(
            b"</Delete>",
            b"<Object><Key>a &lt;b&#13;</Key><VersionId>null</VersionId></Object>"
            b"<Object><Key><![CDATA[c]]>\xc3\xa4</Key><ETag>x</ETag></Object></Delete>",
        ),
        create_document("eu-west-1"),
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a --><Delete><Object><Key>k</Key></Object></Delete>',
    ]


TARGET = Target(
    "xml_bodies",
    check,
    seeds,
    executions=4000,
    tokens=(
        b"<", b">", b"/>", b"</", b"&", b";", b"&amp;", b"&#0;", b"&#xFFFF;", b"&#x110000;", b"&e;",
        b"<![CDATA[", b"]]>",
        b"<!--", b"-->", b"<?", b"?>", b"<!DOCTYPE d [", b']><d x="&e;">', b'<!ENTITY e "e">',
        b'<!ENTITY e SYSTEM "file:///">',
        b'<!ENTITY % p SYSTEM "http://h/">%p;', b'<?xml version="1.0" encoding="', b"UTF-16", b"utf-7",
        b"ISO-8859-1", b"EBCDIC",
        b'"?>', b"xmlns=", b'xmlns:a="' + S3_NAMESPACE.encode() + b'"', b"<Part>", b"</Part>",
        b"<PartNumber>", b"<ETag>",
        b"<Object>", b"</Object>", b"<Key>", b"</Key>", b"<VersionId>", b"<Size>", b"<Quiet>", b"true",
        b"<LocationConstraint>",
        b"<Location>", b"<ChecksumCRC32>", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\xed\xa0\x80",
        b" xml:space='preserve'", b"<a>",
    ),
    suffix=".xml",
    max_bytes=8192,
)  # fmt: skip
