"""Randomness: names of shard files and uploads, credentials, jitter."""

from __future__ import annotations

import os
from typing import Protocol


class Randomness(Protocol):
    """A source of random bytes."""

    def token(self, size_bytes: int) -> bytes:
        """That many bytes, unpredictable in production and repeatable in a simulation."""
        ...


class SystemRandomness:
    """The kernel's generator."""

    def token(self, size_bytes: int) -> bytes:
        return os.urandom(size_bytes)
