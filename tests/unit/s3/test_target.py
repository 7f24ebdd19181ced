"""Request targets and header mappings."""

from __future__ import annotations

import pytest

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.target import header_map, parse_target


def test_queries_are_decoded_and_kept_in_order():
    """Pairs keep order and repetition; the mapping keeps first values; a plus is a blank."""
    target = parse_target(b"/b/k%20?b=2&a=1+1&b=%33&empty&=x&c=%C3%A9")
    assert target.path == "/b/k%20"
    assert target.pairs == (("b", "2"), ("a", "1 1"), ("b", "3"), ("empty", ""), ("", "x"), ("c", "é"))
    assert target.params == {"b": "2", "a": "1 1", "empty": "", "": "x", "c": "é"}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"*", "*"),
        (b"http://host:9000/b/k", "/b/k"),
        (b"HTTPS://host", "/"),
        (b"/b//k?", "/b//k"),
    ],
)
def test_forms_of_a_target(raw, path):
    """Origin form, absolute form and the asterisk are understood."""
    assert parse_target(raw).path == path


@pytest.mark.parametrize("raw", [b"b/k", b"ftp://host/b", b"", b"/b?a=%ff", b"/b?\xff=a"])
def test_bad_targets(raw):
    """Anything else, and a query that is not UTF-8, is InvalidURI."""
    with pytest.raises(S3Error, match="InvalidURI"):
        parse_target(raw)


def test_headers_keep_their_bytes():
    """Repeated headers are joined and every byte of a value is kept."""
    raw = [(b"host", b"h"), (b"x-amz-meta-a", "é".encode()), (b"x-amz-meta-a", b"2")]
    headers = header_map(raw)
    assert headers["x-amz-meta-a"].encode("latin-1") == "é,2".encode()
