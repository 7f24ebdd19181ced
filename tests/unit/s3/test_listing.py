"""Parameters of listings and their tokens."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from urllib.parse import unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.listing import (
    Position,
    common_prefix,
    decode_token,
    encode_token,
    parse_list_buckets,
    parse_list_objects,
    parse_list_objects_v2,
    parse_list_parts,
    parse_list_uploads,
    parse_list_versions,
    parse_part_number,
    url_encode,
)

PARSERS = {
    "max-keys": parse_list_objects_v2,
    "max-uploads": parse_list_uploads,
    "max-parts": parse_list_parts,
    "part-number-marker": parse_list_parts,
    "max-buckets": parse_list_buckets,
}
keys = st.text(st.characters(exclude_categories=["Cs"]))


def test_defaults():
    """Without parameters a listing begins at the beginning and has a thousand entries."""
    for query in (parse_list_objects({}), parse_list_objects_v2({})):
        assert (query.prefix, query.delimiter, query.max_keys, query.url_encoded, query.start) == (
            ("", "", 1000, False, None)
        )
    assert parse_list_objects({}).fetch_owner is True
    assert parse_list_objects_v2({}).fetch_owner is False


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("1", 1), ("1000", 1000), ("1001", 1000), ("", 1000)])
def test_page_sizes(text, value):
    """A page has 0 to 1000 entries; more asked for is 1000."""
    assert parse_list_objects({"max-keys": text}).max_keys == value
    assert parse_list_versions({"max-keys": text}).max_keys == value
    assert parse_list_uploads({"max-uploads": text}).max_uploads == value
    assert parse_list_parts({"max-parts": text}).max_parts == value


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("text", ["-1", "x", "1.5", "2147483648", "9" * 5000, "²", "+1"])
def test_bad_numbers(name, text):
    """Negative, huge and unreadable numbers are InvalidArgument."""
    with pytest.raises(S3Error, match="InvalidArgument"):
        PARSERS[name]({name: text})


def test_markers_of_version_1():
    """A marker is behind one key, or behind all of a common prefix when it is one."""
    assert parse_list_objects({"marker": "a/b"}).start == Position("a/b")
    assert parse_list_objects({"marker": "a/"}).start == Position("a/")
    assert parse_list_objects({"marker": "a/", "delimiter": "/"}).start == Position("a/", is_prefix=True)
    assert parse_list_objects({"marker": "a/b/", "delimiter": "/"}).start == Position("a/b/")
    query = parse_list_objects({"marker": "a/b/", "delimiter": "/", "prefix": "a/"})
    assert query.start == Position("a/b/", is_prefix=True)


def test_version_2_parameters():
    """A token decides over start-after; both are kept to be echoed."""
    token = encode_token(Position("k", is_prefix=True))
    query = parse_list_objects_v2({"start-after": "a", "continuation-token": token, "fetch-owner": "true"})
    assert query.start == Position("k", is_prefix=True)
    assert (query.start_after, query.token, query.fetch_owner) == ("a", token, True)
    assert parse_list_objects_v2({"start-after": "a/"}).start == Position("a/")
    assert parse_list_objects_v2({"start-after": ""}).start is None


@given(key=keys, is_prefix=st.booleans())
def test_tokens_come_back(key, is_prefix):
    """A token is the position it was made of, and safe in a URL."""
    token = encode_token(Position(key, is_prefix=is_prefix))
    assert decode_token(token) == Position(key, is_prefix=is_prefix)
    assert unquote_plus(token.replace("=", "%3D")) == token


def test_foreign_tokens_are_refused():
    """A token that was cut, changed or made by hand is InvalidArgument."""
    good = encode_token(Position("some/key"))
    foreign = ["", "x", "some/key", "é", good[:-4], good[4:], urlsafe_b64encode(b"\x01\x00key").decode()]
    for token in [*foreign, good[:8] + ("A" if good[8] != "A" else "B") + good[9:]]:
        with pytest.raises(S3Error, match="InvalidArgument"):
            parse_list_objects_v2({"continuation-token": token})


def test_encoding_types():
    """There is one encoding type."""
    assert parse_list_objects({"encoding-type": "url"}).url_encoded
    with pytest.raises(S3Error, match="InvalidArgument"):
        parse_list_objects({"encoding-type": "base64"})


@given(keys)
def test_url_encoding_has_one_meaning(key):
    """Both ways of decoding URLs give the key back, and only ASCII is left."""
    assert unquote(url_encode(key)) == unquote_plus(url_encode(key)) == key
    assert url_encode(key).isascii()
    assert url_encode("a/b c+d") == "a/b%20c%2Bd"


def test_version_markers():
    """A version marker needs its key."""
    query = parse_list_versions({"key-marker": "k", "version-id-marker": "v", "prefix": "p"})
    assert (query.start, query.version_id_marker, query.prefix) == (Position("k"), "v", "p")
    with pytest.raises(S3Error, match="InvalidArgument"):
        parse_list_versions({"version-id-marker": "v"})


def test_upload_markers():
    """An upload marker without a key marker is ignored, as in S3."""
    query = parse_list_uploads({"key-marker": "k", "upload-id-marker": "u"})
    assert (query.start, query.upload_id_marker) == (Position("k"), "u")
    assert parse_list_uploads({"upload-id-marker": "u"}).upload_id_marker == ""


def test_parts():
    """ListParts names its upload and where to continue."""
    query = parse_list_parts({"uploadId": "u", "part-number-marker": "7", "max-parts": "5"})
    assert (query.upload_id, query.part_number_marker, query.max_parts) == ("u", 7, 5)


def test_buckets():
    """ListBuckets has pages only when asked."""
    every = parse_list_buckets({})
    assert (every.max_buckets, every.after, every.tells_regions) == (10_000, "", False)
    for name, value in {"prefix": "", "max-buckets": "1", "bucket-region": "r"}.items():
        assert parse_list_buckets({name: value}).tells_regions
    token = encode_token(Position("b"))
    query = parse_list_buckets(
        {"max-buckets": "5", "continuation-token": token, "prefix": "a", "bucket-region": "r"}
    )
    assert (query.max_buckets, query.after, query.prefix, query.region) == (5, "b", "a", "r")
    for text in ("0", "10001"):
        with pytest.raises(S3Error, match="InvalidArgument"):
            parse_list_buckets({"max-buckets": text})


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("10000", 10000), ("007", 7)])
def test_part_numbers(text, number):
    """Parts are numbered from 1 to 10000."""
    assert parse_part_number({"partNumber": text}) == number


@pytest.mark.parametrize("text", ["", "0", "10001", "-1", "x", "1.0", "²", "9" * 5000])
def test_bad_part_numbers(text):
    """Any other number is InvalidArgument."""
    with pytest.raises(S3Error, match="InvalidArgument"):
        parse_part_number({"partNumber": text})


@pytest.mark.parametrize(
    ("key", "prefix", "delimiter", "expected"),
    [
        ("a/b/c", "", "/", "a/"),
        ("a/b/c", "a/", "/", "a/b/"),
        ("a/b", "a/", "/", None),
        ("a/", "a/", "/", None),
        ("/a", "", "/", "/"),
        ("a/b", "", "", None),
        ("foo--bar--x", "foo", "--", "foo--"),
        ("ab", "", "b", "ab"),
    ],
)
def test_common_prefixes(key, prefix, delimiter, expected):
    """A key is rolled up at the first delimiter behind the prefix."""
    assert common_prefix(key, prefix, delimiter) == expected
