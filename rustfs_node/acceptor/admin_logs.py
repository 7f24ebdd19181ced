"""The last lines of the log of each process of this node, for an operator: `GET logs?lines=N&level=L` below
`/minio/admin/v3/`. What is kept is said by `node.log_lines_kept`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rustfs_node.acceptor.call import Services
from rustfs_node.settings.node import LOG_LEVELS
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import Params

LOGS = "logs"
_LINES = "100"


async def told_logs(params: Params, services: Services) -> dict[str, Any]:
    """Each process with its lines, the oldest first, or the reason why it told none. Raises `S3Error`."""
    lines, level = params.get("lines", _LINES), params.get("level", "debug")
    if not lines.isdecimal() or not int(lines):
        raise S3Error("InvalidArgument", f"lines={lines!r}: write a number from 1")
    if level not in LOG_LEVELS:
        raise S3Error("InvalidArgument", f"level={level!r}: there are {', '.join(LOG_LEVELS)}")
    processes = await services.monitor.logs_of_node(int(lines), level)
    return {
        "processes": [
            {"process": one.process, "lines": [msgspec.Raw(line.encode()) for line in one.lines]}
            | ({"fault": one.fault} if one.fault else {})
            for one in processes
        ]
    }
