"""restic: a backup that can be verified to the last byte, forgotten in part, and restored."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.clients import commands, tools
from tests.clients.content import MIB, content

pytestmark = [pytest.mark.client, pytest.mark.slow]


@pytest.fixture
def restic(server, bucket, tmp_path):
    """Run a restic command on a repository in the test's bucket and give what it printed."""
    path = tools.program("restic")
    settings = {
        "RESTIC_REPOSITORY": f"s3:{server.url}/{bucket}/backup",
        "RESTIC_PASSWORD": "password",
        "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
    }

    def run(*arguments, status: int = 0) -> str:
        return commands.run([path, *arguments], server.environment | settings, status=status)

    return run


def test_backup_forget_restore(restic, tmp_path):
    """Two snapshots restore to what was backed up; after forgetting one the repository checks to the byte."""
    source = tmp_path / "source"
    commands.make_tree(source, 400)
    (source / "large.bin").write_bytes(content(40 * MIB, seed=40))
    first = commands.digests(source)
    restic("init")
    restic("backup", "--quiet", source)

    shutil.rmtree(source / "shelf 1")
    (source / "large.bin").write_bytes(content(45 * MIB, seed=41))
    second = commands.digests(source)
    restic("backup", "--quiet", source)
    snapshots = json.loads(restic("snapshots", "--json"))
    assert len(snapshots) == 2

    for snapshot, expected in zip(snapshots, (first, second), strict=True):
        target = tmp_path / snapshot["id"]
        restic("restore", "--quiet", snapshot["id"], "--target", target)
        assert commands.digests(target / source.relative_to("/")) == expected

    restic("forget", "--quiet", "--keep-last", "1", "--prune")
    assert len(json.loads(restic("snapshots", "--json"))) == 1
    restic("check", "--read-data")
    target = tmp_path / "after"
    restic("restore", "--quiet", "latest", "--target", target)
    assert commands.digests(target / source.relative_to("/")) == second


def test_a_wrong_password(restic):
    """A repository opens only with its own password, and a second init does not harm it."""
    restic("init")
    restic("init", status=1)
    restic("--password-command", "echo wrong", "snapshots", status=1)
    assert json.loads(restic("snapshots", "--json")) in ([], None)
