"""The additional checksums of S3, Content-MD5, and the ETags and checksums of multipart uploads.

User Guide, "Checking object integrity". A value is base64 of the digest, CRCs as big-endian integers. Over
the parts of an upload a checksum is either COMPOSITE (the algorithm over the parts' digests, written
`<base64>-<parts>`) or, for CRCs only, FULL_OBJECT: that of the whole object, combined from the parts' values
without reading them again.
"""

from __future__ import annotations

import binascii
import hashlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Protocol

import attrs
from awscrt import checksums as crt

from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.target import HeaderMap

Buffer = bytes | bytearray | memoryview
_HEADER_PREFIX = "x-amz-checksum-"
_NOT_VALUES = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"})


class ChecksumAlgorithm(StrEnum):
    """An algorithm under the name that requests and documents use."""

    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    CRC64NVME = "CRC64NVME"
    SHA1 = "SHA1"
    SHA256 = "SHA256"

    @property
    def header(self) -> str:
        """The header or trailer that carries a value, in lower case."""
        return _HEADER_PREFIX + self.value.lower()

    @property
    def element(self) -> str:
        """The XML element that carries a value."""
        return "Checksum" + self.value

    @property
    def is_crc(self) -> bool:
        """True when values of parts combine into the value of the whole."""
        return self in _CRCS


class ChecksumType(StrEnum):
    """What a multipart object's checksum is taken over."""

    COMPOSITE = "COMPOSITE"
    FULL_OBJECT = "FULL_OBJECT"


@attrs.frozen
class _Crc:
    digest_bytes: int
    update: Callable[[Buffer, int], int]
    combine: Callable[[int, int, int], int]


_CRCS = {
    ChecksumAlgorithm.CRC32: _Crc(4, zlib.crc32, crt.combine_crc32),
    ChecksumAlgorithm.CRC32C: _Crc(4, crt.crc32c, crt.combine_crc32c),
    ChecksumAlgorithm.CRC64NVME: _Crc(8, crt.crc64nvme, crt.combine_crc64nvme),
}
_HASHES = {ChecksumAlgorithm.SHA1: hashlib.sha1, ChecksumAlgorithm.SHA256: hashlib.sha256}
_BY_HEADER = {algorithm.header: algorithm for algorithm in ChecksumAlgorithm}


class Checksum(Protocol):
    """An incremental checksum."""

    def update(self, data: Buffer, /) -> None:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """The raw value of everything taken so far."""


class _CrcChecksum:
    def __init__(self, crc: _Crc) -> None:
        self._crc = crc
        self._value = 0

    def update(self, data: Buffer, /) -> None:
        self._value = self._crc.update(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._crc.digest_bytes, "big")


def new_checksum(algorithm: ChecksumAlgorithm) -> Checksum:
    """A fresh checksum; with `to_base64(x.digest())` it makes the text that headers carry."""
    crc = _CRCS.get(algorithm)
    return _HASHES[algorithm]() if crc is None else _CrcChecksum(crc)


def to_base64(digest: bytes) -> str:
    """The text form of a digest."""
    return b64encode(digest).decode()


def checksum_of(algorithm: ChecksumAlgorithm, data: Buffer) -> str:
    """The text form of the checksum of `data`."""
    checksum = new_checksum(algorithm)
    checksum.update(data)
    return to_base64(checksum.digest())


@attrs.frozen
class Announced:
    """A checksum that a request announces; `expected` (base64) is None when the trailer will tell."""

    algorithm: ChecksumAlgorithm
    expected: str | None

    def check(self, digest: bytes, trailers: HeaderMap) -> str:
        """The base64 of `digest` when it is what was announced; else raises BadDigest or InvalidRequest."""
        expected = self.expected
        if expected is None:
            expected = trailers.get(self.algorithm.header, "")
            check_value(self.algorithm, expected)
        computed = to_base64(digest)
        if computed != expected:
            raise S3Error(
                "BadDigest", f"The {self.algorithm} you specified did not match the calculated checksum."
            )
        return computed


