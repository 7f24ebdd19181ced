"""A node whose drives are not as they were: it starts where quorum allows and says what is wrong."""

from __future__ import annotations

import shutil

import pytest
from botocore.exceptions import ClientError

from tests.kit.node import NodeError, RunningNode
from tests.kit.sample import sampled


@pytest.fixture
def stopped(tmp_path):
    """A node that has stored an object, was stopped, and is closed at the end."""
    node = RunningNode(tmp_path / "node")
    try:
        node.start()
        client = node.boto3()
        client.create_bucket(Bucket="drives")
        client.put_object(Bucket="drives", Key="small", Body=b"small")
        client.put_object(Bucket="drives", Key="large", Body=b"large" * 1_000_000)
        assert node.stop() == 0
        yield node
    finally:
        node.close()


def check_content(node):
    client = node.boto3()
    assert client.get_object(Bucket="drives", Key="small")["Body"].read() == b"small"
    assert client.get_object(Bucket="drives", Key="large")["Body"].read() == b"large" * 1_000_000


def writes(node):
    return node.boto3().put_object(Bucket="drives", Key="new", Body=b"new")


def test_one_drive_emptied(stopped):
    """An emptied drive is formatted anew and heals; everything is read and written."""
    shutil.rmtree(stopped.drive_paths[1])
    stopped.start()
    assert "being healed" in stopped.log_text()
    check_content(stopped)
    writes(stopped)


@pytest.mark.long
def test_two_drives_emptied(stopped):
    """Any two of four drives emptied: everything is read."""
    for path in stopped.drive_paths[:2]:
        shutil.rmtree(path)
        path.mkdir()
    stopped.start()
    check_content(stopped)


def move_away(node, drives):
    """Put the first drives of the node aside; empty folders stand in their places."""
    for path in node.drive_paths[:drives]:
        path.rename(path.with_suffix(".aside"))
        path.mkdir()


def put_back(node, drives):
    for path in node.drive_paths[:drives]:
        shutil.rmtree(path)
        path.with_suffix(".aside").rename(path)


def accept(node, drives):
    node.arguments = [word for path in node.drive_paths[:drives] for word in ("--accept-drive", str(path))]


def status_of_get(node):
    with pytest.raises(ClientError) as caught:
        node.boto3().get_object(Bucket="drives", Key="small")
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_three_drives_emptied(stopped):
    """With three of four drives emptied nothing is formatted and the node ends with the reasons; with the
    drives back in their places everything is there.
    """
    move_away(stopped, 3)
    with pytest.raises(NodeError, match="ended with 1"):
        stopped.start()
    assert "set 0 has 1 drive left that could rebuild it, of the 2 that are needed" in stopped.log_text()
    put_back(stopped, 3)
    stopped.start()
    check_content(stopped)
    writes(stopped)


@pytest.mark.long
def test_three_drives_given_up_and_taken_back(stopped):
    """Formatted by explicit wish, three of four new drives make the node say that it does not know, never
    that nothing is there. The drives they replaced are taken back by the same wish, with what they hold.
    """
    move_away(stopped, 3)
    accept(stopped, 3)
    stopped.start()
    assert status_of_get(stopped) == 503
    assert stopped.stop() == 0
    put_back(stopped, 3)
    stopped.arguments = []
    with pytest.raises(NodeError, match="ended with 1"):
        stopped.start()
    assert "take this one back with all it holds" in stopped.log_text()
    accept(stopped, 3)
    stopped.start()
    check_content(stopped)


def test_all_drives_emptied(stopped):
    """With every drive emptied the node cannot tell itself from a new deployment; its old key finds
    nothing.
    """
    move_away(stopped, 4)
    stopped.start()
    assert status_of_get(stopped) == 404


def test_file_instead_of_a_folder(stopped):
    """A file where a drive should be is named, and the node starts without it."""
    shutil.rmtree(stopped.drive_paths[2])
    stopped.drive_paths[2].write_text("a file")
    stopped.start()
    assert "is a file, not a folder" in stopped.log_text()
    assert set(stopped.worker_pids()) & {"drive-0-2"} == set()
    check_content(stopped)
    writes(stopped)


def test_swapped_drives(stopped):
    """Two swapped drives are left out, each named with the place it belongs to; the rest can be read."""
    one, two = stopped.drive_paths[:2]
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)
    stopped.start()
    assert (
        f"drive {one} is given as slot 0 of set 0 but was formatted as slot 1 of set 0" in stopped.log_text()
    )
    assert "can be read but not written" in stopped.log_text()
    check_content(stopped)


def test_drive_of_another_deployment(stopped, tmp_path):
    """A drive of another node is left alone and named with both deployments."""
    with RunningNode(tmp_path / "other") as other:
        pass
    shutil.rmtree(stopped.drive_paths[3])
    other.drive_paths[3].rename(stopped.drive_paths[3])
    before = (stopped.drive_paths[3] / "rustfs.json").read_bytes()
    stopped.start()
    assert "belongs to deployment" in stopped.log_text()
    assert (stopped.drive_paths[3] / "rustfs.json").read_bytes() == before
    check_content(stopped)


def test_too_few_drives(stopped):
    """With fewer drives than a read needs the node ends with a status other than 0 and the reasons."""
    for path in stopped.drive_paths[:3]:
        shutil.rmtree(path)
        path.write_text("a file")
    with pytest.raises(NodeError, match="ended with 1"):
        stopped.start()
    assert "has 1 usable drive of 4 and needs 2" in stopped.log_text()


@pytest.mark.parametrize("drives", sampled([1, 2, 3, 5], every=2))
def test_other_numbers_of_drives(tmp_path, drives):
    """A node of any number of drives stores and gives back."""
    with RunningNode(tmp_path / "node", drives=drives) as node:
        client = node.boto3()
        client.create_bucket(Bucket="drives")
        client.put_object(Bucket="drives", Key="large", Body=b"large" * 500_000)
        assert client.get_object(Bucket="drives", Key="large")["Body"].read() == b"large" * 500_000


def test_more_drives_than_one_set(tmp_path):
    """Six drives in sets of three: each set has its worker, and keys of both are found and listed
    in order.
    """
    environment = {"RUSTFS_NODE_SET_DRIVES": "3"}
    with RunningNode(tmp_path / "node", drives=6, environment=environment) as node:
        assert {"set-0", "set-1"} <= set(node.worker_pids())
        client = node.boto3()
        client.create_bucket(Bucket="drives")
        keys = [f"key-{number:03d}" for number in range(40)]
        for key in keys:
            client.put_object(Bucket="drives", Key=key, Body=key.encode())
        assert [client.get_object(Bucket="drives", Key=key)["Body"].read().decode() for key in keys] == keys
        listed = client.list_objects_v2(Bucket="drives")["Contents"]
        assert [entry["Key"] for entry in listed] == keys
