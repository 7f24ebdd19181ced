"""MinIO's x-minio-extract: members of a zip archive as if they were objects below the key of the archive.

The key `backup.zip/a/b` names the member `a/b` of the object `backup.zip`: the first `.zip/` in a key is the
border. A member has the time of its archive, and an ETag made of the archive's: while that is the same
object, so are its members. The ETag has a hyphen, so nobody takes it for an MD5.
"""

from __future__ import annotations

from heapq import nsmallest

import attrs

from rustfs_proto.s3.listing import ObjectsQuery, Position, common_prefix
from rustfs_proto.s3.target import HeaderMap
from rustfs_proto.s3.xml_listings import ListedObject, ObjectsPage
from rustfs_proto.s3.xml_out import Owner
from rustfs_proto.s3.zip_directory import Member

_HEADER = "x-minio-extract"
_BORDER = ".zip/"
_KEPT_PAGES = 4
"""So many pages of entries are kept while a directory is walked through, before all but one are dropped."""


@attrs.frozen
class MemberKey:
    """The key of an archive, and the name of a member, or the beginning of one."""

    archive: str
    name: str


def member_key(headers: HeaderMap, key: str) -> MemberKey | None:
    """What the request names within an archive; None where it means the key as it is."""
    if headers.get(_HEADER, "").lower() != "true" or _BORDER not in key:
        return None
    before, _, name = key.partition(_BORDER)
    return MemberKey(before + _BORDER[:-1], name)


def member_etag(archive_etag: str) -> str:
    """The ETag of every member of an archive."""
    return f"{archive_etag}-zip"


def spellings(name: str) -> frozenset[bytes]:
    """How a member's name may stand in the directory."""
    try:
        return frozenset({name.encode(), name.encode("cp437")})
    except UnicodeEncodeError:
        return frozenset({name.encode()})


def is_directory(member: Member) -> bool:
    """Whether the member is a folder, which is no object."""
    return member.name.endswith("/")


class MemberListing:
    """A page of a listing within an archive, from all its members in any order."""

    def __init__(self, archive: str, query: ObjectsQuery) -> None:
        self._archive = archive
        self._query = query
        self._start = query.start or Position("")
        self._limit = query.max_keys + 1
        self._sizes: dict[str, int | None] = {}

    def add(self, member: Member) -> None:
        """Take the member into account."""
        key = f"{self._archive}/{member.name}"
        if is_directory(member) or not key.startswith(self._query.prefix) or self._is_passed(key):
            return
        rolled = common_prefix(key, self._query.prefix, self._query.delimiter)
        self._sizes[key if rolled is None else rolled] = member.size if rolled is None else None
        if len(self._sizes) > self._limit * _KEPT_PAGES:
            self._sizes = {one: self._sizes[one] for one in nsmallest(self._limit, self._sizes)}

    def page(self, etag: str, modified_ms: int, owner: Owner | None) -> ObjectsPage:
        """The page; all its objects have that ETag and time."""
        if not self._query.max_keys:
            return ObjectsPage()
        first = nsmallest(self._limit, self._sizes)
        shown = first[: self._query.max_keys]
        objects: list[ListedObject] = []
        prefixes: list[str] = []
        for entry in shown:
            size = self._sizes[entry]
            if size is None:
                prefixes.append(entry)
            else:
                objects.append(ListedObject(entry, size, etag, modified_ms, owner=owner))
        has_more = len(first) > len(shown)
        following = Position(shown[-1], is_prefix=self._sizes[shown[-1]] is None) if has_more else None
        return ObjectsPage(objects, prefixes, following)

    def _is_passed(self, key: str) -> bool:
        start = self._start
        return key <= start.key or (start.is_prefix and key.startswith(start.key))
