"""Multipart uploads: User Guide, "Uploading and copying objects using multipart upload".

Parts are invisible until they are completed, and gone afterwards. The parts that a completion names must be
there under their ETags and in ascending order, and all but the last must have 5 MiB.
"""

from __future__ import annotations

from tests.model.answers import Answer, Either, Refused, document, error, quoted
from tests.model.operations import Abort, Complete, CopyPart, CreateUpload, NamedPart, UploadPart
from tests.model.s3.conditions import source_refusals, write_refusals
from tests.model.s3.digests import checksum_of, etag_of, upload_checksum, upload_etag
from tests.model.s3.state import Bucket, Checksum, ObjectVersion, Part, Upload
from tests.model.s3.writing import copy_source
from tests.model.symbols import NULL, SOME, Maybe, UploadId

PART_BYTES_MIN = 5 * 1024 * 1024


def create(bucket: Bucket, operation: CreateUpload) -> Answer:
    """An upload of its own, beside any others of the key."""
    number, kind = bucket.next_upload(), operation.kind
    bucket.uploads[number] = Upload(
        number, operation.key, bucket.moment(), operation.carried, operation.algorithm, kind
    )
    headers = {}
    if operation.algorithm:
        headers = {"x-amz-checksum-algorithm": operation.algorithm, "x-amz-checksum-type": kind}
    told = {"Bucket": SOME, "Key": operation.key, "UploadId": UploadId(number)}
    return Answer(200, headers, document("InitiateMultipartUploadResult", **told))


def upload_part(bucket: Bucket, operation: UploadPart) -> Answer:
    """The bytes become the part of that number, in place of an earlier one."""
    upload = find(bucket, operation.key, operation.upload)
    digest = operation.digest
    if digest is not None and not digest.is_right:
        raise Refused(error("BadDigest"))
    part = _keep(bucket, upload, operation.number, operation.body.data)
    headers = {"etag": quoted(part.etag)}
    if part.checksum is not None:
        headers[f"x-amz-checksum-{part.checksum.algorithm.lower()}"] = part.checksum.value
    return Answer(200, headers)


def copy_part(bucket: Bucket, operation: CopyPart) -> Answer:
    """Bytes of a version become the part of that number."""
    try:
        upload = find(bucket, operation.key, operation.upload)
    except Refused as refused:
        raise Refused(*refused.answers, *_source_mistakes(bucket, operation)) from None
    if mistakes := _source_mistakes(bucket, operation):
        raise Refused(*mistakes)
    source = copy_source(bucket, operation.source, operation.version)
    part = _keep(bucket, upload, operation.number, _selected(source.data, operation))
    told: dict[str, object] = {"ETag": quoted(part.etag), "LastModified": part.made}
    if part.checksum is not None:
        told[f"Checksum{part.checksum.algorithm}"] = part.checksum.value
    headers = {"x-amz-copy-source-version-id": source.id} if bucket.versioning else {}
    return Answer(200, headers, document("CopyPartResult", **told))


def complete(bucket: Bucket, operation: Complete) -> Answer | Either:
    """The parts named become the current version, with what was given at the beginning."""
    refusals = write_refusals(bucket, operation.key, operation.on)
    upload = bucket.uploads.get(operation.upload.number)
    if upload is None or upload.key != operation.key:
        return _answer_again(bucket, operation, refusals)
    if refusals := [*refusals, *_mistakes(upload, operation)]:
        raise Refused(*refusals)
    parts = tuple(upload.parts[part.number] for part in operation.parts)
    del bucket.uploads[upload.number]
    data, etag = b"".join(part.data for part in parts), upload_etag([part.etag for part in parts])
    checksum = upload_checksum(upload.algorithm, upload.kind, parts)
    made = ObjectVersion(NULL, bucket.moment(), False, data, etag, upload.carried, checksum, parts)
    made = bucket.add(operation.key, made)
    return Answer(200, bucket.id_header(made), _result(operation.key, etag, checksum))


