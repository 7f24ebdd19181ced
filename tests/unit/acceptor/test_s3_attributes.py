"""GetObjectAttributes, storage classes and optional attributes of listings through a whole node."""

from __future__ import annotations

from typing import Any

import pytest

from rustfs_proto.s3.attributes import ATTRIBUTES
from tests.unit.acceptor.node_kit import error_of, in_thread, raw_client, signed_request, whole_node

WHERE = {"Bucket": "bucket", "Key": "k"}
MIB = 1 << 20
CLASSES = ["REDUCED_REDUNDANCY", "GLACIER", "EXPRESS_ONEZONE"]


async def test_attributes_of_a_put(tmp_path):
    """What a PUT brought is told as HEAD tells it; there are no parts; a missing key is NoSuchKey."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        put = s3.put_object(**WHERE, Body=b"body", ChecksumAlgorithm="SHA256", StorageClass="STANDARD_IA")
        found = s3.get_object_attributes(**WHERE, ObjectAttributes=list(ATTRIBUTES))
        assert found["ETag"] == put["ETag"].strip('"')
        assert found["Checksum"] == {"ChecksumSHA256": put["ChecksumSHA256"], "ChecksumType": "FULL_OBJECT"}
        assert (found["ObjectSize"], found["StorageClass"]) == (4, "STANDARD_IA")
        assert "ObjectParts" not in found
        assert found["LastModified"] == s3.head_object(**WHERE)["LastModified"]
        assert "ETag" not in s3.get_object_attributes(**WHERE, ObjectAttributes=["ObjectSize"])
        wrong = error_of(s3.get_object_attributes, **WHERE, ObjectAttributes=["Colour"])
        assert wrong == ("InvalidArgument", 400)
        missing = {"Bucket": "bucket", "Key": "none", "ObjectAttributes": ["ETag"]}
        assert error_of(s3.get_object_attributes, **missing) == ("NoSuchKey", 404)

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
async def test_attributes_of_an_upload(tmp_path, kind):
    """Its parts come in pages with their sizes and checksums, its class is that of its beginning."""
    bodies = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"end"]

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        begun = s3.create_multipart_upload(
            **WHERE, ChecksumAlgorithm="CRC32C", ChecksumType=kind, StorageClass="GLACIER"
        )
        upload = {**WHERE, "UploadId": begun["UploadId"]}
        assert s3.list_multipart_uploads(Bucket="bucket")["Uploads"][0]["StorageClass"] == "GLACIER"
        sent = []
        for number, body in enumerate(bodies, 1):
            part = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32C")
            sums = {"ChecksumCRC32C": part["ChecksumCRC32C"]}
            sent.append({"PartNumber": number, "ETag": part["ETag"], **sums})
        assert s3.list_parts(**upload)["StorageClass"] == "GLACIER"
        done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})
        first = s3.get_object_attributes(**WHERE, ObjectAttributes=list(ATTRIBUTES), MaxParts=2)
        assert first["Checksum"] == {
            "ChecksumCRC32C": done["ChecksumCRC32C"].partition("-")[0],
            "ChecksumType": kind,
        }
        assert (first["ObjectSize"], first["StorageClass"]) == (10 * MIB + 3, "GLACIER")
        page = first["ObjectParts"]
        assert (page["TotalPartsCount"], page["IsTruncated"], page["MaxParts"]) == (3, True, 2)
        marker = page["NextPartNumberMarker"]
        rest = s3.get_object_attributes(**WHERE, ObjectAttributes=["ObjectParts"], PartNumberMarker=marker)
        parts = page["Parts"] + rest["ObjectParts"]["Parts"]
        assert [(part["PartNumber"], part["Size"], part["ChecksumCRC32C"]) for part in parts] == [
            (part["PartNumber"], len(body), part["ChecksumCRC32C"])
            for part, body in zip(sent, bodies, strict=True)
        ]

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_storage_classes_are_kept(tmp_path):
    """A class is shown by HEAD and GET (STANDARD is not), by every listing, and a copy has its request's."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for name in CLASSES:
            s3.put_object(Bucket="bucket", Key=name, Body=b"x", StorageClass=name)
            assert s3.head_object(Bucket="bucket", Key=name)["StorageClass"] == name
            assert s3.get_object(Bucket="bucket", Key=name)["StorageClass"] == name
        s3.put_object(**WHERE, Body=b"x", StorageClass="STANDARD")
        assert "StorageClass" not in s3.head_object(**WHERE)
        expected = {**{name: name for name in CLASSES}, "k": "STANDARD"}
        for listed in (
            s3.list_objects(Bucket="bucket")["Contents"],
            s3.list_objects_v2(Bucket="bucket")["Contents"],
            s3.list_object_versions(Bucket="bucket")["Versions"],
        ):
            assert {item["Key"]: item["StorageClass"] for item in listed} == expected
        source = {"Bucket": "bucket", "Key": "GLACIER"}
        s3.copy_object(**WHERE, CopySource=source)
        assert "StorageClass" not in s3.head_object(**WHERE)
        s3.copy_object(**source, CopySource=source, StorageClass="ONEZONE_IA")
        assert s3.head_object(**source)["StorageClass"] == "ONEZONE_IA"
        unknown = error_of(s3.put_object, **WHERE, Body=b"y", StorageClass="GOLD")
        assert unknown == ("InvalidStorageClass", 400)
        assert error_of(s3.create_multipart_upload, **WHERE, StorageClass="GOLD") == unknown
        assert error_of(s3.copy_object, **WHERE, CopySource=source, StorageClass="GOLD") == unknown
        assert s3.get_object(**WHERE)["Body"].read() == b"x"

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_optional_attributes_of_listings(tmp_path):
    """RestoreStatus may be asked for and no object has one; another attribute is InvalidArgument."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        put = {**WHERE, "Body": b"x", "StorageClass": "GLACIER"}
        await in_thread(lambda s3: s3.put_object(**put), port)
        async with raw_client(port) as client:
            for query in ("list-type=2", "versions", "max-keys=5"):
                for names, status in (("RestoreStatus", 200), ("RestoreStatus,Owner", 400)):
                    headers = {"x-amz-optional-object-attributes": names}
                    await client.send(signed_request("GET", f"/bucket?{query}", headers))
                    answered, _, body = await client.answer()
                    assert (answered, b"<RestoreStatus>" in body) == (status, False)
                    assert (b"<Code>InvalidArgument</Code>" in body) == (status == 400)
