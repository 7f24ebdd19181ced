"""A node that grows and shrinks while it serves: the real program, with its own processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.kit.growing import MOVED_S, QUICK, check, ctl, store, wait_until_moved
from tests.kit.node import RunningNode


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningNode]:
    """Four drives, with objects of several kinds."""
    node = RunningNode(tmp_path, environment=QUICK)
    node.volumes = [f"{tmp_path}/a{{1...4}}"]
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", node.access_key)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", node.secret_key)
    with node:
        yield node


def test_a_pool_is_added_filled_and_left(
    node: RunningNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every version is what and where it was after each step, the numbers are true, and everything can be
    killed in the midst of it.
    """
    client = node.boto3(retries={"total_max_attempts": 8})
    stored = store(client)
    assert node.stop() == 0
    node.volumes.append(f"{tmp_path}/b{{1...3}}")
    node.start()
    shown = ctl(node, capsys, "layout", "show")
    assert [(one["pool"], one["slots"]) for one in shown["sets"]] == [(0, 4096), (1, 0)]
    planned = ctl(node, capsys, "layout", "plan")
    assert planned["slots"] == 1755
    ctl(node, capsys, "pool", "rebalance")
    told = wait_until_moved(node, capsys)
    assert [one["slots"] for one in told["sets"]] == [2341, 1755]
    check(client, stored)
    ctl(node, capsys, "pool", "decommission", "0")
    node.kill_all()
    node.start()
    told = wait_until_moved(node, capsys)
    assert [one["slots"] for one in told["sets"]] == [0, 4096] and told["change"]["leaving"] == [0]
    assert told["change"]["slots_left"] == 0 and told["change"]["objects"] > 0
    check(client, stored)


@pytest.mark.long
def test_clients_go_on_while_workers_die(
    node: RunningNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys that are written by their clients all the while have what was written last, whoever is killed."""
    client = node.boto3(retries={"total_max_attempts": 8})
    stored = store(client)
    client.create_bucket(Bucket="busy")
    assert node.stop() == 0
    node.volumes.append(f"{tmp_path}/b{{1...3}}")
    node.start()
    is_over = threading.Event()
    failures: list[str] = []

    def work(number: int) -> None:
        own, random, has = node.boto3(retries={"total_max_attempts": 20}), Random(number), {}
        while not is_over.is_set():
            key = f"{number}/{random.randrange(20)}"
            body = random.randbytes(random.choice([10, 5000, 400_000]))
            own.put_object(Bucket="busy", Key=key, Body=body)
            has[key] = body
            failures.extend(
                other
                for other in random.sample(sorted(has), min(3, len(has)))
                if own.get_object(Bucket="busy", Key=other)["Body"].read() != has[other]
            )
            listed = own.list_objects_v2(Bucket="busy", Prefix=f"{number}/").get("Contents", [])
            if [one["Key"] for one in listed] != sorted(has):
                failures.append(f"{number}: {len(listed)} of {len(has)}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    random = Random(1)
    for words in (("pool", "rebalance"), ("pool", "decommission", "0"), ("layout", "apply", "--leaving", "")):
        ctl_despite_deaths(node, capsys, *words)
        for _ in range(3):
            # Each answer takes a while, in which it goes on.
            ctl_despite_deaths(node, capsys, "layout", "plan")
            pids = node.worker_pids()
            os.kill(pids[random.choice(sorted(set(pids) - {"forge"}))], signal.SIGKILL)
        wait_until_moved_despite_deaths(node, capsys)
    is_over.set()
    for thread in threads:
        thread.join()
    assert not failures
    check(client, stored)


def ctl_despite_deaths(node: RunningNode, capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    """What is asked of a worker that was just killed is asked again."""
    deadline_s = time.monotonic() + MOVED_S
    while True:
        try:
            return ctl(node, capsys, *words)
        except AssertionError:
            if time.monotonic() > deadline_s:
                raise


def wait_until_moved_despite_deaths(node: RunningNode, capsys: pytest.CaptureFixture[str]) -> None:
    """The acceptor that is asked may be the one that was killed."""
    deadline_s = time.monotonic() + MOVED_S
    while True:
        try:
            wait_until_moved(node, capsys)
        except AssertionError:
            if time.monotonic() > deadline_s:
                raise
        else:
            return
