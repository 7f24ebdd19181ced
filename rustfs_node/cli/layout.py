"""`rustfs-node ctl layout` and `ctl pool`: asks a running node where slots are, and orders that they move.

Requests are signed by the owner, whose key pair comes from the environment as it does for `serve`, or from
the file that `--credentials-file` names.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE
from rustfs_node.config import ConfigError, load
from rustfs_node.plan import Credentials
from rustfs_node.seams.clock import SystemClock
from rustfs_node.supervisor.credentials import CredentialsError, cluster_credentials
from rustfs_proto.s3.sigv4_signer import Credentials as Signer
from rustfs_proto.s3.sigv4_signer import sign_request

_TIMEOUT_S = 60.0
_PREFIX = "/minio/admin/v3/"

ADDING = """\
A pool is added by a start: give `serve` one argument more, behind those that it has, as in

    rustfs-node serve /data{1...4} /more{1...4}

Empty folders are formatted into the deployment, and own nothing at first. `rustfs-node ctl pool rebalance`
then moves a share there, while the node serves.\
"""


class LayoutError(Exception):
    """The node did not do what was asked; the text says what it answered."""


def add(_args: argparse.Namespace) -> int:
    """Say how it is done."""
    print(ADDING)
    return 0


def run(args: argparse.Namespace) -> int:
    """Make the request that the arguments stand for, and print the answer."""
    try:
        credentials = _credentials(args.credentials_file)
        told = request(args.endpoint, credentials, args.method, target_of(args))
    except (ConfigError, CredentialsError) as error:
        print(error)
        return EXIT_USAGE
    except LayoutError as error:
        print(error)
        return EXIT_FAILED
    if args.json:
        print(json.dumps(told))
    else:
        print("\n".join(_lines(told)))
    return 0


def target_of(args: argparse.Namespace) -> str:
    """The target of the request, with its parameters."""
    pools = getattr(args, "leaving", None)
    if args.path.endswith("decommission"):
        return f"{_PREFIX}{args.path}?pool={args.pool}"
    return f"{_PREFIX}{args.path}" if pools is None else f"{_PREFIX}{args.path}?leaving={pools}"


def request(endpoint: str, credentials: Credentials, method: str, target: str) -> dict[str, Any]:
    """What the node answers; raises `LayoutError`."""
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise LayoutError(f"--endpoint {endpoint!r} is no URL: write http://host:port")
    signer = Signer(credentials.access_key, credentials.secret_key)
    headers = {"host": parts.netloc}
    signed = sign_request(signer, method, target, headers, now_s=SystemClock().wall_ms() / 1000)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, target, headers=signed.headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise LayoutError(f"{endpoint} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise LayoutError(f"{endpoint} answers {answer.status}: {body.decode(errors='replace')}")
    told: dict[str, Any] = json.loads(body)
    return told


def _credentials(path: str) -> Credentials:
    settings = load(b"", os.environ, {"node": {"credentials_file": path}} if path else {}, "")
    return cluster_credentials(settings.node)


def _lines(told: dict[str, Any]) -> list[str]:
    if "sets" not in told:
        return _change_lines(told)
    lines = [f"{'set':>4} {'pool':>5} {'drives':>7} {'slots':>6}"]
    lines += [
        f"{one['set']:>4} {one['pool']:>5} {one['drives']:>7} {one['slots']:>6}" for one in told["sets"]
    ]
    change = told["change"]
    return [*lines, *(["no slots were ever moved"] if change is None else _change_lines(change))]


def _change_lines(change: dict[str, Any]) -> list[str]:
    leaving = ", ".join(map(str, change["leaving"]))
    lines = [f"{change['state']}: {change['slots_left']} of {change['slots']} slots are left to be moved"]
    if leaving:
        lines.append(f"pools that are left empty: {leaving}")
    if change["objects"]:
        mib = change["bytes"] / 2**20
        rate = change["bytes_per_s"] / 2**20
        lines.append(f"moved: {change['objects']} versions, {mib:.1f} MiB, {rate:.1f} MiB/s")
    if change["left_s"] is not None:
        lines.append(f"about {change['left_s']} seconds are left")
    if change["slots_waiting_for_uploads"]:
        lines.append(f"{change['slots_waiting_for_uploads']} slots wait for open uploads to end")
    return lines
