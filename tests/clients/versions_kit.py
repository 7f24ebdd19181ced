"""What the tests of versioning share."""

from __future__ import annotations

from botocore.exceptions import ClientError


def enable(s3, bucket: str, status: str = "Enabled") -> None:
    """Set the bucket's versioning."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3, bucket: str, key: str, body: bytes, **more: object) -> str:
    """Store an object; its version id."""
    return s3.put_object(Bucket=bucket, Key=key, Body=body, **more)["VersionId"]


def body_of(s3, bucket: str, key: str, **more: object) -> bytes:
    """The object's bytes."""
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def refusal(call, **arguments: object) -> tuple[int, str, dict[str, str]]:
    """Status, code and headers of an answer that must be an error."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        meta = error.response["ResponseMetadata"]
        return meta["HTTPStatusCode"], error.response["Error"]["Code"], meta["HTTPHeaders"]
    raise AssertionError(f"not refused: {answer}")


def listed(s3, bucket: str, **more: object) -> list[tuple[str, str, bool, bool]]:
    """(key, version id, is latest, is marker) of every version, in the order of the listing, all pages."""
    found: list[tuple[str, str, bool, bool]] = []
    markers: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, **more, **markers)
        found += in_order(page)
        if not page["IsTruncated"]:
            return found
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            markers["VersionIdMarker"] = page["NextVersionIdMarker"]


def in_order(page) -> list[tuple[str, str, bool, bool]]:
    """Versions and markers of one page; boto3 tells them apart, and so loses their order within a key."""
    versions = [(one["Key"], one["VersionId"], one["IsLatest"], False) for one in page.get("Versions", ())]
    markers = [(one["Key"], one["VersionId"], one["IsLatest"], True) for one in page.get("DeleteMarkers", ())]
    return [*versions, *markers]
