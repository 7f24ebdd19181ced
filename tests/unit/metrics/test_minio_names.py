"""What was counted, under MinIO's names; and how a deployment stands."""

from __future__ import annotations

import pytest

from rustfs_proto.metrics.admin import Deployment, server_info, storage_info
from rustfs_proto.metrics.families import OWN
from rustfs_proto.metrics.minio import V2_REQUESTS, V3_REQUESTS, translate
from rustfs_proto.metrics.minio_standing import (
    STANDING_FAMILIES,
    v2_cluster,
    v3_cluster_health,
    v3_erasure_sets,
)
from rustfs_proto.metrics.reading import NodeReading, series_of
from rustfs_proto.metrics.rejections import reason_of
from rustfs_proto.metrics.standing import standing_of
from rustfs_proto.s3.error_codes import ERRORS
from rustfs_proto.wire.metrics_ops import Measure, ProcessMetrics


def requests(operation: str, status: int, count: int) -> Measure:
    labels = {"operation": operation, "status": str(status)}
    return Measure("rustfs_http_requests_total", count, labels)


def reading(node: str, *processes: ProcessMetrics) -> NodeReading:
    return NodeReading(node, processes)


def told(series) -> dict[tuple[str, ...], float]:
    """Name and values of the labels → value."""
    return {(one.name, *one.labels.values()): one.value for one in series}


ACCEPTORS = reading(
    "n1:9000",
    ProcessMetrics(
        "acceptor-0",
        (requests("GetObject", 200, 5), requests("GetObject", 404, 2), requests("Health", 200, 9)),
    ),
    ProcessMetrics("acceptor-1", (requests("GetObject", 503, 1), requests("GetObject", 499, 4))),
)


def test_requests_of_all_acceptors_are_added() -> None:
    """Errors by class of status; clients that went are no errors, and probes no requests of S3."""
    found = told(translate(V2_REQUESTS, series_of([ACCEPTORS])))
    place = ("getobject", "n1:9000")
    assert found["minio_s3_requests_total", *place] == 12
    assert found["minio_s3_requests_errors_total", *place] == 3
    assert found["minio_s3_requests_4xx_errors_total", *place] == 2
    assert found["minio_s3_requests_5xx_errors_total", *place] == 1
    assert found["minio_s3_requests_canceled_total", *place] == 4
    assert not any("health" in name for name in found)


def test_what_nobody_counted_is_absent() -> None:
    """A family without a source is left out; it is not zero."""
    names = {one.name for one in translate(V3_REQUESTS, series_of([ACCEPTORS]))}
    assert "minio_api_requests_total" in names
    assert not names & {"minio_api_requests_rejected_auth_total", "minio_api_requests_traffic_sent_bytes"}
    assert not list(v3_erasure_sets(standing_of([], [])))
    assert told(v2_cluster(standing_of([], []))) == {
        ("minio_cluster_nodes_online_total",): 0,
        ("minio_cluster_nodes_offline_total",): 0,
    }


def set_process(name: str, *, away: tuple[int, ...]) -> ProcessMetrics:
    """A worker of a set of 2+2 that sees these slots away."""
    values = {"drives": 4, "parity": 2, "read_quorum": 2, "write_quorum": 3, "drives_healing": 0}
    values["drives_online"] = 4 - len(away)
    labels = {"set": "0"}
    states = (
        Measure(
            "rustfs_set_drive_state",
            -1 if slot in away else 0,
            labels | {"slot": str(slot), "drive": f"/d{slot}", "drive_node": str(slot % 2)},
        )
        for slot in range(4)
    )
    return ProcessMetrics(
        name, (*(Measure(f"rustfs_set_{k}", v, labels) for k, v in values.items()), *states)
    )


def drive_process(slot: int) -> ProcessMetrics:
    labels = {"set": "0", "slot": str(slot), "drive": f"/d{slot}"}
    sizes = {"state": 0, "total_bytes": 1000, "free_bytes": 400, "heal_notes": slot}
    return ProcessMetrics(
        f"drive-0-{slot}", tuple(Measure(f"rustfs_drive_{k}", v, labels) for k, v in sizes.items())
    )


