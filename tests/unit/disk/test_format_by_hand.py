"""docs/on-disk-format.md is enough: bytes are found on a drive with its tables, and with no code of the
product.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import xxhash

from tests.kit.drives import FIRST_STAMP, new_drive, value

PAGE = Path(__file__).parents[3] / "docs" / "on-disk-format.md"
DATA_ID = bytes(range(16))


def table(name: str) -> dict[str, tuple[int, int]]:
    """Field to (offset, bytes), from the table of that name."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- table: {name} -->\n\n")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        offset, size, field = (cell.strip() for cell in row.strip("|").split("|"))
        found[field.partition(":")[0]] = (int(offset), int(size))
    return found


@pytest.mark.parametrize("name", ["segment", "record", "shard", "frame"])
def test_a_table_has_no_holes(name: str) -> None:
    """Every field begins where the one before it ends."""
    end = 0
    for line in PAGE.read_text(encoding="utf-8").partition(f"<!-- table: {name} -->\n\n")[2].splitlines()[2:]:
        row = re.fullmatch(r"\| (\d+) \| (\d+) \| .*\|", line)
        if row is None:
            break
        assert int(row[1]) == end, line
        end += int(row[2])
    assert end == {"segment": 4096, "record": 128, "shard": 112, "frame": 64}[name]


def number(raw: bytes, start: int, field: tuple[int, int]) -> int:
    return int.from_bytes(raw[start + field[0] : start + field[0] + field[1]], "little")


def test_the_bytes_of_a_small_object_are_found_by_hand(tmp_path: Path) -> None:
    """From the tables alone: the record, its key, its data, and that all of it is what was written."""
    drive = new_drive(tmp_path)
    drive.put("other", 1, b"not this one" * 20)
    drive.put("folder/my object", 2, b"the bytes of a small object")
    drive.close()

    raw = (tmp_path / "log" / "000000000001.log").read_bytes()
    segment, record = table("segment"), table("record")
    assert raw[:8] == b"RFSEGLOG" and number(raw, 0, segment["format version"]) == 1
    start = number(raw, 0, segment["header bytes"])
    while raw[start : start + 4] == b"RFLR":
        sizes = {
            name.removesuffix(" bytes"): number(raw, start, record[name])
            for name in record
            if "bytes" in name
        }
        files = number(raw, start, record["files"])
        body = start + 128
        key_at = body + sizes["bucket"]
        data_at = key_at + sum(sizes[name] for name in ("key", "sub", "head", "meta")) + 16 * files
        data = raw[data_at : data_at + sizes["data"]]
        if raw[key_at : key_at + sizes["key"]] == b"folder/my object":
            break
        start = -(-(data_at + sizes["data"]) // 8) * 8
    assert data == b"the bytes of a small object"
    assert raw[body:key_at] == b"bucket" and number(raw, start, record["stamp"]) == FIRST_STAMP + 2
    assert number(raw, start, record["kind"]) == 1 and number(raw, start, record["slot"]) == 2
    digest_at, checksum_at = start + record["data digest"][0], start + record["checksum"][0]
    assert raw[digest_at : digest_at + 16] == xxhash.xxh3_128_digest(data)
    covered = raw[start:checksum_at] + raw[body:data_at]
    assert raw[checksum_at : checksum_at + 16] == xxhash.xxh3_128_digest(covered)


def test_the_fragments_of_a_large_object_are_found_by_hand(tmp_path: Path) -> None:
    """From the tables alone: the file's name, its header, and the second frame."""
    drive = new_drive(tmp_path)
    drive.write_shard(DATA_ID, b"1" * 4096, b"2" * 500)
    drive.commit_files(value("big", 1, files=(DATA_ID,), shard=1))
    drive.close()

    raw = (tmp_path / "shards" / "00" / DATA_ID.hex()).read_bytes()
    shard, frame = table("shard"), table("frame")
    assert raw[:8] == b"RFSHARDF"
    bucket_bytes, key_bytes = number(raw, 0, shard["bucket bytes"]), number(raw, 0, shard["key bytes"])
    assert raw[112 : 112 + bucket_bytes + key_bytes] == b"bucketbig"
    fragment_bytes = -(-number(raw, 0, shard["stripe bytes"]) // number(raw, 0, shard["k"]))
    start = 4096 + (-(-(64 + fragment_bytes) // 4096) * 4096)
    assert raw[start : start + 4] == b"RFFR" and number(raw, start, frame["index of the stripe, from 0"]) == 1
    size = number(raw, start, frame["fragment bytes"])
    fragment = raw[start + 64 : start + 64 + size]
    assert fragment == b"2" * 500
    digest_at = start + frame["digest"][0]
    assert raw[digest_at : digest_at + 16] == xxhash.xxh3_128_digest(fragment)
