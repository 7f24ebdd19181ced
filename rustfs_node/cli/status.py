"""`rustfs-node ctl status`: what a running node says of its health, over HTTP."""

from __future__ import annotations

import argparse
import http.client
import json
from urllib.parse import urlsplit

from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE

_TIMEOUT_S = 5.0

CHECKS = (
    ("live", "/minio/health/live", "the node answers"),
    ("ready", "/minio/health/ready", "the node takes requests"),
    ("write", "/minio/health/cluster", "every erasure set can be written"),
    ("read", "/minio/health/cluster/read", "every erasure set can be read"),
)
MAINTENANCE = (
    "maintenance",
    "/minio/health/cluster?maintenance=true",
    "every erasure set can be written without this node",
)


def run(args: argparse.Namespace) -> int:
    """Print each check; status 0 when all are well."""
    parts = urlsplit(args.endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        print(f"--endpoint {args.endpoint!r} is no URL: write http://host:port")
        return EXIT_USAGE
    checks = (*CHECKS, MAINTENANCE) if args.maintenance else CHECKS
    answers = {name: ask(args.endpoint, path) for name, path, _ in checks}
    if args.json:
        print(json.dumps({name: answer == "200" for name, answer in answers.items()}))
    else:
        width = max(len(name) for name in answers) + 1
        for name, _, meaning in checks:
            well = answers[name] == "200"
            print(
                f"{name:{width}} {'ok ' if well else 'NO '} {meaning}{'' if well else f' ({answers[name]})'}"
            )
    return 0 if all(answer == "200" for answer in answers.values()) else EXIT_FAILED


def ask(endpoint: str, path: str) -> str:
    """The status of a GET, or why there was none."""
    parts = urlsplit(endpoint)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()
