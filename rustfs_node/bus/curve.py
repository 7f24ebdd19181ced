"""Keys of nodes, and what a process must know to speak with other nodes.

Every node makes the keys of all nodes from the cluster's secret, so that none has to be carried about. Who
knows the secret can be any node; who does not can neither dial one nor read what travels.
"""

from __future__ import annotations

import hashlib
import hmac

import attrs
import zmq
from zmq.utils import z85

_SALT = b"rustfs-node bus curve 1"
"""Keeps these keys apart from whatever else is made from the same secret; the number is for another way of
making them.
"""


@attrs.frozen
class KeyPair:
    """CURVE keys (Curve25519), as Z85 text of 40 characters each."""

    public: str
    secret: str = attrs.field(repr=False)


@attrs.frozen
class RemotePeer:
    """A peer on another node: `tcp://host:port`, a name or an address, IPv6 in brackets; its node's key."""

    endpoint: str
    public_key: str


@attrs.frozen
class RemoteSide:
    """How a process speaks with other nodes: with the `keys` of its node; at `listen`, `tcp://address:port`
    (None: it only dials), to those whose public keys are `allowed`.
    """

    keys: KeyPair
    listen: str | None
    allowed: frozenset[str]


def node_keys(cluster_secret: bytes, node: str) -> KeyPair:
    """The key pair of a node, the same on every node that knows the cluster's secret: HKDF-SHA256 (RFC 5869)
    of the secret, with `node` ("host:port" as in the cluster's endpoints) as its context.
    """
    if not cluster_secret:
        raise ValueError("the cluster's secret is empty: anybody could make the keys of its nodes")
    # Any 32 bytes are a key: the curve's own arithmetic sets the bits that must be set (RFC 7748).
    secret = z85.encode(hkdf_sha256(cluster_secret, _SALT, node.encode()))
    return KeyPair(zmq.curve_public(secret).decode(), secret.decode())


def hkdf_sha256(secret: bytes, salt: bytes, context: bytes) -> bytes:
    """The first 32 bytes of HKDF-SHA256, which are all that one round of it gives."""
    extracted = hmac.digest(salt, secret, hashlib.sha256)
    return hmac.digest(extracted, context + b"\x01", hashlib.sha256)


def key_bytes(key: str) -> bytes:
    """The 32 bytes of a key. Raises `ValueError` for what is none."""
    try:
        raw = z85.decode(key.encode())
    except (KeyError, ValueError, zmq.ZMQError) as error:
        raise ValueError("a key of the bus is Z85 text of 40 characters, this is not Z85") from error
    if len(raw) != 32:
        raise ValueError(f"a key of the bus has 40 characters, not {len(key)}")
    return bytes(raw)
