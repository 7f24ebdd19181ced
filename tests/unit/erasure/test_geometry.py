"""Counting: parity, quorums, stripes and ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.erasure.geometry import (
    check_parity,
    default_parity,
    fragment_bytes,
    is_inline,
    resolve_span,
    shard_bytes,
    stretches,
    stripe_count,
    stripe_end,
    stripe_len,
    voters_needed,
    write_quorum,
)
from rustfs_proto.objects import Part


def test_default_parity() -> None:
    """Parity by drives as MinIO's users know it."""
    assert [default_parity(n) for n in range(1, 17)] == [0, 1, 1, 2, 2, 3, 3, *[4] * 9]


@pytest.mark.parametrize("n", range(1, 17))
def test_quorums_meet(n: int) -> None:
    """Two write quorums share a drive, a write and a vote share a drive, and what was written can be read."""
    for m in range(n // 2 + 1):
        k = n - m
        w = write_quorum(k, m)
        check_parity(n, m)
        assert k <= w <= n
        assert 2 * w > n
        assert w + voters_needed(k, m) > n
        assert voters_needed(k, m) <= k
    with pytest.raises(ValueError, match="choose from 0 to"):
        check_parity(n, n // 2 + 1)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(1, 20), st.data())
def test_stretches_cover_a_range_exactly(sizes: list[int], stripe: int, data: st.DataObject) -> None:
    """The stretches of a range are its bytes in order, each within one stripe of one part."""
    parts = [Part(number, size, b"x") for number, size in enumerate(sizes, 1)]
    total = sum(sizes)
    offset = data.draw(st.integers(0, total))
    length = data.draw(st.integers(0, total - offset))
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    covered: list[int] = []
    for stretch in stretches(parts, stripe, offset, length):
        assert 0 <= stretch.first < stretch.end <= stretch.stripe_len
        assert stretch.stripe_len == stripe_len(sizes[stretch.part], stripe, stretch.stripe)
        base = starts[stretch.part] + stretch.stripe * stripe
        covered.extend(range(base + stretch.first, base + stretch.end))
    assert covered == list(range(offset, offset + length))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(1, 20), st.data())
def test_a_block_up_to_the_stripe_end_is_one_stretch(
    sizes: list[int], stripe: int, data: st.DataObject
) -> None:
    """`stripe_end` is where the next stripe begins, or the part ends."""
    parts = [Part(number, size, b"x") for number, size in enumerate(sizes, 1)]
    if not sum(sizes):
        assert stripe_end(parts, stripe, 0) == 0
        return
    offset = data.draw(st.integers(0, sum(sizes) - 1))
    end = stripe_end(parts, stripe, offset)
    (stretch,) = stretches(parts, stripe, offset, end - offset)
    assert stretch.end == stretch.stripe_len


@pytest.mark.parametrize(
    ("size", "stripe", "k"), [(0, 10, 3), (1, 10, 3), (10, 10, 3), (11, 10, 3), (35, 10, 4)]
)
def test_shard_bytes_is_the_sum_of_fragments(size: int, stripe: int, k: int) -> None:
    """What a drive keeps of a part, counted stripe by stripe."""
    lengths = [stripe_len(size, stripe, index) for index in range(stripe_count(size, stripe))]
    assert sum(lengths) == size
    assert shard_bytes(size, stripe, k) == sum(fragment_bytes(length, k) for length in lengths)


def test_inline_needs_one_stripe_and_small_fragments() -> None:
    """The limit is on what a drive keeps, not on the object."""
    assert is_inline(0, 100, 2, 50)
    assert is_inline(100, 100, 2, 50)
    assert not is_inline(101, 100, 4, 50)
    assert not is_inline(100, 100, 1, 50)


@pytest.mark.parametrize(
    ("size", "span", "resolved"),
    [
        (10, (0, -1, -1), (0, 10)),
        (0, (0, -1, -1), (0, 0)),
        (10, (3, 5, -1), (3, 3)),
        (10, (3, -1, -1), (3, 7)),
        (10, (9, 99, -1), (9, 1)),
        (10, (10, -1, -1), (-1, 0)),
        (10, (5, 4, -1), (-1, 0)),
        (0, (0, 0, -1), (-1, 0)),
        (10, (0, -1, 4), (6, 4)),
        (10, (0, -1, 40), (0, 10)),
        (10, (0, -1, 0), (-1, 0)),
        (0, (0, -1, 5), (-1, 0)),
    ],
)
def test_spans(size: int, span: tuple[int, int, int], resolved: tuple[int, int]) -> None:
    """RFC 9110 section 14.1.2, for each shape of a range."""
    assert resolve_span(size, *span) == resolved
