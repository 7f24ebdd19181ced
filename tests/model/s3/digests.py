"""ETags and checksums of objects: those of one PUT, and those of uploads over their parts.

User Guide, "Checking object integrity": a full-object checksum is that of all bytes; a composite one is the
checksum of the parts' checksums, and tells the number of parts behind a hyphen.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from awscrt import checksums

from tests.model.s3.state import Checksum, Part


def etag_of(data: bytes) -> str:
    """The ETag of bytes that came in one piece."""
    return hashlib.md5(data).hexdigest()


def upload_etag(part_etags: Sequence[str]) -> str:
    """The ETag of an object from the ETags of its parts."""
    joined = b"".join(bytes.fromhex(etag) for etag in part_etags)
    return f"{hashlib.md5(joined).hexdigest()}-{len(part_etags)}"


def checksum_text(algorithm: str, data: bytes) -> str:
    """Base64 of the digest, CRCs as big-endian integers."""
    compute = {
        "CRC32": lambda: checksums.crc32(data).to_bytes(4, "big"),
        "CRC32C": lambda: checksums.crc32c(data).to_bytes(4, "big"),
        "CRC64NVME": lambda: checksums.crc64nvme(data).to_bytes(8, "big"),
        "SHA1": lambda: hashlib.sha1(data).digest(),
        "SHA256": lambda: hashlib.sha256(data).digest(),
    }[algorithm]
    return base64.b64encode(compute()).decode()


def checksum_of(algorithm: str, data: bytes) -> Checksum | None:
    """The checksum of bytes that came in one piece; none for no algorithm."""
    return Checksum(algorithm, checksum_text(algorithm, data)) if algorithm else None


def upload_checksum(algorithm: str, kind: str, parts: Sequence[Part]) -> Checksum | None:
    """The checksum of an object of parts."""
    if not algorithm:
        return None
    if kind == "FULL_OBJECT":
        return Checksum(algorithm, checksum_text(algorithm, b"".join(part.data for part in parts)))
    joined = b"".join(base64.b64decode(checksum_text(algorithm, part.data)) for part in parts)
    return Checksum(algorithm, f"{checksum_text(algorithm, joined)}-{len(parts)}", "COMPOSITE")
