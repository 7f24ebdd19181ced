"""Tags of objects and buckets through a whole node: every way to bring, change, tell and remove them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import trio

from rustfs_node.bus import MemoryNet
from tests.unit.acceptor.node_kit import (
    accepting,
    error_of,
    in_thread,
    plan_of,
    raw_client,
    s3_client,
    signed_request,
    storing,
    whole_node,
)
from tests.unit.acceptor.test_s3_objects import MIB, content_of
from tests.unit.acceptor.test_without_effect import BODY, begin_put, marked

WHERE = {"Bucket": "bucket", "Key": "k"}
SIZES = [0, 5, MIB, 3 * MIB + 1]


def tag_set(**tags: str) -> dict[str, Any]:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tags_of(s3: Any, key: str = "k") -> dict[str, str]:
    found = s3.get_object_tagging(Bucket="bucket", Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


async def test_tags_are_put_told_and_removed(tmp_path):
    """Objects of every size: tags change, bytes, ETag, metadata and Last-Modified do not, in listings
    neither.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        for size in SIZES:
            key = f"k{size}"
            where = {"Bucket": "bucket", "Key": key}
            s3.put_object(**where, Body=content_of(size), Metadata={"a": "b"}, Tagging="x=1&y=ü%20z")
            assert tags_of(s3, key) == {"x": "1", "y": "ü z"}
            before = s3.head_object(**where)
            listed = s3.list_objects_v2(Bucket="bucket", Prefix=key)["Contents"]
            assert before["TagCount"] == 2
            for tags in ({"one": "1", "two": "", "three": "3"}, {"last": "1"}):
                s3.put_object_tagging(**where, Tagging=tag_set(**tags))
                assert tags_of(s3, key) == tags
                found = s3.get_object(**where)
                assert found["Body"].read() == content_of(size)
                assert found["TagCount"] == len(tags)
                for name in ("ETag", "LastModified", "Metadata"):
                    assert found[name] == before[name]
            deleted = s3.delete_object_tagging(**where)
            assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
            assert tags_of(s3, key) == {}
            assert "TagCount" not in s3.head_object(**where)
            assert s3.list_objects_v2(Bucket="bucket", Prefix=key)["Contents"] == listed

    async with whole_node(tmp_path, sets=2, drives_per_set=2, parity=1) as port:
        await in_thread(work, port)


