"""ListParts and ListMultipartUploads: parts by number, uploads by key and then by their beginning."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.answers import Answer, document, quoted, tree
from tests.model.operations import ListParts, ListUploads
from tests.model.s3.listings import OWNER
from tests.model.s3.pages import Entry, Start, behind_marker, page_of
from tests.model.s3.state import Bucket, Part, Upload
from tests.model.s3.uploads import find
from tests.model.symbols import SOME, Maybe, UploadId


def list_parts(bucket: Bucket, asked: ListParts) -> Answer:
    """The parts whose number is above the marker."""
    upload = find(bucket, asked.key, asked.upload)
    following = [part for number, part in sorted(upload.parts.items()) if number > asked.after]
    shown = following[: asked.limit]
    told = {
        "Bucket": SOME,
        "Key": asked.key,
        "UploadId": asked.upload,
        "Owner": OWNER,
        "Initiator": OWNER,
        "StorageClass": upload.storage_class,
        "PartNumberMarker": str(asked.after),
        "NextPartNumberMarker": str(shown[-1].number) if shown else Maybe("0"),
        "MaxParts": str(asked.limit),
        "IsTruncated": len(shown) < len(following),
        "ChecksumAlgorithm": upload.algorithm,
        "ChecksumType": upload.kind,
    }
    return Answer(200, {}, document("ListPartsResult", [_part(part) for part in shown], **told))


def list_uploads(bucket: Bucket, asked: ListUploads) -> Answer:
    """The uploads under way in the bucket."""
    marker = None if asked.upload_marker is None else asked.upload_marker.number
    start = Start(behind_marker(asked.key_marker, asked.prefix, asked.delimiter), marker)
    page = page_of(_uploads(bucket), asked.prefix, asked.delimiter, start, asked.limit)
    told = {
        "Bucket": SOME,
        "KeyMarker": asked.key_marker,
        "UploadIdMarker": asked.upload_marker,
        "NextKeyMarker": None if page.last is None else page.last.key,
        "NextUploadIdMarker": None if page.entry is None else UploadId(page.entry.place),
        "Prefix": asked.prefix,
        "Delimiter": asked.delimiter,
        "MaxUploads": str(asked.limit),
        "IsTruncated": page.last is not None,
    }
    return Answer(200, {}, document("ListMultipartUploadsResult", page.rows, **told))


def _part(part: Part) -> tuple[str, object]:
    told: dict[str, object] = {"PartNumber": str(part.number), "Size": str(len(part.data))}
    if part.checksum is not None:
        told[f"Checksum{part.checksum.algorithm}"] = part.checksum.value
    return "Part", tree(ETag=quoted(part.etag), LastModified=part.made, **told)


def _uploads(bucket: Bucket) -> Iterator[Entry]:
    for upload in bucket.uploads.values():
        yield Entry(upload.key, ("Upload", _upload(upload)), upload.number)


def _upload(upload: Upload) -> object:
    return tree(
        Key=upload.key,
        UploadId=UploadId(upload.number),
        Owner=OWNER,
        Initiator=OWNER,
        StorageClass=upload.storage_class,
        Initiated=upload.made,
        # Some servers leave this to ListParts.
        ChecksumAlgorithm=Maybe(upload.algorithm) if upload.algorithm else None,
        ChecksumType=Maybe(upload.kind) if upload.kind else None,
    )
