"""What a set worker answers about multipart uploads.

An upload lives in the home set of its key. Its parts are written as objects are, by `PutSmall` and `PutOpen`
with a `PartTarget`.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.locking import Retention
from rustfs_proto.objects import ObjectHead, ObjectMeta, Part
from rustfs_proto.versions import NULL_VERSION, Versioning
from rustfs_proto.wire.message import Message
from rustfs_proto.wire.set_ops import ANY_STAMP, ObjectInfo


class UploadCreate(Message, frozen=True):
    """Begin a multipart upload of a key. `info.etag` and `info.checksums` are empty; `checksum_algorithm` is
    "" or e.g. "CRC32C".
    """

    bucket: str
    key: bytes
    info: ObjectInfo
    checksum_algorithm: str = ""


class UploadCreated(Message, frozen=True):
    """`upload_id` is 16 bytes that sort by time of initiation."""

    upload_id: bytes


class UploadGet(Message, frozen=True):
    """What the upload was created with. Fault NOT_FOUND: no such upload (or it was completed or given up)."""

    bucket: str
    key: bytes
    upload_id: bytes


class UploadGot(Message, frozen=True):
    """Answer to `UploadGet`. `stamp` tells the time of initiation."""

    stamp: int
    info: ObjectInfo
    checksum_algorithm: str


class UploadParts(Message, frozen=True):
    """Parts of an upload with numbers after `after`, at most `limit`. Fault NOT_FOUND."""

    bucket: str
    key: bytes
    upload_id: bytes
    after: int = 0
    limit: int = 1000


class UploadPartsListed(Message, frozen=True):
    """Answer to `UploadParts`, in order of number; `info` as of creation."""

    parts: tuple[Part, ...]
    more: bool
    info: ObjectInfo
    checksum_algorithm: str


class WantedPart(Message, frozen=True):
    """A part as the client names it when completing: `etag` without quotes; `checksums` may be empty."""

    number: int
    etag: str
    checksums: dict[str, str] = msgspec.field(default_factory=dict)


class UploadComplete(Message, frozen=True):
    """Make the parts, in this order, the object. Part checks happen under the key's lock. `expect` and
    `versioning` as in `PutSmall`; `retention` is what the object gets if its upload asked for none.

    Faults: NOT_FOUND, INVALID_PART, INVALID_PART_ORDER, PART_TOO_SMALL, CONFLICT, NO_QUORUM.
    """

    bucket: str
    key: bytes
    upload_id: bytes
    parts: tuple[WantedPart, ...]
    part_bytes_min: int
    expect: int = ANY_STAMP
    versioning: int = Versioning.OFF
    retention: Retention | None = None


class UploadCompleted(Message, frozen=True):
    """Answer to `UploadComplete`."""

    stamp: int
    head: ObjectHead
    meta: ObjectMeta
    sub: bytes = NULL_VERSION


class UploadAbort(Message, frozen=True):
    """Give an upload up with all its parts. Fault NOT_FOUND."""

    bucket: str
    key: bytes
    upload_id: bytes


class UploadList(Message, frozen=True):
    """A page of uploads of a bucket in order of (key, initiation): after (`after`, `after_upload`; an empty
    `after_upload` passes over the whole key).

    `after_group`, `prefix`, `delimiter`, `limit` as in `List`.
    """

    bucket: str
    prefix: bytes = b""
    after: bytes = b""
    after_upload: bytes = b""
    after_group: bool = False
    delimiter: bytes = b""
    limit: int = 1000


class UploadEntry(Message, frozen=True):
    """An upload, or where `upload_id` is empty a common prefix."""

    key: bytes
    upload_id: bytes = b""
    stamp: int = 0
    storage_class: str = "STANDARD"
    checksum_algorithm: str = ""
    checksum_type: str = ""


class UploadsListed(Message, frozen=True):
    """Answer to `UploadList`. `slots` as in `Listed`."""

    entries: tuple[UploadEntry, ...]
    more: bool
    slots: bytes = b""
