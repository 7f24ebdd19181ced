"""An acceptor as a whole: it refuses what it cannot do at its start, and ends when told to."""

from __future__ import annotations

from functools import partial

import attrs
import pytest
import trio
import trio.testing

from rustfs_node.acceptor.health import cluster_answer
from rustfs_node.acceptor.net.server import split_address
from rustfs_node.acceptor.siblings import Siblings
from rustfs_node.acceptor.worker import make_services, prepare, run_acceptor
from rustfs_node.bus import MemoryNet
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.randomness import SystemRandomness
from rustfs_node.seams.threads import ThreadPool
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.set_ops import DriveView, SetStatusReply
from tests.unit.acceptor.http_kit import request
from tests.unit.acceptor.node_kit import (
    SETTINGS,
    accepting,
    error_of,
    in_thread,
    plan_of,
    raw_client,
    whole_node,
)


def prepared(settings: AcceptorSettings):
    """The parts of an acceptor with those settings."""
    bus, plan = MemoryNet().open_bus("acceptor-0", ["set-0"]), plan_of(1)
    clock, randomness, siblings = SystemClock(), SystemRandomness(), Siblings.of_plan(bus, plan)
    return prepare(make_services(bus, plan, settings, clock, randomness, ThreadPool(1), siblings), plan)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":9000", ("", 9000)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("example.org:80", ("example.org", 80)),
        ("[::1]:9000", ("::1", 9000)),
    ],
)
def test_addresses_are_host_and_port(address, expected):
    """Host and port, all addresses, and IPv6 in brackets."""
    assert split_address(address) == expected


@pytest.mark.parametrize("address", ["9000", "host", "::1:9000", ":http", ":70000", ""])
def test_other_addresses_are_refused_with_the_form_wanted(address):
    """What is no address is named together with what would be one."""
    with pytest.raises(ValueError, match="host:port"):
        split_address(address)


def test_an_address_in_use_is_refused():
    """A second node on the same port does not take half of the first one's clients."""
    first = prepared(SETTINGS)
    try:
        with pytest.raises(OSError, match="in use"):
            prepared(attrs.evolve(SETTINGS, address=f"127.0.0.1:{first.addresses[0][1]}"))
    finally:
        first.listeners[0].close()


def test_a_certificate_without_key_is_refused():
    """Half of the TLS settings is a mistake, not plain HTTP."""
    with pytest.raises(ValueError, match="tls_key"):
        prepared(attrs.evolve(SETTINGS, tls_cert="cert.pem"))
    with pytest.raises(OSError):
        prepared(attrs.evolve(SETTINGS, tls_cert="/nowhere/cert.pem", tls_key="/nowhere/key.pem"))


async def test_all_addresses_serve_both_families():
    """An empty host listens for IPv4 and IPv6 alike."""
    async with accepting(MemoryNet(), plan_of(1), attrs.evolve(SETTINGS, address=":0")) as port:
        for host in ("127.0.0.1", "::1"):
            async with await trio.open_tcp_stream(host, port) as stream:
                await stream.send_all(request("GET", "/health"))
                assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 200")


async def test_an_acceptor_ends_when_told_to():
    """`stopping` ends it once idle connections are closed."""
    stopping = trio.Event()
    bus = MemoryNet().open_bus("acceptor-0", ["set-0"])
    serve = partial(
        run_acceptor,
        bus,
        plan_of(1),
        SETTINGS,
        clock=SystemClock(),
        randomness=SystemRandomness(),
        threads=ThreadPool(1),
        stopping=stopping,
    )
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(serve)
            async with raw_client(addresses[0][1]) as client:
                await client.send(request("GET", "/health"))
                assert (await client.answer())[0] == 200
                stopping.set()
                assert await client.ended()


