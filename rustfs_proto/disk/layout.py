"""Names of files and folders below a drive's root; nothing else ever lies there.

rustfs.json                            identity
log/000000000017.log                   segment 17
shards/ab/ab…(32 hex digits)           shard file of the data id 0xab…
shards/ab/ab….unfinished               the same while fragments still arrive; no record refers to it
index.sqlite  (-wal, -shm)             derived; may be deleted at any time
scrub.json                             how far the scrub is; may be deleted at any time
rebuild.json                           how far the rebuild of a HEALING drive is; may be deleted at any time
quarantine/<name>.<n>                  what was found damaged or strange
"""

from __future__ import annotations

import re

IDENTITY_FILE = "rustfs.json"
LOG_FOLDER = "log"
SHARD_FOLDER = "shards"
QUARANTINE_FOLDER = "quarantine"
INDEX_FILE = "index.sqlite"
SCRUB_FILE = "scrub.json"
REBUILD_FILE = "rebuild.json"
INDEX_COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside its file, by suffix."""

UNFINISHED = ".unfinished"
DATA_ID_BYTES = 16

_SEGMENT_NAME = re.compile(r"([0-9]{12})\.log")
_SHARD_NAME = re.compile(r"([0-9a-f]{32})(\.unfinished)?")
_SHARD_SUBFOLDER = re.compile(r"[0-9a-f]{2}")


def segment_name(number: int) -> str:
    """The file name of a log segment, inside the log folder."""
    assert 0 < number < 10**12, number
    return f"{number:012d}.log"


def parse_segment_name(name: str) -> int | None:
    """The inverse of `segment_name`; None for anything else."""
    match = _SEGMENT_NAME.fullmatch(name)
    return int(match[1]) if match else None


def shard_subfolder(data_id: bytes) -> str:
    """The folder inside the shard folder: the first byte of the data id, so that folders stay small."""
    return f"{data_id[0]:02x}"


def is_shard_subfolder(name: str) -> bool:
    """Whether `shard_subfolder` gives such names."""
    return _SHARD_SUBFOLDER.fullmatch(name) is not None


def shard_path(data_id: bytes) -> str:
    """The path of a shard file below the drive's root."""
    assert len(data_id) == DATA_ID_BYTES, data_id
    return f"{SHARD_FOLDER}/{data_id[0]:02x}/{data_id.hex()}"


def parse_shard_name(subfolder: str, name: str) -> tuple[bytes, bool] | None:
    """Data id and whether the file is finished; None where the name is no shard file's or it stands in the
    wrong folder.
    """
    match = _SHARD_NAME.fullmatch(name)
    if match is None or not name.startswith(subfolder):
        return None
    return bytes.fromhex(match[1]), match[2] is None
