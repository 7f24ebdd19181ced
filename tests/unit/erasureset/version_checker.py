"""What may be read of one key with versions, by one client whose writes may have unknown effect."""

from __future__ import annotations

from enum import Enum

import attrs

from rustfs_proto.versions import NULL_VERSION

Outcome = bytes | None
"""What a read of the current version may find: a body, or None for no such key."""


class There(Enum):
    """Whether a version is there."""

    YES = 1
    MAYBE = 2
    NO = 3


@attrs.define
class Born:
    """A version; `body` None: a delete marker. `sub` None: its write was never answered."""

    sub: bytes | None
    body: Outcome
    there: There


@attrs.define
class VersionChecker:
    """Versions in order of birth, the oldest first."""

    versions: list[Born] = attrs.field(factory=list)

    def born(self, sub: bytes | None, body: Outcome, *, replaces_null: bool) -> None:
        """A write made a version, or if it was not answered may have done so."""
        there = There.MAYBE if sub is None else There.YES
        if replaces_null:
            for one in self.versions:
                if one.sub == NULL_VERSION and one.there is not There.NO:
                    one.there = There.MAYBE if there is There.MAYBE else There.NO
            self.versions = [one for one in self.versions if one.there is not There.NO]
        self.versions.append(Born(NULL_VERSION if replaces_null else sub, body, there))

    def removed(self, sub: bytes, *, certain: bool) -> None:
        """A version was removed, or may have been."""
        for one in self.versions:
            if one.sub == sub and one.there is not There.NO:
                one.there = There.NO if certain else There.MAYBE

    @property
    def known(self) -> list[bytes]:
        """The subs of versions that are there for certain."""
        return [one.sub for one in self.versions if one.there is There.YES and one.sub is not None]

    @property
    def is_certain(self) -> bool:
        """Whether nothing is unknown."""
        return all(one.there is not There.MAYBE for one in self.versions)

    def possible(self) -> list[Outcome]:
        """What a read of the current version may find."""
        found: list[Outcome] = []
        for one in reversed(self.versions):
            if one.there is not There.NO:
                found.append(one.body)
            if one.there is There.YES:
                return found
        return [*found, None]

    def possible_of(self, sub: bytes) -> list[Outcome | str]:
        """What a read of that version may find; "gone" where it may be removed."""
        same = [one for one in self.versions if one.sub == sub]
        found: list[Outcome | str] = [one.body for one in same if one.there is not There.NO]
        is_there = any(one.there is There.YES for one in same) and len(found) == 1
        return found if is_there else [*found, "gone"]

    def listed(self) -> list[tuple[bytes | None, bool]]:
        """All versions as they are listed: sub, and whether it is a marker; only where all is certain."""
        alive = [one for one in reversed(self.versions) if one.there is There.YES]
        return [(one.sub, one.body is None) for one in alive]
