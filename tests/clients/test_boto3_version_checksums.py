"""Checksums belong to versions: each keeps its own, whole or composite, through uploads and copies."""

from __future__ import annotations

import pytest

from tests.clients.checksums_kit import ALGORITHMS, composite, digest
from tests.clients.content import PART_BYTES_MIN, content
from tests.clients.versions_kit import body_of, enable, put, refusal

BODIES = [content(PART_BYTES_MIN, seed=1), content(1000, seed=2)]
EACH_KIND = pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC32", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"), ("CRC32C", "COMPOSITE"), ("SHA1", "COMPOSITE")],
)


@pytest.fixture
def versioned(s3, bucket: str) -> str:
    """A bucket whose keys have versions."""
    enable(s3, bucket)
    return bucket


def uploaded(s3, bucket: str, algorithm: str, kind: str) -> str:
    """The version id of an upload of `BODIES`."""
    wanted = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **wanted)["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    name = f"Checksum{algorithm}"
    parts = []
    for number, body in enumerate(BODIES, 1):
        part = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": part["ETag"], name: part[name]})
    return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})["VersionId"]


def whole(algorithm: str, kind: str) -> str:
    """The checksum that the upload must have."""
    return digest(algorithm, b"".join(BODIES)) if kind == "FULL_OBJECT" else composite(algorithm, BODIES)


def test_each_version_keeps_its_own(s3, versioned):
    """Versions of one key with five algorithms and none tell each the checksum that it was stored with."""
    ids = {
        algorithm: put(s3, versioned, "k", algorithm.encode(), ChecksumAlgorithm=algorithm)
        for algorithm in ALGORITHMS
    }
    s3.delete_object(Bucket=versioned, Key="k")
    for algorithm, version_id in ids.items():
        named = {"Bucket": versioned, "Key": "k", "VersionId": version_id}
        expected = {f"Checksum{algorithm}": digest(algorithm, algorithm.encode())}
        for call in (s3.head_object, s3.get_object):
            told = call(**named, ChecksumMode="ENABLED")
            shown = {name: value for name, value in told.items() if name.startswith("Checksum")}
            assert shown == expected | {"ChecksumType": "FULL_OBJECT"}
        told = s3.get_object_attributes(**named, ObjectAttributes=["Checksum"])
        assert told["Checksum"] == expected | {"ChecksumType": "FULL_OBJECT"}


def test_listings_tell_the_checksum_of_each_version(s3, versioned):
    """ListObjectVersions shows algorithm and type of every version, whole and composite beside each other."""
    made = {put(s3, versioned, "k", b"1", ChecksumAlgorithm=one): (one, "FULL_OBJECT") for one in ALGORITHMS}
    made[uploaded(s3, versioned, "SHA1", "COMPOSITE")] = ("SHA1", "COMPOSITE")
    rows = s3.list_object_versions(Bucket=versioned)["Versions"]
    assert {row["VersionId"]: (*row["ChecksumAlgorithm"], row["ChecksumType"]) for row in rows} == made


@EACH_KIND
def test_an_upload_below_others_keeps_its_own(s3, versioned, algorithm, kind):
    """A version made of parts tells its checksum and type by its id, and its parts' by attributes."""
    version_id = uploaded(s3, versioned, algorithm, kind)
    put(s3, versioned, "k", b"above")
    named = {"Bucket": versioned, "Key": "k", "VersionId": version_id}
    got = s3.get_object(**named, ChecksumMode="ENABLED")
    assert (got[f"Checksum{algorithm}"], got["ChecksumType"]) == (whole(algorithm, kind), kind)
    assert got["Body"].read() == b"".join(BODIES)
    told = s3.get_object_attributes(**named, ObjectAttributes=["Checksum", "ObjectParts"])
    assert told["Checksum"]["ChecksumType"] == kind
    parts = told["ObjectParts"]["Parts"]
    assert [part[f"Checksum{algorithm}"] for part in parts] == [digest(algorithm, body) for body in BODIES]


@EACH_KIND
def test_a_copy_of_an_upload_has_a_checksum_of_the_whole(s3, versioned, algorithm, kind):
    """CopyObject from a version made of parts keeps the algorithm, and its checksum is of all bytes."""
    source = {"Bucket": versioned, "Key": "k", "VersionId": uploaded(s3, versioned, algorithm, kind)}
    put(s3, versioned, "k", b"above")
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    expected = digest(algorithm, b"".join(BODIES))
    assert copied["CopyObjectResult"][f"Checksum{algorithm}"] == expected
    head = s3.head_object(Bucket=versioned, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (expected, "FULL_OBJECT")


@EACH_KIND
def test_a_part_of_a_version_is_read_by_its_number(s3, versioned, algorithm, kind):
    """PartNumber with a version's id or a range that is one part, gives its bytes with its checksum."""
    version_id = uploaded(s3, versioned, algorithm, kind)
    put(s3, versioned, "k", b"above")
    named = {"Bucket": versioned, "Key": "k", "VersionId": version_id}
    border = len(BODIES[0])
    ranges = [f"bytes=0-{border - 1}", f"bytes={border}-"]
    for number, body in enumerate(BODIES, 1):
        for call in (s3.get_object, s3.head_object):
            told = call(**named, PartNumber=number, ChecksumMode="ENABLED")
            assert (told["PartsCount"], told["ContentLength"]) == (2, len(body))
            assert (told[f"Checksum{algorithm}"], told["ChecksumType"]) == (digest(algorithm, body), kind)
        got = s3.get_object(**named, Range=ranges[number - 1], ChecksumMode="ENABLED")
        assert (got[f"Checksum{algorithm}"], got["Body"].read()) == (digest(algorithm, body), body)
    got = s3.get_object(**named, Range=f"bytes=1-{border - 1}", ChecksumMode="ENABLED")
    assert (f"Checksum{algorithm}" in got, got["Body"].read()) == (False, BODIES[0][1:])
    assert body_of(s3, versioned, "k") == b"above"


def test_a_refused_completion_is_not_taken_for_an_earlier_one(s3, versioned):
    """Beside a version of the same bytes an upload is refused for a wrong checksum or number of a part."""
    first = uploaded(s3, versioned, "SHA1", "COMPOSITE")
    wanted = {"ChecksumAlgorithm": "SHA256", "ChecksumType": "COMPOSITE"}
    upload = s3.create_multipart_upload(Bucket=versioned, Key="k", **wanted)["UploadId"]
    where = {"Bucket": versioned, "Key": "k", "UploadId": upload}
    right = []
    for number, body in enumerate(BODIES, 1):
        part = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        right.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    other = {"ChecksumSHA256": digest("SHA256", b"other")}
    for last in (other, {"PartNumber": 3}):
        wrong = {"Parts": [right[0], right[1] | last]}
        refused = refusal(s3.complete_multipart_upload, **where, MultipartUpload=wrong)
        assert refused[:2] == (400, "InvalidPart")
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": right})
    again = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": right})
    assert first != done["VersionId"] == again["VersionId"]
    assert again["ChecksumSHA256"] == composite("SHA256", BODIES)
