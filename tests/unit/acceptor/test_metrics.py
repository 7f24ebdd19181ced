"""Metrics of a whole node over HTTP: who may read them, and that they are true."""

from __future__ import annotations

import re

import attrs
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.metrics.families import OWN
from rustfs_proto.metrics.token import make_token
from tests.unit.acceptor.http_kit import request
from tests.unit.acceptor.node_kit import (
    KEYS,
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

PUBLIC = attrs.evolve(SETTINGS, metrics_auth="public")
MINIO = ("cluster", "node", "bucket", "resource")
V3 = (
    "",
    "/api",
    "/api/requests",
    "/bucket/api",
    "/cluster/config",
    "/cluster/erasure-set",
    "/cluster/health",
    "/system/drive",
)


def own_token(secret: str = KEYS.secret_key) -> dict[str, str]:
    token = make_token(KEYS.access_key, secret, SystemClock().wall_ms() // 1000 + 60)
    return {"authorization": f"Bearer {token}"}


async def get(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with raw_client(port) as client:
        lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
        await client.send(request("GET", path, *lines))
        status, _, body = await client.answer()
        return status, body.decode()


async def scrape(port: int, path: str = "/metrics") -> dict[str, float]:
    """Series → value."""
    status, text = await get(port, path, own_token())
    assert status == 200, text
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


def total(series: dict[str, float], name: str, *labels: str) -> float:
    """The sum of the series of that name with those labels."""
    pattern = re.compile(rf"{name}(\{{.*\}})?")
    return sum(
        value
        for one, value in series.items()
        if pattern.fullmatch(one) and all(label in one for label in labels)
    )


async def test_metrics_need_a_token(tmp_path):
    """Without one, or with one of another secret, they are refused, on every path; with one they are told."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        for path in ("/metrics", "/minio/v2/metrics/cluster", "/minio/metrics/v3/api/requests"):
            assert (await get(port, path))[0] == 403
            assert (await get(port, path, own_token("another-secret")))[0] == 403
            assert (await get(port, path, own_token()))[0] == 200


async def test_metrics_may_be_public(tmp_path):
    """With metrics_auth = "public" nobody is asked for a token, and other requests are still refused."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0, settings=PUBLIC) as port:
        assert (await get(port, "/metrics"))[0] == 200
        assert (await get(port, "/bucket"))[0] == 403


async def test_a_signature_makes_it_a_bucket(tmp_path):
    """A request of S3 for a bucket called metrics is one."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port, raw_client(port) as client:
        await client.send(signed_request("GET", "/metrics"))
        status, _, body = await client.answer()
        assert (status, b"NoSuchBucket" in body) == (404, True)


async def test_requests_are_counted_as_they_were(tmp_path):
    """By operation and status, with the bytes of bodies, for the node and for the bucket; each drive has
    committed what it was given.
    """

    def work(s3):
        s3.create_bucket(Bucket="bucket")
        for number in range(5):
            s3.put_object(Bucket="bucket", Key=f"k{number}", Body=b"x" * 4096)
        s3.put_object(Bucket="bucket", Key="large", Body=b"x" * 3_000_000)
        assert len(s3.get_object(Bucket="bucket", Key="large")["Body"].read()) == 3_000_000
        assert error_of(s3.get_object, Bucket="bucket", Key="absent")[0] == "NoSuchKey"
        assert error_of(s3.get_object, Bucket="nowhere", Key="absent")[0] == "NoSuchBucket"

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)
        found = await scrape(port)
        requests = "rustfs_http_requests_total"
        assert total(found, requests, 'operation="PutObject"', 'status="200"') == 6
        assert total(found, requests, 'operation="GetObject"', 'status="200"') == 1
        assert total(found, requests, 'operation="GetObject"', 'status="404"') == 2
        assert total(found, "rustfs_http_received_bytes_total") >= 5 * 4096 + 3_000_000
        assert total(found, "rustfs_http_sent_bytes_total") >= 3_000_000
        assert total(found, "rustfs_http_first_byte_seconds_count", 'operation="PutObject"') == 6
        assert total(found, "rustfs_http_requests_in_flight") == 1
        bucket = "rustfs_bucket_requests_total"
        assert total(found, bucket, 'bucket="bucket"', 'status="404"') == 1
        assert total(found, bucket, "nowhere") == 0
        batches = total(found, "rustfs_drive_batch_commits_count")
        assert total(found, "rustfs_drive_sync_seconds_count") == batches
        assert total(found, "rustfs_drive_batch_commits_sum", 'slot="0"') >= 7
        assert total(found, "rustfs_drive_shard_written_bytes_total") >= 6_000_000
        assert total(found, "rustfs_drive_shard_read_bytes_total") >= 3_000_000
        assert total(found, "rustfs_bus_requests_total", 'operation="PutSmall"', 'process="set-0"') == 6


async def test_reads_that_met_damage_are_counted(tmp_path):
    """Whichever drive lost its shard files, the object is read; as often as that was one of the data drives,
    the read counts as degraded.
    """

    def read(s3):
        assert len(s3.get_object(Bucket="bucket", Key="large")["Body"].read()) == 3_000_000

    def prepare(s3):
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="large", Body=b"x" * 3_000_000)

    async with whole_node(tmp_path) as port:
        await in_thread(prepare, port)
        before = total(await scrape(port), "rustfs_set_degraded_reads_total")
        for shard in [path for path in tmp_path.rglob("shards/*/*") if path.is_file()]:
            kept = shard.read_bytes()
            shard.unlink()
            await in_thread(read, port)
            shard.write_bytes(kept)
        assert total(await scrape(port), "rustfs_set_degraded_reads_total") >= before + 2


async def test_everything_that_is_told_has_a_family(tmp_path):
    """No process counts something that nobody is ever shown."""
    net, plan = MemoryNet(), plan_of(1, folder=tmp_path)
    async with storing(net, plan), accepting(net, plan) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        bus = net.open_bus("somebody", ["set-0", "drive-0-0"])
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.run)
            told = await bus.metrics_of({"set-0": False, "drive-0-0": False}, 3.0)
            nursery.cancel_scope.cancel()
        names = {one.name for (process,) in told.values() for one in (*process.measures, *process.spreads)}
        assert "rustfs_set_drives" in names and "rustfs_drive_sync_seconds" in names
        assert names <= {family.name for family in OWN}


async def test_refused_requests_are_counted_by_their_reason(tmp_path):
    """A request without a signature counts, and so does what is no request at all; a missing object does
    not.
    """
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        assert (await get(port, "/bucket/key"))[0] == 403
        async with raw_client(port) as client:
            await client.send(b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n")
            assert (await client.answer())[0] == 400
        found = await scrape(port)
        assert total(found, "rustfs_http_rejected_total", 'reason="auth"') == 1
        assert total(found, "rustfs_http_rejected_total", 'reason="invalid"') == 1


async def test_a_set_that_is_away_fails_no_scrape(tmp_path):
    """Its processes are told as down, the acceptor tells of itself, and its drives are away; how large they
    are is not told as 0.
    """
    async with accepting(MemoryNet(), plan_of(1)) as port:
        found = await scrape(port)
        assert total(found, "rustfs_up", 'process="acceptor-0"') == 1
        assert total(found, "rustfs_up", 'process="set-0"') == 0
        assert sum(one.startswith("rustfs_up{") for one in found) == 2
        found = await scrape(port, "/minio/v2/metrics/cluster")
        assert total(found, "minio_cluster_drive_offline_total") == 4
        assert "minio_cluster_capacity_raw_total_bytes" not in found


async def test_acceptors_of_a_node_are_told_together(tmp_path):
    """Whichever of them is asked, the counts of all are there."""
    net, plan = MemoryNet(), plan_of(1, folder=tmp_path, acceptors=2)
    async with (
        storing(net, plan),
        accepting(net, plan) as first,
        accepting(net, plan, name="acceptor-1") as second,
    ):
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), second)
        found = await scrape(first)
        created = [one for one in found if 'operation="CreateBucket"' in one and "requests_total" in one]
        assert all('process="acceptor-1"' in one for one in created) and len(created) == 2
        theirs = await scrape(first, "/minio/v2/metrics/node")
        assert total(theirs, "minio_s3_requests_total", 'api="createbucket"') == 1


async def test_every_path_of_minio_is_answered(tmp_path):
    """Each of the paths that are there has series, a path above several has those of all, and the others are
    refused by name.
    """
    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        for name in MINIO:
            assert await scrape(port, f"/minio/v2/metrics/{name}")
        parts = [await scrape(port, f"/minio/metrics/v3{path}") for path in V3]
        assert all(parts) and set().union(*parts[1:]) == set(parts[0])
        chosen = await scrape(port, "/minio/metrics/v3/bucket/api?buckets=other")
        assert not chosen
        for path in ("/minio/metrics/v3/scanner", "/minio/metrics/v3?list"):
            assert (await get(port, path, own_token()))[0] == 501
        assert (await get(port, "/minio/v2/metrics/other", own_token()))[0] == 400


async def test_buckets_are_counted_up_to_a_bound(tmp_path):
    """Beyond it only the sums go on."""
    bounded = attrs.evolve(SETTINGS, metrics_buckets_max=2)

    def work(s3):
        for number in range(4):
            s3.create_bucket(Bucket=f"bucket-{number}")

    async with whole_node(tmp_path, drives_per_set=1, parity=0, settings=bounded) as port:
        await in_thread(work, port)
        found = await scrape(port)
        assert total(found, "rustfs_bucket_requests_total") == 2
        assert total(found, "rustfs_http_requests_total", 'operation="CreateBucket"') == 4


async def test_the_administration_answers_the_owner(tmp_path):
    """`info` and `storageinfo` are told whoever signs as the owner; all else there is refused in JSON."""
    async with whole_node(tmp_path) as port, raw_client(port) as client:
        for path, status, words in (
            ("/minio/admin/v3/info", 200, b'"onlineDisks":4'),
            ("/minio/admin/v3/storageinfo", 200, b'"StandardSCParity":2'),
            ("/minio/admin/v3/quota-info", 501, b'"Code":"NotImplemented"'),
        ):
            await client.send(signed_request("GET", path))
            answer = await client.answer()
            assert (answer[0], words in answer[2]) == (status, True), answer
        await client.send(request("GET", "/minio/admin/v3/info"))
        answer = await client.answer()
        assert (answer[0], b'"Code":"AccessDenied"' in answer[2]) == (403, True)
