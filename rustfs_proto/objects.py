"""What is known of an object: the values that travel on the bus and stand in log records.

`ObjectHead` is what a listing shows; it is small and lives in every index row. `ObjectMeta` is the rest. Both
are msgpack maps, so a field that this release does not know is skipped and a field that is missing takes its
default: two releases can share a drive. Nothing here knows how bytes are stored or which drive holds them.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.locking import ObjectLock
from rustfs_proto.stamp import wall_ms_of

INLINE = b""
"""The data id of a part whose shards stand in the log records themselves."""


# Every object has several of them, on every drive: what is as by default is not written.
class _Value(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Base of what is encoded here."""


class Geometry(_Value, frozen=True):
    """How one object is cut: `k` data and `m` parity shards over stripes of `stripe_bytes` bytes of the
    object.
    """

    k: int
    m: int
    stripe_bytes: int

    @property
    def n(self) -> int:
        """Shards altogether: one for each drive of the set."""
        return self.k + self.m


class Part(_Value, frozen=True):
    """One stretch of an object, striped on its own. A plain PUT is one part numbered 1.

    `data_id` names the shard file on every drive (16 bytes), or is `INLINE`. `checksums` maps an algorithm's
    name (`CRC32C`) to its base64 value.
    """

    number: int
    size: int
    data_id: bytes
    etag: str = ""
    checksums: dict[str, str] = msgspec.field(default_factory=dict)
    stamp: int = 0


class ObjectHead(_Value, frozen=True):
    """What a listing shows of a version. `size` in bytes; `etag` without quotes.

    `written` is the stamp of the write that brought the bytes; 0: this one. A version that only says
    something else of the same bytes has that of the one it amends. `modified_ms` is when the object was last
    modified where that was not the write, in milliseconds since 1970; 0: it was. `checksum_algorithm` and
    `checksum_type` are of the object's checksum, empty where it has none. `origin` is the stamp that the
    version had in the set from which it was moved here; 0: it was written here.
    """

    size: int
    etag: str
    storage_class: str = "STANDARD"
    written: int = 0
    modified_ms: int = 0
    checksum_algorithm: str = ""
    checksum_type: str = ""
    origin: int = 0


class Rename(_Value, frozen=True):
    """A rename: from which key to which, of the same bucket. `stamp` is that of the version which leaves
    `source`.

    `token` is the client's name for the request, `request` a digest of what it asked for; empty where the
    client gave none. These two are what an object keeps of the rename that brought it.
    """

    source: bytes = b""
    target: bytes = b""
    stamp: int = 0
    token: str = ""
    request: str = ""


class ObjectMeta(_Value, frozen=True):
    """What a version carries beside its bytes.

    `headers` are the content headers to give back, names in lower case; `user` are the x-amz-meta-* pairs
    without that prefix. `checksum_type` is "", "COMPOSITE" or "FULL_OBJECT". `tags` are the object's tags.
    `lock` None: none was ever asked for. `rename` is of rows of renames, and of objects that came by one that
    a client has given a token.
    """

    geometry: Geometry
    parts: tuple[Part, ...] = ()
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    user: dict[str, str] = msgspec.field(default_factory=dict)
    checksums: dict[str, str] = msgspec.field(default_factory=dict)
    checksum_type: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    lock: ObjectLock | None = None
    rename: Rename | None = None


def written_of(head: ObjectHead, stamp: int) -> int:
    """The stamp of the write that brought the bytes of that version: by it they are read, and by it versions
    of a key are in order, whatever is said of them meanwhile.
    """
    return head.written or stamp


def modified_ms_of(head: ObjectHead, stamp: int) -> int:
    """When the object of that version was last modified, in milliseconds since 1970: what users see as
    Last-Modified.
    """
    return head.modified_ms or wall_ms_of(written_of(head, stamp))


_encoder = msgspec.msgpack.Encoder()
_head_decoder = msgspec.msgpack.Decoder(ObjectHead)
_meta_decoder = msgspec.msgpack.Decoder(ObjectMeta)


class _GeometryOnly(_Value, frozen=True):
    geometry: Geometry


_geometry_decoder = msgspec.msgpack.Decoder(_GeometryOnly)


def encode_head(head: ObjectHead) -> bytes:
    """The head as it stands in records, index rows and messages."""
    return _encoder.encode(head)


def encode_meta(meta: ObjectMeta) -> bytes:
    """The metadata as it stands in records and messages."""
    return _encoder.encode(meta)


def decode_head(raw: bytes) -> ObjectHead:
    """The inverse of `encode_head`; raises one of `wire.envelope.UNREADABLE` on anything else."""
    return _head_decoder.decode(raw)


def decode_meta(raw: bytes) -> ObjectMeta:
    """The inverse of `encode_meta`; raises one of `wire.envelope.UNREADABLE` on anything else."""
    return _meta_decoder.decode(raw)


def decode_geometry(raw: bytes) -> Geometry:
    """That of metadata, of which the rest is passed over; raises as `decode_meta`."""
    return _geometry_decoder.decode(raw).geometry
