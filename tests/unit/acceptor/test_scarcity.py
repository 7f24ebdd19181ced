"""A whole node whose acceptor may hold next to nothing of bodies: slower, and just as right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import attrs

from tests.unit.acceptor.node_kit import SETTINGS, in_thread, whole_node

KIB = 1024
SIZES = (0, 1, 20 * KIB, 100 * KIB, 500 * KIB, 700 * KIB, 1024 * KIB, 2500 * KIB)


def content_of(size: int) -> bytes:
    return bytes(index * 7 % 251 for index in range(size))


def put_and_get(s3: Any, size: int) -> None:
    """One object there and back, whole and by a range."""
    key, body = f"size/{size}", content_of(size)
    s3.put_object(Bucket="bucket", Key=key, Body=body)
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    if size > 1:
        got = s3.get_object(Bucket="bucket", Key=key, Range=f"bytes={size // 3}-")
        assert got["Body"].read() == body[size // 3 :]
    s3.copy_object(Bucket="bucket", Key=f"copy/{size}", CopySource={"Bucket": "bucket", "Key": key})
    assert s3.get_object(Bucket="bucket", Key=f"copy/{size}")["Body"].read() == body


def all_at_once(s3: Any) -> None:
    s3.create_bucket(Bucket="bucket")
    with ThreadPoolExecutor(len(SIZES)) as pool:
        list(pool.map(partial(put_and_get, s3), SIZES))


async def test_bodies_take_turns_where_memory_is_short(tmp_path):
    """With room for less than one block objects of every size go in and out, several at a time."""
    settings = attrs.evolve(SETTINGS, put_bytes_max=1, get_bytes_max=1, set_deadline_s=30.0)
    async with whole_node(tmp_path, settings=settings) as port:
        await in_thread(all_at_once, port)


async def test_stripes_take_turns_where_memory_is_short(tmp_path):
    """The same with the share of memory that an ordinary node has after dividing it by hundreds."""
    settings = attrs.evolve(SETTINGS, put_bytes_max=300 * KIB, get_bytes_max=1536 * KIB, set_deadline_s=30.0)
    async with whole_node(tmp_path, settings=settings) as port:
        await in_thread(all_at_once, port)
