"""Arrow's own S3 client, and s3fs: the ways in which data frames reach a store."""

from __future__ import annotations

import json

import pytest

from tests.clients import commands, tools
from tests.clients.content import MIB, content
from tests.clients.server import REGION

pytestmark = pytest.mark.client


@pytest.fixture(scope="module")
def pyarrow():
    return tools.module("pyarrow")


@pytest.fixture(scope="module")
def filesystem(pyarrow, server):
    fs = tools.module("pyarrow.fs")
    return fs.S3FileSystem(
        access_key=server.access_key,
        secret_key=server.secret_key,
        endpoint_override=server.address,
        scheme="http",
        region=REGION,
        allow_bucket_creation=True,
    )


def test_a_partitioned_data_set(pyarrow, filesystem, bucket):
    """A Parquet data set written in partitions is read back whole, by partition and by column."""
    dataset = tools.module("pyarrow.dataset")
    rows = 200_000
    table = pyarrow.table(
        {
            "id": list(range(rows)),
            "year": [2000 + number % 5 for number in range(rows)],
            "place": [f"pläce {number % 3}" for number in range(rows)],
            "value": [number * 0.5 for number in range(rows)],
        }
    )
    where = f"{bucket}/data/set"
    parts = dataset.partitioning(
        pyarrow.schema([("year", pyarrow.int64()), ("place", pyarrow.string())]), flavor="hive"
    )
    dataset.write_dataset(table, where, filesystem=filesystem, format="parquet", partitioning=parts)
    found = dataset.dataset(where, filesystem=filesystem, format="parquet", partitioning=parts)
    assert len(found.files) == 15
    assert found.to_table(columns=table.column_names).sort_by("id").equals(table)
    one = found.to_table(
        columns=["id"], filter=(dataset.field("year") == 2003) & (dataset.field("place") == "pläce 1")
    )
    assert sorted(one["id"].to_pylist()) == [
        number for number in range(rows) if number % 5 == 3 and number % 3 == 1
    ]


def test_streams(filesystem, bucket):
    """A stream written in pieces becomes one object, and a file is read from any place in it."""
    data = content(23 * MIB + 5, seed=23)
    with filesystem.open_output_stream(f"{bucket}/a/stream") as stream:
        for first in range(0, len(data), 3 * MIB):
            stream.write(data[first : first + 3 * MIB])
    with filesystem.open_input_file(f"{bucket}/a/stream") as file:
        assert file.size() == len(data)
        assert file.read_at(1000, 11 * MIB - 7) == data[11 * MIB - 7 :][:1000]
        assert file.read() == data


def test_folders(filesystem, bucket):
    """Folders, moves, copies and deletions are seen as in a file system."""
    fs = tools.module("pyarrow.fs")
    filesystem.create_dir(f"{bucket}/folder/inner")
    with filesystem.open_output_stream(f"{bucket}/folder/inner/one") as stream:
        stream.write(b"12345")
    filesystem.copy_file(f"{bucket}/folder/inner/one", f"{bucket}/folder/two")
    filesystem.move(f"{bucket}/folder/two", f"{bucket}/folder/three")
    infos = filesystem.get_file_info(fs.FileSelector(bucket, recursive=True))
    files = {info.path.removeprefix(f"{bucket}/"): info.size for info in infos if info.is_file}
    assert files == {"folder/inner/one": 5, "folder/three": 5}
    filesystem.delete_dir(f"{bucket}/folder")
    assert filesystem.get_file_info(f"{bucket}/folder").type == fs.FileType.NotFound


S3FS_SCRIPT = """
import json, sys, s3fs
url, access, secret, bucket = sys.argv[1:]
files = s3fs.S3FileSystem(key=access, secret=secret, endpoint_url=url, use_listings_cache=False)
large = bytes(range(256)) * 50_000
with files.open(f"{bucket}/a/large", "wb", block_size=5 * 2**20) as file:
    file.write(large)
files.pipe({f"{bucket}/b/{number}": b"%d" % number for number in range(50)})
files.copy(f"{bucket}/a/large", f"{bucket}/c/large")
files.mv(f"{bucket}/b/7", f"{bucket}/b/seven")
files.rm(f"{bucket}/b/1*")
with files.open(f"{bucket}/c/large", "rb") as file:
    file.seek(1_000_003)
    middle = file.read(100)
print(json.dumps({
    "same": files.cat(f"{bucket}/c/large") == large,
    "middle": middle == large[1_000_003:1_000_103],
    "names": sorted(name.partition("/")[2] for name in files.find(bucket)),
    "seven": files.cat(f"{bucket}/b/seven").decode(),
    "size": files.info(f"{bucket}/a/large")["size"],
}))
"""


@pytest.mark.long
def test_s3fs(server, bucket):
    """s3fs writes in parts, copies, moves, deletes by pattern and reads from the middle of a file."""
    python = tools.python_with("s3fs")
    command = [python, "-c", S3FS_SCRIPT, server.url, server.access_key, server.secret_key, bucket]
    seen = json.loads(commands.run(command, server.environment))
    left = [f"b/{number}" for number in range(50) if not str(number).startswith("1") and number != 7]
    assert seen == {
        "same": True,
        "middle": True,
        "names": sorted(["a/large", "c/large", "b/seven", *left]),
        "seven": "7",
        "size": 12_800_000,
    }
