"""ListObjects and ListObjectsV2 answer what a model of them answers, for every parameter and page size."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus, unquote_plus

import pytest
from botocore.exceptions import ClientError

from tests.clients.listing_model import DELIMITERS, PREFIXES, Page, list_page, list_pages, rows_of, some_keys

KEYS = some_keys()
# Every pair, with page sizes that make at most a dozen pages of it.
CASES = [
    (prefix, delimiter, max_keys)
    for number, (prefix, delimiter) in enumerate(itertools.product(PREFIXES, DELIMITERS))
    for max_keys in random.Random(number).sample([1, 2, 7, 100, 999, 1000], 3)
    if len(rows_of(KEYS, prefix, delimiter)) <= 12 * max_keys
]


@pytest.fixture(scope="module")
def full(server) -> str:
    """A bucket that holds KEYS, each with its own name as body."""
    s3, bucket = (
        server.boto3(max_pool_connections=8),
        f"listing-{hashlib.md5(repr(server).encode()).hexdigest()[:12]}",
    )
    s3.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode()), KEYS))
    return bucket


def page_of(answer) -> Page:
    keys = tuple(row["Key"] for row in answer.get("Contents", []))
    prefixes = tuple(row["Prefix"] for row in answer.get("CommonPrefixes", []))
    return Page(keys, prefixes, answer["IsTruncated"], max([*keys, *prefixes], key=str.encode, default=""))


def pages_of_v1(s3, **asked) -> Iterator[Page]:
    marker = ""
    while True:
        answer = s3.list_objects(**asked, Marker=marker)
        yield page_of(answer)
        if not answer["IsTruncated"]:
            return
        # S3 tells the next marker only with a delimiter; else it is the last key.
        marker = answer["NextMarker"] if "Delimiter" in asked else answer["Contents"][-1]["Key"]


def pages_of_v2(s3, **asked) -> Iterator[Page]:
    token: dict[str, str] = {}
    while True:
        answer = s3.list_objects_v2(**asked, **token)
        page = page_of(answer)
        assert answer["KeyCount"] == len(page.keys) + len(page.prefixes)
        assert answer.get("ContinuationToken") == token.get("ContinuationToken")
        yield page
        if not answer["IsTruncated"]:
            assert "NextContinuationToken" not in answer
            return
        token = {"ContinuationToken": answer["NextContinuationToken"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pages_of", "cases"),
    [
        pytest.param(pages_of_v2, CASES[::3], id="v2"),
        pytest.param(pages_of_v1, CASES, id="v1", marks=pytest.mark.long),
        pytest.param(pages_of_v2, CASES, id="v2-all", marks=pytest.mark.long),
    ],
)
def test_every_page(s3, full, pages_of, cases):
    """For every prefix, delimiter and page size each page has the model's rows."""
    for prefix, delimiter, max_keys in cases:
        asked = {"Bucket": full, "Prefix": prefix, "MaxKeys": max_keys}
        if delimiter:
            asked["Delimiter"] = delimiter
        expected = list(list_pages(KEYS, prefix, delimiter, max_keys))
        assert list(pages_of(s3, **asked)) == expected, (prefix, delimiter, max_keys)


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_start_after(s3, full, delimiter):
    """A listing begins after any string, a key or not, in both versions of the API."""
    places = [
        "",
        "a",
        "a0",
        "flat/",
        "flat/00500",
        "flat/00500x",
        "folder",
        "folder/",
        "zzz",
        "\U0010ffff",
        "~",
        "year=2003/",
        "日",
    ]
    for prefix, after in itertools.product(["", "flat/", "folder", "year=2003/"], places):
        if delimiter and delimiter in after[len(prefix) : -1]:
            continue  # whether a prefix that the marker lies inside is shown, S3 does not say
        expected = list_page(KEYS, prefix, delimiter, after, 20)
        asked = {"Bucket": full, "Prefix": prefix, "MaxKeys": 20} | (
            {"Delimiter": delimiter} if delimiter else {}
        )
        assert page_of(s3.list_objects(**asked, Marker=after)) == expected, (prefix, after)
        # A marker that is a common prefix was answered as one and is not given again; of start-after, which
        # may be any string, S3 does not say so.
        if not delimiter or not after.endswith(delimiter):
            assert page_of(s3.list_objects_v2(**asked, StartAfter=after)) == expected, (prefix, after)


