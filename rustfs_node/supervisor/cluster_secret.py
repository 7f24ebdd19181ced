"""The secret by which the nodes of a cluster know each other."""

from __future__ import annotations

import hashlib

from rustfs_node.plan import Credentials
from rustfs_node.seams.node_files import read_bytes
from rustfs_node.settings.cluster import ClusterSettings

SECRET_CHARACTERS_MIN = 16


class SecretError(Exception):
    """The cluster's secret cannot be used; the text says why and what to do."""


def cluster_secret(settings: ClusterSettings, credentials: Credentials) -> bytes:
    """The secret that is configured, else one made from the key pair. Raises `SecretError`."""
    given = given_secret(settings)
    if given:
        return given.encode()
    pair = f"{credentials.access_key}\n{credentials.secret_key}".encode()
    # Whoever finds this value must not have the key pair with it.
    return hashlib.scrypt(pair, salt=b"rustfs-node cluster", n=1 << 14, r=8, p=1)


def given_secret(settings: ClusterSettings) -> str:
    """The secret that is configured, empty where there is none. Raises `SecretError` for one that cannot be
    used.
    """
    given = settings.secret or _first_line(settings.secret_file)
    if given and len(given) < SECRET_CHARACTERS_MIN:
        raise SecretError(
            f"the cluster's secret has {len(given)} characters, at least {SECRET_CHARACTERS_MIN} are"
            " wanted: make one with `openssl rand -base64 32` and give it to all nodes"
        )
    return given


def _first_line(path: str) -> str:
    if not path:
        return ""
    try:
        lines = read_bytes(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretError(f"cluster.secret_file {path} cannot be read: {reason}") from error
    if not lines or not lines[0].strip():
        raise SecretError(f"cluster.secret_file {path} has no secret in its first line")
    return lines[0].strip()
