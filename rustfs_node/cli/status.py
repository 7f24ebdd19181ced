"""`rustfs-node ctl status`: what a running node says of its health, over HTTP."""

from __future__ import annotations

import argparse
import http.client
import json
from urllib.parse import urlsplit

import msgspec

from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE
from rustfs_proto.wire.heal_ops import HealView

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


class SetHealing(HealView, frozen=True):
    """A `HealView` with the set that it is of."""

    set: int = 0


class HealingTold(msgspec.Struct, frozen=True):
    """The answer of the path that tells of healing."""

    sets: tuple[SetHealing, ...] = ()


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
        print("".join(f"{line}\n" for line in healing_lines(read_healing(args.endpoint))), end="")
    return 0 if all(answer == "200" for answer in answers.values()) else EXIT_FAILED


def ask(endpoint: str, path: str) -> str:
    """The status of a GET, or why there was none."""
    return _get(endpoint, path)[0]


def read_healing(endpoint: str) -> HealingTold:
    """What the node says of its healing; nothing where it does not answer, which the checks tell."""
    status, body = _get(endpoint, "/minio/health/healing")
    return msgspec.json.decode(body, type=HealingTold) if status == "200" else HealingTold()


def healing_lines(told: HealingTold) -> list[str]:
    """What is being healed, in words: a line for each set with notes, and for each rebuild."""
    lines = []
    for one in told.sets:
        if one.notes:
            lines.append(f"set {one.set}: about {one.notes} keys wait to be healed, {one.healed} are")
        for rebuild in one.rebuilds:
            mib = rebuild.size_bytes / (1024 * 1024)
            done = f"{rebuild.rows} rows and {mib:.1f} MiB given, about {rebuild.rows_left} rows left"
            lines.append(f"set {one.set}: drive {rebuild.slot} is being rebuilt: {done}")
    return lines


def _get(endpoint: str, path: str) -> tuple[str, bytes]:
    """Status and body; where there was no answer the reason and nothing."""
    parts = urlsplit(endpoint)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return str(response.status), response.read()
    except (OSError, http.client.HTTPException) as error:
        return str(error), b""
    finally:
        connection.close()
