"""The operations as values: what the model is asked, what goes over the wire, and what a failure prints."""

from __future__ import annotations

import attrs

from tests.model.symbols import Token, UploadId, When
from tests.model.values import (
    ON_ANY_READ,
    ON_ANY_WRITE,
    PLAIN,
    Body,
    Carried,
    Digest,
    NamedPart,
    OnRead,
    OnWrite,
    Pairs,
    Range,
    Version,
)


@attrs.frozen
class Put:
    key: str
    body: Body
    carried: Carried = PLAIN
    on: OnWrite = ON_ANY_WRITE
    digest: Digest | None = None


@attrs.frozen
class Read:
    """GetObject, or HeadObject."""

    key: str
    version: Version = None
    is_head: bool = False
    range: Range | None = None
    part: int | None = None
    on: OnRead = ON_ANY_READ
    shows_checksum: bool = False


@attrs.frozen
class Copy:
    """CopyObject. `replaces_*` None: the directive is left out."""

    source: str
    key: str
    version: Version = None
    on: OnWrite = ON_ANY_WRITE
    on_source: OnRead = ON_ANY_READ
    replaces_metadata: bool | None = None
    replaces_tags: bool | None = None
    carried: Carried = PLAIN
    algorithm: str = ""


@attrs.frozen
class Rename:
    """RenameObject."""

    source: str
    key: str
    on: OnRead = ON_ANY_READ
    on_source: OnRead = ON_ANY_READ


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
    carried: Carried = PLAIN
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
    on_source: OnRead = ON_ANY_READ


@attrs.frozen
class Complete:
    key: str
    upload: UploadId
    parts: tuple[NamedPart, ...]
    on: OnWrite = ON_ANY_WRITE
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
    Put | Read | Copy | Rename | Delete | DeleteMany | CreateUpload | UploadPart | CopyPart | Complete | Abort
    | ListParts | ListUploads | ListObjects | ListObjects2 | ListVersions | GetTags | PutTags | DeleteTags
    | GetAttributes | PutVersioning | GetVersioning
)  # fmt: skip
