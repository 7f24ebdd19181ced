"""Whoever asks one process for its metrics is told those of the processes behind it."""

from __future__ import annotations

import pytest
import trio

from rustfs_node.bus import Bus, BusSettings, MemoryNet, Reply, Request
from rustfs_node.bus.spans import Spans
from rustfs_proto.wire.drive_ops import Lookup
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.metrics_ops import Measure, Metrics, ProcessMetrics
from tests.unit.acceptor.http_kit import until
from tests.unit.acceptor.node_kit import SetClock

GRACELESS = BusSettings(connect_grace_s=0.0)


def refuse(requests: list[Request]) -> None:
    """What a drive answers that is full."""
    for request in requests:
        request.fail(Fault(FaultCode.FULL, "full"))


def count_of(process: ProcessMetrics, name: str, **labels: str) -> float:
    return next(one.value for one in process.measures if (one.name, one.labels) == (name, labels))


async def chain(net: MemoryNet, nursery: trio.Nursery) -> tuple[Bus, Bus]:
    """An acceptor that dials a set worker, which dials one drive that is there and one that is not."""
    drive = net.open_bus("drive-0-0", [], GRACELESS)
    drive.serve(refuse)
    a_set = net.open_bus("set-0", ["drive-0-0", "drive-0-1"], GRACELESS)
    a_set.ask_metrics_of({"drive-0-0": False, "drive-0-1": False})
    a_set.serve(refuse)
    acceptor = net.open_bus("acceptor-0", ["set-0"], GRACELESS)
    for bus in (drive, a_set, acceptor):
        await nursery.start(bus.run)
    await until(lambda: acceptor.is_up("set-0") and a_set.is_up("drive-0-0"))
    return acceptor, a_set


async def test_a_process_is_asked_for_those_behind_it() -> None:
    """One question reaches the set worker and its drives; the drive that is away is told with the reason."""
    async with trio.open_nursery() as nursery:
        acceptor, a_set = await chain(MemoryNet(), nursery)
        a_set.meter.add(lambda: [Measure("rustfs_set_drives", 2, {"set": "0"})])
        with trio.fail_after(5):
            told = await acceptor.metrics_of({"set-0": True}, 3.0)
        first, second, third = told["set-0"]
        assert [one.process for one in told["set-0"]] == ["set-0", "drive-0-0", "drive-0-1"]
        assert count_of(first, "rustfs_set_drives", set="0") == 2
        assert not second.fault and second.measures
        assert "drive-0-1" in third.fault and not third.measures
        nursery.cancel_scope.cancel()


async def test_a_process_alone_asks_nobody() -> None:
    """Without `relays` only the process itself is told."""
    async with trio.open_nursery() as nursery:
        acceptor, _ = await chain(MemoryNet(), nursery)
        told = await acceptor.metrics_of({"set-0": False}, 3.0)
        assert [one.process for one in told["set-0"]] == ["set-0"]
        assert await acceptor.metrics_of({}, 3.0) == {}
        nursery.cancel_scope.cancel()


async def test_requests_and_their_faults_are_counted_by_operation() -> None:
    """Every process counts what it is asked and what it refuses, whatever its role."""
    async with trio.open_nursery() as nursery:
        _, a_set = await chain(MemoryNet(), nursery)
        for _ in range(3):
            with pytest.raises(Fault, match="full"):
                await a_set.call("drive-0-0", Lookup(0, "bucket", b"k"), deadline_s=5.0)
        (drive,) = (await a_set.metrics_of({"drive-0-0": False}, 3.0))["drive-0-0"]
        assert count_of(drive, "rustfs_bus_requests_total", operation="Lookup") == 3
        failed = count_of(drive, "rustfs_bus_failed_requests_total", operation="Lookup", code="full")
        assert failed == 3
        assert count_of(a_set.meter.read(), "rustfs_bus_peers_up") == 1
        nursery.cancel_scope.cancel()


async def test_a_silent_process_keeps_nobody_waiting() -> None:
    """One that does not answer is told as such when the patience of whoever asked is over."""
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        acceptor, _ = await chain(net, nursery)
        net.stall("set-0", "acceptor-0")
        with trio.fail_after(5):
            told = await acceptor.metrics_of({"set-0": True}, 0.1)
        assert told["set-0"][0].fault
        nursery.cancel_scope.cancel()


async def test_times_are_kept_for_those_who_ask() -> None:
    """Nothing before somebody asks; then the messages of the requests that he names, by each process that
    answered one, and of the newest requests only.
    """
    net = MemoryNet()
    settings = BusSettings(connect_grace_s=0.0, spans_kept=2, spans_of_request=1)
    async with trio.open_nursery() as nursery:
        drive = net.open_bus("drive-0-0", [], settings)
        drive.serve(refuse)
        acceptor = net.open_bus("acceptor-0", ["drive-0-0"], settings)
        for bus in (drive, acceptor):
            await nursery.start(bus.run)
        await until(lambda: acceptor.is_up("drive-0-0"))

        async def ask(trace: str) -> None:
            with pytest.raises(Fault):
                await acceptor.call("drive-0-0", Lookup(0, "b", b"k"), deadline_s=3.0, trace=trace)

        async def told(*requests: str, share: float = 1.0) -> list[tuple[str, str, str, str]]:
            asked = Metrics(spans_share=share, spans_of=requests)
            (process,) = (await acceptor.metrics_of({"drive-0-0": False}, 3.0, asked))["drive-0-0"]
            assert not process.measures
            assert all(one.took_ms >= 0 and one.began_ms > 0 for one in process.spans)
            return [(one.request_id, one.peer, one.operation, one.fault) for one in process.spans]

        await ask("A0000")
        assert await told("A0000", share=0.5) == []
        for name in ("A0000", "AFFFF", "A0001", "A0001", ""):
            await ask(name)
        by_asker = ("acceptor-0", "Lookup", "full")
        assert await told("A0000", "AFFFF", "A0001") == [("A0000", *by_asker), ("A0001", *by_asker)]
        await ask("AFFFF")
        assert await told("A0000", "AFFFF") == [("AFFFF", *by_asker)]
        nursery.cancel_scope.cancel()


def test_times_are_kept_no_longer_than_somebody_asks() -> None:
    """When nobody has asked again in time nothing is kept, and what was is gone."""
    clock = SetClock()
    spans = Spans(BusSettings(spans_idle_s=10.0), clock)
    request = Request(Lookup(0, "b", b"k"), (), "R", "set-0", 0.0, None, b"", 1)
    spans.take(1.0, ())
    spans.note(request, Reply(None))
    assert spans.take(1.0, ["R"])
    clock.passed_s = 11.0
    spans.note(request, Reply(None))
    assert not spans.share and not spans.take(1.0, ["R"])