TWO = (
    reading(
        "n1:9000",
        ProcessMetrics("acceptor-0", (Measure("rustfs_process_start_time_seconds", 40.0),)),
        set_process("set-0", away=(3,)),
        drive_process(0),
        drive_process(2),
    ),
    reading(
        "n2:9000", set_process("set-0.1", away=()), drive_process(1), ProcessMetrics("drive-0-3", fault="x")
    ),
    NodeReading("n3:9000", (ProcessMetrics("acceptor-0.2", fault="x"),), fault="x"),
)


def test_the_worst_that_a_node_sees_counts() -> None:
    """A drive that one of two nodes cannot reach is away, and a node that does not answer offline."""
    standing = standing_of(TWO, series_of(TWO))
    found = told(v2_cluster(standing)) | told(v3_cluster_health(standing)) | told(v3_erasure_sets(standing))
    assert found["minio_cluster_drive_online_total",] == 3
    assert found["minio_cluster_drive_offline_total",] == 1
    assert found["minio_cluster_nodes_offline_total",] == 1
    assert found["minio_cluster_health_status",] == 1
    assert found["minio_cluster_health_erasure_set_online_drives", "0", "0"] == 3
    assert found["minio_cluster_erasure_set_write_tolerance", "0", "0"] == 0
    assert found["minio_cluster_erasure_set_read_tolerance", "0", "0"] == 1


def test_capacity_is_that_of_drives_that_tell_and_usable_without_parity() -> None:
    """Three drives of 1,000 bytes, half of which are parity."""
    standing = standing_of(TWO, series_of(TWO))
    found = told(v2_cluster(standing)) | told(v3_cluster_health(standing))
    assert found["minio_cluster_capacity_raw_total_bytes",] == 3000
    assert found["minio_cluster_capacity_usable_total_bytes",] == 1500
    assert found["minio_cluster_health_capacity_usable_free_bytes",] == 600


def test_every_series_of_the_cluster_has_a_family() -> None:
    """What has none would never be shown."""
    standing = standing_of(TWO, series_of(TWO))
    names = {family.name for family in STANDING_FAMILIES}
    for part in (v2_cluster, v3_cluster_health, v3_erasure_sets):
        assert {one.name for one in part(standing)} <= names


def test_families_have_one_meaning_each() -> None:
    """No name stands twice, and counters say that they are."""
    names = [family.name for family in OWN]
    assert len(set(names)) == len(names)
    assert all((family.kind == "counter") == family.name.endswith("_total") for family in OWN)


def test_the_owner_is_told_what_is_wrong() -> None:
    """`info` and `storageinfo` agree about drives, and tell why one is away."""
    standing = standing_of(TWO, series_of(TWO))
    deployment = Deployment(
        deployment_id="id",
        region="",
        names=("n1:9000", "n2:9000", "n3:9000"),
        own_node=0,
        now_s=100.0,
        drive_ids={(0, 3): "uuid-3"},
        reasons={(0, 3): "its worker does not answer"},
        rrs_parity=1,
        buckets=2,
    )
    info, storage = server_info(standing, deployment), storage_info(standing, deployment)
    assert [server["state"] for server in info["servers"]] == ["online", "online", "offline"]
    assert [server.get("uptime") for server in info["servers"]] == [60, None, None]
    assert (info["backend"]["onlineDisks"], info["backend"]["offlineDisks"]) == (3, 1)
    drives = [drive for server in info["servers"] for drive in server["drives"]]
    away = next(drive for drive in drives if drive["state"] != "ok")
    assert (away["state"], away["uuid"], away["reason"]) == (
        "offline",
        "uuid-3",
        "its worker does not answer",
    )
    assert "totalspace" not in away and away in storage["Disks"]
    assert info["pools"]["0"]["0"]["healNotes"] == 2
    assert storage["Backend"]["OfflineDisks"] == {"n1:9000": 0, "n2:9000": 1, "n3:9000": 0}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("SignatureDoesNotMatch", "auth"),
        ("RequestTimeTooSkewed", "timestamp"),
        ("AuthorizationHeaderMalformed", "header"),
        ("InvalidURI", "invalid"),
        ("NoSuchKey", ""),
        ("SlowDown", ""),
    ],
)
def test_refusals_are_counted_by_what_was_wrong(code: str, reason: str) -> None:
    """An error that says nothing of the request itself is no refusal."""
    assert reason_of(code) == reason
    assert code in ERRORS
