"""`rustfs-node ctl support bundle`: everything that a node tells of itself, in one file for whoever helps.

It has no secrets, because the node tells none; it has names of buckets, keys and machines, so it is readable
by its owner alone.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterator

from rustfs_node import __version__
from rustfs_node.cli.asking import ADMIN, ask, ask_as_owner, owner_of
from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE
from rustfs_node.plan import Credentials
from rustfs_node.seams.clock import Clock, SystemClock
from rustfs_node.seams.node_files import write_private
from rustfs_proto.metrics.token import make_token

_FOLDER = "rustfs-node-support"
_TOKEN_S = 60
_DOCUMENTS = (
    ("status.json", "info"),
    ("settings.json", "settings"),
    ("node.json", "support"),
    ("layout.json", "layout"),
    ("locks.json", "locks"),
    ("logs.json", "logs?lines=1000"),
)


def run(args: argparse.Namespace) -> int:
    """Write the file; status 1 where the node does not tell how it stands, and then there is none."""
    credentials = owner_of(args)
    if isinstance(credentials, str):
        print(credentials, file=sys.stderr)
        return EXIT_USAGE
    clock = SystemClock()
    parts, missing = {}, {}
    for name, status, body in _asked(args.endpoint, credentials, clock):
        if status == "200":
            parts[name] = body
        else:
            missing[name] = f"{status} {body.decode(errors='replace')}".strip()
    for name, reason in missing.items():
        print(f"{name} is missing: {reason}", file=sys.stderr)
    if "status.json" in missing:
        return EXIT_FAILED
    about = {
        "made_by": __version__,
        "made_ms": clock.wall_ms(),
        "endpoint": args.endpoint,
        "missing": missing,
    }
    parts["bundle.json"] = json.dumps(about).encode()
    try:
        write_private(args.file, archive(parts, clock.wall_ms() // 1000), replace=False)
    except OSError as error:
        print(f"{args.file} cannot be written: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED
    told = {"file": args.file, "parts": sorted(parts), "missing": sorted(missing)}
    print(json.dumps(told) if args.json else f"{args.file} has {', '.join(sorted(parts))}")
    return 0


def _asked(endpoint: str, credentials: Credentials | None, clock: Clock) -> Iterator[tuple[str, str, bytes]]:
    """Name of each part, the status of the answer, and its body."""
    for name, target in _DOCUMENTS:
        yield name, *ask_as_owner(endpoint, ADMIN + target, credentials)
    yield "healing.json", *ask(endpoint, "/minio/health/healing")
    headers = {}
    if credentials is not None:
        expires_s = clock.wall_ms() // 1000 + _TOKEN_S
        token = make_token(credentials.access_key, credentials.secret_key, expires_s)
        headers["authorization"] = f"Bearer {token}"
    yield "metrics.txt", *ask(endpoint, "/metrics", headers)


def archive(parts: dict[str, bytes], made_s: int) -> bytes:
    """A tar file of them, compressed by gzip."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, body in sorted(parts.items()):
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mtime, entry.mode = len(body), made_s, 0o600
            tar.addfile(entry, io.BytesIO(body))
    return gzip.compress(raw.getvalue(), mtime=made_s)


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl support`."""
    from rustfs_node.cli import keys

    verbs = actions.add_parser("support", help="what to send to whoever helps: bundle").add_subparsers(
        required=True, metavar="VERB"
    )
    text = "write a .tar.gz of status, settings, versions, metrics, logs, layout and drives, without secrets"
    bundle = verbs.add_parser("bundle", help=text, description=text)
    bundle.add_argument("file", metavar="FILE", help="the file to write; it must not be there")
    keys.add_endpoint(bundle)
    bundle.set_defaults(run=run)
