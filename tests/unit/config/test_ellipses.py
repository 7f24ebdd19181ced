"""Ellipses: MinIO's words for many folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.topology.ellipses import EllipsesError, check_distinct, expand, first_range_length


@pytest.mark.parametrize(
    ("argument", "paths"),
    [
        ("/data", ["/data"]),
        ("/data{1...4}", ["/data1", "/data2", "/data3", "/data4"]),
        ("/data{0...1}/x", ["/data0/x", "/data1/x"]),
        ("/d{8...11}", ["/d8", "/d9", "/d10", "/d11"]),
        ("/d{01...03}", ["/d01", "/d02", "/d03"]),
        ("/d{001...002}", ["/d001", "/d002"]),
        ("/d{9...b}", ["/d9", "/da", "/db"]),
        ("/d{0e...10}", ["/d0e", "/d0f", "/d10"]),
        ("/d{w...z}", ["/dw", "/dx", "/dy", "/dz"]),
        ("/s{1...2}/b{a...b}", ["/s1/ba", "/s2/ba", "/s1/bb", "/s2/bb"]),
        ("/d{3...3}", ["/d3"]),
    ],
)
def test_expansion(argument, paths):
    """Ranges unfold in order, padded as written, the leftmost fastest."""
    assert list(expand(argument)) == paths


@pytest.mark.parametrize(
    ("argument", "wanted"),
    [
        ("/d{4...1}", "counts down"),
        ("/d{1..4}", "three dots"),
        ("/d{1...4", "three dots"),
        ("/d1...4", "three dots"),
        ("/d{}", "three dots"),
        ("/d{a...zz}", "no range"),
        ("/d{1...100000}", "at most"),
        ("/d{1...100}/e{1...100}", "at most"),
    ],
)
def test_refused(argument, wanted):
    """What is no range is refused with the argument and what to write."""
    with pytest.raises(EllipsesError, match=wanted) as caught:
        expand(argument)
    assert argument in str(caught.value)


@given(st.integers(0, 500), st.integers(0, 15))
def test_plain_numbers_count(first, more):
    """A range has one path for each number from its first to its last."""
    paths = expand(f"/d{{{first}...{first + more}}}")
    assert [int(path[2:]) for path in paths] == list(range(first, first + more + 1))


@pytest.mark.parametrize(("argument", "length"), [("/d", 0), ("h{1...3}/d{1...9}", 3), ("/d{0...4}", 5)])
def test_first_range(argument, length):
    """The leftmost range is the one whose symmetry counts."""
    assert first_range_length(argument) == length


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["/a", "/b", "/a"], "named twice"),
        (["/a/x", "/b", "/a"], "lies inside"),
        (["/a", "/a-b", "/a/c"], "inside"),
    ],
)
def test_distinct(paths, wanted):
    """A folder given twice, or inside another, is no drive of its own."""
    with pytest.raises(EllipsesError, match=wanted):
        check_distinct(paths)


def test_neighbours_are_distinct():
    """Names that only begin alike are different drives."""
    check_distinct(["/data1", "/data10", "/data1x"])
