"""Bucket names, keys, and how paths and hosts name them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.names import (
    SYSTEM_BUCKET,
    bucket_name_fault,
    check_bucket_name,
    check_object_key,
    host_without_port,
    percent_decode,
    split_target,
)

DOMAINS = ("s3.example.com", "local")


@pytest.mark.parametrize(
    "name",
    ["abc", "a" * 63, "my-bucket", "my.bucket.1", "123", "1.2.3", "1.2.3.4.5", "a--b", "xn-a", "192.168.5.x"],
)
def test_good_bucket_names(name):
    """Names that AWS allows pass."""
    assert bucket_name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "ab", "a" * 64, "Abc", "a_b", "a b", "a/b", "äbc", ".abc", "abc.", "-abc", "abc-", "a..b"),
        *("192.168.5.4", "xn--abc", "sthree-abc", "amzn-s3-demo-abc", "abc-s3alias", "abc--ol-s3"),
        *("abc.mrap", "abc--x-s3", "abc--table-s3", "abc\n", SYSTEM_BUCKET),
    ],
)
def test_bad_bucket_names(name):
    """Names that AWS refuses, and the node's own bucket, are InvalidBucketName with the reason."""
    with pytest.raises(S3Error, match=r"InvalidBucketName: .*: it") as caught:
        check_bucket_name(name)
    assert caught.value.status == 400


@pytest.mark.parametrize("key", ["a", ".", "..", "a/../b", "//", "/", "a\x00b", "é" * 512, "k" * 1024])
def test_good_keys(key):
    """Any text of 1 to 1024 bytes is a key; dots and slashes mean nothing."""
    check_object_key(key)


@pytest.mark.parametrize(
    ("key", "code"),
    [("", "InvalidArgument"), ("k" * 1025, "KeyTooLongError"), ("é" * 512 + "a", "KeyTooLongError")],
)
def test_bad_keys(key, code):
    """Keys are measured in bytes of UTF-8."""
    with pytest.raises(S3Error) as caught:
        check_object_key(key)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/", (None, None)),
        (b"/bucket", ("bucket", None)),
        (b"/bucket/", ("bucket", None)),
        (b"/bucket/key", ("bucket", "key")),
        (b"/bucket/a/b/", ("bucket", "a/b/")),
        (b"/bucket//key", ("bucket", "/key")),
        (b"/bucket/a//b", ("bucket", "a//b")),
        (b"/bucket/../key", ("bucket", "../key")),
        (b"/bucket/.", ("bucket", ".")),
        (b"/bucket/a+b", ("bucket", "a+b")),
        (b"/bucket/a%2Bb%20c", ("bucket", "a+b c")),
        (b"/bucket/a%2Fb", ("bucket", "a/b")),
        (b"/bucket/%C3%A9", ("bucket", "é")),
        (b"/bucket/\xc3\xa9", ("bucket", "é")),
        (b"/bucket/%2525", ("bucket", "%25")),
    ],
)
def test_path_style(path, expected):
    """The first segment is the bucket, the rest, decoded and otherwise untouched, the key."""
    assert split_target(path, "localhost:9000") == expected


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("bucket.s3.example.com", b"/a/b", ("bucket", "a/b")),
        ("bucket.S3.Example.com:9000", b"/", ("bucket", None)),
        ("my.dotted.bucket.local", b"//a", ("my.dotted.bucket", "/a")),
        ("s3.example.com", b"/bucket/key", ("bucket", "key")),
        ("other.org", b"/bucket/key", ("bucket", "key")),
        ("[::1]:9000", b"/bucket/key", ("bucket", "key")),
        ("evils3.example.com", b"/bucket/key", ("bucket", "key")),
    ],
)
def test_virtual_host_style(host, path, expected):
    """A name below one of our domains is the bucket; any other host means path style."""
    assert split_target(path, host, DOMAINS) == expected


@pytest.mark.parametrize(
    "path", [b"*", b"key", b"/b/%", b"/b/%4", b"/b/%zz", b"/b/%+1", b"/b/%ff", b"/b/\xff"]
)
def test_paths_that_cannot_be_parsed(path):
    """Bad escapes and bytes that are not UTF-8 are InvalidURI."""
    with pytest.raises(S3Error, match="InvalidURI"):
        split_target(path, "localhost")


def test_an_empty_bucket_with_a_key_is_refused():
    """A path of two slashes names no bucket."""
    with pytest.raises(S3Error, match="InvalidBucketName"):
        split_target(b"//key", "localhost")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_key_comes_back_from_its_encoding(key):
    """Percent-decoding is the inverse of any client's encoding."""
    assert percent_decode(quote(key)) == key
    assert split_target(f"/bucket/{quote(key, safe='')}".encode(), "h") == ("bucket", key)


@pytest.mark.parametrize(
    ("host", "name"),
    [("a:1", "a"), ("a", "a"), ("[::1]:9", "[::1]"), ("[::1]", "[::1]"), ("[broken", "[broken")],
)
def test_ports_are_cut_off(host, name):
    """The port of a Host header goes, whatever the address family."""
    assert host_without_port(host) == name
