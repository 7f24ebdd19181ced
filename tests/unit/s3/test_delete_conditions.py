"""What a delete may expect of the object it removes."""

from __future__ import annotations

import pytest

from rustfs_proto.s3.delete_conditions import UNCONDITIONAL, DeleteCondition, condition_of_headers
from rustfs_proto.s3.errors import S3Error

AT = "Thu, 01 Jan 1970 00:01:00 GMT"
LATER = "Thu, 01 Jan 1970 00:01:01 GMT"
TIME, SIZE = "x-amz-if-match-last-modified-time", "x-amz-if-match-size"


def failed_condition(headers: dict[str, str]) -> str | None:
    """Which condition does not hold for the object "abc" of 7 bytes, written a minute after the epoch."""
    try:
        condition_of_headers(headers).check(etag="abc", modified_ms=60_999, size=7)
    except S3Error as error:
        return f"{error.status} {error.extra['Condition']}"
    return None


@pytest.mark.parametrize(
    ("headers", "failed"),
    [
        ({}, None),
        ({"if-match": '"abc"'}, None),
        ({"if-match": "abc"}, None),
        ({"if-match": "*"}, None),
        ({"if-match": '"x", "abc"'}, None),
        ({"if-match": '"x"'}, "If-Match"),
        ({"if-match": 'W/"abc"'}, "If-Match"),
        ({"if-match": ""}, "If-Match"),
        ({TIME: AT}, None),
        ({TIME: LATER}, TIME),
        ({SIZE: "7"}, None),
        ({SIZE: "0"}, SIZE),
        ({"if-match": "*", TIME: AT, SIZE: "7"}, None),
        ({"if-match": "*", TIME: LATER, SIZE: "7"}, TIME),
        ({"if-match": "*", TIME: AT, SIZE: "8"}, SIZE),
    ],
)
def test_all_that_is_asked_must_hold(headers, failed):
    """ETag, time in whole seconds and size are each compared, and one that differs is 412 and named."""
    assert failed_condition(headers) == (failed and f"412 {failed}")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({TIME: AT, SIZE: "7"}, None),
        ({"if-match": "*"}, "NoSuchKey"),
        ({"if-match": '"abc"', SIZE: "7"}, "NoSuchKey"),
    ],
)
def test_conditions_on_nothing(headers, code):
    """Where there is no object an expected ETag is 404, and time and size hold."""
    condition = condition_of_headers(headers)
    if code is None:
        condition.check_absent()
        return
    with pytest.raises(S3Error, match=code):
        condition.check_absent()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({SIZE: "seven"}, "InvalidArgument"),
        ({SIZE: "-7"}, "InvalidArgument"),
        ({SIZE: "7" * 30}, "InvalidArgument"),
        ({TIME: "yesterday"}, "InvalidArgument"),
        ({"if-none-match": "*"}, "NotImplemented"),
    ],
)
def test_what_cannot_be_read_is_not_passed_over(headers, code):
    """A condition that is not understood refuses the delete."""
    with pytest.raises(S3Error) as caught:
        condition_of_headers(headers)
    assert caught.value.code == code


def test_nothing_asked():
    """Only a delete without any condition is unconditional, one for 0 bytes is not."""
    assert not UNCONDITIONAL.asks and not condition_of_headers({}).asks
    assert DeleteCondition(size=0).asks and DeleteCondition(etag="").asks
