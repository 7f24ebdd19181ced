"""What a bucket of the model holds: versions by key, uploads under way, and what may be continued.

User Guide, "How S3 Versioning works": a bucket begins unversioned; once versioning was enabled it can only be
suspended. An unversioned or suspended bucket gives each new version the id `null`, and a key has at most one
of that id: a new one takes the place of the old.
"""

from __future__ import annotations

import itertools

import attrs

from tests.model.symbols import NULL, Moment, VersionId
from tests.model.values import PLAIN, Carried, Version


@attrs.frozen
class Checksum:
    """The value is base64, with the number of parts behind it where `kind` is COMPOSITE."""

    algorithm: str
    value: str
    kind: str = "FULL_OBJECT"


@attrs.frozen
class Part:
    """A part of an upload, or of an object that was one."""

    number: int
    data: bytes
    etag: str
    made: Moment
    checksum: Checksum | None = None


@attrs.frozen
class ObjectVersion:
    """One version of a key; a delete marker has neither bytes nor anything that goes with them."""

    id: VersionId | str
    made: Moment
    is_marker: bool = False
    data: bytes = b""
    etag: str = ""
    carried: Carried = PLAIN
    checksum: Checksum | None = None
    parts: tuple[Part, ...] = ()

    @property
    def storage_class(self) -> str:
        return self.carried.storage_class or "STANDARD"


@attrs.define
class Upload:
    """An upload under way. `number` is its place in the order of beginnings."""

    number: int
    key: str
    made: Moment
    carried: Carried
    algorithm: str
    kind: str
    parts: dict[int, Part] = attrs.field(factory=dict)

    @property
    def storage_class(self) -> str:
        return self.carried.storage_class or "STANDARD"


@attrs.frozen
class Position:
    """Where a listing goes on: behind a key or, with `is_prefix`, behind all that begins with it."""

    key: str
    is_prefix: bool = False


@attrs.define
class Bucket:
    """`versioning` is "" until it is set for the first time. `versions` are by key, the newest last."""

    versioning: str = ""
    versions: dict[str, list[ObjectVersion]] = attrs.field(factory=dict)
    uploads: dict[int, Upload] = attrs.field(factory=dict)
    tokens: list[Position] = attrs.field(factory=list)
    _moments: itertools.count = attrs.field(factory=itertools.count)
    _ids: itertools.count = attrs.field(factory=itertools.count)

    def moment(self) -> Moment:
        return Moment(next(self._moments))

    def next_upload(self) -> int:
        return next(self._ids)

    def add(self, key: str, version: ObjectVersion) -> ObjectVersion:
        """Make it the current version under an id as versioning gives it."""
        number = next(self._ids)
        version_id = VersionId(number) if self.versioning == "Enabled" else NULL
        if version_id == NULL:
            self.remove(key, NULL)
        version = attrs.evolve(version, id=version_id)
        self.versions.setdefault(key, []).append(version)
        return version

    def remove(self, key: str, version_id: Version) -> ObjectVersion | None:
        """Take one version away; None where it is not there."""
        found = self.find(key, version_id)
        if found is not None:
            self.versions[key].remove(found)
            if not self.versions[key]:
                del self.versions[key]
        return found

    def replace(self, key: str, old: ObjectVersion, new: ObjectVersion) -> None:
        """Put another text about the same version into its place."""
        versions = self.versions[key]
        versions[versions.index(old)] = new

    def current(self, key: str) -> ObjectVersion | None:
        versions = self.versions.get(key)
        return versions[-1] if versions else None

    def current_object(self, key: str) -> ObjectVersion | None:
        """The current version unless it is a delete marker, which counts as no object."""
        version = self.current(key)
        return None if version is None or version.is_marker else version

    def find(self, key: str, version_id: Version) -> ObjectVersion | None:
        return next((one for one in self.versions.get(key, ()) if one.id == version_id), None)

    def id_header(self, version: ObjectVersion) -> dict[str, object]:
        """x-amz-version-id, which buckets have from the first time that versioning was enabled."""
        return {"x-amz-version-id": version.id} if self.versioning else {}
