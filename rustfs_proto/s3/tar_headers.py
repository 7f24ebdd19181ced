"""The headers of tar archives: ustar with pax and GNU extensions, one header of 512 bytes after the other.

Nothing here reads: whoever has the archive hands over each header, and the content of those that only
describe what follows. So an archive of any size is read with the memory of a header, and a header that claims
to be large is refused before it is read. Sparse files, links and devices are told apart, not expanded.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from enum import Enum

import attrs

from rustfs_proto.s3.errors import S3Error

BLOCK_BYTES = 512
"""Headers and contents begin at multiples of it."""
EXTENSION_BYTES_MAX = 64 * 1024
"""Content of one extension: longest key and all metadata that S3 takes, several times over."""
METADATA_RECORD = "minio.metadata."
"""Begins the pax records in which MinIO's tools carry the headers of an object."""
VERSION_RECORD = "minio.versionId"
"""The pax record with the version id that an object is to have."""

_PAX_NEXT, _PAX_ALL = (b"x", b"X"), b"g"
_LONG_NAME, _LONG_LINK = b"L", b"K"
_FILES = (b"0", b"\0", b"7")
_SPARSE = b"S"
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")
_SIZE_MAX = 2**63
_MTIME = re.compile(r"(\d{1,12})(?:\.(\d{1,18}))?")
_MTIME_S_MAX = 253_402_300_800
"""Where the year 10000 begins, which no date that S3 writes can show."""
_LENGTH_DIGITS_MAX = 6


class Kind(Enum):
    """What an entry is; its value is how it is called in a refusal."""

    FILE = "a file"
    DIRECTORY = "a directory"
    HARD_LINK = "a hard link"
    SYMBOLIC_LINK = "a symbolic link"
    DEVICE = "a device or pipe"
    SPARSE = "a sparse file"
    UNKNOWN = "of an unknown type"


_KINDS = {
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMBOLIC_LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.DEVICE,
    _SPARSE: Kind.SPARSE,
}


@attrs.frozen
class TarEntry:
    """An entry; `size` bytes of content follow, and zeros up to a multiple of 512. What is not UTF-8 in
    `name` and `records` stands there as surrogates. `modified_ms` 0: not known. `records` are those of pax.
    """

    name: str
    kind: Kind
    size: int
    modified_ms: int = 0
    records: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Extension:
    """A header whose `size` bytes of content describe what follows: read them for `TarHeaders.extend`."""

    type: bytes
    size: int


class TarHeaders:
    """The headers of one archive, in their order."""

    def __init__(self) -> None:
        self._for_all: dict[str, str] = {}
        self._for_next: dict[str, str] = {}

    def take(self, block: bytes) -> TarEntry | Extension | None:
        """What the header in `block` says; None at the end of the archive. Raises BadRequest."""
        if not any(block):
            return None
        try:
            raw = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise broken(f"a header cannot be read ({error})") from None
        if raw.type in (*_PAX_NEXT, _PAX_ALL, _LONG_NAME, _LONG_LINK):
            if not 0 <= raw.size <= EXTENSION_BYTES_MAX:
                raise broken(f"an extended header has {raw.size} bytes, at most {EXTENSION_BYTES_MAX}")
            return Extension(raw.type, raw.size)
        return self._entry(raw)

    def extend(self, extension: Extension, content: bytes) -> None:
        """Take over what the content of an extension says. Raises BadRequest."""
        if extension.type == _LONG_NAME:
            self._for_next["path"] = _text(content.partition(b"\0")[0])
        elif extension.type in _PAX_NEXT:
            self._for_next |= parse_pax(content)
        elif extension.type == _PAX_ALL:
            self._for_all |= parse_pax(content)
            if sum(len(key) + len(value) for key, value in self._for_all.items()) > EXTENSION_BYTES_MAX:
                raise broken(f"its global headers have more than {EXTENSION_BYTES_MAX} bytes")

    def _entry(self, raw: tarfile.TarInfo) -> TarEntry:
        records = self._for_all | self._for_next
        self._for_next = {}
        name = records.get("path", raw.name)
        kind = Kind.FILE if raw.type in _FILES else _KINDS.get(raw.type, Kind.UNKNOWN)
        if kind is Kind.FILE and name.endswith("/"):
            kind = Kind.DIRECTORY
        if any(key.startswith("GNU.sparse.") for key in records):
            kind = Kind.SPARSE
        size = 0 if raw.type in _WITHOUT_CONTENT else _size(records.get("size"), raw.size)
        return TarEntry(name, kind, size, _modified_ms(records.get("mtime", str(raw.mtime))), records)


def parse_pax(content: bytes) -> dict[str, str]:
    """The records of a pax header, `<length> <key>=<value>` and a line feed each. Raises BadRequest."""
    records: dict[str, str] = {}
    at = 0
    while at < len(content) and content[at]:
        digits, blank, _ = content[at : at + _LENGTH_DIGITS_MAX + 1].partition(b" ")
        if not blank or not digits.isdigit():
            raise broken("a pax record does not begin with its length")
        end = at + int(digits)
        key, equals, value = content[at + len(digits) + 1 : end - 1].partition(b"=")
        if end > len(content) or not key or not equals or content[end - 1 : end] != b"\n":
            raise broken("a pax record is not as long as it says")
        records[_text(key)] = _text(value)
        at = end
    return records


def padding(size: int) -> int:
    """How many zeros follow `size` bytes of content."""
    return -size % BLOCK_BYTES


def broken(what: str) -> S3Error:
    """BadRequest: the body is no archive that can be read, because of `what`."""
    return S3Error("BadRequest", f"The body is no tar archive that can be read: {what}.")


def _size(record: str | None, header: int) -> int:
    size = header
    if record is not None:
        size = int(record) if record.isascii() and record.isdigit() and len(record) < 20 else -1
    if not 0 <= size < _SIZE_MAX:
        raise broken(f"the size of an entry is {header if record is None else record[:40]!r}")
    return size


def _modified_ms(text: str) -> int:
    match = _MTIME.fullmatch(text)
    if match is None or int(match[1]) >= _MTIME_S_MAX:
        return 0
    return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0")[:3])


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
