"""What a node of four drives holds in memory: at rest, and while large objects pass through it.

    MEMORY_TEST_OBJECT_MIB=5120 python -m pytest -q -s tests/node/test_memory.py

is the same with objects of 5 GiB. It needs 35 GiB below pytest's temporary folder (--basetemp names another)
and tells what it measured. The size that the suite takes is past the point where memory stops to grow.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.kit.memory import MIB, MemoryWatch, told
from tests.kit.node import RunningNode
from tests.kit.streams import get_stream, put_parts, put_stream

pytestmark = pytest.mark.slow

BUCKET = "memory"
OBJECT_BYTES = int(os.environ.get("MEMORY_TEST_OBJECT_MIB", "256")) * MIB
PART_BYTES = 16 * MIB
AT_ONCE = 10
"""Parts under way together, as command line clients have them."""
REST_BYTES = 300 * MIB
GROWTH_BYTES = 256 * MIB
REST_S = 60.0
"""Until then memory is given back: many times node.rest_s."""


@pytest.fixture
def node(tmp_path):
    """A node whose gigabytes do not stay until pytest removes its folders."""
    with RunningNode(tmp_path / "node") as running:
        running.boto3().create_bucket(Bucket=BUCKET)
        yield running
    shutil.rmtree(tmp_path / "node")


def say(text: str) -> None:
    """For whoever runs it by hand."""
    sys.stdout.write(f"{text}\n")


def test_memory_is_bounded_while_large_objects_go_in_and_out(node):
    """An idle node holds at most 300 MiB; streams, parts and downloads at full speed, each alone and then
    together, make all its processes together grow by at most 256 MiB; afterwards they give it back.
    """
    s3 = node.boto3(max_pool_connections=2 * AT_ONCE)
    where, in_parts = (s3, BUCKET, "stream", OBJECT_BYTES), (s3, BUCKET, "parts", OBJECT_BYTES)

    def parts(seed: int) -> None:
        put_parts(*in_parts, part_bytes=PART_BYTES, at_once=AT_ONCE, seed=seed)

    with ThreadPoolExecutor(4) as pool, MemoryWatch(node) as watch:
        assert sum(watch.before.values()) <= REST_BYTES, told(watch.before)
        steps = (
            ("stream in", [lambda: put_stream(*where)]),
            ("parts in", [lambda: parts(1)]),
            ("four out", [lambda: get_stream(*where), lambda: get_stream(*in_parts, seed=1)] * 2),
            ("in and out", [lambda: get_stream(*where), lambda: parts(2)]),
        )
        for name, works in steps:
            began_s = time.monotonic()
            for running in [pool.submit(work) for work in works]:
                running.result()
            rate = len(works) * OBJECT_BYTES / MIB / (time.monotonic() - began_s)
            say(f"{name}: {rate:.0f} MiB/s; {watch}")
            assert watch.growth_bytes <= GROWTH_BYTES, f"{name}: {watch}"
        watch.wait_for_at_most(REST_BYTES, REST_S)
        say(f"at rest: {told(watch.now)}")
