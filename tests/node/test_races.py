"""A thousand clients that all want to create one key: one of them does."""

from __future__ import annotations

import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
import trio

from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from tests.kit.node import RunningNode
from tests.kit.s3 import boto3_client

CLIENTS = 1000
DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A node of four drives."""
    with RunningNode(tmp_path_factory.mktemp("race"), drives=4) as running:
        yield running


def creation(node: RunningNode, bucket: str, body: bytes) -> bytes:
    """A whole signed request: PUT of the key if there is none."""
    target, host = f"/{bucket}/key", urlsplit(node.url).netloc
    headers = {"host": host, "if-none-match": "*"}
    signed = sign_request(
        Credentials(node.access_key, node.secret_key),
        "PUT",
        target,
        headers,
        now_s=time.time(),
        payload_hash="UNSIGNED-PAYLOAD",
    )
    lines = [f"{name}: {value}" for name, value in signed.headers.items()]
    head = "\r\n".join([f"PUT {target} HTTP/1.1", *lines, f"content-length: {len(body)}", "", ""])
    return head.encode() + body


async def race(node: RunningNode, bucket: str) -> Counter[int]:
    """All connect, then all send at once; how often each status was answered."""
    statuses: Counter[int] = Counter()
    connected, start = trio.Semaphore(0), trio.Event()
    port = urlsplit(node.url).port

    async def client(number: int) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            request = creation(node, bucket, b"%d" % number)
            connected.release()
            await start.wait()
            await stream.send_all(request)
            answer = await stream.receive_some(4096)
            statuses[int(answer.split(b" ", 2)[1])] += 1

    with trio.fail_after(DEADLINE_S):
        async with trio.open_nursery() as nursery:
            for number in range(CLIENTS):
                nursery.start_soon(client, number)
            for _ in range(CLIENTS):
                await connected.acquire()
            start.set()
    return statuses


@pytest.mark.slow
@pytest.mark.parametrize("status", ["", "Enabled", "Suspended"])
async def test_one_of_a_thousand_creates_the_key(node: RunningNode, status: str) -> None:
    """Of a thousand PUTs with If-None-Match: * one is answered 200, the others 412, or 409 and 503, which say
    to try again; nothing else is ever stored.
    """
    bucket = f"race-{status.lower() or 'never'}"
    s3 = boto3_client(node.url, node.access_key, node.secret_key)
    await trio.to_thread.run_sync(lambda: s3.create_bucket(Bucket=bucket))
    if status:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
    statuses = await race(node, bucket)
    assert statuses[200] == 1, statuses
    # 503: on a busy machine not everybody gets a turn in time.
    assert statuses[412] + statuses[409] + statuses[503] == CLIENTS - 1, statuses
    page = s3.list_object_versions(Bucket=bucket)
    assert len(page["Versions"]) == 1 and "DeleteMarkers" not in page
    s3.close()
