"""One well-formed message of each operation, with its payload, in an order in which a worker can serve them.

UPLOAD and HANDLE stand where a worker's own answers to earlier messages belong.
"""

from __future__ import annotations

import xxhash

from rustfs_proto.wire import drive_ops, set_ops, upload_ops
from tests.fuzz.targets.drive_kit import DATA_ID, SHARD
from tests.kit.drives import FIRST_STAMP, value

UPLOAD = b"UPLOAD-SAMPLE-ID"
HANDLE = 0x1122334455667788
_B, _K = "bucket", b"key"
_BODY = b"block" * 20
_INFO = set_ops.ObjectInfo(
    "0" * 32, {"content-type": "a/b"}, {"m": "v"}, {"CRC32": "AAAAAA=="}, "FULL_OBJECT"
)
_SETTLED = drive_ops.SettledRow(0, _B, b"a", FIRST_STAMP + 3, complete=True)
_OTHER = bytes(range(16, 32))

DRIVE_SAMPLES: tuple[tuple[object, tuple[bytes, ...]], ...] = (
    (value("new", 100, _BODY, expect=0), (_BODY,)),
    (drive_ops.Settle((_SETTLED,)), ()),
    (drive_ops.Lookup(0, _B, b"a", stamp=FIRST_STAMP + 3), ()),
    (drive_ops.Scan(0, _B, prefix=b"", start=b"a", delimiter=b"/", limit=3), ()),
    (drive_ops.ShardWrite(_OTHER, 0, xxhash.xxh3_128_digest(b"f" * 32), SHARD), (b"f" * 32,)),
    (drive_ops.ShardWrite(_OTHER, 1, xxhash.xxh3_128_digest(b"g"), None), (b"g",)),
    (value("with-file", 101, b"", files=(_OTHER,), shard=1), ()),
    (drive_ops.ShardRead(DATA_ID, _B, b"big", 1, 0, 2), ()),
    (drive_ops.ShardDrop(_OTHER), ()),
    (drive_ops.DriveStatus(), ()),
)

SET_SAMPLES: tuple[tuple[object, tuple[bytes, ...]], ...] = (
    (set_ops.PutSmall(_B, _K, _INFO, expect=0), (_BODY,)),
    (set_ops.PutOpen(_B, b"large", 5000), ()),
    (set_ops.PutBlock(HANDLE, 0), (b"L" * 4096,)),
    (set_ops.PutBlock(HANDLE, 1), (b"L" * 904,)),
    (set_ops.PutFinish(HANDLE, _INFO), ()),
    (set_ops.Get(_B, b"large", set_ops.Span(first=10, last=20)), ()),
    (set_ops.ReadBlock(_B, b"large", FIRST_STAMP, 4096, 100), ()),
    (set_ops.List(_B, b"", b"k", delimiter=b"/", limit=2), ()),
    (set_ops.Amend(_B, _K, {"a": "b"}), ()),
    (set_ops.Delete(_B, (_K, b"none")), ()),
    (upload_ops.UploadCreate(_B, b"up", _INFO, "CRC32C"), ()),
    (set_ops.PutSmall(_B, b"up", _INFO, set_ops.PartTarget(UPLOAD, 1)), (_BODY,)),
    (upload_ops.UploadGet(_B, b"up", UPLOAD), ()),
    (upload_ops.UploadParts(_B, b"up", UPLOAD, after=0, limit=10), ()),
    (upload_ops.UploadList(_B, b"u", limit=10), ()),
    (upload_ops.UploadComplete(_B, b"up", UPLOAD, (upload_ops.WantedPart(1, "0" * 32),), 1), ()),
    (upload_ops.UploadCreate(_B, b"up2", _INFO), ()),
    (upload_ops.UploadAbort(_B, b"up2", UPLOAD), ()),
    (set_ops.PutOpen(_B, b"given-up", -1), ()),
    (set_ops.PutAbort(HANDLE), ()),
    (set_ops.SetStatus(), ()),
)

SAMPLES = DRIVE_SAMPLES + SET_SAMPLES
