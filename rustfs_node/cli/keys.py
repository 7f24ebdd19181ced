"""The owner's key pair, for commands that ask a running node: from a file, the configuration or the
environment, as `serve` takes it. None is ever generated here.
"""

from __future__ import annotations

import argparse
import os

from rustfs_node.config import Tables, load
from rustfs_node.plan import Credentials
from rustfs_node.seams.node_files import may_use_socket
from rustfs_node.supervisor.credentials import known_credentials

_SERVICE = "unix:/run/rustfs-node/admin"
"""The socket of the node that systemd runs: asked by default by those who may."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a command takes that needs the key pair."""
    parser.add_argument("--credentials-file", metavar="FILE", default="", help="where the key pair is kept")


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """The same, and which node is asked and how its answer is told."""
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        default=_SERVICE if may_use_socket(_SERVICE.removeprefix("unix:")) else "http://127.0.0.1:9000",
        help="or unix:PATH, the socket `admin` in the node's runtime folder, which needs no keys (default:"
        " %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    add_arguments(parser)


def find_credentials(args: argparse.Namespace) -> Credentials | None:
    """The pair, None where nothing names one. Raises `ConfigError` and `CredentialsError`."""
    arguments: Tables = {"node": {"credentials_file": args.credentials_file}} if args.credentials_file else {}
    return known_credentials(load(b"", os.environ, arguments).node)
