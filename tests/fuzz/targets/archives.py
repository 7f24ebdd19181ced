"""Archives that clients send or keep: tars to be extracted, zips whose members are read.

Whatever the bytes, a tar is a number of entries or refused, and each entry has a key that can be stored or is
refused; whatever a directory of a zip claims, nothing is read outside of the archive, and no member has more
bytes than it says or other ones than its CRC-32 tells.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from random import Random

from rustfs_proto.s3.names import check_object_key
from rustfs_proto.s3.snowball import SnowballOptions, entry_headers, entry_key, entry_stored_headers
from rustfs_proto.s3.tar_headers import (
    BLOCK_BYTES,
    EXTENSION_BYTES_MAX,
    Extension,
    TarEntry,
    TarHeaders,
    broken,
    padding,
)
from rustfs_proto.s3.zip_directory import (
    LOCAL_HEADER_BYTES,
    TAIL_BYTES,
    DirectoryScan,
    DirectorySpan,
    Member,
    content_offset,
    find_directory,
    no_zip,
)
from rustfs_proto.s3.zip_member import MemberBytes, check_readable
from tests.fuzz.campaign import Target
from tests.fuzz.refusals import value_or_code

_PIECE_BYTES = 100


def entries_of(data: bytes) -> list[TarEntry]:
    """Every entry, as whoever extracts finds them; raises S3Error."""
    headers, found, at = TarHeaders(), [], 0
    while at < len(data):
        block = data[at : at + BLOCK_BYTES]
        at += BLOCK_BYTES
        if len(block) < BLOCK_BYTES:
            raise broken("it ends within a header")
        header = headers.take(block)
        if header is None:
            break
        content = data[at : at + header.size]
        at += header.size + padding(header.size)
        if isinstance(header, Extension):
            assert header.size <= EXTENSION_BYTES_MAX, header
            headers.extend(header, content)
        else:
            assert header.size >= 0 <= header.modified_ms, header
            found.append(header)
    return found


def check_tar(data: bytes) -> str:
    """See the module."""
    entries, code = value_or_code(lambda: entries_of(data))
    if entries is None:
        return code
    label = ""
    for entry in entries:
        key, code = value_or_code(lambda entry=entry: entry_key(entry, SnowballOptions("p/")) or "")
        if key:
            check_object_key(key)
            segments = key.split("/")
            assert segments[0] == "p" and not {".", ".."} & set(segments) and "\0" not in key, key
            stored, code = value_or_code(
                lambda entry=entry, key=key: entry_stored_headers(key, entry_headers(entry))
            )
            assert stored is None or all("\n" not in value for value in stored.user.values()), stored
        label = label or code
    return f"{len(entries)} entries {label}"


def archive_of_tar(*names: str, **arguments: object) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", **arguments) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 5
            info.pax_headers = {"minio.metadata.X-Amz-Meta-A": "b", "mtime": "1.5"}
            archive.addfile(info, io.BytesIO(b"12345"))
    return raw.getvalue()[:4096]


def tar_seeds() -> list[bytes]:
    formats = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    return [archive_of_tar("a/b", "c", format=kind) for kind in formats] + [
        archive_of_tar("x" * 300, format=tarfile.GNU_FORMAT),
        archive_of_tar("é" * 150, format=tarfile.PAX_FORMAT),
    ]


def with_checksums(_: Random, data: bytes) -> bytes:
    """Each block that looks like a header gets the checksum of one."""
    blocks = [bytearray(data[at : at + BLOCK_BYTES]) for at in range(0, len(data), BLOCK_BYTES)]
    for block in blocks:
        if block[257:262] == b"ustar" and len(block) == BLOCK_BYTES:
            block[148:156] = b" " * 8
            block[148:155] = b"%06o\0" % sum(block)
    return b"".join(blocks)


def members_of(data: bytes) -> tuple[DirectorySpan, list[Member]]:
    """Where the directory is and what it says; raises S3Error."""
    span = find_directory(data[-TAIL_BYTES:], len(data))
    assert 0 <= span.offset <= span.offset + span.size <= len(data) and span.shift >= 0, span
    scan, members = DirectoryScan(span, 100), []
    for at in range(span.offset, span.offset + span.size, _PIECE_BYTES):
        members += scan.feed(data[at : min(at + _PIECE_BYTES, span.offset + span.size)])
    scan.finish()
    return span, members


def content_of(data: bytes, span: DirectorySpan, member: Member) -> bytes:
    """The bytes of a member; raises S3Error."""
    check_readable(member, span)
    begin = content_offset(member, data[member.header_offset : member.header_offset + LOCAL_HEADER_BYTES])
    rest = data[begin : min(begin + member.compressed_bytes, span.offset)]
    expanded, content = MemberBytes(member), b""
    while len(content) < member.size:
        piece = expanded.take(_PIECE_BYTES)
        content += piece
        if not piece:
            if not rest:
                raise no_zip("it ends within a member")
            expanded.put(rest[:_PIECE_BYTES])
            rest = rest[_PIECE_BYTES:]
    return content


def check_zip(data: bytes) -> str:
    """See the module."""
    found, code = value_or_code(lambda: members_of(data))
    if found is None:
        return code
    span, members = found
    label = ""
    for member in members:
        content, code = value_or_code(lambda member=member: content_of(data, span, member))
        if content is not None:
            assert len(content) == member.size and zlib.crc32(content) == member.crc
        label = label or code
    return f"{len(members)} members {label}"


def zip_seeds() -> list[bytes]:
    seeds = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for before in (b"", b"#!/bin/sh\n"):
            raw = io.BytesIO()
            with zipfile.ZipFile(raw, "w", method) as archive:
                archive.writestr("a", b"content " * 20)
                archive.writestr("folder/é", b"")
                archive.comment = before
            seeds.append(before + raw.getvalue())
    return seeds


TAR_TARGET = Target(
    "tar_archives",
    check_tar,
    tar_seeds,
    executions=3000,
    tokens=(
        b"\0", b"/", b"../", b"..", b"\xff", b"ustar\x0000", b"ustar  \0", b"x", b"g", b"L", b"K", b"S", b"5",
        b"1", b"2", b"77777777777\0", b"\x80" + b"\0" * 10 + b"\x01", b"\xff" * 12,
        b"30 path=", b"13 size=999\n",
        b"minio.versionId=", b"GNU.sparse.major=1\n", b"\r\n",
    ),
    suffix=".dump",
    reshape=with_checksums,
)  # fmt: skip
ZIP_TARGET = Target(
    "zip_archives",
    check_zip,
    zip_seeds,
    executions=3000,
    tokens=(
        b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\xff\xff\xff\xff",
        b"\xff\xff",
        b"\0\0", b"\0\0\0\0", b"\x01\0\x10\0", b"\x08\0", b"\x01\0", b"\x0c\0", b"\xfe\xff\xff\xff",
    ),
    suffix=".dump",
)  # fmt: skip