async def test_an_acceptor_that_leaves_serves_on_for_a_while():
    """Told to stop it says so to those who ask for its health, and each connection ends with its next answer;
    then it closes.
    """
    stopping = trio.Event()
    bus = MemoryNet().open_bus("acceptor-0", ["set-0"])
    serve = partial(
        run_acceptor,
        bus,
        plan_of(1),
        attrs.evolve(SETTINGS, leave_s=0.5),
        clock=SystemClock(),
        randomness=SystemRandomness(),
        threads=ThreadPool(1),
        stopping=stopping,
    )
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            port = (await nursery.start(serve))[0][1]
            async with raw_client(port) as old:
                await old.send(request("GET", "/health"))
                assert (await old.answer())[0] == 200
                stopping.set()
                await trio.testing.wait_all_tasks_blocked()
                statuses = []
                for path in ("/minio/health/ready", "/minio/health/cluster", "/minio/health/live"):
                    async with raw_client(port) as new:
                        await new.send(request("GET", path))
                        statuses.append((await new.answer())[0])
                        assert await new.ended()
                assert statuses == [503, 503, 200]
                await old.send(request("GET", "/minio/health/live"))
                assert (await old.answer())[0] == 200
                assert await old.ended()
    with pytest.raises(OSError):
        await trio.open_tcp_stream("127.0.0.1", port)


def a_set(index: int, states: list[int]) -> SetStatusReply:
    """A set of 2+1 drives in these states."""
    views = tuple(DriveView(slot, "", state) for slot, state in enumerate(states))
    away = sum(state == -1 for state in states)
    return SetStatusReply(index, 2, 1, 2, readable=away < 2, writable=away < 2, drives=views)


@pytest.mark.parametrize(
    ("sets", "leaving", "status"),
    [
        ([a_set(0, [0, 0, 0])], [{0}], 200),
        ([a_set(0, [0, 0, 0])], [{0, 1}], 412),
        ([a_set(0, [0, 0, -1])], [{0}], 412),
        ([a_set(0, [0, 0, -1])], [{2}], 200),
        ([a_set(0, [0, 0, DriveState.FAULTY])], [{0}], 412),
        ([a_set(0, [0, 0, 0]), a_set(1, [0, 0, 0])], [{0}, {0, 1}], 412),
        ([a_set(0, [0, 0, 0]), a_set(1, [0, 0, 0])], [set(), {0}], 200),
        ([a_set(0, [0, -1, -1])], [set()], 503),
    ],
)
def test_whether_a_node_may_be_stopped(sets, leaving, status):
    """It may where every set keeps its quorum without the drives of the node that answer now."""
    assert cluster_answer(sets, [frozenset(one) for one in leaving], for_reads=False).status == status


async def test_of_competing_conditional_writes_one_wins(tmp_path):
    """Many clients create the same key on condition that it is not there: one does, all others are told."""
    outcomes: list[str] = []

    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)

        async def compete(number: int) -> None:
            def put(s3) -> str:
                try:
                    s3.put_object(Bucket="bucket", Key="k", Body=b"%d" % number, IfNoneMatch="*")
                except s3.exceptions.ClientError as error:
                    return error.response["Error"]["Code"]
                return f"won by {number}"

            outcomes.append(await in_thread(put, port))

        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(compete, number)
        winners = [outcome for outcome in outcomes if outcome.startswith("won")]
        assert len(winners) == 1
        assert set(outcomes) - set(winners) == {"PreconditionFailed"}
        body = await in_thread(lambda s3: s3.get_object(Bucket="bucket", Key="k")["Body"].read(), port)
        assert winners == [f"won by {int(body)}"]


async def test_health_of_a_cluster_that_is_well(tmp_path):
    """With its drives there, a set can be read and written, and cannot do without this node."""
    async with whole_node(tmp_path) as port, raw_client(port) as client:
        for target, status in (
            ("/minio/health/cluster", 200),
            ("/minio/health/cluster/read", 200),
            ("/minio/health/cluster?maintenance=true", 412),
        ):
            await client.send(request("GET", target))
            found, headers, _ = await client.answer()
            assert found == status
            assert headers.get("x-minio-write-quorum", headers.get("x-minio-read-quorum")) in ("3", "2")
        missing = await in_thread(lambda s3: error_of(s3.head_bucket, Bucket="health"), port)
        assert missing == ("404", 404)