def announced_checksum(headers: HeaderMap) -> Announced | None:
    """What a request announces by header or x-amz-trailer; raises InvalidRequest on contradictions."""
    values = {name: value for name, value in headers.items() if _is_value(name)}
    trailers = [name.strip() for name in headers.get("x-amz-trailer", "").lower().split(",")]
    names = [*values, *(name for name in trailers if _is_value(name))]
    declared = headers.get("x-amz-sdk-checksum-algorithm")
    if not names:
        if declared is not None:
            raise S3Error(
                "InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer headers were found.",
            )
        return None
    if len(names) > 1:
        raise S3Error(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    algorithm = _BY_HEADER.get(names[0])
    if algorithm is None:
        raise not_implemented(f"The checksum {names[0]}", header=names[0])
    if declared is not None and declared.upper() != algorithm:
        raise S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
    expected = values.get(names[0])
    if expected is not None:
        check_value(algorithm, expected)
    return Announced(algorithm, expected)


def check_value(algorithm: ChecksumAlgorithm, value: str) -> None:
    """Raise InvalidRequest unless `value` is base64 of as many bytes as `algorithm` gives."""
    try:
        size = len(b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        size = -1
    if size != len(new_checksum(algorithm).digest()):
        raise S3Error("InvalidRequest", f"Value for {algorithm.header} header is invalid.")


def parse_algorithm(name: str) -> ChecksumAlgorithm:
    """An algorithm by the name in x-amz-checksum-algorithm; raises InvalidRequest."""
    try:
        return ChecksumAlgorithm(name.upper())
    except ValueError:
        known = ", ".join(ChecksumAlgorithm)
        raise S3Error(
            "InvalidRequest", f"Checksum algorithm provided is unsupported: {name!r}. Use one of {known}."
        ) from None


def upload_checksum(headers: HeaderMap) -> tuple[ChecksumAlgorithm, ChecksumType] | None:
    """What CreateMultipartUpload asks for, with S3's default type for the algorithm; raises
    InvalidRequest.
    """
    name, kind = headers.get("x-amz-checksum-algorithm"), headers.get("x-amz-checksum-type")
    if name is None:
        if kind is not None:
            raise S3Error(
                "InvalidRequest",
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )
        return None
    algorithm = parse_algorithm(name)
    if kind is None:
        return algorithm, _default_type(algorithm)
    checksum_type = parse_type(kind)
    check_type(algorithm, checksum_type)
    return algorithm, checksum_type


def parse_type(name: str) -> ChecksumType:
    """A checksum type by the name in x-amz-checksum-type; raises InvalidRequest."""
    try:
        return ChecksumType(name.upper())
    except ValueError:
        raise S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.") from None


def check_type(algorithm: ChecksumAlgorithm, checksum_type: ChecksumType) -> None:
    """Raise InvalidRequest where S3 has no such pair: only CRCs combine, and CRC64NVME does nothing else."""
    impossible = (
        algorithm is ChecksumAlgorithm.CRC64NVME
        if checksum_type is ChecksumType.COMPOSITE
        else not algorithm.is_crc
    )
    if impossible:
        raise S3Error(
            "InvalidRequest",
            f"The {checksum_type} checksum type cannot be used with the {algorithm.lower()} checksum "
            "algorithm.",
        )


def upload_checksum_value(
    algorithm: ChecksumAlgorithm, checksum_type: ChecksumType, parts: Sequence[tuple[str, int]]
) -> str:
    """The checksum of a completed upload from its parts' `(base64 value, size in bytes)` in order."""
    if checksum_type is ChecksumType.FULL_OBJECT:
        return _combined(_CRCS[algorithm], parts)
    joined = b"".join(b64decode(value) for value, _ in parts)
    return f"{checksum_of(algorithm, joined)}-{len(parts)}"


def multipart_etag(part_etags: Iterable[str]) -> str:
    """The ETag of a completed upload: MD5 over the parts' raw MD5s, `-`, their number. Without quotes."""
    digests = [bytes.fromhex(etag) for etag in part_etags]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def content_md5(headers: HeaderMap) -> bytes | None:
    """The 16 bytes that Content-MD5 announces, or None; raises InvalidDigest."""
    value = headers.get("content-md5")
    if value is None:
        return None
    try:
        digest = b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.md5(usedforsecurity=False).digest_size:
        raise S3Error("InvalidDigest", "The Content-MD5 you specified is not valid.")
    return digest


def check_content_md5(expected: bytes | None, computed: bytes) -> None:
    """Raise BadDigest unless `computed` is the MD5 that `content_md5` announced (None announces nothing)."""
    if expected is not None and expected != computed:
        raise S3Error(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            extra={"ExpectedDigest": to_base64(expected), "CalculatedDigest": to_base64(computed)},
        )


def _is_value(name: str) -> bool:
    return name.startswith(_HEADER_PREFIX) and name not in _NOT_VALUES


def _default_type(algorithm: ChecksumAlgorithm) -> ChecksumType:
    only_whole = algorithm is ChecksumAlgorithm.CRC64NVME
    return ChecksumType.FULL_OBJECT if only_whole else ChecksumType.COMPOSITE


def _combined(crc: _Crc, parts: Sequence[tuple[str, int]]) -> str:
    whole = 0  # the CRC of nothing, to which any part may be appended
    for value, size_bytes in parts:
        whole = crc.combine(whole, int.from_bytes(b64decode(value), "big"), size_bytes)
    return to_base64(whole.to_bytes(crc.digest_bytes, "big"))
