"""Checksums as S3 writes them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from awscrt import checksums

ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


def digest(algorithm: str, data: bytes) -> str:
    """The checksum of `data` as S3 writes it: base64 of the big-endian bytes."""
    raw = {
        "CRC32": lambda: checksums.crc32(data).to_bytes(4, "big"),
        "CRC32C": lambda: checksums.crc32c(data).to_bytes(4, "big"),
        "CRC64NVME": lambda: checksums.crc64nvme(data).to_bytes(8, "big"),
        "SHA1": lambda: hashlib.sha1(data).digest(),
        "SHA256": lambda: hashlib.sha256(data).digest(),
    }[algorithm]()
    return base64.b64encode(raw).decode()


def composite(algorithm: str, parts: Sequence[bytes]) -> str:
    """The checksum of the parts' checksums, with their number behind a hyphen."""
    joined = b"".join(base64.b64decode(digest(algorithm, part)) for part in parts)
    return f"{digest(algorithm, joined)}-{len(parts)}"
