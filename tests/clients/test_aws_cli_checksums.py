"""The aws command line with checksums of every algorithm, and its conditional writes."""

from __future__ import annotations

import pytest

from tests.clients.checksums_kit import ALGORITHMS, composite, digest
from tests.clients.content import MIB, PART_BYTES_MIN, content
from tests.clients.versions_kit import body_of, enable, put

pytestmark = pytest.mark.client


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_goes_there_and_is_verified_on_the_way_back(aws, bucket, tmp_path, algorithm):
    """put-object sends a checksum of each algorithm, get-object compares and prints it."""
    source, target = tmp_path / "source", tmp_path / "target"
    data = content(1000, seed=5)
    source.write_bytes(data)
    name = f"Checksum{algorithm}"
    stored = aws.api("put-object", bucket=bucket, key="k", body=source, checksum_algorithm=algorithm)
    assert stored[name] == digest(algorithm, data)
    told = aws.api("get-object", target, bucket=bucket, key="k", checksum_mode="ENABLED")
    assert (told[name], told["ChecksumType"]) == (digest(algorithm, data), "FULL_OBJECT")
    assert target.read_bytes() == data


def test_attributes_are_those_of_the_version(aws, s3, bucket):
    """get-object-attributes with --version-id tells checksum, size and ETag of an older version."""
    enable(s3, bucket)
    old = put(s3, bucket, "k", b"old", ChecksumAlgorithm="SHA1")
    put(s3, bucket, "k", b"newer", ChecksumAlgorithm="CRC32C")
    asked = ("--object-attributes", "ETag", "Checksum", "ObjectSize", "StorageClass")
    told = aws.api("get-object-attributes", *asked, bucket=bucket, key="k", version_id=old)
    del told["LastModified"]
    assert told == {
        "VersionId": old,
        "ETag": "149603e6c03516362a8da23f624db945",
        "Checksum": {"ChecksumSHA1": digest("SHA1", b"old"), "ChecksumType": "FULL_OBJECT"},
        "StorageClass": "STANDARD",
        "ObjectSize": 3,
    }


@pytest.mark.parametrize(("algorithm", "kind"), [("CRC64NVME", "FULL_OBJECT"), ("SHA256", "COMPOSITE")])
def test_an_upload_in_parts_has_the_checksum_it_was_created_for(aws, s3, bucket, tmp_path, algorithm, kind):
    """The commands of an upload print its algorithm, and each part's checksum and the whole's."""
    enable(s3, bucket)
    bodies = [content(PART_BYTES_MIN, seed=1), content(10, seed=2)]
    where, name = {"bucket": bucket, "key": "k"}, f"Checksum{algorithm}"
    upload = aws.api("create-multipart-upload", **where, checksum_algorithm=algorithm, checksum_type=kind)
    assert (upload["ChecksumAlgorithm"], upload["ChecksumType"]) == (algorithm, kind)
    named = where | {"upload_id": upload["UploadId"]}
    parts = []
    for number, body in enumerate(bodies, 1):
        source = tmp_path / str(number)
        source.write_bytes(body)
        part = aws.api(
            "upload-part", **named, part_number=str(number), body=source, checksum_algorithm=algorithm
        )
        assert part[name] == digest(algorithm, body)
        parts.append({"PartNumber": number, "ETag": part["ETag"], name: digest(algorithm, body)})
    done = aws.api("complete-multipart-upload", **named, multipart_upload={"Parts": parts})
    whole = digest(algorithm, b"".join(bodies)) if kind == "FULL_OBJECT" else composite(algorithm, bodies)
    assert (done[name], done["ChecksumType"]) == (whole, kind)
    put(s3, bucket, "k", b"above")
    asked = ("--object-attributes", "Checksum", "ObjectParts")
    told = aws.api("get-object-attributes", *asked, **where, version_id=done["VersionId"])
    checksum = {name: whole.partition("-")[0], "ChecksumType": kind}
    assert (told["Checksum"], told["ObjectParts"]["TotalPartsCount"]) == (checksum, 2)


def test_cp_with_a_checksum(aws, s3, bucket, tmp_path):
    """`s3 cp` sends the algorithm that it is told in parts, and verifies what it fetches."""
    source, target = tmp_path / "source", tmp_path / "target"
    data = content(9 * MIB, seed=9)
    source.write_bytes(data)
    aws("s3", "cp", "--checksum-algorithm", "SHA256", source, f"s3://{bucket}/k")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    parts = [data[: 8 * MIB], data[8 * MIB :]]
    assert (head["ChecksumSHA256"], head["ChecksumType"]) == (composite("SHA256", parts), "COMPOSITE")
    aws("s3", "cp", "--checksum-mode", "ENABLED", f"s3://{bucket}/k", target)
    assert target.read_bytes() == data


def test_writes_on_condition(aws, s3, bucket):
    """put-object with --if-none-match creates once, with --if-match replaces only what it names."""
    where = ("--bucket", bucket, "--key", "k")
    first = aws.api("put-object", *where, if_none_match="*")
    aws.refused("put-object", *where, "--if-none-match", "*")
    s3.put_object(Bucket=bucket, Key="k", Body=b"another")
    aws.refused("put-object", *where, "--if-match", first["ETag"])
    assert body_of(s3, bucket, "k") == b"another"
    current = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    aws.api("put-object", *where, if_match=current)
    assert body_of(s3, bucket, "k") == b""
