"""Range headers and copy ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.ranges import ByteRange, parse_copy_range, parse_range


@pytest.mark.parametrize(
    ("value", "size", "expected"),
    [
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=0-9", 10, (0, 10)),
        ("bytes=2-4", 10, (2, 3)),
        ("bytes=2-100", 10, (2, 8)),
        ("bytes=9-", 10, (9, 1)),
        ("bytes=0-", 10, (0, 10)),
        ("bytes=-1", 10, (9, 1)),
        ("bytes=-10", 10, (0, 10)),
        ("bytes=-100", 10, (0, 10)),
        ("Bytes= 2-4 ", 10, (2, 3)),
        (f"bytes=0-{2**64}", 10, (0, 10)),
    ],
)
def test_satisfiable_ranges(value, size, expected):
    """Each form selects what RFC 9110 §14.1.2 says."""
    assert parse_range(value, size) == ByteRange(*expected)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=4-2", "bytes=0-1,3-4"),
        *("items=0-1", "bytes=--1", "bytes=1-2-3", "bytes=+1-2", "bytes=1 - 2", "bytes=²-3"),
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_ignored_ranges(value):
    """A malformed range, or several, mean the whole object."""
    assert parse_range(value, 10) is None


@pytest.mark.parametrize(
    ("value", "size"),
    [("bytes=10-", 10), ("bytes=10-11", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)],
)
def test_unsatisfiable_ranges(value, size):
    """A range that selects nothing is InvalidRange and says how long the object is."""
    with pytest.raises(S3Error) as caught:
        parse_range(value, size)
    assert (caught.value.code, caught.value.status) == ("InvalidRange", 416)
    assert caught.value.headers == {"content-range": f"bytes */{size}"}
    assert caught.value.extra == {"RangeRequested": value, "ActualObjectSize": str(size)}


@given(first=st.integers(0, 50), last=st.integers(0, 50), size=st.integers(1, 40))
def test_ranges_are_slices(first, last, size):
    """A range selects what a slice of the object does."""
    data = bytes(range(size))
    if first >= size or last < first:
        return
    found = parse_range(f"bytes={first}-{last}", size)
    assert data[found.offset : found.offset + found.length] == data[first : last + 1]
    assert found.content_range(size) == f"bytes {first}-{min(last, size - 1)}/{size}"


def test_copy_ranges():
    """A copy range has both ends, within the source."""
    assert parse_copy_range("bytes=0-9", 10) == ByteRange(0, 10)
    assert parse_copy_range("bytes=3-3", 10) == ByteRange(3, 1)
    for value in ("bytes=0-10", "bytes=0-", "bytes=-5", "bytes=5-4", "0-5", "bytes=0-1,2-3", ""):
        with pytest.raises(S3Error, match="InvalidArgument"):
            parse_copy_range(value, 10)
