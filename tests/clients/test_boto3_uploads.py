"""Listing parts and uploads, page by page, against what was begun."""

from __future__ import annotations

import pytest

KEYS = ["a", "a/b", "a/b/c", "b&1", "b 2", "docs/x", "docs/y", "docs/y", "docs/y", "é", "z"]


@pytest.fixture
def uploads(s3, bucket) -> list[tuple[str, str]]:
    """Key and upload id of open uploads, three of them of one key, in the order begun."""
    return [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in KEYS]


def pages_of(s3, bucket: str, **arguments):
    """Every page of ListMultipartUploads, following the markers by hand."""
    markers: dict[str, str] = {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, **arguments, **markers)
        yield page
        if not page["IsTruncated"]:
            return
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}


def rows_of(pages) -> list[tuple[str, str]]:
    return [(row["Key"], row["UploadId"]) for page in pages for row in page.get("Uploads", [])]


@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
def test_every_upload_is_listed_once(s3, bucket, uploads, page_size):
    """Pages of any size together give each open upload once, by key in UTF-8 order."""
    rows = rows_of(pages_of(s3, bucket, MaxUploads=page_size))
    assert sorted(rows) == sorted(uploads)
    assert [key for key, _ in rows] == sorted(KEYS, key=str.encode)


def test_uploads_by_prefix(s3, bucket, uploads):
    """A prefix is any beginning of a key, not only a whole key or folder."""
    for prefix in ("", "a", "a/", "do", "docs/y", "docs/y/", "nothing"):
        rows = rows_of(pages_of(s3, bucket, Prefix=prefix, MaxUploads=2))
        assert sorted(rows) == sorted(row for row in uploads if row[0].startswith(prefix)), prefix


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_uploads_by_delimiter(s3, bucket, uploads, page_size):
    """With a delimiter, uploads below it become one common prefix, counted as one row."""
    pages = list(pages_of(s3, bucket, Delimiter="/", MaxUploads=page_size))
    prefixes = [row["Prefix"] for page in pages for row in page.get("CommonPrefixes", [])]
    assert prefixes == ["a/", "docs/"]
    assert sorted(rows_of(pages)) == sorted(row for row in uploads if "/" not in row[0])
    assert all(
        len(page.get("Uploads", [])) + len(page.get("CommonPrefixes", [])) <= page_size for page in pages
    )


def test_a_row_tells_who_and_when(s3, bucket, uploads):
    """Each upload is listed with its initiator, owner, storage class and time of beginning."""
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert page["Bucket"] == bucket and page["MaxUploads"] == 1000
    for row in page["Uploads"]:
        assert row["Initiated"] and row["Initiator"]["ID"] and row["Owner"]["ID"]
        assert row["StorageClass"] == "STANDARD"


def test_uploads_end(s3, bucket, uploads):
    """Completed and aborted uploads leave the listing at once."""
    for number, (key, upload) in enumerate(uploads):
        where = {"Bucket": bucket, "Key": key, "UploadId": upload}
        if number % 2:
            s3.abort_multipart_upload(**where)
            continue
        etag = s3.upload_part(**where, PartNumber=1, Body=b"x")["ETag"]
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert rows_of(pages_of(s3, bucket)) == []


@pytest.mark.parametrize("page_size", [1, 4, 1000])
def test_parts_are_listed_once(s3, bucket, page_size):
    """Pages of any size together give each part once, in order, with its size, ETag and time."""
    where = {"Bucket": bucket, "Key": "key"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    sent = {
        number: s3.upload_part(**where, PartNumber=number, Body=b"x" * number)["ETag"]
        for number in (900, 1, 2, 10, 9, 33, 34, 500)
    }
    found, marker = [], 0
    while True:
        page = s3.list_parts(**where, MaxParts=page_size, PartNumberMarker=marker)
        assert len(page.get("Parts", [])) <= page_size
        found += page.get("Parts", [])
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert [(row["PartNumber"], row["Size"], row["ETag"]) for row in found] == [
        (number, number, sent[number]) for number in sorted(sent)
    ]
    assert all(row["LastModified"] for row in found)
    assert page["StorageClass"] == "STANDARD" and page["Owner"]["ID"] and page["Initiator"]["ID"]
    s3.abort_multipart_upload(**where)


def test_a_bucket_with_uploads_can_be_deleted_once_they_are_aborted(s3, bucket, uploads):
    """Uploads that were begun and aborted leave nothing that would keep their bucket."""
    for key, upload in uploads:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    s3.delete_bucket(Bucket=bucket)
    assert bucket not in [row["Name"] for row in s3.list_buckets()["Buckets"]]