def abort(bucket: Bucket, operation: Abort) -> Answer:
    """The upload and its parts are gone."""
    del bucket.uploads[find(bucket, operation.key, operation.upload).number]
    return Answer(204)


def find(bucket: Bucket, key: str, upload_id: UploadId) -> Upload:
    """The upload of that id and key; raises Refused."""
    upload = bucket.uploads.get(upload_id.number)
    if upload is None or upload.key != key:
        raise Refused(error("NoSuchUpload"))
    return upload


def _keep(bucket: Bucket, upload: Upload, number: int, data: bytes) -> Part:
    part = Part(number, data, etag_of(data), bucket.moment(), checksum_of(upload.algorithm, data))
    upload.parts[number] = part
    return part


def _source_mistakes(bucket: Bucket, operation: CopyPart) -> list[Answer]:
    try:
        source = copy_source(bucket, operation.source, operation.version)
    except Refused as refused:
        return list(refused.answers)
    mistakes = source_refusals(source, operation.on_source)
    wanted = operation.range
    if wanted is not None and (wanted.last is None or wanted.last >= len(source.data)):
        mistakes.append(error("InvalidArgument"))
    return mistakes


def _selected(data: bytes, operation: CopyPart) -> bytes:
    wanted = operation.range
    if wanted is None:
        return data
    assert wanted.first is not None and wanted.last is not None
    return data[wanted.first : wanted.last + 1]


def _mistakes(upload: Upload, operation: Complete) -> list[Answer]:
    """Every reason for which the completion is wrong; any of them may be told."""
    numbers = [part.number for part in operation.parts]
    codes: list[str] = []
    if not numbers:
        codes.append("MalformedXML")
    if numbers != sorted(set(numbers)):
        codes.append("InvalidPartOrder")
    named = [upload.parts[part.number] for part in operation.parts if _is_there(upload, part)]
    # Checksums of parts can only be put together where no number is left out.
    has_gaps = upload.kind == "FULL_OBJECT" and numbers != list(range(1, len(numbers) + 1))
    if len(named) < len(numbers) or (has_gaps and numbers):
        codes.append("InvalidPart")
    if any(len(part.data) < PART_BYTES_MIN for part in named[:-1]):
        codes.append("EntityTooSmall")
    if operation.size not in (None, sum(len(part.data) for part in named)):
        codes.append("InvalidRequest")
    return [error(code) for code in codes]


def _is_there(upload: Upload, named: NamedPart) -> bool:
    part = upload.parts.get(named.number)
    return part is not None and part.etag == named.etag


def _answer_again(bucket: Bucket, operation: Complete, refusals: list[Answer]) -> Either | Answer:
    """An upload that is gone is NoSuchUpload; but a client that missed the answer to its completion may be
    told again, while what it made is there.
    """
    answers = [*refusals, error("NoSuchUpload")]
    if not operation.parts:
        answers.append(error("MalformedXML"))
    numbers = [part.number for part in operation.parts]
    if numbers != sorted(set(numbers)):
        answers.append(error("InvalidPartOrder"))
    current = bucket.current_object(operation.key)
    if operation.parts and current is not None and not refusals:
        etag = upload_etag([part.etag for part in operation.parts])
        if etag == current.etag:
            told = _result(operation.key, etag, current.checksum)
            ids = {name: Maybe(value) for name, value in bucket.id_header(current).items()}
            answers.append(Answer(200, ids, told))
    return Either(tuple(answers))


def _result(key: str, etag: str, checksum: Checksum | None) -> object:
    told: dict[str, object] = {"Location": SOME, "Bucket": SOME, "Key": key, "ETag": quoted(etag)}
    if checksum is not None:
        told |= {f"Checksum{checksum.algorithm}": checksum.value, "ChecksumType": checksum.kind}
    return document("CompleteMultipartUploadResult", **told)
