"""Metrics over HTTP, in Prometheus' text format: `/metrics` with our own names, and MinIO's paths and names.

Who may read them is `acceptor.metrics_auth`: whoever has a token that the owner made, or everybody. With a
signature of S3 these paths are about a bucket of that name, as those of health are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rustfs_node import __version__
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.monitor import View
from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_proto.metrics.exposition import CONTENT_TYPE, render
from rustfs_proto.metrics.families import OWN, Family, Kind
from rustfs_proto.metrics.minio import (
    V2_BUCKETS,
    V2_NODE,
    V2_REQUESTS,
    V3_BUCKETS,
    V3_PROCESS,
    V3_REQUESTS,
    Translation,
    translate,
)
from rustfs_proto.metrics.minio_standing import (
    STANDING_FAMILIES,
    drives_of_nodes,
    v2_cluster,
    v3_cluster_health,
    v3_config,
    v3_erasure_sets,
)
from rustfs_proto.metrics.minio_usage import (
    USAGE_FAMILIES,
    v2_bucket_usage,
    v2_usage,
    v3_usage_buckets,
    v3_usage_objects,
)
from rustfs_proto.metrics.reading import Series
from rustfs_proto.metrics.token import is_good_token
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.target import parse_target
from rustfs_proto.wire.metrics_ops import Measure

METRICS = "Metrics"
"""What the log and the metrics call these requests."""

PUBLIC = "public"
_BEARER = "bearer "
_OWN_PATH = "/metrics"
_V2 = "/minio/v2/metrics"
_V3 = "/minio/metrics/v3"

Part = Callable[[View], Iterable[Series]]


def is_metrics(request: HttpRequest) -> bool:
    """Whether this is a scrape."""
    path, _, query = request.target.partition(b"?")
    if path != b"/metrics" and not path.startswith((b"/minio/v2/metrics/", b"/minio/metrics/v3")):
        return False
    authorization = request.headers.get("authorization", _BEARER)
    return authorization.lower().startswith(_BEARER) and b"X-Amz-Signature=" not in query


async def answer_metrics(request: HttpRequest, services: Services) -> Response:
    """The text that was asked for."""
    request.facts["operation"] = METRICS
    if request.method not in ("GET", "HEAD"):
        raise S3Error("MethodNotAllowed", headers={"allow": "GET, HEAD"})
    _check_token(request, services)
    target = parse_target(request.target)
    families, parts, of_cluster = _asked(target.path.rstrip("/"), target.params)
    monitor = services.monitor
    view = await (monitor.of_cluster() if of_cluster else monitor.of_node())
    text = render(families, (one for part in parts for one in part(view)))
    return Response(200, [(b"content-type", CONTENT_TYPE.encode())], text.encode())


def _check_token(request: HttpRequest, services: Services) -> None:
    if services.settings.metrics_auth == PUBLIC or request.is_local:
        return
    token = request.headers.get("authorization", "")[len(_BEARER) :].strip()
    owner, now_s = services.credentials, services.clock.wall_ms() / 1000
    if not is_good_token(token, owner.access_key, owner.secret_key, now_s):
        raise S3Error(
            "AccessDenied", "Metrics need a bearer token: `rustfs-node ctl metrics-token` makes one."
        )


def _asked(path: str, params: Mapping[str, str]) -> tuple[tuple[Family, ...], list[Part], bool]:
    """Families, where their series come from, and whether all nodes are asked."""
    if path == _OWN_PATH:
        return OWN, [lambda view: view.series], False
    if path.startswith(_V3):
        return _asked_v3(path.removeprefix(_V3), params)
    table: dict[str, tuple[list[Part], bool]] = {
        f"{_V2}/cluster": ([_cluster_v2, _usage(v2_usage), _requests_v2, _node_v2], True),
        f"{_V2}/node": ([_requests_v2, _node_v2], False),
        f"{_V2}/bucket": ([_usage(v2_bucket_usage), _translated(V2_BUCKETS)], True),
        f"{_V2}/resource": ([_drives("minio_node_drive")], False),
    }
    if path not in table:
        raise S3Error("InvalidURI", f"There are cluster, node, bucket and resource below {_V2}/.")
    parts, of_cluster = table[path]
    return MINIO_FAMILIES, parts, of_cluster


def _asked_v3(path: str, params: Mapping[str, str]) -> tuple[tuple[Family, ...], list[Part], bool]:
    """A path of version 3, or one above several."""
    if "list" in params:
        raise not_implemented("A list of metrics")
    wanted = {name.strip() for name in params.get("buckets", "").split(",") if name.strip()}
    parts = [part for name, part in _V3_PARTS.items() if f"{name}/".startswith(f"{path}/")]
    if not parts:
        raise not_implemented(f"Metrics below {path}")
    of_cluster = path.startswith(("/cluster", "/bucket")) or not path
    if wanted:
        parts = [_of_buckets(part, wanted) for part in parts]
    return MINIO_FAMILIES, parts, of_cluster


def _of_buckets(part: Part, wanted: set[str]) -> Part:
    def chosen(view: View) -> Iterator[Series]:
        return (one for one in part(view) if one.labels.get("bucket", "") in wanted | {""})

    return chosen


def _translated(tables: Iterable[Translation]) -> Part:
    return lambda view: translate(tables, view.series)


def _usage(told: Callable[[Sequence[Series], int], Iterable[Series]]) -> Part:
    return lambda view: told(view.series, len(view.planned.sets))


def _drives(prefix: str) -> Part:
    return lambda view: drives_of_nodes(view.standing, prefix, view.servers)


def _cluster_v2(view: View) -> Iterator[Series]:
    """What is told of the deployment as a whole."""
    return v2_cluster(view.standing)


def _requests_v2(view: View) -> Iterator[Series]:
    return translate(V2_REQUESTS, view.series)


def _node_v2(view: View) -> Iterator[Series]:
    yield Measure("minio_software_version_info", 1, {"version": __version__})
    yield from translate(V2_NODE, view.series)
    yield from drives_of_nodes(view.standing, "minio_node_drive", view.servers)
    for number, began_s in view.starts_s.items():
        yield Measure("minio_node_process_starttime_seconds", began_s, {"server": view.names[number]})


_V3_PARTS: dict[str, Part] = {
    "/api/requests": _translated(V3_REQUESTS),
    "/bucket/api": _translated(V3_BUCKETS),
    "/cluster/config": lambda view: v3_config(view.standing),
    "/cluster/erasure-set": lambda view: v3_erasure_sets(view.standing),
    "/cluster/health": lambda view: v3_cluster_health(view.standing),
    "/cluster/usage/buckets": _usage(v3_usage_buckets),
    "/cluster/usage/objects": _usage(v3_usage_objects),
    "/system/drive": _drives("minio_system_drive"),
    "/system/process": _translated(V3_PROCESS),
}

_INFO = (
    Family("minio_software_version_info", Kind.GAUGE, "1, with the release that answers."),
    Family("minio_node_process_starttime_seconds", Kind.GAUGE, "When the node's oldest process began."),
)

MINIO_FAMILIES: tuple[Family, ...] = (
    *_INFO,
    *STANDING_FAMILIES,
    *USAGE_FAMILIES,
    *(
        table.family
        for tables in (V2_REQUESTS, V2_NODE, V2_BUCKETS, V3_REQUESTS, V3_BUCKETS, V3_PROCESS)
        for table in tables
    ),
)
