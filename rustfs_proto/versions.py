"""Versions of a key: what names them, in which order they stand, and what a write does to them.

Each version of a key is a row of its own, told apart by its *sub*:

    b""         the null version: of a bucket without versioning, or written while versioning was suspended
    16 bytes    8 bytes: STAMP_MAX less the birth, big end first; then 8 random bytes

So the rows of a key lie together, the null version first and then the others from the newest to the oldest.
The *birth* is the stamp of the write that brought the version. What is said of a version later (its tags, its
retention, that it is removed) has later stamps and leaves its birth, and with it its place, as it is. The
current version is the one with the latest birth of all that are not removed.

Clients know a version by the hex digits of its sub, the null version by `null`.
"""

from __future__ import annotations

from enum import IntEnum

from rustfs_proto.stamp import STAMP_MAX

NULL_VERSION = b""
"""The sub of the null version."""

SUB_BYTES = 16
RANDOM_BYTES = 8
"""Random bytes of a sub: should two set workers ever issue the same stamp, their versions still differ."""

_BIRTH_BYTES = SUB_BYTES - RANDOM_BYTES
_NULL_TEXT = "null"


class Versioning(IntEnum):
    """What a bucket does with the versions of its keys."""

    OFF = 0  # never enabled: a write replaces the null version, a delete removes it
    ENABLED = 1  # a write adds a version, a delete adds a delete marker
    SUSPENDED = 2  # a write replaces the null version, a delete puts a delete marker in its place


def sub_of(birth: int, random: bytes) -> bytes:
    """The sub of a version born at that stamp."""
    assert 0 < birth <= STAMP_MAX, birth
    assert len(random) == RANDOM_BYTES, random
    return (STAMP_MAX - birth).to_bytes(_BIRTH_BYTES, "big") + random


def birth_of(sub: bytes) -> int:
    """The stamp at which the version was born; not for the null version, whose record tells."""
    assert len(sub) == SUB_BYTES, sub
    return STAMP_MAX - int.from_bytes(sub[:_BIRTH_BYTES], "big")


def is_sub(sub: bytes) -> bool:
    """Whether a version may have that sub."""
    return not sub or (len(sub) == SUB_BYTES and not sub[0] & 0x80)


def older_than(birth: int) -> bytes:
    """Behind the subs of all versions born at that stamp or later, and before all others."""
    return (STAMP_MAX - birth).to_bytes(_BIRTH_BYTES, "big") + b"\xff" * RANDOM_BYTES


def version_id_of(sub: bytes) -> str:
    """What clients call the version."""
    return sub.hex() if sub else _NULL_TEXT


def parse_version_id(text: str) -> bytes | None:
    """The sub of the version that clients call so; None where no version is ever called so."""
    if text == _NULL_TEXT:
        return NULL_VERSION
    if len(text) != 2 * SUB_BYTES or not text.isascii() or text != text.lower():
        return None
    try:
        sub = bytes.fromhex(text)
    except ValueError:
        return None
    return sub if len(sub) == SUB_BYTES and is_sub(sub) else None
