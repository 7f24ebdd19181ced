"""Pure pieces of reading and listing: where blocks are cut, how a range is asked for, how pages
are merged.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_node.acceptor.block_reader import cut_at_stripes
from rustfs_node.acceptor.s3.merging import merge_pages
from rustfs_node.acceptor.s3.reads import span_asked
from rustfs_proto.objects import ObjectHead
from rustfs_proto.wire.set_ops import Listed, ListEntry, Span

STRIPE_BYTES = 10


@given(st.lists(st.integers(0, 35), max_size=5), st.data())
def test_cuts_cover_the_span_and_cross_no_stripe(sizes: list[int], data: st.DataObject):
    """Pieces follow each other without gaps, and each lies within one stripe of one part."""
    total = sum(sizes)
    offset = data.draw(st.integers(0, total))
    length = data.draw(st.integers(0, total - offset))
    cuts = list(cut_at_stripes(sizes, STRIPE_BYTES, offset, length))
    assert sum(size for _, size in cuts) == length
    begins = [sum(sizes[:index]) for index in range(len(sizes))]
    for at, size in cuts:
        assert at == offset
        assert size > 0
        begin = max(begin for begin, part in zip(begins, sizes, strict=True) if begin <= at and part)
        assert (at - begin) // STRIPE_BYTES == (at - begin + size - 1) // STRIPE_BYTES
        offset += size


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, Span()),
        ("bytes=0-", Span(first=0)),
        ("bytes=5-", Span(first=5)),
        ("bytes=0-0", Span(first=0, last=0)),
        ("bytes=7-99", Span(first=7, last=99)),
        ("bytes=-3", Span(suffix=3)),
        ("bytes=-0", Span()),
        ("bytes=3-2", Span()),
        ("bytes=1-2,5-6", Span()),
        ("pages=1-2", Span()),
        ("bytes=99999999999999999999999-", Span()),
    ],
)
def test_a_range_header_becomes_a_span(header: str | None, span: Span):
    """Every form of range is asked for without knowing the size; what S3 ignores asks for everything."""
    assert span_asked(header) == span


def _objects(*keys: bytes) -> tuple[ListEntry, ...]:
    return tuple(ListEntry(key, 1, ObjectHead(1, "e")) for key in keys)


def test_pages_of_several_sets_merge_in_key_order():
    """Entries interleave, a common prefix of several sets stands once, and the limit holds."""
    first = Listed((*_objects(b"a", b"c"), ListEntry(b"d/")), more=False)
    second = Listed((*_objects(b"b"), ListEntry(b"d/"), *_objects(b"e")), more=False)
    entries, more = merge_pages([first, second], 10)
    assert [entry.key for entry in entries] == [b"a", b"b", b"c", b"d/", b"e"]
    assert not more
    entries, more = merge_pages([first, second], 3)
    assert [entry.key for entry in entries] == [b"a", b"b", b"c"]
    assert more


def test_a_page_that_has_more_makes_the_merged_page_have_more():
    """`more` of any set is kept, even when the entries just fit."""
    assert merge_pages([Listed(_objects(b"a"), more=True), Listed((), more=False)], 1)[1]
    assert merge_pages([Listed(_objects(b"a"), more=True)], 1)[1]
