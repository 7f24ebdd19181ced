"""Tags against S3's limits, as its User Guide tells them ("Categorizing your objects using tags")."""

from __future__ import annotations

import pytest

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.tagging import bucket_tags, object_tags, replaces_tags, tags_of_header
from rustfs_proto.s3.xml_in import parse_tagging
from rustfs_proto.s3.xml_out import tagging

MANY = [(f"k{number}", "v") for number in range(51)]


def refusal(work, *arguments) -> tuple[str, str]:
    with pytest.raises(S3Error) as caught:
        work(*arguments)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("k", "")],
        [("k" * 128, "v" * 256)],
        [("𐐀" * 64, "𐐀" * 128)],
        [("ключ 名 9", "Grüße_.:/=+-@")],
        [("a", "1"), ("A", "1")],
        [("Aws:a", "1"), ("awsome", "1")],
        MANY[:10],
    ],
    ids=str,
)
def test_what_is_a_tag(pairs):
    """Ten tags of 128 and 256 UTF-16 units, of letters, digits, blanks and signs, keys differing by case."""
    assert list(object_tags(pairs).items()) == pairs


@pytest.mark.parametrize(
    ("pairs", "code", "message"),
    [
        ([("", "v")], "InvalidTag", "The TagKey you have provided is invalid"),
        ([("k" * 129, "v")], "InvalidTag", "The TagKey you have provided is invalid"),
        ([("𐐀" * 65, "v")], "InvalidTag", "The TagKey you have provided is invalid"),
        ([("k", "v" * 257)], "InvalidTag", "The TagValue you have provided is invalid"),
        ([("k!", "v")], "InvalidTag", "The TagKey you have provided is invalid"),
        ([("k", "a,b")], "InvalidTag", "The TagValue you have provided is invalid"),
        ([("k", "a\nb")], "InvalidTag", "The TagValue you have provided is invalid"),
        ([("k", "😀")], "InvalidTag", "The TagValue you have provided is invalid"),
        ([("k", "1"), ("k", "2")], "InvalidTag", "Cannot provide multiple Tags with the same key"),
        ([("aws:k", "1")], "InvalidTag", "Your TagKey cannot be prefixed with aws:"),
        (MANY[:11], "BadRequest", "Object tags cannot be greater than 10"),
    ],
)
def test_what_is_no_tag(pairs, code, message):
    """Too long, too many, of other characters, twice, or AWS's own: each by its own error."""
    assert refusal(object_tags, pairs) == (code, message)


def test_tags_of_buckets():
    """Fifty of the same kind; the reserved prefix is refused."""
    assert len(bucket_tags(MANY[:50])) == 50
    assert refusal(bucket_tags, MANY) == ("BadRequest", "Bucket tag count cannot be greater than 50")
    reserved = refusal(bucket_tags, [("aws:k", "1")])
    assert reserved == ("InvalidTag", "System tags cannot be added/updated by requester")


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", {}),
        ("&", {}),
        ("key", {"key": ""}),
        ("key=", {"key": ""}),
        ("a=1&b=2&", {"a": "1", "b": "2"}),
        ("a=b=c", {"a": "b=c"}),
        ("a+b=c%20d", {"a b": "c d"}),
        ("%E5%90%8D=%2B", {"名": "+"}),
    ],
)
def test_tags_in_a_header(header, tags):
    """x-amz-tagging is a query string of percent-encoded UTF-8, a key without a value included."""
    assert tags_of_header({"x-amz-tagging": header}) == tags


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("=", "InvalidArgument"),
        ("=a", "InvalidArgument"),
        ("a=1&a=2", "InvalidArgument"),
        ("a=%ff", "InvalidArgument"),
        ("a=%2", "InvalidArgument"),
        ("a=%zz", "InvalidArgument"),
        ("a%21=1", "InvalidTag"),
        ("&".join(f"k{number}=v" for number in range(11)), "BadRequest"),
    ],
)
def test_headers_that_bring_no_tags(header, code):
    """What is no query string, or names a tag twice, is InvalidArgument; a bad tag is InvalidTag."""
    assert refusal(tags_of_header, {"x-amz-tagging": header})[0] == code


def test_the_directive_of_a_copy():
    """COPY unless REPLACE is asked for; anything else is an error."""
    assert not replaces_tags({})
    assert not replaces_tags({"x-amz-tagging-directive": "COPY"})
    assert replaces_tags({"x-amz-tagging-directive": "REPLACE"})
    assert refusal(replaces_tags, {"x-amz-tagging-directive": "replace"})[0] == "InvalidArgument"


def test_documents_there_and_back():
    """What is written as a document is read from it, markup and blanks included."""
    for tags in ({}, {"a": "b"}, {"a&<b": " x ", "": ""}):
        assert dict(parse_tagging(tagging(tags))) == tags
    assert parse_tagging(b"<Tagging><TagSet/></Tagging>") == ()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<Tagging/>",
        b"<TagSet/>",
        b"<Tagging><TagSet/><TagSet/></Tagging>",
        b"<Tagging><TagSet><Key>a</Key></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value><More/></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value>b</Value></Tag></TagSet></Tagging>",
    ],
)
def test_documents_that_are_malformed(document):
    """Whatever is not one TagSet of Tags with one Key and one Value each is MalformedXML."""
    assert refusal(parse_tagging, document)[0] == "MalformedXML"