async def test_the_time_of_modification_is_that_of_the_write(tmp_path):
    """Conditions on the date, of reads and of copies, ask for the write and not for the change of the tags;
    the version that was amended keeps its Last-Modified to the millisecond.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(**WHERE, Body=b"x")
        (before,) = s3.list_objects_v2(Bucket="bucket")["Contents"]
        modified = s3.head_object(**WHERE)["LastModified"]
        while s3.put_object(Bucket="bucket", Key="later") and _second(s3, "later") == modified:
            pass
        s3.put_object_tagging(**WHERE, Tagging=tag_set(a="b"))
        assert s3.head_object(**WHERE, IfUnmodifiedSince=modified)["LastModified"] == modified
        assert error_of(s3.get_object, **WHERE, IfModifiedSince=modified) == ("304", 304)
        copy = {"Bucket": "bucket", "Key": "copy", "CopySource": "bucket/k"}
        assert error_of(s3.copy_object, **copy, CopySourceIfModifiedSince=modified)[1] == 412
        s3.copy_object(**copy, CopySourceIfUnmodifiedSince=modified)
        (after,) = s3.list_objects_v2(Bucket="bucket", Prefix="k")["Contents"]
        assert after == before
        (version,) = s3.list_object_versions(Bucket="bucket", Prefix="k")["Versions"]
        assert version["LastModified"] == before["LastModified"]

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


def _second(s3: Any, key: str) -> Any:
    return s3.head_object(Bucket="bucket", Key=key)["LastModified"]


async def test_a_write_brings_its_own_tags(tmp_path):
    """A PUT forgets the tags that were there, also one on top of an amendment."""

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(**WHERE, Tagging="a=1")
        s3.put_object_tagging(**WHERE, Tagging=tag_set(b="2"))
        modified = s3.head_object(**WHERE)["LastModified"]
        s3.put_object(**WHERE, Body=b"new")
        assert tags_of(s3) == {}
        assert s3.head_object(**WHERE)["LastModified"] >= modified

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_uploads_keep_tags_for_their_object(tmp_path):
    """Tags of CreateMultipartUpload are those of the completed object, which can be changed then."""
    parts = [content_of(5 * MIB), content_of(MIB + 3, seed=1)]

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        upload = s3.create_multipart_upload(**WHERE, Tagging="a=1&b=2")["UploadId"]
        named = []
        for number, part in enumerate(parts, 1):
            sent = s3.upload_part(**WHERE, UploadId=upload, PartNumber=number, Body=part)
            named.append({"PartNumber": number, "ETag": sent["ETag"]})
        done = s3.complete_multipart_upload(**WHERE, UploadId=upload, MultipartUpload={"Parts": named})
        assert tags_of(s3) == {"a": "1", "b": "2"}
        s3.put_object_tagging(**WHERE, Tagging=tag_set(c="3"))
        found = s3.get_object(**WHERE)
        assert (found["Body"].read(), found["ETag"]) == (b"".join(parts), done["ETag"])
        assert tags_of(s3) == {"c": "3"}
        assert s3.get_object(**WHERE, PartNumber=2)["Body"].read() == parts[1]
        assert error_of(s3.create_multipart_upload, **WHERE, Tagging="a=1&a=2") == ("InvalidArgument", 400)

    async with whole_node(tmp_path) as port:
        await in_thread(work, port)


async def test_copies_take_tags_by_their_directive(tmp_path):
    """COPY, also when nothing is said, takes the source's tags and not the header's; REPLACE those of the
    header, whatever the metadata directive.
    """

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(**WHERE, Body=b"x", Metadata={"m": "1"}, Tagging="a=1")
        target = {"Bucket": "bucket", "Key": "t", "CopySource": "bucket/k"}
        for options, expected in (
            ({}, {"a": "1"}),
            ({"TaggingDirective": "COPY", "Tagging": "b=2"}, {"a": "1"}),
            ({"TaggingDirective": "REPLACE", "Tagging": "b=2"}, {"b": "2"}),
            ({"TaggingDirective": "REPLACE"}, {}),
            ({"MetadataDirective": "REPLACE"}, {"a": "1"}),
            ({"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE", "Tagging": "c"}, {"c": ""}),
        ):
            s3.copy_object(**target, **options)
            assert tags_of(s3, "t") == expected, options
        assert error_of(s3.copy_object, **target, TaggingDirective="OTHER") == ("InvalidArgument", 400)
        s3.put_object_tagging(**WHERE, Tagging=tag_set(amended="1"))
        s3.copy_object(**target)
        assert tags_of(s3, "t") == {"amended": "1"}

    async with whole_node(tmp_path, sets=2, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_bad_tags_change_nothing(tmp_path):
    """Each refusal by its own error, and what was there stays."""
    eleven = {f"k{number}": "v" for number in range(11)}

    def work(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        s3.put_object(**WHERE, Body=b"x", Tagging="a=1")
        put = s3.put_object_tagging
        assert error_of(put, **WHERE, Tagging=tag_set(**eleven)) == ("BadRequest", 400)
        assert error_of(put, **WHERE, Tagging=tag_set(**{"k" * 129: "v"})) == ("InvalidTag", 400)
        assert error_of(put, **WHERE, Tagging=tag_set(**{"aws:x": "v"})) == ("InvalidTag", 400)
        twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
        assert error_of(put, **WHERE, Tagging=twice) == ("InvalidTag", 400)
        assert error_of(s3.put_object, **WHERE, Body=b"y", Tagging="a=%ff") == ("InvalidArgument", 400)
        assert error_of(put, **WHERE, Tagging=tag_set(a="b"), VersionId="v1") == ("InvalidArgument", 400)
        missing = {"Bucket": "bucket", "Key": "no"}
        for error in (
            error_of(put, **missing, Tagging=tag_set(a="b")),
            error_of(s3.get_object_tagging, **missing),
            error_of(s3.delete_object_tagging, **missing),
        ):
            assert error == ("NoSuchKey", 404)
        assert tags_of(s3) == {"a": "1"}
        assert s3.get_object(**WHERE)["Body"].read() == b"x"

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)
        async with raw_client(port) as client:
            headers = {"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}
            document = b"<Tagging><TagSet/></Tagging>"
            await client.send(signed_request("PUT", "/bucket/k?tagging", headers, document))
            status, _, body = await client.answer()
            assert status == 400
            assert b"BadDigest" in body
        assert await in_thread(tags_of, port) == {"a": "1"}


async def test_a_download_under_way_goes_on(tmp_path):
    """Who began to read an object gets all of it, although its tags change meanwhile, once and again."""
    content = content_of(24 * MIB)

    def alter(s3: Any) -> None:
        for number in range(3):
            s3.put_object_tagging(**WHERE, Tagging=tag_set(number=str(number)))

    async with whole_node(tmp_path) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await in_thread(lambda s3: s3.put_object(**WHERE, Body=content), port)
        async with raw_client(port) as client:
            for _ in range(2):
                await client.send(signed_request("GET", "/bucket/k"))
                await client.head()
                await in_thread(alter, port)
                assert await client.body(len(content)) == content


async def test_bucket_tags(tmp_path):
    """Put, told and removed as a whole; limits and the reserved prefix; a bucket without says NoSuchTagSet,
    and one that is made anew has none.
    """
    fifty = {f"k{number}": "v" for number in range(50)}

    def work(s3: Any) -> None:
        where = {"Bucket": "bucket"}
        assert error_of(s3.put_bucket_tagging, **where, Tagging=tag_set(a="1")) == ("NoSuchBucket", 404)
        s3.create_bucket(**where)
        created = s3.list_buckets()["Buckets"]
        assert error_of(s3.get_bucket_tagging, **where) == ("NoSuchTagSet", 404)
        for tags in ({"a": "1", "b": ""}, fifty):
            s3.put_bucket_tagging(**where, Tagging=tag_set(**tags))
            assert s3.get_bucket_tagging(**where)["TagSet"] == tag_set(**tags)["TagSet"]
        more = tag_set(**fifty, k50="v")
        assert error_of(s3.put_bucket_tagging, **where, Tagging=more) == ("BadRequest", 400)
        reserved = tag_set(**{"aws:a": "1"})
        assert error_of(s3.put_bucket_tagging, **where, Tagging=reserved) == ("InvalidTag", 400)
        assert len(s3.get_bucket_tagging(**where)["TagSet"]) == 50
        assert s3.list_buckets()["Buckets"] == created
        s3.put_object(**WHERE)
        assert error_of(s3.delete_bucket, **where) == ("BucketNotEmpty", 409)
        assert len(s3.get_bucket_tagging(**where)["TagSet"]) == 50
        s3.delete_bucket_tagging(**where)
        assert error_of(s3.get_bucket_tagging, **where) == ("NoSuchTagSet", 404)
        s3.put_bucket_tagging(**where, Tagging=tag_set(a="1"))
        s3.delete_object(**WHERE)
        s3.delete_bucket(**where)
        assert error_of(s3.get_bucket_tagging, **where) == ("NoSuchBucket", 404)
        s3.create_bucket(**where)
        assert error_of(s3.get_bucket_tagging, **where) == ("NoSuchTagSet", 404)

    async with whole_node(tmp_path, sets=2, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_bucket_tags_through_two_acceptors(tmp_path):
    """Changes at once through both all succeed, the last one stands whole, and both tell it at once."""
    net = MemoryNet()
    plan = plan_of(1, drives_per_set=1, parity=0, acceptors=2, folder=tmp_path)
    async with (
        storing(net, plan),
        accepting(net, plan) as one,
        accepting(net, plan, name="acceptor-1") as two,
    ):
        clients = [s3_client(port) for port in (one, two)]

        def change(number: int) -> None:
            tags = tag_set(**{f"{number}-{at}": str(number) for at in range(5)})
            clients[number % 2].put_bucket_tagging(Bucket="bucket", Tagging=tags)

        def work() -> None:
            clients[0].create_bucket(Bucket="bucket")
            with ThreadPoolExecutor(6) as threads:
                list(threads.map(change, range(12)))
            found = [client.get_bucket_tagging(Bucket="bucket")["TagSet"] for client in clients]
            assert found[0] == found[1]
            assert len({tag["Value"] for tag in found[0]}) == 1
            assert len(found[0]) == 5
            assert [bucket["Name"] for bucket in clients[1].list_buckets()["Buckets"]] == ["bucket"]

        await trio.to_thread.run_sync(work)
        for client in clients:
            client.close()


async def test_a_deletion_that_is_given_up_leaves_the_tags(tmp_path):
    """While a bucket is being deleted its tags do not change; when a write keeps it there, they are as they
    were, and can be changed again.
    """
    tags = tag_set(a="1")
    net, plan = MemoryNet(), plan_of(1, drives_per_set=1, parity=0, folder=tmp_path)
    own = net.open_bus("own", ["set-0"])

    def refused(s3: Any) -> tuple[str, int]:
        return error_of(s3.put_bucket_tagging, Bucket="bucket", Tagging=tag_set(b="2"))

    def told(s3: Any) -> list[dict[str, str]]:
        return s3.get_bucket_tagging(Bucket="bucket")["TagSet"]

    async with (
        storing(net, plan),
        trio.open_nursery() as nursery,
        accepting(net, plan) as port,
        raw_client(port) as client,
    ):
        await nursery.start(own.run)
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await in_thread(lambda s3: s3.put_bucket_tagging(Bucket="bucket", Tagging=tags), port)
        await begin_put(client, "k")
        nursery.start_soon(in_thread, lambda s3: error_of(s3.delete_bucket, Bucket="bucket"), port)
        with trio.fail_after(20):
            while not await marked(own):  # noqa: ASYNC110 - nobody is told of a mark
                await trio.sleep(0.005)
        assert await in_thread(refused, port) == ("OperationAborted", 409)
        assert await in_thread(told, port) == tags["TagSet"]
        await client.send(BODY)
        assert (await client.answer())[0] == 200
        with trio.fail_after(20):
            while await marked(own):  # noqa: ASYNC110 - nor of its end
                await trio.sleep(0.005)
        assert await in_thread(told, port) == tags["TagSet"]
        await in_thread(lambda s3: s3.put_bucket_tagging(Bucket="bucket", Tagging=tag_set(b="2")), port)
        assert await in_thread(told, port) == tag_set(b="2")["TagSet"]
        nursery.cancel_scope.cancel()
