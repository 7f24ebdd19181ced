"""Listings with metadata=true."""

from __future__ import annotations

from typing import Any

import attrs
from lxml import etree

from tests.unit.acceptor.node_kit import SETTINGS, in_thread, raw_client, signed_request, whole_node

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def told(body: bytes, line: str) -> dict[str, tuple[dict[str, str], str | None] | None]:
    """By key: metadata and tags, None where the line has none."""
    found: dict[str, tuple[dict[str, str], str | None] | None] = {}
    for row in etree.fromstring(body).iter(S3 + line):
        metadata = row.find(S3 + "UserMetadata")
        found[row.findtext(S3 + "Key")] = None
        if metadata is not None:
            values = {child.tag.removeprefix(S3): child.text or "" for child in metadata}
            found[row.findtext(S3 + "Key")] = values, row.findtext(S3 + "UserTags")
    return found


async def test_listings_tell_metadata_where_asked(tmp_path):
    """Content headers, user metadata and tags of every object, in both listings that have the parameter."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(
            Bucket="bucket",
            Key="a",
            ContentType="text/plain",
            CacheControl="no-cache",
            Metadata={"who": "me & you", "two-parts": "x", "not!a!name": "y"},
            Tagging="one=1&two=%C3%BC+z",
        )
        for number in range(7):
            s3.put_object(Bucket="bucket", Key=f"b{number}", Body=b"x")
        s3.put_object(Bucket="bucket", Key="c/d", Body=b"x")

    settings = attrs.evolve(SETTINGS, listing_lookups=3)
    async with whole_node(tmp_path, sets=2, drives_per_set=1, parity=0, settings=settings) as port:
        await in_thread(work, port)
        async with raw_client(port) as client:
            for query, line in (("list-type=2", "Contents"), ("versions=", "Version")):
                await client.send(signed_request("GET", f"/bucket?delimiter=%2F&{query}&metadata=true"))
                status, _, body = await client.answer()
                assert status == 200, body
                found = told(body, line)
                expected = {
                    "X-Amz-Meta-Two-Parts": "x",
                    "X-Amz-Meta-Who": "me & you",
                    "cache-control": "no-cache",
                    "content-type": "text/plain",
                }
                assert found.pop("a") == (expected, "one=1&two=%C3%BC+z")
                plain = ({"content-type": "binary/octet-stream"}, None)
                assert found == {f"b{number}": plain for number in range(7)}
                assert b"<Prefix>c/</Prefix>" in body
                await client.send(signed_request("GET", f"/bucket?{query}"))
                _, _, body = await client.answer()
                assert b"UserMetadata" not in body


async def test_each_version_has_its_own(tmp_path):
    """Metadata and tags are those of the version of the line; delete markers have none."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Metadata={"number": "0"})
        s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        for number in (1, 2):
            s3.put_object(Bucket="bucket", Key="k", Metadata={"number": str(number)}, Tagging=f"t={number}")
        s3.delete_object(Bucket="bucket", Key="k")

    async with whole_node(tmp_path, sets=2, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)
        async with raw_client(port) as client:
            await client.send(signed_request("GET", "/bucket?versions=&metadata=true"))
            status, _, body = await client.answer()
            assert status == 200, body
            rows = list(etree.fromstring(body).iter(S3 + "Version"))
            numbers = [row.findtext(f"{S3}UserMetadata/{S3}X-Amz-Meta-Number") for row in rows]
            assert numbers == ["2", "1", "0"]
            assert [row.findtext(S3 + "UserTags") for row in rows] == ["t=2", "t=1", None]
            assert body.count(b"<DeleteMarker>") == 1 and body.count(b"<UserMetadata>") == 3
