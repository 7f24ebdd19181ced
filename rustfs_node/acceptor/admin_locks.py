"""The keys for which writes take turns just now, for an operator: `GET locks?count=N` below
`/minio/admin/v3/`. All workers of all sets are asked, because turns are taken at the lead of a key.
"""

from __future__ import annotations

from typing import Any

from rustfs_node.acceptor.call import Services
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.inspect_ops import ListLocks, LocksListed

LOCKS = "locks"
_COUNT = "100"


async def told_locks(params: Params, services: Services) -> dict[str, Any]:
    """The longest held first, `count` of each worker; and which workers did not answer. Raises `S3Error`."""
    count = params.get("count", _COUNT)
    if not count.isdecimal() or not int(count):
        raise S3Error("InvalidArgument", f"count={count!r}: write a number from 1")
    found = await services.sets.status_of_workers(
        ListLocks(int(count)), LocksListed, deadline_s=services.settings.health_deadline_s
    )
    locks: list[dict[str, Any]] = [
        {
            "worker": worker,
            "bucket": one.bucket,
            "key": one.key.decode("utf-8", "backslashreplace"),
            "held_s": round(one.held_s, 3),
            "waiting": one.waiting,
        }
        for worker, told in found.items()
        if isinstance(told, LocksListed)
        for one in told.locks
    ]
    return {
        "locks": sorted(locks, key=lambda one: -one["held_s"]),
        "total": sum(told.total for told in found.values() if isinstance(told, LocksListed)),
        "silent": {worker: str(told) for worker, told in found.items() if isinstance(told, Fault)},
    }
