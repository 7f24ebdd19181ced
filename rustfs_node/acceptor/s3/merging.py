"""What the listings share: merging the sets' pages, of which each lists its own keys in order, and showing an
entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain, groupby
from operator import attrgetter
from typing import Protocol, TypeVar

from rustfs_proto.objects import ObjectHead, modified_ms_of
from rustfs_proto.s3.xml_listings import ListedObject
from rustfs_proto.s3.xml_out import Owner


class Entry(Protocol):
    """What a page holds: a key's, or where `head` is None a common prefix."""

    @property
    def key(self) -> bytes: ...

    @property
    def head(self) -> ObjectHead | None: ...


E = TypeVar("E", bound=Entry)
E_co = TypeVar("E_co", bound=Entry, covariant=True)


class Page(Protocol[E_co]):
    """A set's entries, and whether more follow those."""

    @property
    def entries(self) -> Sequence[E_co]: ...

    @property
    def more(self) -> bool: ...


def merge_pages(pages: Sequence[Page[E]], limit: int) -> tuple[list[E], bool]:
    """The first `limit` entries of all pages in key order, and whether more follow. No page may end before
    its set's entries do unless it holds `limit` of them.
    """
    more = any(page.more for page in pages)
    if len(pages) == 1:
        return list(pages[0].entries), more
    by_key = attrgetter("key")
    merged = merge(*(page.entries for page in pages), key=by_key)
    entries = [entry for _, same in groupby(merged, by_key) for entry in _once(same)]
    return entries[:limit], more or len(entries) > limit


def listed_object(key: bytes, stamp: int, head: ObjectHead, owner: Owner | None) -> ListedObject:
    """An entry as listings show it."""
    return ListedObject(
        key.decode(),
        head.size,
        head.etag,
        modified_ms_of(head, stamp),
        head.storage_class,
        owner,
        head.checksum_algorithm,
        head.checksum_type,
    )


def _once(same: Iterator[E]) -> Iterator[E]:
    """What has the same name: a common prefix that several sets have, or whatever the one home of a key has
    of it.
    """
    first = next(same)
    return iter((first,)) if first.head is None else chain((first,), same)
