"""A request that is refused has changed nothing, and a bucket takes nothing acknowledged along."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import attrs
import pytest
import trio

from rustfs_node.acceptor.buckets import bucket_key
from rustfs_node.bus import Bus, MemoryNet
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.set_ops import Get
from tests.unit.acceptor.http_kit import until
from tests.unit.acceptor.node_kit import (
    SETTINGS,
    accepting,
    error_of,
    in_thread,
    plan_of,
    raw_client,
    signed_request,
    storing,
    whole_node,
)

WRONG_MD5 = {"content-md5": b64encode(bytes(16)).decode()}
BODY = b"x" * 1000


@pytest.mark.parametrize("size", [1000, 3 << 20], ids=["small", "large"])
async def test_a_body_with_a_wrong_digest_leaves_nothing(tmp_path, size: int) -> None:
    """It is refused after its last byte, and the object that was there stays."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port, raw_client(port) as client:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await in_thread(lambda s3: s3.put_object(Bucket="bucket", Key="k", Body=b"old"), port)
        await client.send(signed_request("PUT", "/bucket/k", WRONG_MD5, b"n" * size))
        status, _, body = await client.answer()
        assert (status, b"<Code>BadDigest</Code>" in body) == (400, True)
        found = await in_thread(lambda s3: s3.get_object(Bucket="bucket", Key="k")["Body"].read(), port)
        assert found == b"old"


async def begin_put(client, key: str) -> None:
    """Send a PUT up to the answer that asks for its body: from then on it is under way."""
    request = signed_request("PUT", f"/bucket/{key}", {"expect": "100-continue"}, BODY)
    await client.send(request[: -len(BODY)])
    assert (await client.head())[0] == 100


async def marked(bus: Bus) -> bool:
    """Whether the bucket's record says that somebody deletes it."""
    reply = await bus.call("set-0", Get(SYSTEM_BUCKET, bucket_key("bucket"), want_data=False), deadline_s=5)
    return "leased_until_ms" in reply.message.meta.user


async def test_a_bucket_that_was_written_to_meanwhile_stays(tmp_path) -> None:
    """A write that was allowed before the bucket was marked is waited for, acknowledged and kept; one that
    comes later is refused.
    """
    outcomes: list[str] = []

    def delete(s3: Any) -> None:
        outcomes.append(error_of(s3.delete_bucket, Bucket="bucket")[0])

    net, plan = MemoryNet(), plan_of(1, drives_per_set=1, parity=0, folder=tmp_path)
    own = net.open_bus("own", ["set-0"])
    async with (
        storing(net, plan),
        trio.open_nursery() as nursery,
        accepting(net, plan) as port,
        # Inside the nursery: where the test fails the write ends, and the deletion that waits for it.
        raw_client(port) as client,
    ):
        await nursery.start(own.run)
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await begin_put(client, "k")
        nursery.start_soon(in_thread, delete, port)
        with trio.fail_after(20):
            while not await marked(own):  # noqa: ASYNC110 - nobody is told of a mark
                await trio.sleep(0.005)
        late = await in_thread(lambda s3: error_of(s3.put_object, Bucket="bucket", Key="late"), port)
        assert late[0] == "OperationAborted"
        await client.send(BODY)
        assert (await client.answer())[0] == 200
        await until(lambda: bool(outcomes))
        found = await in_thread(lambda s3: s3.get_object(Bucket="bucket", Key="k")["Body"].read(), port)
        assert found == BODY and outcomes == ["BucketNotEmpty"]
        nursery.cancel_scope.cancel()


async def test_a_write_that_outlives_its_bucket_is_not_acknowledged(tmp_path) -> None:
    """It began at another acceptor, which the one that deleted the bucket knows nothing of."""
    settings = attrs.evolve(SETTINGS, bucket_cache_s=0.1)
    net, plan = MemoryNet(), plan_of(1, drives_per_set=1, parity=0, acceptors=2, folder=tmp_path)
    async with (
        storing(net, plan),
        accepting(net, plan, settings, "acceptor-0") as first,
        accepting(net, plan, settings, "acceptor-1") as second,
        raw_client(second) as client,
    ):
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), first)
        await begin_put(client, "k")
        await in_thread(lambda s3: s3.delete_bucket(Bucket="bucket"), first)
        await client.send(BODY)
        status, _, body = await client.answer()
        assert (status, b"<Code>NoSuchBucket</Code>" in body) == (404, True)
