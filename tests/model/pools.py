"""What the machine draws from: few keys, so that operations meet; few of everything, so that it recurs."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.clients.content import MIB, PART_BYTES_MIN
from tests.model.operations import Body, Carried, Digest, Range
from tests.model.symbols import MADE_UP, NULL

KEYS = ["a", "a/", "a/b", "a/b/c", "a b+ü%", "b"]
ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]
KINDS = [
    ("", ""),
    ("CRC32", "FULL_OBJECT"),
    ("CRC32", "COMPOSITE"),
    ("CRC32C", "FULL_OBJECT"),
    ("CRC64NVME", "FULL_OBJECT"),
    ("SHA1", "COMPOSITE"),
    ("SHA256", "COMPOSITE"),
]
ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]

key_sets = st.lists(st.sampled_from(KEYS), min_size=2, max_size=4, unique=True)
"""The keys of one machine."""

keys = st.integers(0, 3)
"""A key of the machine by its place among them."""

aims = st.tuples(keys, st.sampled_from([None, None, None, None, NULL, NULL, 0, 0, 1, 2, MADE_UP]))
"""A key, and of its versions the current one (None), the null version, the n-th from the newest, or none."""

prefixes = st.sampled_from(["", "a", "a/", "a/b", "a b", "b", "c"])
delimiters = st.sampled_from(["", "/", "b", "a/"])
markers = st.sampled_from(["", "A", "a", "a ", "a/", "a/b", "a/b/", "b"])
limits = st.sampled_from([1000, 1, 2, 3])
# One MiB is a stripe: a little more is stored by another road than what is smaller.
bodies = st.builds(Body, st.sampled_from([1, 0, 7, 5000, 5000, MIB + 77]), st.integers(0, 2))
part_bodies = st.builds(
    Body, st.sampled_from([1, 1, 3000, 3000, 70_000, PART_BYTES_MIN, PART_BYTES_MIN + 1]), st.integers(0, 1)
)
tags = st.lists(
    st.tuples(st.sampled_from(["one", "two", "a b+ü"]), st.sampled_from(["", "1", "x y/=+ü"])),
    max_size=3,
    unique_by=lambda tag: tag[0],
).map(tuple)
_contents = st.lists(
    st.sampled_from(
        [
            ("content-type", "text/x-one"),
            ("cache-control", "no-cache"),
            ("content-disposition", 'inline; filename="a b"'),
            ("content-encoding", "gzip"),
            ("content-language", "de"),
        ]
    ),
    max_size=2,
    unique_by=lambda pair: pair[0],
).map(tuple)
_users = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(["1", "two words", "x=y; z"])),
    max_size=2,
    unique_by=lambda pair: pair[0],
).map(tuple)
_classes = st.sampled_from(["", "", "STANDARD", "STANDARD_IA", "STANDARD_IA"])
carried = st.just(Carried()) | st.builds(Carried, _contents, _users, tags, _classes)
digests = st.none() | st.builds(
    Digest, st.sampled_from(ALGORITHMS), st.sampled_from([True, True, True, False])
)
part_numbers = st.integers(1, 3)
ranges = st.none() | st.sampled_from(
    [
        Range(0, 0),
        Range(0, 0),
        Range(1, 6),
        Range(0, None),
        Range(1, 6),
        Range(3, None),
        Range(None, 3),
        Range(None, 0),
        Range(5, 2),
        Range(4990, 6000),
        Range(MIB - 5, MIB + 5),
        Range(PART_BYTES_MIN - 2, PART_BYTES_MIN + 2),
        Range(None, 10**9),
    ]
)
copy_ranges = st.none() | st.sampled_from(
    [Range(0, 0), Range(0, 6), Range(1, 4999), Range(MIB - 1, MIB + 70)]
)
rarely = st.sampled_from([False] * 7 + [True])

etags = st.none() | st.sampled_from(["current", "current", "other", "*"])
"""Which ETag a condition names; the machine knows the current one."""

rare_etags = st.sampled_from([None] * 12 + ["current", "other", "*"])

days = st.sampled_from([None, None, -1, 0, 1])
"""How far from the moment of the version the time of a condition is."""

on_reads = st.tuples(etags, etags, days, days)
"""If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since."""

on_sources = st.just((None,) * 4) | st.just((None,) * 4) | on_reads

listings = st.tuples(prefixes, delimiters, markers, limits)
"""What every listing can be asked for."""
