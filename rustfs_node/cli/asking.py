"""Requests that commands make of a running node: unsigned, or signed with the owner's key pair; by the node's
own socket, `unix:PATH`, nothing needs to be signed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rustfs_node.cli.keys import find_credentials
from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE
from rustfs_node.config import ConfigError
from rustfs_node.plan import Credentials
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.node_files import may_use_socket
from rustfs_node.supervisor.credentials import CredentialsError
from rustfs_proto.s3.sigv4_signer import Credentials as Signer
from rustfs_proto.s3.sigv4_signer import sign_request

Document = dict[str, Any]

ADMIN = "/minio/admin/v3/"
"""What is asked there has to be signed by the owner."""

_TIMEOUT_S = 150.0
"""Longer than the node takes for the slowest answer: `acceptor.drive_deadline_s`."""


_SOCKET = "unix:"


def is_socket(endpoint: str) -> bool:
    """Whether it names the socket of a node on this machine."""
    return endpoint.startswith(_SOCKET)


def why_no_url(endpoint: str) -> str:
    """What is wrong with an `--endpoint`; empty where it can be asked."""
    if is_socket(endpoint):
        path = endpoint.removeprefix(_SOCKET)
        if may_use_socket(path):
            return ""
        return f"--endpoint {endpoint!r}: no node listens at {path}, or only for another user"
    parts = urlsplit(endpoint)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return ""
    return f"--endpoint {endpoint!r} is no URL: write http://host:port or {_SOCKET}/path"


class _LocalConnection(http.client.HTTPConnection):
    """To the node's own socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection_to(endpoint: str) -> http.client.HTTPConnection:
    if is_socket(endpoint):
        return _LocalConnection(endpoint.removeprefix(_SOCKET))
    parts = urlsplit(endpoint)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)


def ask(
    endpoint: str, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[str, bytes]:
    """The status of a request, or why there was none, and what was answered."""
    connection = _connection_to(endpoint)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return str(response.status), response.read()
    except (OSError, http.client.HTTPException) as error:
        return str(error), b""
    finally:
        connection.close()


def ask_as_owner(
    endpoint: str, path: str, credentials: Credentials | None, method: str = "GET"
) -> tuple[str, bytes]:
    """The same, signed; by the node's own socket without credentials."""
    if credentials is None:
        return ask(endpoint, path, {} if method == "GET" else {"content-length": "0"}, method)
    now_s = SystemClock().wall_ms() / 1000
    signer = Signer(credentials.access_key, credentials.secret_key)
    headers = {"host": urlsplit(endpoint).netloc} | ({} if method == "GET" else {"content-length": "0"})
    signed = sign_request(signer, method, path, headers, now_s=now_s)
    return ask(endpoint, path, signed.headers, method)


def ask_owner(args: argparse.Namespace, target: str, method: str = "GET") -> Document | int:
    """What the node answers below `ADMIN` to its owner, whom the arguments name; the exit status where it
    answers nothing, after the reason was printed: the node's own words, where it has any.
    """
    credentials = owner_of(args)
    if isinstance(credentials, str):
        print(credentials)
        return EXIT_USAGE
    status, body = ask_as_owner(args.endpoint, ADMIN + target, credentials, method)
    if status == "200":
        document: Document = json.loads(body)
        return document
    try:
        print(json.loads(body)["Message"])
    except (ValueError, KeyError, TypeError):
        print(f"the node does not answer: {status}")
    return EXIT_FAILED


def owner_of(args: argparse.Namespace) -> Credentials | str | None:
    """With what a command that only the owner may give is signed, None where nothing has to be; or why it
    cannot be given.
    """
    if problem := why_no_url(args.endpoint):
        return problem
    if is_socket(args.endpoint):
        return None
    try:
        credentials = find_credentials(args)
    except (ConfigError, CredentialsError) as error:
        return str(error)
    return credentials or (
        "name --credentials-file, or set RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY; on the node itself root"
        " needs none with --endpoint unix:PATH, the socket `admin` in its runtime folder"
    )
