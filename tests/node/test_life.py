"""A node's life: start, health, signals, deaths of its processes, stop."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from rustfs_node.cli.main import main
from tests.kit.node import NodeError, RunningNode, descriptor_of

ROOT = Path(__file__).parents[2]
WORKERS = {"drive-0-0", "drive-0-1", "drive-0-2", "drive-0-3", "set-0", "acceptor-0", "forge"}


def put(node, bucket="life", key="key", body=b"body"):
    client = node.boto3(retries={"total_max_attempts": 5})
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=key, Body=body)


def get(node, bucket="life", key="key"):
    client = node.boto3(retries={"total_max_attempts": 5})
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_serves_and_stops(node):
    """Four folders become a node that answers, stores, and ends with status 0 at SIGTERM."""
    assert set(node.worker_pids()) == WORKERS
    for path in ("/minio/health/live", "/minio/health/ready", "/minio/health/cluster", "/health"):
        assert node.get_status(path) == 200, path
    put(node)
    assert get(node) == b"body"
    began_s = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - began_s < 15
    assert "worker_killed" not in node.log_text()
    assert "worker_died" not in node.log_text()


def test_what_was_stored_survives_a_restart(node):
    """After an orderly restart everything is there."""
    put(node, body=b"x" * 3_000_000)
    node.restart()
    assert get(node) == b"x" * 3_000_000


def test_what_was_stored_survives_kill_9_of_everything(node):
    """After SIGKILL to every process the next start, at once, serves what was acknowledged."""
    put(node)
    node.kill_all()
    node.start()
    assert get(node) == b"body"
    assert (
        node.boto3().put_object(Bucket="life", Key="after", Body=b"")["ResponseMetadata"]["HTTPStatusCode"]
        == 200
    )


@pytest.mark.parametrize("name", ["drive-0-1", "set-0", "acceptor-0", "forge"])
def test_killed_worker_is_started_again(node, name):
    """SIGKILL to any one process costs at most a retry: it is started again and the node serves. The forge
    takes its workers along.
    """
    put(node)
    old = node.kill_worker(name)
    node.wait_notice("not:" if name == "forge" else name, 30)
    node.wait_all_ready()
    assert node.worker_pids()[name] != old
    assert get(node) == b"body"


def test_hung_worker_is_replaced(tmp_path):
    """A process that is stopped dead is killed and started again."""
    with RunningNode(tmp_path / "node", environment={"RUSTFS_NODE_HANG_AFTER_S": "10"}) as node:
        # Longer than a busy machine may keep a healthy worker waiting.
        put(node)
        old = node.kill_worker("set-0", signal.SIGSTOP)
        node.wait_notice("not: ", 60)
        node.wait_all_ready()
        assert node.worker_pids()["set-0"] != old
        assert get(node) == b"body"
        assert "worker_hung" in node.log_text()


def test_workers_die_with_the_supervisor(node):
    """SIGKILL to the supervisor alone leaves no worker behind."""
    pids = node.worker_pids().values()
    for pid in pids:
        with descriptor_of(pid) as fd:
            if pid == next(iter(pids)):
                node.process.kill()
                node.process.wait()
            assert fd is None or select.select([fd], [], [], 30)[0]


def test_reload(tmp_path):
    """SIGHUP reads the configuration anew: the log level follows in every process, other changes
    are named.
    """
    file = tmp_path / "node.toml"
    file.write_text("")
    with RunningNode(tmp_path / "node", arguments=("--config", str(file))) as node:
        file.write_text('[node]\nlog_level = "debug"\nacceptors = 2\n')
        node.process.send_signal(signal.SIGHUP)
        node.wait_notice("RELOADING=1", 30)
        node.wait_notice("READY=1", 30)
        assert "node.acceptors" in node.log_text()
        file.write_text("[nonsense]\n")
        node.process.send_signal(signal.SIGHUP)
        node.wait_notice("RELOADING=1", 30)
        node.wait_notice("READY=1", 30)
        assert "nonsense" in node.log_text()
        put(node)
        assert get(node) == b"body"


def test_generated_credentials(tmp_path):
    """Without keys a pair is generated, its place printed and kept; it works, and a restart uses the same."""
    file = tmp_path / "credentials.toml"
    with RunningNode(
        tmp_path / "node", arguments=("--credentials-file", str(file)), access_key="", secret_key=""
    ) as node:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        pair = tomllib.loads(file.read_text())
        assert str(file) in node.output_path.read_text()
        assert pair["secret_key"] not in node.output_path.read_text() + node.log_text()
        node.access_key, node.secret_key = pair["access_key"], pair["secret_key"]
        put(node)


def test_banner_lines_can_be_pasted(node):
    """The line for boto3 that is printed works as it stands."""
    put(node)
    line = next(line for line in node.output_path.read_text().splitlines() if "import boto3" in line)
    keys = {"AWS_ACCESS_KEY_ID": node.access_key, "AWS_SECRET_ACCESS_KEY": node.secret_key}
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", line],
        env=os.environ | keys | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "life" in done.stdout, done.stderr


def test_ctl_status(node, capsys):
    """Ctl status of a healthy node is well."""
    with pytest.raises(SystemExit) as ended:
        main(["ctl", "status", "--endpoint", node.url])
    assert ended.value.code == 0, capsys.readouterr().out


def test_address_that_is_taken(node, tmp_path):
    """A second node on the same port gives up with the reason; the first is unharmed."""
    second = RunningNode(tmp_path / "second", environment={"RUSTFS_NODE_LOCK_WAIT_S": "0.5"})
    second.port = node.port
    with pytest.raises(NodeError, match="ended with 1"):
        second.start()
    assert "is in use by another process" in second.log_text()
    assert node.get_status("/minio/health/ready") == 200


def test_slow_start_is_waited_for(tmp_path):
    """A start that takes longer than its deadline goes on while its workers work, and systemd is told to
    wait.
    """
    node = RunningNode(tmp_path / "node", environment={"RUSTFS_NODE_START_DEADLINE_S": "0.05"})
    node.spawn()
    try:
        node.wait_notice("EXTEND_TIMEOUT_USEC=100000", 30)
        node.wait_notice("READY=1", 60)
        assert node.get_status("/minio/health/ready") == 200
    finally:
        node.close()


def test_stop_while_starting(tmp_path):
    """SIGTERM before the node serves ends it in order."""
    node = RunningNode(tmp_path / "node", environment={"RUSTFS_NODE_START_DEADLINE_S": "0.05"})
    node.spawn()
    try:
        node.wait_notice("EXTEND_TIMEOUT_USEC", 30)
        assert node.stop() == 0
        assert "node_ready" not in node.log_text()
    finally:
        node.close()


def test_second_node_on_the_same_drives(node, tmp_path):
    """A second node on drives that are in use leaves them alone and gives up."""
    second = RunningNode(node.folder, environment={"RUSTFS_NODE_LOCK_WAIT_S": "0.5"})
    second.log_path = tmp_path / "second.log"
    second.output_path = tmp_path / "second.out"
    with pytest.raises(NodeError, match="in use by another process"):
        second.start()
    put(node)
    assert get(node) == b"body"
