"""The operations as values: what the model is asked, what goes over the wire, and what a failure prints.

Versions, uploads and times are named by the model's symbols. ETags are given without quotes.
"""

from __future__ import annotations

from functools import lru_cache

import attrs

from tests.clients.content import content
from tests.model.symbols import Token, UploadId, VersionId, When

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


@attrs.frozen
class Range:
    """A Range header: `bytes=first-last`, each of which may be missing, not both."""

    first: int | None
    last: int | None

    def __str__(self) -> str:
        ends = ["" if end is None else str(end) for end in (self.first, self.last)]
        return f"bytes={ends[0]}-{ends[1]}"


@attrs.frozen
class Put:
    key: str
    body: Body
    carried: Carried = Carried()
    on: OnWrite = OnWrite()
    digest: Digest | None = None


@attrs.frozen
class Read:
    """GetObject, or HeadObject."""

    key: str
    version: Version = None
    is_head: bool = False
    range: Range | None = None
    part: int | None = None
    on: OnRead = OnRead()
    shows_checksum: bool = False


@attrs.frozen
class Copy:
    """CopyObject. `replaces_*` None: the directive is left out."""

    source: str
    key: str
    version: Version = None
    on: OnWrite = OnWrite()
    on_source: OnRead = OnRead()
    replaces_metadata: bool | None = None
    replaces_tags: bool | None = None
    carried: Carried = Carried()
    algorithm: str = ""


@attrs.frozen
class Delete:
    key: str
    version: Version = None
    if_match: str | None = None
    if_size: int | None = None
    if_modified: When | None = None


@attrs.frozen
class DeleteMany:
    items: tuple[tuple[str, Version], ...]
    is_quiet: bool = False


@attrs.frozen
class CreateUpload:
    """`algorithm` and `kind` of its checksum; "" for none."""

    key: str
    carried: Carried = Carried()
    algorithm: str = ""
    kind: str = ""


@attrs.frozen
class UploadPart:
    key: str
    upload: UploadId
    number: int
    body: Body
    digest: Digest | None = None


@attrs.frozen
class CopyPart:
    key: str
    upload: UploadId
    number: int
    source: str
    version: Version = None
    range: Range | None = None
    on_source: OnRead = OnRead()


@attrs.frozen
class NamedPart:
    """A part as a completion names it; `checksum` is the element's name and its value."""

    number: int
    etag: str
    checksum: tuple[str, str] | None = None


@attrs.frozen
class Complete:
    key: str
    upload: UploadId
    parts: tuple[NamedPart, ...]
    on: OnWrite = OnWrite()
    size: int | None = None


@attrs.frozen
class Abort:
    key: str
    upload: UploadId


@attrs.frozen
class ListParts:
    key: str
    upload: UploadId
    after: int = 0
    limit: int = 1000


@attrs.frozen
class ListUploads:
    prefix: str = ""
    delimiter: str = ""
    key_marker: str = ""
    upload_marker: UploadId | None = None
    limit: int = 1000


@attrs.frozen
class ListObjects:
    """Version 1 of it."""

    prefix: str = ""
    delimiter: str = ""
    marker: str = ""
    limit: int = 1000


@attrs.frozen
class ListObjects2:
    prefix: str = ""
    delimiter: str = ""
    start_after: str = ""
    token: Token | None = None
    limit: int = 1000


@attrs.frozen
class ListVersions:
    prefix: str = ""
    delimiter: str = ""
    key_marker: str = ""
    version_marker: Version = None
    limit: int = 1000


@attrs.frozen
class GetTags:
    key: str
    version: Version = None


@attrs.frozen
class PutTags:
    key: str
    tags: Pairs
    version: Version = None


@attrs.frozen
class DeleteTags:
    key: str
    version: Version = None


@attrs.frozen
class GetAttributes:
    key: str
    wanted: tuple[str, ...]
    version: Version = None
    after: int = 0
    limit: int = 1000


@attrs.frozen
class PutVersioning:
    """Enabled or Suspended."""

    status: str


@attrs.frozen
class GetVersioning:
    pass


Operation = (
    Put | Read | Copy | Delete | DeleteMany | CreateUpload | UploadPart | CopyPart | Complete | Abort | ListParts
    | ListUploads | ListObjects | ListObjects2 | ListVersions | GetTags | PutTags | DeleteTags | GetAttributes
    | PutVersioning | GetVersioning
)  # fmt: skip
