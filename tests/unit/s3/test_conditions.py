"""Conditional requests and HTTP dates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.conditions import (
    check_copy_source,
    check_read,
    check_write,
    has_write_condition,
    parse_entity_tags,
    range_applies,
)
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.httpdate import format_http_date, parse_http_date

MODIFIED_MS = 784_111_777_500
AT, BEFORE, AFTER = (format_http_date(784_111_777 + offset) for offset in (0, -1, 1))
ETAG = "abc"

# If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since -> what becomes of a read.
READS = [
    (None, None, None, None, "ok"),
    ('"abc"', None, None, None, "ok"),
    ("abc", None, None, None, "ok"),
    ('"x", "abc"', None, None, None, "ok"),
    ("*", None, None, None, "ok"),
    ('"x"', None, None, None, "If-Match"),
    ('W/"abc"', None, None, None, "If-Match"),
    (None, AT, None, None, "ok"),
    (None, AFTER, None, None, "ok"),
    (None, BEFORE, None, None, "If-Unmodified-Since"),
    ('"abc"', BEFORE, None, None, "ok"),
    ('"x"', AFTER, None, None, "If-Match"),
    (None, None, '"abc"', None, "NotModified"),
    (None, None, 'W/"abc"', None, "NotModified"),
    (None, None, "*", None, "NotModified"),
    (None, None, '"x"', None, "ok"),
    (None, None, None, AT, "NotModified"),
    (None, None, None, AFTER, "NotModified"),
    (None, None, None, BEFORE, "ok"),
    (None, None, '"abc"', BEFORE, "NotModified"),
    (None, None, '"x"', AFTER, "ok"),
    ('"abc"', None, '"abc"', None, "NotModified"),
    ('"x"', None, '"abc"', None, "If-Match"),
    (None, "not a date", None, "not a date", "ok"),
]
NAMES = ("if-match", "if-unmodified-since", "if-none-match", "if-modified-since")


def headers_of(values: tuple[str | None, ...], prefix: str = "") -> dict[str, str]:
    return {prefix + name: value for name, value in zip(NAMES, values, strict=True) if value is not None}


@pytest.mark.parametrize("case", READS)
def test_reads(case):
    """Each combination ends as RFC 9110 §13.2.2 and S3's documentation say."""
    headers, expected = headers_of(case[:4]), case[4]
    if expected == "ok":
        check_read(headers, etag=ETAG, modified_ms=MODIFIED_MS)
        return
    with pytest.raises(S3Error) as caught:
        check_read(headers, etag=ETAG, modified_ms=MODIFIED_MS)
    if expected == "NotModified":
        assert (caught.value.code, caught.value.status) == ("NotModified", 304)
        assert caught.value.headers == {"etag": '"abc"', "last-modified": AT}
    else:
        assert (caught.value.code, caught.value.status) == ("PreconditionFailed", 412)
        assert caught.value.extra == {"Condition": expected}


@pytest.mark.parametrize("case", READS)
def test_copies(case):
    """The conditions on a copy's source are the same, and every failure is PreconditionFailed."""
    headers = headers_of(case[:4], "x-amz-copy-source-")
    if case[4] == "ok":
        check_copy_source(headers, etag=ETAG, modified_ms=MODIFIED_MS)
        return
    with pytest.raises(S3Error, match="PreconditionFailed"):
        check_copy_source(headers, etag=ETAG, modified_ms=MODIFIED_MS)


@pytest.mark.parametrize(
    ("headers", "current", "code"),
    [
        ({}, None, None),
        ({"if-none-match": "*"}, None, None),
        ({"if-none-match": "*"}, "abc", "PreconditionFailed"),
        ({"if-none-match": '"abc"'}, None, "NotImplemented"),
        ({"if-match": '"abc"'}, "abc", None),
        ({"if-match": "abc"}, "abc", None),
        ({"if-match": "*"}, "abc", None),
        ({"if-match": '"x"'}, "abc", "PreconditionFailed"),
        ({"if-match": '"abc"'}, None, "NoSuchKey"),
    ],
)
def test_writes(headers, current, code):
    """A write goes through only over the object that its condition names."""
    assert has_write_condition(headers) == bool(headers)
    if code is None:
        check_write(headers, current)
        return
    with pytest.raises(S3Error) as caught:
        check_write(headers, current)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "applies"),
    [
        (None, True),
        ('"abc"', True),
        ('W/"abc"', False),
        ('"x"', False),
        (AT, True),
        (AFTER, False),
        (BEFORE, False),
    ],
)
def test_if_range(value, applies):
    """A range of an object that changed is not given: the whole object is."""
    headers = {} if value is None else {"if-range": value}
    assert range_applies(headers, etag=ETAG, modified_ms=MODIFIED_MS) is applies


def test_entity_tags():
    """Lists of tags are read with or without quotes, weak ones apart."""
    tags = parse_entity_tags('"a", b ,W/"c"')
    assert (tags.any, tags.strong, tags.weak) == (False, ("a", "b"), ("c",))


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " Sun, 06 Nov 1994 08:49:37 GMT ",
    ],
)
def test_all_forms_of_a_date(text):
    """The three forms of RFC 9110 §5.6.7 are the same moment."""
    assert parse_http_date(text) == 784_111_777


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ],
)
def test_what_is_no_date(text):
    """Anything else is no date."""
    assert parse_http_date(text) is None


@given(st.integers(0, 253_402_300_799))
def test_dates_come_back(epoch_s):
    """What is written is read as the same second."""
    assert parse_http_date(format_http_date(epoch_s)) == epoch_s


def test_the_written_form():
    """Dates are written as IMF-fixdate."""
    assert format_http_date(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert parse_http_date("Monday, 01-Jan-70 00:00:00 GMT") == 0