def test_a_token_wins_over_start_after(s3, full):
    """With a continuation token start-after has no effect, and is still echoed."""
    first = s3.list_objects_v2(Bucket=full, Prefix="flat/", MaxKeys=3, StartAfter="flat/00100")
    assert first["StartAfter"] == "flat/00100"
    token = first["NextContinuationToken"]
    second = s3.list_objects_v2(
        Bucket=full, Prefix="flat/", MaxKeys=3, StartAfter="flat/00900", ContinuationToken=token
    )
    assert [row["Key"] for row in second["Contents"]] == ["flat/00104", "flat/00105", "flat/00106"]


def test_rows_tell_what_is_stored(s3, full):
    """Size, ETag, storage class and time of each row are the object's; the owner comes if asked for."""
    plain = s3.list_objects_v2(Bucket=full, Prefix="unicode/")["Contents"]
    owned = s3.list_objects_v2(Bucket=full, Prefix="unicode/", FetchOwner=True)["Contents"]
    first_version = s3.list_objects(Bucket=full, Prefix="unicode/")["Contents"]
    for row in plain:
        body = row["Key"].encode()
        assert (row["Size"], row["ETag"]) == (len(body), f'"{hashlib.md5(body).hexdigest()}"')
        assert row["StorageClass"] == "STANDARD"
        assert row["LastModified"]
        assert "Owner" not in row
    assert all(row["Owner"]["ID"] for row in [*owned, *first_version])


def test_page_sizes_have_bounds(s3, raw, full):
    """No key for 0, a thousand at most; what is no number from 0 to 2^31-1 is InvalidArgument."""
    nothing = s3.list_objects_v2(Bucket=full, MaxKeys=0)
    assert (nothing["KeyCount"], nothing["IsTruncated"]) == (0, False)
    assert s3.list_objects_v2(Bucket=full)["KeyCount"] == 1000
    most = s3.list_objects_v2(Bucket=full, MaxKeys=5000)
    assert (most["KeyCount"], most["MaxKeys"]) == (1000, 1000)
    for wrong in ("-1", "x", "2147483648"):
        for version in ("", "&list-type=2"):
            assert raw.request("GET", f"/{full}?max-keys={wrong}{version}").code == "InvalidArgument", wrong


def test_url_encoding(s3, raw, full):
    """encoding-type=url escapes keys, prefixes, delimiter and markers; without it they come as XML text."""
    for prefix in ("a", "日", "unicode/", "+", "&", "<", "%"):
        expected = list_page(KEYS, prefix, "b", "", 1000)
        asked = {"Bucket": full, "Prefix": prefix, "Delimiter": "b"}
        encoded = s3.list_objects_v2(**asked, EncodingType="url")
        assert encoded["EncodingType"] == "url"
        assert unquote_plus(encoded["Prefix"]) == prefix
        assert [unquote_plus(row["Key"]) for row in encoded.get("Contents", [])] == list(expected.keys)
        assert all(row["Key"].isascii() and " " not in row["Key"] for row in encoded.get("Contents", []))
        assert [unquote_plus(row["Prefix"]) for row in encoded.get("CommonPrefixes", [])] == list(
            expected.prefixes
        )
        answer = raw.request("GET", f"/{full}?list-type=2&prefix={quote_plus(prefix)}&delimiter=b")
        assert answer.xml["Prefix"] == prefix
    assert raw.request("GET", f"/{full}?list-type=2&encoding-type=base64").code == "InvalidArgument"


def test_wrong_parameters(s3, raw, full):
    """An unknown list type, or a token that this server never gave, is InvalidArgument."""
    assert raw.request("GET", f"/{full}?list-type=3").code == "InvalidArgument"
    with pytest.raises(ClientError) as caught:
        s3.list_objects_v2(Bucket=full, ContinuationToken="made up")
    assert caught.value.response["Error"]["Code"] == "InvalidArgument"


def test_what_changes_meanwhile(s3, bucket):
    """Keys that stay are each listed once, though others come and go between two pages."""
    stay = [f"k{number:03d}" for number in range(0, 200, 2)]
    for key in [*stay, "k001", "k003"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    seen: list[str] = []
    for number, page in enumerate(
        s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    ):
        seen += [row["Key"] for row in page["Contents"]]
        s3.delete_object(Bucket=bucket, Key=seen[-1] if seen[-1] not in stay else "k001")
        s3.put_object(Bucket=bucket, Key=f"k{199 - 2 * number:03d}", Body=b"x")
    assert [key for key in seen if key in stay] == stay
    assert len(seen) == len(set(seen))
