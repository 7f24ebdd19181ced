"""What is stored, for administrators: `GET datausageinfo[?bucket=B]` below `/minio/admin/v3/`, and the sums
in `info`. With `bucket` only that one is told of, and of it the prefixes.
"""

from __future__ import annotations

from typing import Any

import attrs

from rustfs_node.acceptor.call import Services
from rustfs_proto.s3.target import Params
from rustfs_proto.s3.xmltext import iso_ms
from rustfs_proto.usage import document_of, together
from rustfs_proto.wire.usage_ops import Counted, SetUsage, SetUsageTold, Usage

USAGE_INFO = "datausageinfo"

_NEVER = "0001-01-01T00:00:00Z"
"""How MinIO says that nothing was counted yet."""


@attrs.frozen
class Stored:
    """What is stored in all sets together but those that are `untold`: they have not counted yet, or do not
    answer. `age_s` is that of the oldest count; None: there is none.
    """

    usage: Usage
    age_s: float | None
    untold: tuple[int, ...]

    def sums(self) -> dict[str, Any]:
        """As `info` has them."""
        total = self.usage.total
        of_sets = ", ".join(map(str, self.untold))
        fault = {"error": f"not counted yet, or not told, in set {of_sets}"} if self.untold else {}
        return {
            "objects": {"count": total.objects, **fault},
            "versions": {"count": total.versions, **fault},
            "deletemarkers": {"count": total.delete_markers, **fault},
            "usage": {"size": total.size_bytes, **fault},
        }


async def stored(services: Services, bucket: str = "") -> Stored:
    """Ask every set."""
    told = await services.sets.status_of_all(
        SetUsage(bucket), SetUsageTold, deadline_s=services.settings.health_deadline_s
    )
    known = [one for one in told if isinstance(one, SetUsageTold) and one.usage is not None]
    untold = [at for at, one in enumerate(told) if not isinstance(one, SetUsageTold) or one.usage is None]
    usage = together(one.usage for one in known if one.usage is not None)
    return Stored(usage, max((one.age_s for one in known), default=None), tuple(untold))


async def answer_usage(params: Params, services: Services, trace: str) -> dict[str, object]:
    """The document of `datausageinfo`, with additions of our own: `ageSeconds`, `setsUntold`,
    `bucketsLeftOut`, and of one bucket `prefixesUsageInfo` and `prefixesLeftOut`. Raises `S3Error`.
    """
    bucket = params.get("bucket", "")
    names = [(await services.buckets.get(bucket, trace)).name] if bucket else await _names(services, trace)
    found = await stored(services, bucket)
    usage = found.usage
    counted = {one.name: one.counted for one in usage.buckets}
    left_out = usage.buckets_left
    told = [name for name in names if name in counted or not left_out]
    of_bucket = {one.name: document_of(one.counted) for one in usage.prefixes}
    total = usage.total
    return {
        "lastUpdate": _when(services, found.age_s),
        "objectsCount": total.objects,
        "versionsCount": total.versions,
        "deleteMarkersCount": total.delete_markers,
        "objectsTotalSize": total.size_bytes,
        "bucketsCount": len(names),
        "bucketsUsageInfo": {name: document_of(counted.get(name, Counted())) for name in told},
        "bucketsLeftOut": left_out,
        "setsUntold": list(found.untold),
        **({} if found.age_s is None else {"ageSeconds": round(found.age_s, 1)}),
        **({"prefixesUsageInfo": of_bucket, "prefixesLeftOut": usage.prefixes_left} if bucket else {}),
    }


async def _names(services: Services, trace: str) -> list[str]:
    return [record.name for record in await services.buckets.all(trace)]


def _when(services: Services, age_s: float | None) -> str:
    return _NEVER if age_s is None else iso_ms(services.clock.wall_ms() - int(age_s * 1000))
