"""What operations are made of: bytes, what goes with them, conditions, ranges.

Versions, uploads and times are named by the model's symbols. ETags are given without quotes.
"""

from __future__ import annotations

from functools import lru_cache

import attrs

from tests.clients.content import content
from tests.model.symbols import VersionId, When

Pairs = tuple[tuple[str, str], ...]
Version = VersionId | str | None
"""None: the current version. Text: the null version, or an id that no version ever had."""


@lru_cache(maxsize=64)
def _bytes(size: int, seed: int) -> bytes:
    return content(size, seed)


@attrs.frozen
class Body:
    """Bytes by their size and seed."""

    size: int
    seed: int = 0

    @property
    def data(self) -> bytes:
        return _bytes(self.size, self.seed)


@attrs.frozen
class Carried:
    """What goes with the bytes of an object. `storage_class` "": none is asked for."""

    content: Pairs = ()
    user: Pairs = ()
    tags: Pairs = ()
    storage_class: str = ""


PLAIN = Carried()
"""Nothing goes with them."""


@attrs.frozen
class Digest:
    """A checksum that is sent along; of other bytes where it is not right."""

    algorithm: str
    is_right: bool = True


@attrs.frozen
class OnWrite:
    """Conditions on what a write replaces."""

    if_none_match: bool = False
    if_match: str | None = None


@attrs.frozen
class OnRead:
    """Conditions on what is read or copied."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: When | None = None
    if_unmodified_since: When | None = None


ON_ANY_WRITE = OnWrite()
ON_ANY_READ = OnRead()
"""No condition."""


@attrs.frozen
class Range:
    """A Range header: `bytes=first-last`, each of which may be missing, not both."""

    first: int | None
    last: int | None

    def __str__(self) -> str:
        ends = ["" if end is None else str(end) for end in (self.first, self.last)]
        return f"bytes={ends[0]}-{ends[1]}"


@attrs.frozen
class NamedPart:
    """A part as a completion names it; `checksum` is the element's name and its value."""

    number: int
    etag: str
    checksum: tuple[str, str] | None = None
