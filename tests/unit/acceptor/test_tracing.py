"""Requests are kept for those who follow them, and for nobody else."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from rustfs_node.acceptor.net.messages import HttpRequest
from rustfs_node.acceptor.tracing import Tracer
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.acceptor_ops import TraceRequests
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.unit.acceptor.http_kit import request
from tests.unit.acceptor.node_kit import SETTINGS, SetClock, raw_client, signed_request, whole_node

SMALL = attrs.evolve(SETTINGS, trace_queue=2, trace_listeners_max=1, trace_idle_s=10.0)


def note(tracer: Tracer, operation: str = "GetObject", **what: object) -> None:
    """A request ends, where anybody wants to know."""
    facts = {"request_id": "R", "operation": operation, "bucket": str(what.pop("bucket", "b")), "key": "k"}
    ended = HttpRequest("GET", b"/b/k", {}, None, "1.2.3.4", secure=False, facts=facts)
    if tracer.is_wanted:
        tracer.note(ended, {"status": 200, "duration_ms": 5.0} | what)


def told(tracer: Tracer, **wanted: object) -> list[tuple[str, str, int]]:
    requests = tracer.take(TraceRequests("me", **wanted)).requests
    return [(one.operation, one.bucket, one.status) for one in requests]


def test_only_what_is_wanted_is_kept():
    """By bucket, operation, error and time; requests about the node only by their name."""
    for wanted, kept in (
        ({}, 5),
        ({"bucket": "c"}, 1),
        ({"operation": "PutObject"}, 1),
        ({"operation": "Admin"}, 1),
        ({"only_errors": True}, 1),
        ({"slower_ms": 100.0}, 1),
    ):
        tracer = Tracer("acceptor-0", SETTINGS, SystemClock())
        note(tracer)
        assert not told(tracer, **wanted)
        note(tracer)
        note(tracer, bucket="c")
        note(tracer, "PutObject")
        note(tracer, status=404)
        note(tracer, duration_ms=100.0)
        note(tracer, "Admin")
        assert len(told(tracer, **wanted)) == kept, wanted
        assert not told(tracer, **wanted)


def test_what_does_not_fit_is_counted():
    """The first ones are kept, the others are a number, which begins anew with each answer."""
    tracer = Tracer("acceptor-0", SMALL, SystemClock())
    asked = TraceRequests("me")
    tracer.take(asked)
    for _ in range(5):
        note(tracer)
    first, second = tracer.take(asked), tracer.take(asked)
    assert (len(first.requests), first.dropped, len(second.requests), second.dropped) == (2, 3, 0, 0)


def test_who_does_not_ask_again_is_forgotten():
    """A second listener is refused while there is a first one, and nothing is kept when it has gone."""
    clock = SetClock()
    tracer = Tracer("acceptor-0", SMALL, clock)
    tracer.take(TraceRequests("me"))
    with pytest.raises(Fault) as refused:
        tracer.take(TraceRequests("other"))
    assert refused.value.code is FaultCode.OVERLOADED
    clock.passed_s = 11.0
    note(tracer)
    assert not tracer.is_wanted
    tracer.take(TraceRequests("other"))


async def test_the_owner_follows_requests(tmp_path):
    """From the first question on each request is told once, with what became of it; nobody else is told."""
    path = "/minio/admin/v3/trace"
    quick = attrs.evolve(SETTINGS, trace_wait_s=0.05)
    async with (
        whole_node(tmp_path, drives_per_set=1, parity=0, settings=quick) as port,
        raw_client(port) as client,
    ):

        async def answer(raw: bytes) -> tuple[int, dict[str, Any]]:
            await client.send(raw)
            status, _, body = await client.answer()
            return status, json.loads(body) if body[:1] == b"{" else {}

        asked = signed_request("GET", f"{path}?listener=me")
        assert await answer(asked) == (200, {"requests": [], "dropped": 0, "silent": {}})
        await answer(signed_request("PUT", "/bucket"))
        await answer(signed_request("PUT", "/bucket/key", body=b"12345"))
        await answer(signed_request("GET", "/bucket/none"))
        status, told = await answer(asked)
        seen = [(one["operation"], one["key"], one["status"], one["code"]) for one in told["requests"]]
        assert (status, seen) == (
            200,
            [
                ("CreateBucket", "", 200, ""),
                ("PutObject", "key", 200, ""),
                ("GetObject", "none", 404, "NoSuchKey"),
            ],
        )
        put = told["requests"][1]
        assert put["received_bytes"] == 5 and put["acceptor"] == "acceptor-0"
        assert 0 < put["first_byte_ms"] <= put["duration_ms"]
        assert (await answer(asked))[1]["requests"] == []
        assert (await answer(signed_request("GET", path)))[0] == 400
        assert (await answer(request("GET", f"{path}?listener=me")))[0] == 403


async def test_a_request_is_followed_through_all_processes(tmp_path):
    """With `hops` each request has the messages that it took: the set worker's, and below it those of the
    drives.
    """
    path = "/minio/admin/v3/trace?listener=me&hops=true"
    quick = attrs.evolve(SETTINGS, trace_wait_s=0.05)
    async with (
        whole_node(tmp_path, drives_per_set=2, parity=1, settings=quick) as port,
        raw_client(port) as client,
    ):

        async def answer(raw: bytes) -> bytes:
            await client.send(raw)
            return (await client.answer())[2]

        await answer(signed_request("PUT", "/bucket"))
        await answer(signed_request("GET", path))
        await answer(signed_request("PUT", "/bucket/key", body=b"12345"))
        told = json.loads(await answer(signed_request("GET", path)))
        (put,) = told["requests"]
        tops = [one for one in put["hops"] if one["within"] is None]
        assert [(one["process"], one["asked_by"]) for one in tops] == [("set-0", "acceptor-0")]
        below = [one for one in put["hops"] if one["within"] is not None]
        assert {one["process"] for one in below} == {"drive-0-0", "drive-0-1"}
        assert all(put["hops"][one["within"]] == tops[0] for one in below)
        assert 0 < tops[0]["took_ms"] <= put["duration_ms"]
