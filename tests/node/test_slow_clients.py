"""A normal client on a node that a crowd of idle and slow clients has come to."""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from urllib.parse import urlsplit

import attrs
import pytest

from tests.clients.content import MIB, content
from tests.kit.crowd import Plan, crowd_of
from tests.kit.memory import MemoryWatch
from tests.kit.node import RunningNode

pytestmark = pytest.mark.slow

BUCKET = "crowd"
IDLE, HEADS, PUTS, GETS = 1000, 100, 200, 200
PUT_BYTES, GET_BYTES = 128 * 1024, 2 * MIB
CONNECTIONS_MAX = 2048
SMALL, LARGE = 4096, 4 * MIB
LOOK_S, PAIRS_MIN, ROUNDS = 1.0, 25, 5
GROWTH_BYTES = 256 * MIB
FACTOR, RATE_FACTOR = 1.5, 2.0
"""For the crowd's share of the machine: its own process, and 400 KiB/s in pieces of 1 KiB. Of large requests
there are only a few."""
LATER_FACTOR = 3.0
"""What was seen before and after is of another moment of a machine that has other work too."""
P99_MORE_S = 0.1
"""The slowest of some hundred requests are as much the machine's doing as the node's. A client that had to
wait for slow ones would wait for seconds."""


@attrs.define
class Seen:
    """What the normal client saw: seconds of each small request, and MiB/s of each pair of large ones."""

    small_s: list[float] = attrs.field(factory=list)
    large_mib_s: list[float] = attrs.field(factory=list)

    @property
    def p50_s(self) -> float:
        return statistics.median(self.small_s)

    @property
    def p99_s(self) -> float:
        return sorted(self.small_s)[len(self.small_s) * 99 // 100]

    @property
    def rate_mib_s(self) -> float:
        return statistics.median(self.large_mib_s)

    def __str__(self) -> str:
        return f"p50 {self.p50_s * 1e3:.1f} ms, p99 {self.p99_s * 1e3:.1f} ms, {self.rate_mib_s:.0f} MiB/s"

    def check_against(self, quiet: Seen, factor: float, rate_factor: float) -> None:
        """Nobody was disturbed who would have seen `quiet` otherwise."""
        assert self.p50_s <= factor * quiet.p50_s, f"{self} against {quiet}"
        assert self.p99_s <= factor * quiet.p99_s + P99_MORE_S, f"{self} against {quiet}"
        assert self.rate_mib_s >= quiet.rate_mib_s / rate_factor, f"{self} against {quiet}"


class Normal:
    """One connection that puts and gets, small and large, and checks every answer."""

    def __init__(self, node: RunningNode) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        self._s3 = node.boto3()

    def close(self) -> None:
        self._connection.close()

    def look(self, seen: Seen) -> None:
        """Small requests for LOOK_S, then a large one of each kind."""
        small, large = content(SMALL, seed=3), content(LARGE, seed=4)
        until_s, enough = time.monotonic() + LOOK_S, len(seen.small_s) + 2 * PAIRS_MIN
        while time.monotonic() < until_s or len(seen.small_s) < enough:
            seen.small_s += self._pair("small", small)
        seen.large_mib_s.append(2 * LARGE / MIB / sum(self._pair("large", large)))

    def _pair(self, key: str, body: bytes) -> tuple[float, float]:
        """Seconds for a PUT and a GET."""
        times = []
        for operation in ("put_object", "get_object"):
            url = urlsplit(presigned(self._s3, operation, key))
            began_s = time.perf_counter()
            method = operation.partition("_")[0].upper()
            self._connection.request(method, f"{url.path}?{url.query}", body if method == "PUT" else None)
            answer = self._connection.getresponse()
            said = answer.read()
            times.append(time.perf_counter() - began_s)
            assert answer.status == 200, (answer.status, said)
            assert method == "PUT" or said == body, key
        return times[0], times[1]


def presigned(s3, operation: str, key: str) -> str:
    return s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, "Key": key})


@pytest.fixture
def node(tmp_path):
    environment = {"RUSTFS_ACCEPTOR_CONNECTIONS_MAX": str(CONNECTIONS_MAX)}
    with RunningNode(tmp_path / "node", environment=environment) as running:
        running.boto3().create_bucket(Bucket=BUCKET)
        yield running


def plan_of(node: RunningNode, s3) -> Plan:
    """The crowd."""
    puts = [presigned(s3, "put_object", f"put/{number}") for number in range(PUTS)]
    gets = [presigned(s3, "get_object", "get")] * GETS
    return Plan(node.port, IDLE, HEADS, puts, PUT_BYTES, gets, GET_BYTES)


def test_slow_and_idle_clients_disturb_nobody(node):
    """1,000 idle connections, 200 uploads and 200 downloads at 1 KiB/s and 100 heads that never end leave a
    normal client its latency and rate, cost bounded memory, and are served to the last byte.

    The crowd works and pauses in turns, so that both are measured on the same machine; that its mere
    presence costs nothing is measured before it comes and after it went.
    """
    s3, normal = node.boto3(), Normal(node)
    s3.put_object(Bucket=BUCKET, Key="get", Body=content(GET_BYTES))
    normal.look(Seen())
    empty, present, slow = Seen(), Seen(), Seen()
    normal.look(empty)
    with MemoryWatch(node) as watch:
        with crowd_of(plan_of(node, s3)) as crowd:
            # What 200 downloads that begin in one second do to others is the work that they are.
            normal.look(Seen())
            for _ in range(ROUNDS):
                crowd.say("pause")
                normal.look(present)
                crowd.say("go")
                normal.look(slow)
            assert crowd.finish() == []
        normal.look(empty)
    sys.stdout.write(f"empty: {empty}; crowd present: {present}; and slow: {slow}; {watch}\n")
    slow.check_against(present, FACTOR, RATE_FACTOR)
    present.check_against(empty, LATER_FACTOR, LATER_FACTOR)
    assert watch.growth_bytes <= GROWTH_BYTES, watch
    for number in range(0, PUTS, 20):
        body = s3.get_object(Bucket=BUCKET, Key=f"put/{number}")["Body"].read()
        assert body == content(PUT_BYTES), number
    normal.close()
