"""What is read from a drive: nothing is believed that its checksum and its place do not prove."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

READ = "A read"
FORMATS = "tests/unit/disk/test_formats.py"
SHARDS = "tests/unit/drive/test_shards.py"

DRIVE_CONTENT = (
    PlantedBug(
        "record-not-verified",
        "rustfs_proto/disk/record.py",
        "    if _digest(fields + body) != buffer[start + _CHECKSUM_AT : start + HEADER_BYTES]:\n",
        "    if not body:\n",
        "A record with a flipped bit is a version of something.",
        READ,
        f"{FORMATS}::test_every_flipped_byte_of_a_record_is_seen",
    ),
    PlantedBug(
        "record-data-not-verified",
        "rustfs_proto/disk/record.py",
        " and (not data or _digest(data) == record.data_digest)\n",
        "\n",
        "Bit rot in an inline shard leaves the drive.",
        READ,
        f"{FORMATS}::test_every_flipped_byte_of_a_record_is_seen",
    ),
    PlantedBug(
        "foreign-record-accepted",
        "rustfs_proto/disk/record.py",
        " or set_index != place.set_index or slot != place.slot:\n",
        ":\n",
        "A record of another drive's log counts as this one's.",
        READ,
        f"{FORMATS}::test_the_record_of_another_drive_is_foreign",
    ),
    PlantedBug(
        "misdirected-record-believed",
        "rustfs_node/drive/read.py",
        "isinstance(record, Record) and is_of(record, row) else None\n",
        "isinstance(record, Record) else None\n",
        "A whole record that stands in the wrong place is answered for another key.",
        READ,
        "tests/unit/drive/test_recovery.py::test_a_misdirected_record_is_not_believed",
    ),
    PlantedBug(
        "damage-is-absence",
        "rustfs_node/drive/read.py",
        "            return damaged(row, priors, evidence=evidence), ()\n",
        "            return _ABSENT, ()\n",
        "A drive that cannot read its record says that it never had it.",
        READ,
        "tests/unit/drive/test_recovery.py::test_damage_in_the_last_segment",
    ),
    PlantedBug(
        "frame-header-not-verified",
        "rustfs_proto/disk/shard_file.py",
        "    if _digest(fields) != header[_FRAME.size : FRAME_HEADER_BYTES]:\n",
        "    if not any(fields):\n",
        "A frame with a flipped header is read at its wrong length.",
        READ,
        f"{FORMATS}::test_a_frame_comes_back",
    ),
    PlantedBug(
        "fragment-not-verified",
        "rustfs_proto/disk/shard_file.py",
        " or _digest(fragment) != check:\n",
        ":\n",
        "Bit rot in a shard file leaves the drive.",
        READ,
        f"{SHARDS}::test_damage_is_never_read",
    ),
    PlantedBug(
        "frame-of-another-stripe",
        "rustfs_proto/disk/shard_file.py",
        " or found_index != index or found_id != data_id:\n",
        " or found_id != data_id:\n",
        "A misdirected frame is read as another stripe's.",
        READ,
        f"{FORMATS}::test_a_frame_comes_back",
    ),
    PlantedBug(
        "file-of-another-object",
        "rustfs_node/drive/shard_reads.py",
        "(identity.bucket, identity.key, identity.shard) != (request.bucket, request.key, request.shard):",
        "(identity.bucket, identity.shard) != (request.bucket, request.shard):",
        "Fragments of another object are given for the one asked for.",
        READ,
        "tests/unit/drive/test_misplaced.py::test_a_shard_file_is_read_for_its_own_object_alone",
    ),
    PlantedBug(
        "file-of-another-drive",
        "rustfs_proto/disk/shard_file.py",
        "set_index, slot) != place or found_id != data_id:\n",
        "set_index, place.slot) != place or found_id != data_id:\n",
        "The shard file of another slot, with another shard in it, is read as this one's.",
        READ,
        f"{FORMATS}::test_a_shard_header_comes_back",
    ),
)
