"""s3cmd: the oldest of the command lines, with signatures and escapes of its own."""

from __future__ import annotations

import pytest

from tests.clients import commands
from tests.clients.content import MIB, content

pytestmark = pytest.mark.client


@pytest.mark.parametrize("size", [0, 1000, 12 * MIB + 1])
def test_put_and_get(s3cmd, bucket, tmp_path, size):
    """A file goes there, in parts where it is large, and comes back the same."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content(size, seed=size))
    s3cmd("put", source, f"s3://{bucket}/a key+é")
    s3cmd("get", f"s3://{bucket}/a key+é", target)
    assert target.read_bytes() == source.read_bytes()


def test_sync(s3cmd, bucket, tmp_path):
    """A tree is synchronised there and back, and a removed file follows with --delete-removed."""
    source, back = tmp_path / "source", tmp_path / "back"
    commands.make_tree(source, 300)
    back.mkdir()
    s3cmd("sync", f"{source}/", f"s3://{bucket}/tree/")
    s3cmd("sync", f"s3://{bucket}/tree/", f"{back}/")
    assert commands.digests(back) == commands.digests(source)
    next(path for path in source.rglob("*") if path.is_file()).unlink()
    s3cmd("sync", "--delete-removed", f"{source}/", f"s3://{bucket}/tree/")
    assert len(s3cmd("ls", "--recursive", f"s3://{bucket}/tree/").splitlines()) == 299


def test_ls_info_du(s3cmd, bucket, tmp_path):
    """`ls` shows folders and files, `info` what is stored with one, `du` the sum."""
    source = tmp_path / "source.txt"
    source.write_bytes(b"12345")
    s3cmd(
        "put",
        "--add-header=x-amz-meta-who:me",
        "--mime-type=text/x-s3cmd",
        source,
        f"s3://{bucket}/folder/key",
    )
    assert s3cmd("ls", f"s3://{bucket}").split() == ["DIR", f"s3://{bucket}/folder/"]
    assert f"5  s3://{bucket}/folder/key" in s3cmd("ls", f"s3://{bucket}/folder/")
    info = s3cmd("info", f"s3://{bucket}/folder/key")
    assert "text/x-s3cmd" in info and "827ccb0eea8a706c4c34a16891f84e7b" in info
    assert s3cmd("du", f"s3://{bucket}").split()[:2] == ["5", "1"]


def test_cp_mv_del(s3cmd, bucket, tmp_path):
    """Objects are copied, moved, deleted one by one and all together."""
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    s3cmd("put", source, f"s3://{bucket}/one")
    s3cmd("cp", f"s3://{bucket}/one", f"s3://{bucket}/two")
    s3cmd("mv", f"s3://{bucket}/two", f"s3://{bucket}/three")
    listed = [line.split()[-1] for line in s3cmd("ls", f"s3://{bucket}").splitlines()]
    assert listed == [f"s3://{bucket}/one", f"s3://{bucket}/three"]
    s3cmd("del", f"s3://{bucket}/one")
    s3cmd("del", "--recursive", "--force", f"s3://{bucket}")
    assert s3cmd("ls", f"s3://{bucket}") == ""


def test_buckets(s3cmd, bucket_name):
    """`mb` and `rb` make and remove a bucket."""
    s3cmd("mb", f"s3://{bucket_name}")
    assert f"s3://{bucket_name}" in s3cmd("ls")
    s3cmd("rb", f"s3://{bucket_name}")
    assert f"s3://{bucket_name}" not in s3cmd("ls")
