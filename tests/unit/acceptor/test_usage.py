"""What is stored, as a whole node tells it: the numbers are those of what clients have stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import trio

from rustfs_node.bus import MemoryNet
from tests.unit.acceptor.node_kit import accepting, in_thread, plan_of, raw_client, signed_request, storing
from tests.unit.acceptor.test_metrics import scrape


async def ask(port: int, path: str) -> tuple[int, Any]:
    async with raw_client(port) as client:
        await client.send(signed_request("GET", f"/minio/admin/v3/{path}"))
        answer = await client.answer()
        return answer[0], json.loads(answer[2])


def fill(s3: Any) -> None:
    """`plain`: five objects of 2000 bytes below two prefixes; `versioned`: two versions and a marker."""
    for bucket in ("plain", "versioned", "without"):
        s3.create_bucket(Bucket=bucket)
    for number in range(6):
        s3.put_object(Bucket="plain", Key=f"p{number % 2}/{number}", Body=b"x" * 2000)
    s3.delete_object(Bucket="plain", Key="p1/5")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for size in (10, 20):
        s3.put_object(Bucket="versioned", Key="key", Body=b"x" * size)
    s3.delete_object(Bucket="versioned", Key="key")


async def test_usage_is_what_was_stored(tmp_path: Path) -> None:
    """By bucket and prefix, over two sets, in the administration's documents and in metrics of both names."""
    plan = plan_of(2, drives_per_set=2, parity=1, folder=tmp_path)
    drive = attrs.evolve(plan.settings.drive, usage_period_s=0.05)
    a_set = attrs.evolve(plan.settings.set, usage_ask_s=0.05, usage_first_ask_s=0.05)
    plan = attrs.evolve(plan, settings=attrs.evolve(plan.settings, drive=drive, set=a_set))
    net = MemoryNet()
    async with storing(net, plan), accepting(net, plan) as port:
        await in_thread(fill, port)
        with trio.fail_after(60):
            while True:
                _, told = await ask(port, "datausageinfo")
                if (told["versionsCount"], told["deleteMarkersCount"]) == (7, 1) and not told["setsUntold"]:
                    break
                await trio.sleep(0.05)
        assert (told["objectsCount"], told["objectsTotalSize"], told["bucketsCount"]) == (5, 10_030, 3)
        buckets = told["bucketsUsageInfo"]
        assert buckets["plain"]["objectsSizesHistogram"]["BETWEEN_1024_B_AND_64_KB"] == 5
        assert (buckets["versioned"]["objectsCount"], buckets["versioned"]["versionsCount"]) == (0, 2)
        assert buckets["without"]["size"] == 0
        assert told["ageSeconds"] < 60
        _, one = await ask(port, "datausageinfo?bucket=plain")
        assert {name: of["size"] for name, of in one["prefixesUsageInfo"].items()} == {
            "p0/": 6000,
            "p1/": 4000,
        }
        assert (await ask(port, "datausageinfo?bucket=nobody"))[0] == 404
        _, info = await ask(port, "info")
        assert (info["objects"], info["usage"]) == ({"count": 5}, {"size": 10_030})
        await _metrics_say_so(port)


async def _metrics_say_so(port: int) -> None:
    own = await scrape(port)
    sizes = [value for name, value in own.items() if name.startswith("rustfs_bucket_usage_bytes")]
    assert sum(sizes) == 10_030
    theirs = await scrape(port, "/minio/v2/metrics/bucket")
    assert theirs['minio_bucket_usage_object_total{bucket="plain"}'] == 5
    assert (
        theirs['minio_bucket_objects_size_distribution{range="BETWEEN_1024_B_AND_64_KB",bucket="plain"}'] == 5
    )
    assert theirs["minio_usage_last_activity_nano_seconds"] < 60e9
    whole = await scrape(port, "/minio/v2/metrics/cluster")
    assert whole["minio_cluster_usage_total_bytes"] == 10_030
    later = await scrape(port, "/minio/metrics/v3/cluster/usage/buckets?buckets=versioned")
    assert later['minio_cluster_usage_buckets_delete_markers_count{bucket="versioned"}'] == 1
