"""What the headers of a PutObject that extracts ask for, and under which keys entries are stored."""

from __future__ import annotations

import pytest

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.extract_limits import ExtractLimits, Tally
from rustfs_proto.s3.snowball import (
    SnowballOptions,
    asks_to_extract,
    entry_headers,
    entry_key,
    entry_stored_headers,
    parse_options,
)
from rustfs_proto.s3.tar_headers import Kind, TarEntry

META = "x-amz-meta-"


def entry(name: str, kind: Kind = Kind.FILE, **records: str) -> TarEntry:
    return TarEntry(name, kind, 0, records=records)


@pytest.mark.parametrize(("value", "asks"), [("true", True), ("false", False), ("True", False), ("", False)])
def test_asking(value, asks):
    """Only `true` asks, as MinIO takes it."""
    assert asks_to_extract({META + "snowball-auto-extract": value}) is asks
    assert not asks_to_extract({})


@pytest.mark.parametrize(
    ("given", "prefix"),
    [("", ""), ("a", "a/"), ("/a//b/", "a/b/"), ("/", ""), (".", ""), ("\xc3\xbc", "ü/")],
)
def test_prefixes(given, prefix):
    """They end with a slash, and are text of UTF-8."""
    assert parse_options({META + "minio-snowball-prefix": given}) == SnowballOptions(prefix)


@pytest.mark.parametrize("given", ["..", "a/../b", "\xff", "x" * 1024, "//a"])
def test_prefixes_that_are_none(given):
    """They would lead elsewhere, are no text, or leave no room for a name."""
    with pytest.raises(S3Error):
        parse_options({META + "minio-snowball-prefix": given})


def test_options():
    """Flags are true in any case."""
    headers = {META + "minio-snowball-ignore-dirs": "True", META + "minio-snowball-ignore-errors": "true"}
    assert parse_options(headers) == SnowballOptions("", ignore_dirs=True, ignore_errors=True)
    with pytest.raises(S3Error) as caught:
        parse_options({"if-none-match": "*"})
    assert caught.value.code == "NotImplemented"


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("a", Kind.FILE, "p/a"),
        ("./a//b/./c", Kind.FILE, "p/a/b/c"),
        ("...", Kind.FILE, "p/..."),
        ("a..b", Kind.FILE, "p/a..b"),
        ("d", Kind.DIRECTORY, "p/d/"),
        ("d/e/", Kind.DIRECTORY, "p/d/e/"),
        ("./", Kind.DIRECTORY, None),
        ("", Kind.DIRECTORY, None),
    ],
)
def test_keys(name, kind, key):
    """An entry's key is its cleaned name behind the prefix."""
    assert entry_key(entry(name, kind), SnowballOptions("p/")) == key


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (entry(""), "BadRequest"),
        (entry("/a"), "BadRequest"),
        (entry("a/.."), "BadRequest"),
        (entry("a\0b"), "BadRequest"),
        (entry("\udcff"), "BadRequest"),
        (entry("x" * 1025), "KeyTooLongError"),
        (entry("a", Kind.SPARSE), "BadRequest"),
        (entry("a", Kind.UNKNOWN), "BadRequest"),
        (entry("a", **{"minio.versionId": "v"}), "NotImplemented"),
    ],
)
def test_entries_without_a_key(refused, code):
    """Each is refused by name."""
    with pytest.raises(S3Error) as caught:
        entry_key(refused, SnowballOptions())
    assert caught.value.code == code


def test_headers_of_records():
    """They are header text, by lower-case name; what is no header text is refused."""
    records = {"minio.metadata.X-Amz-Meta-A": "ü", "minio.metadata.Expires": "now", "path": "x"}
    headers = entry_headers(entry("k", **records))
    assert headers == {"x-amz-meta-a": "\xc3\xbc", "expires": "now"}
    stored = entry_stored_headers("k.png", headers)
    assert stored.content == {"content-type": "image/png", "expires": "now"}
    assert stored.user == {"a": "\xc3\xbc"}
    for bad in ({"x-amz-meta-a": "b\r\nc"}, {"x-amz-meta-a\n": "b"}):
        with pytest.raises(S3Error, match="control characters"):
            entry_stored_headers("k", bad)


def test_tally():
    """What goes beyond a limit is refused at once."""
    limits = ExtractLimits(entries=2, entry_bytes=9, total_bytes=1000, ratio=10, ratio_free_bytes=50)
    tally = Tally(limits)
    tally.header()
    tally.header()
    with pytest.raises(S3Error, match="more than 2 entries"):
        tally.header()
    tally.entry("one", 9)
    with pytest.raises(S3Error, match="other has 10 bytes"):
        tally.entry("other", 10)
    tally.receive(4)
    tally.expand(50)
    with pytest.raises(S3Error, match="4 bytes expand to 51"):
        tally.expand(1)
    tally.receive(1000)
    tally.expand(949)
    with pytest.raises(S3Error, match="more than 1000 bytes"):
        tally.expand(1)
