"""Members of zip archives by x-minio-extract: read, read in ranges, listed, and refused."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
import trio

from tests.unit.acceptor.node_kit import SETTINGS, in_thread, raw_client, signed_request, whole_node

MIB = 1 << 20
NOISE = hashlib.shake_128(b"noise").digest(2 * MIB + 77)
WORDS = b"".join(b"%d words " % number for number in range(300_000))
MEMBERS = {
    "readme.txt": b"read me",
    "empty": b"",
    "folder/noise.bin": NOISE,
    "folder/words.json": WORDS,
    "folder/deep/é.png": b"png",
}
HERE = {"x-minio-extract": "true"}


def zip_of(
    members: Mapping[str, bytes] = MEMBERS, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        archive.mkdir("folder")
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = comment
    return raw.getvalue()


class Client:
    """Requests about `archive.zip` in a bucket of a node."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def put(self, content: bytes, key: str = "in/archive.zip") -> None:
        await in_thread(lambda s3: s3.put_object(Bucket="bucket", Key=key, Body=content), self._port)

    async def do(self, work: Any) -> Any:
        """What boto3 finds."""
        return await in_thread(work, self._port)

    async def ask(
        self, target: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with raw_client(self._port) as client:
            await client.send(signed_request(method, f"/bucket{target}", HERE | named))
            return await client.answer(has_body=method != "HEAD")

    async def get(self, name: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return await self.ask(f"/in/archive.zip/{name}", **headers)


async def run(folder: Any, work: Any, **settings: Any) -> None:
    changed = attrs.evolve(SETTINGS, **settings)
    async with whole_node(folder, sets=2, drives_per_set=1, parity=0, settings=changed) as port:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await work(Client(port))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
async def test_members_are_read(tmp_path, method):
    """Whole and in ranges; HEAD and GET say the same of size, type, time and ETag. Without the header the key
    is what it says.
    """

    async def work(client: Client) -> None:
        await client.put(zip_of(method=method, comment=b"PK\x05\x06 a comment"))
        for name, content in MEMBERS.items():
            target = name.replace("é", "%C3%A9")
            status, headers, body = await client.get(target)
            assert (status, body == content) == (200, True), name
            _, told, _ = await client.ask(f"/in/archive.zip/{target}", "HEAD")
            for header in ("content-length", "content-type", "etag", "last-modified", "accept-ranges"):
                assert told[header] == headers[header], header
        assert (await client.get("readme.txt"))[1]["content-type"] == "text/plain"
        for first, last in ((0, 0), (5, 9), (MIB - 1, MIB + 5), (2 * MIB, 2 * MIB + 10)):
            for name in ("folder/noise.bin", "folder/words.json"):
                content = MEMBERS[name]
                status, headers, body = await client.get(name, range=f"bytes={first}-{last}")
                assert (status, body) == (206, content[first : last + 1]), (name, first)
                assert headers["content-range"] == f"bytes {first}-{last}/{len(content)}"
        assert (await client.get("folder/noise.bin", range="bytes=-5"))[2] == NOISE[-5:]
        assert (await client.get("readme.txt", range="bytes=99-"))[0] == 416
        etag = (await client.get("readme.txt"))[1]["etag"]
        assert "-" in etag
        assert (await client.get("readme.txt", if_none_match=etag))[0] == 304
        assert (await client.get("readme.txt", if_match='"other"'))[0] == 412
        assert (await client.get("readme.txt", x_minio_extract="false"))[0] == 404
        status, headers, _ = await client.ask("/in/archive.zip/readme.txt?response-content-type=a%2Fb")
        assert headers["content-type"] == "a/b"

    await run(tmp_path, work)


async def test_what_is_not_there(tmp_path):
    """No archive, no member, a folder, and what is no archive: each has its answer."""

    async def work(client: Client) -> None:
        assert (await client.get("k"))[0] == 404
        await client.put(zip_of())
        for name in ("none", "folder", "folder/", "", "readme.txt/"):
            status, _, body = await client.get(name)
            assert (status, b"<Code>NoSuchKey</Code>" in body) == (404, True), name
        assert (await client.ask("/in/archive.zip/none", "HEAD"))[0] == 404
        assert (await client.get("readme.txt?partNumber=1"))[0] == 501
        for content in (b"", b"no zip", NOISE[:MIB], zip_of()[:-3], zip_of() + b"x"):
            await client.put(content)
            status, _, body = await client.get("readme.txt")
            assert (status, b"no zip archive that can be read" in body) == (400, True), body

    await run(tmp_path, work)


def entry_at(archive: bytes, name: bytes) -> int:
    """Where the directory's entry of that name begins."""
    return archive.rindex(name) - 46


def changed(archive: bytes, at: int, form: str, *values: int) -> bytes:
    return archive[:at] + struct.pack(form, *values) + archive[at + struct.calcsize(form) :]


async def test_archives_that_lie(tmp_path):
    """Wrong CRCs, sizes and offsets, unknown methods and encryption are told of, as far as an answer is still
    to be had; a large member that is damaged ends with its connection.
    """
    archive = zip_of({"a": b"content" * 50})
    entry = entry_at(archive, b"a")
    end = archive.rindex(b"PK\x05\x06")
    cases = {
        "encrypted": (changed(archive, entry + 8, "<H", 1), 501),
        "another method": (changed(archive, entry + 10, "<H", 12), 501),
        "another CRC": (changed(archive, entry + 16, "<L", 1), 400),
        "too few bytes": (changed(archive, entry + 24, "<L", 351), 400),
        "too many bytes": (changed(archive, entry + 24, "<L", 349), 400),
        "behind the directory": (changed(archive, entry + 42, "<L", 10_000), 400),
        "no local header": (changed(archive, entry + 42, "<L", 3), 400),
        "stored of two sizes": (changed(archive, entry + 10, "<H", 0), 400),
        "damaged directory": (changed(archive, entry, "<L", 0), 400),
        "zip64 without numbers": (changed(archive, entry + 24, "<L", 0xFFFFFFFF), 400),
        "name beyond the directory": (changed(archive, entry + 28, "<H", 5000), 400),
        "two volumes": (changed(archive, end + 4, "<H", 1), 400),
        "directory before the archive": (changed(archive, end + 16, "<L", 10_000), 400),
    }

    async def work(client: Client) -> None:
        for what, (content, expected) in cases.items():
            await client.put(content)
            status, _, body = await client.get("a")
            assert status == expected, (what, body)
        large = zip_of({"noise": NOISE})
        await client.put(changed(large, entry_at(large, b"noise") + 16, "<L", 1))
        with pytest.raises(EOFError):
            await client.get("noise")
        await client.put(large)
        assert (await client.get("noise"))[2] == NOISE

    await run(tmp_path, work, zip_reads_at_once=1)


async def test_zip64_and_what_stands_before(tmp_path, monkeypatch):
    """Archives in zip64 form are read, and those behind a program that unpacks itself."""

    async def work(client: Client) -> None:
        await client.put(b"#!/bin/sh\n" * 1000 + zip_of())
        assert (await client.get("folder/words.json"))[2] == WORDS
        raw = io.BytesIO()
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in MEMBERS.items():
                with archive.open(name, "w", force_zip64=True) as member:
                    member.write(content)
            # The directory is written when the archive is closed.
            monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1)
        assert b"PK\x06\x06" in raw.getvalue()
        await client.put(raw.getvalue())
        for name in ("readme.txt", "folder/words.json"):
            assert (await client.get(name))[2] == MEMBERS[name]

    await run(tmp_path, work)


async def test_limits(tmp_path):
    """The directory's bytes, its entries and the readers at once are bounded."""

    async def work(client: Client) -> None:
        await client.put(zip_of({f"{number:05}": b"" for number in range(101)}))
        status, _, body = await client.get("00001")
        assert (status, b"102 members, at most 100" in body) == (400, True)
        # The number in the end record is a claim of the archive.
        raw = bytearray(zip_of({f"{number:05}": b"" for number in range(101)}))
        end = raw.rindex(b"PK\x05\x06")
        raw[end + 8 : end + 12] = struct.pack("<2H", 5, 5)
        await client.put(bytes(raw))
        assert b"more members than" in (await client.get("00001"))[2]
        await client.put(zip_of({"x" * 300 + str(number): b"" for number in range(30)}))
        status, _, body = await client.get("x")
        assert (status, b"bytes, at most 10000" in body) == (400, True)

    await run(tmp_path, work, zip_entries_max=100, zip_directory_bytes_max=10_000)


async def test_readers_at_once(tmp_path):
    """A client that does not take its bytes holds a slot; others are told to slow down until it goes."""
    settings = attrs.evolve(SETTINGS, zip_reads_at_once=1)
    huge = zip_of({"zeros": bytes(64 * MIB)})
    async with whole_node(tmp_path, drives_per_set=1, parity=0, settings=settings) as port:
        client = Client(port)
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        await client.put(huge)
        async with raw_client(port) as slow:
            await slow.send(signed_request("GET", "/bucket/in/archive.zip/zeros", HERE))
            assert (await slow.head())[0] == 200
            assert (await client.get("zeros"))[0] == 503
            assert (await client.ask("/in/archive.zip/zeros", "HEAD"))[0] == 503
        with trio.fail_after(10):
            while (await client.ask("/in/archive.zip/zeros", "HEAD"))[0] == 503:
                pass


def listed(body: bytes) -> tuple[list[str], list[str], str | None]:
    """Keys, common prefixes and the next token."""
    from lxml import etree

    space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    root = etree.fromstring(body)
    keys = [row.findtext(space + "Key") for row in root.iter(space + "Contents")]
    prefixes = [row.findtext(space + "Prefix") for row in root.iter(space + "CommonPrefixes")]
    return keys, prefixes, root.findtext(space + "NextContinuationToken")


async def test_archives_are_listed(tmp_path):
    """In order, page by page, with prefixes and delimiters; an archive that is not there has no members."""

    async def work(client: Client) -> None:
        names = sorted([*MEMBERS, *(f"many/{number:03}/x" for number in range(50)), "with space"])
        await client.put(zip_of(dict.fromkeys(reversed(names), b"x")))
        every = [f"in/archive.zip/{name}" for name in names]
        query = "?list-type=2&prefix=in%2Farchive.zip%2F"
        status, _, body = await client.ask(query)
        assert (status, listed(body)) == (200, (every, [], None))
        assert b"<Size>1</Size>" in body and b"-zip" in body
        found: list[str] = []
        token = ""
        while True:
            _, _, body = await client.ask(f"{query}&max-keys=7{token}")
            keys, _, following = listed(body)
            found += keys
            if following is None:
                break
            token = f"&continuation-token={following.replace('=', '%3D')}"
        assert found == every
        top = [key for key in every if key.count("/") == 2]
        folders = ["in/archive.zip/folder/", "in/archive.zip/many/"]
        for page_size in (1, 2, 1000):
            found, prefixes, token = [], [], ""
            while True:
                _, _, body = await client.ask(f"{query}&delimiter=%2F&max-keys={page_size}{token}")
                keys, rolled, following = listed(body)
                found, prefixes = found + keys, prefixes + rolled
                if following is None:
                    break
                token = f"&continuation-token={following.replace('=', '%3D')}"
            assert (found, prefixes) == (top, folders)
        _, _, body = await client.ask(f"{query}many%2F04&start-after=in%2Farchive.zip%2Fmany%2F048")
        assert listed(body)[0] == ["in/archive.zip/many/048/x", "in/archive.zip/many/049/x"]
        assert listed((await client.ask(f"{query}&max-keys=0"))[2]) == ([], [], None)
        assert listed((await client.ask("?list-type=2&prefix=no.zip%2F"))[2]) == ([], [], None)
        assert listed((await client.ask("?list-type=2&prefix=in"))[2])[0] == ["in/archive.zip"]

    await run(tmp_path, work)


async def test_an_archive_of_many_members(tmp_path):
    """A directory of a hundred thousand entries is walked through, beyond a stripe."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        for number in range(40_000):
            made.writestr(f"folder/member-{number:06}", b"%d" % number)

    async def work(client: Client) -> None:
        await client.put(archive.getvalue())
        for number in (0, 20_000, 39_999):
            assert (await client.get(f"folder/member-{number:06}"))[2] == b"%d" % number
        _, _, body = await client.ask("?list-type=2&prefix=in%2Farchive.zip%2Ffolder%2Fmember-0399")
        assert listed(body)[0] == [f"in/archive.zip/folder/member-0399{number:02}" for number in range(100)]

    await run(tmp_path, work)


async def test_versions_of_archives(tmp_path):
    """Members are those of the current archive, or of the version that is named."""

    async def work(client: Client) -> None:
        await client.do(
            lambda s3: s3.put_bucket_versioning(
                Bucket="bucket", VersioningConfiguration={"Status": "Enabled"}
            )
        )
        for content in (b"one", b"two"):
            await client.put(zip_of({"k": content}))
        status, headers, body = await client.get("k")
        assert (status, body) == (200, b"two")
        found = await client.do(lambda s3: s3.list_object_versions(Bucket="bucket")["Versions"])
        names = [row["VersionId"] for row in found]
        assert headers["x-amz-version-id"] == names[0]
        status, headers, body = await client.get(f"k?versionId={names[1]}")
        assert (status, body, headers["x-amz-version-id"]) == (200, b"one", names[1])
        marker = await client.do(lambda s3: s3.delete_object(Bucket="bucket", Key="in/archive.zip"))
        status, headers, _ = await client.get("k")
        assert (status, headers["x-amz-delete-marker"]) == (404, "true")
        assert (await client.get(f"k?versionId={marker['VersionId']}"))[0] == 405
        assert (await client.get(f"k?versionId={names[1]}"))[2] == b"one"
        assert (await client.get(f"k?versionId={'0' * 32}"))[0] == 404

    await run(tmp_path, work)
