"""What clients of a cluster see while nodes are cut off from each other, stopped or gone: three nodes with
two drives each, of which any four are enough.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from tests.kit import netns
from tests.kit.cluster import RunningCluster
from tests.kit.netns import Network
from tests.kit.node import START_S, RunningNode

pytestmark = pytest.mark.skipif(bool(netns.why_not()), reason=netns.why_not() or "never")

REFUSAL_S = 5.0
RECOVERY_S = 10.0
KNOWN_S = 5.0
ROUNDS = 10


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[RunningCluster]:
    """In a network of its own; each test leaves it whole."""
    folder = tmp_path_factory.mktemp("partitions")
    environment = {"RUSTFS_NODE_PARITY": "2"}
    try:
        with (
            Network(3) as network,
            RunningCluster(folder, nodes=3, drives=2, environment=environment, network=network) as running,
        ):
            running.nodes[0].boto3().create_bucket(Bucket="bucket")
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def network(cluster: RunningCluster) -> Iterator[Network]:
    """Whole again after the test, and every node with it."""
    network = cluster.network
    assert network is not None
    yield network
    network.heal()
    for node in cluster.nodes:
        node.signal_all(signal.SIGCONT)
    # Not only that it can be written to, for which any two nodes are enough: the next test may take another
    # one.
    for node in cluster.nodes:
        node.wait_status("/minio/health/cluster?maintenance=true", 200, START_S)


def put(node: RunningNode, body: bytes, key: str = "key") -> float:
    """How long it takes."""
    began_s = time.monotonic()
    node.boto3().put_object(Bucket="bucket", Key=key, Body=body)
    return time.monotonic() - began_s


def get(node: RunningNode, key: str = "key") -> bytes:
    body: bytes = node.boto3().get_object(Bucket="bucket", Key=key)["Body"].read()
    return body


def assert_refused(asking: Callable[[], object]) -> None:
    """With 503, and soon."""
    began_s = time.monotonic()
    with pytest.raises(ClientError) as caught:
        asking()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert time.monotonic() - began_s < REFUSAL_S


def assert_served(nodes: list[RunningNode], tag: str) -> None:
    """Nobody waits as long as it takes to know who is away."""
    for number in range(ROUNDS):
        for node in nodes:
            body = f"{tag} {number} {node.host}".encode()
            assert put(node, body) < KNOWN_S
            for other in nodes:
                assert get(other) == body


def wait_served(node: RunningNode, body: bytes) -> float:
    """How long it takes until the node reads and writes again; what it reads until then is never old."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < RECOVERY_S:
        try:
            assert get(node) == body
            put(node, b"probe", "probe")
        except ClientError:
            continue
        return time.monotonic() - began_s
    raise AssertionError(f"{node.host} does not serve {RECOVERY_S} s after its return\n{node.log_tail()}")


def test_a_minority_refuses_and_the_majority_goes_on(cluster, network, record_property):
    """A node that is cut off answers 503 to reads and writes alike, never from what it has; the others serve,
    and so does it, soon after it is back.
    """
    lost, others = cluster.nodes[2], cluster.nodes[:2]
    put(lost, b"before")
    network.cut_between([2], [0, 1])
    put(others[0], b"during")
    assert_refused(lambda: get(lost))
    assert_refused(lambda: put(lost, b"lost"))
    assert_served(others, "majority")
    assert_refused(lambda: get(lost))
    put(others[1], b"after")
    network.heal()
    record_property("recovery_s", wait_served(lost, b"after"))


@pytest.mark.parametrize("is_deaf", [True, False])
def test_a_node_that_is_heard_or_hears_only(cluster, network, is_deaf):
    """One direction is enough to lose: the node refuses or answers rightly, and the others go on."""
    lost, others = cluster.nodes[0], cluster.nodes[1:]
    for other in (1, 2):
        network.cut(*((other, 0) if is_deaf else (0, other)))
    put(others[0], b"during")
    assert_refused(lambda: get(lost))
    assert_served(others, "heard")
    put(others[1], b"after")
    network.heal()
    wait_served(lost, b"after")


def test_all_apart_refuse_and_come_back(cluster, network):
    """With fewer drives in reach than a quorum nobody answers anything but 503."""
    put(cluster.nodes[0], b"together")
    network.cut_between([0], [1, 2])
    network.cut_between([1], [2])
    for node in cluster.nodes:
        assert_refused(lambda node=node: put(node, b"apart"))
        assert_refused(lambda node=node: get(node))
    network.heal()
    for node in cluster.nodes:
        wait_served(node, get_settled(cluster.nodes[0]))


def get_settled(node: RunningNode) -> bytes:
    """What the key is after writes that failed: any of them may have come through."""
    began_s = time.monotonic()
    while True:
        try:
            return get(node)
        except ClientError:
            assert time.monotonic() - began_s < RECOVERY_S


def test_a_node_that_is_stopped_delays_nobody_and_wakes_up_to_the_truth(cluster, network):
    """A request that waits in a stopped node is answered, when it goes on, by what was written meanwhile."""
    stopped, others = cluster.nodes[1], [cluster.nodes[0], cluster.nodes[2]]
    put(stopped, b"before")
    assert get(stopped) == b"before"
    stopped.signal_all(signal.SIGSTOP)
    assert_served(others, "awake")
    put(others[0], b"meanwhile")
    answers: list[object] = []

    def ask() -> None:
        try:
            answers.append(get(stopped))
        except ClientError as error:
            answers.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    asking = threading.Thread(target=ask)
    asking.start()
    stopped.signal_all(signal.SIGCONT)
    asking.join()
    assert answers in ([b"meanwhile"], [503])
    wait_served(stopped, b"meanwhile")
