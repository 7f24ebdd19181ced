"""One node for the tests of a process, and a bucket for each test."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator

import pytest

from tests.clients import programs
from tests.clients.raw import Raw
from tests.clients.server import DOMAIN, Server, named_by_environment
from tests.kit.node import RunningNode

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """A running node of four drives, two of them parity, unless the environment names another server."""
    named = named_by_environment()
    if named:
        yield named
        return
    folder = tmp_path_factory.mktemp("node")
    with RunningNode(folder, drives=4, arguments=("--domain", DOMAIN)) as node:
        yield Server(node.url, node.access_key, node.secret_key)
    # pytest keeps the folders of three runs, and this one may hold gigabytes.
    for drive in node.drive_paths:
        shutil.rmtree(drive)


@pytest.fixture(scope="session")
def s3(server: Server):
    """A boto3 client as most people make one."""
    return server.boto3()


@pytest.fixture(scope="session")
def raw(server: Server) -> Raw:
    """Requests with nothing between the test and the socket."""
    return Raw(server)


@pytest.fixture(scope="session")
def aws(server: Server) -> programs.Aws:
    """The aws command line against the server."""
    return programs.aws_of(server)


@pytest.fixture(scope="session")
def s3cmd(server: Server, tmp_path_factory) -> programs.Run:
    """s3cmd against the server."""
    return programs.s3cmd_of(server, tmp_path_factory.mktemp("s3cmd"))


@pytest.fixture(scope="session")
def rclone(server: Server) -> programs.Run:
    """rclone, with the server as remote `node:`."""
    return programs.rclone_of(server)


@pytest.fixture(scope="session")
def minio(server: Server):
    """A client of minio-py."""
    return programs.minio_of(server)


@pytest.fixture
def bucket_name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses, on this server or at this time."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    return f"t-{digest}-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def bucket(s3, bucket_name: str) -> str:
    """A bucket of the test's own."""
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.fixture
def locked_bucket(s3, bucket_name: str) -> str:
    """A bucket with Object Lock, of the test's own."""
    s3.create_bucket(Bucket=bucket_name, ObjectLockEnabledForBucket=True)
    return bucket_name
