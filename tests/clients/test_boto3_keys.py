"""Keys are opaque: whatever S3 allows in a name is stored, found and listed as that name and no other."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.clients.raw import path_of

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)]
ALPHABETS = [
    "é",
    "e\u0301",
    "ñandú",
    "ß",
    "ẞ",
    "İi",
    "Ω",
    "Ж",
    "中文键",
    "日本/語",
    "한글",
    "עברית",
    "العربية",
    "ไทย",
]
UNUSUAL = [
    "\u00a0nbsp",
    "\u200bnothing",
    "\u202eleft",
    "\ufeffbom",
    "\uffee",
    "😀",
    "👩\u200d👧",
    "𝔘𝔫𝔦",
    "\U0010fffd",
]
CONTROLS = ["a\u0001b", "\u007f", "tab\there", "cr\rlf\n", "\u001b[0m", "\u0085"]
LOOKALIKES = [
    "a",
    "a/",
    "a/b",
    "a/b/",
    "a//b",
    "a//",
    "a/ b",
    "A",
    "a.",
    "a%2Fb",
    "a%2fb",
    "a+b",
    "a b",
    "a%20b",
]
DOTS = ["./x", "../x", "x/./y", "x/../y", "x/..", "x/.", "...", "x//../y", ".hidden", "..", "."]
LENGTHS = ["k" * 1024, "é" * 512, "d/" * 511 + "ab", "s" * 300 + "/" + "t" * 600, "😀" * 256]
XML_SPECIAL = ["<key>", "a&b", "&amp;", "quote'\"", "]]>", "<!--"]


def stored(s3, bucket: str) -> list[str]:
    """Every key of the bucket by ListObjectsV2."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [row["Key"] for page in pages for row in page.get("Contents", [])]


def check_names(s3, bucket: str, keys: list[str]) -> None:
    """Each key keeps bytes of its own, is listed once in UTF-8 order, and leaves alone."""
    for number, key in enumerate(keys):
        s3.put_object(Bucket=bucket, Key=key, Body=f"{number} {key}".encode())
    for number, key in enumerate(keys):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == f"{number} {key}".encode(), repr(key)
    assert stored(s3, bucket) == sorted(keys, key=lambda key: key.encode())
    for key in keys[::2]:
        s3.delete_object(Bucket=bucket, Key=key)
    assert stored(s3, bucket) == sorted(keys[1::2], key=lambda key: key.encode())


def test_every_printable_character(s3, bucket):
    """Each printable ASCII character is a key's first, last, middle and only one."""
    keys = [form for char in PRINTABLE if char not in "/." for form in (char, f"k{char}k", f"{char}/{char}")]
    check_names(s3, bucket, [*keys, "".join(PRINTABLE)])


def test_unicode(s3, bucket):
    """Keys that look alike, combine, run right to left or lie outside the basic plane stay apart."""
    check_names(s3, bucket, [*ALPHABETS, *UNUSUAL])


def test_lookalikes(s3, bucket):
    """`a` stands beside `a/`, `a/b` and `a//b`, and an escape is not what it would decode to."""
    check_names(s3, bucket, LOOKALIKES)


def test_longest_names(s3, bucket):
    """1,024 bytes of any characters make a key, however its segments are cut."""
    check_names(s3, bucket, LENGTHS)


def test_characters_with_a_meaning_in_xml(s3, bucket):
    """Markup, quotes and control characters in a key survive listing."""
    check_names(s3, bucket, [*XML_SPECIAL, *CONTROLS])


@pytest.mark.parametrize("key", ["k" * 1025, "é" * 512 + "x", "😀" * 256 + "x"])
def test_a_key_too_long(s3, bucket, key):
    """1,025 bytes are KeyTooLongError on every operation that names a key, and nothing is stored."""
    for operation in (s3.put_object, s3.get_object, s3.create_multipart_upload):
        with pytest.raises(ClientError) as caught:
            operation(Bucket=bucket, Key=key)
        assert caught.value.response["Error"]["Code"] == "KeyTooLongError", operation
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400, operation
    assert stored(s3, bucket) == []


def test_dot_segments_are_names(raw, s3, bucket):
    """`.` and `..` in a path are part of the key: nothing is resolved, and no bucket is left through them."""
    for number, key in enumerate(DOTS):
        assert raw.request("PUT", path_of(bucket, key), body=str(number).encode()).status == 200, key
    for number, key in enumerate(DOTS):
        answer = raw.request("GET", path_of(bucket, key))
        assert (answer.status, answer.body) == (200, str(number).encode()), key
    assert stored(s3, bucket) == sorted(DOTS)


def test_empty_segments_are_names(raw, s3, bucket):
    """Slashes at the start, doubled or at the end are part of the key."""
    keys = ["/lead", "//", "/", "a//", "a///b"]
    for key in keys:
        assert raw.request("PUT", path_of(bucket, key), body=key.encode()).status == 200, key
    for key in keys:
        assert raw.request("GET", path_of(bucket, key)).body == key.encode(), key
    assert stored(s3, bucket) == sorted(keys)


def test_a_path_is_decoded_once(raw, s3, bucket):
    """Escapes in either case or none name the same key, `+` is a plus, and `%25` is a percent sign."""
    forms = {
        "a%2Bb": "a+b",
        "a+c": "a+c",
        "%7Edot%2e": "~dot.",
        "100%25": "100%",
        "x%252F": "x%2F",
        "in%2Fside": "in/side",
    }
    for form, key in forms.items():
        assert raw.request("PUT", f"/{bucket}/{form}", body=form.encode()).status == 200, form
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == form.encode(), key
    assert stored(s3, bucket) == sorted(forms.values())


@pytest.mark.parametrize("path", ["bad%", "bad%2", "bad%zz", "%ff%fe", "%c0%af", "%ed%a0%80"])
def test_what_is_not_utf8_is_no_key(raw, bucket, path):
    """Broken escapes and byte strings that are not UTF-8 are refused with status 400."""
    assert raw.request("PUT", f"/{bucket}/{path}").status == 400
