"""PutObject of archives to be extracted: what becomes an object, what is refused, and what stays."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from base64 import b64encode
from typing import Any

import attrs
import pytest
from botocore.exceptions import ClientError

from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.s3.decompression import zstd
from tests.unit.acceptor.node_kit import SETTINGS, in_thread, raw_client, signed_request, whole_node

EXTRACT = {"snowball-auto-extract": "true"}
MIB = 1 << 20
CONTENTS = {
    "empty": b"",
    "a/small.txt": b"small",
    "a/b/inline.json": bytes(range(256)) * 700,
    "large.bin": hashlib.shake_128(b"large").digest(2 * MIB + 77),
}


def tar_of(contents: dict[str, bytes] = CONTENTS, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """An archive of these files, last modified one second after another."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=format) as archive:
        for number, (name, content) in enumerate(contents.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_500_000_000 + number
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def tar_of_entry(**fields: Any) -> bytes:
    """An archive of a good file, an entry with these fields, and a good file behind it."""
    raw = io.BytesIO()
    content = fields.pop("content", b"")
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        archive.addfile(tarfile.TarInfo("before"))
        info = tarfile.TarInfo()
        info.size = len(content)
        for name, value in fields.items():
            setattr(info, name, value)
        archive.addfile(info, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo("behind"))
    return raw.getvalue()


def put(s3: Any, body: bytes, options: dict[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
    metadata = EXTRACT | (options or {})
    return s3.put_object(Bucket="bucket", Key="snowball.tar", Body=body, Metadata=metadata, **arguments)


def refusal(s3: Any, body: bytes, options: dict[str, str] | None = None, **arguments: Any) -> tuple[str, str]:
    """Code and message of the refusal."""
    try:
        put(s3, body, options, **arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("no error")


def keys(s3: Any) -> list[str]:
    return [row["Key"] for row in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]


def stored(s3: Any) -> dict[str, bytes]:
    return {key: s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys(s3)}


async def run(folder: Any, work: Any, **settings: Any) -> None:
    """`work(s3)` on a node with a bucket."""

    def with_bucket(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")
        work(s3)

    changed: AcceptorSettings = attrs.evolve(SETTINGS, **settings)
    async with whole_node(folder, sets=2, drives_per_set=1, parity=0, settings=changed) as port:
        await in_thread(with_bucket, port)


COMPRESSED = {
    "plain": lambda raw: raw,
    "gzip": gzip.compress,
    "gzip of members": lambda raw: gzip.compress(raw[:1000]) + gzip.compress(raw[1000:]),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "zstd of frames": lambda raw: zstd.compress(raw[:1000]) + zstd.compress(raw[1000:]),
}


async def test_every_file_becomes_an_object(tmp_path):
    """Whatever the compression and the format of the archive; the answer has the ETag of the archive, which
    is stored nowhere.
    """

    def work(s3: Any) -> None:
        bodies = [tar_of(format=kind) for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)]
        bodies += [compress(tar_of()) for compress in COMPRESSED.values()]
        for body in bodies:
            answer = put(s3, body, ChecksumAlgorithm="CRC32C")
            assert answer["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
            assert "ChecksumCRC32C" in answer
            assert stored(s3) == CONTENTS
            for key in keys(s3):
                s3.delete_object(Bucket="bucket", Key=key)

    await run(tmp_path, work)


async def test_what_is_said_of_the_objects(tmp_path):
    """Times are those in the archive, content types go by the name, storage class and tags are the request's,
    and pax records of MinIO's tools are headers of their object.
    """

    def work(s3: Any) -> None:
        put(s3, tar_of(), Tagging="a=b", StorageClass="STANDARD_IA")
        for number, (key, content) in enumerate(CONTENTS.items()):
            head = s3.head_object(Bucket="bucket", Key=key)
            assert head["LastModified"].timestamp() == 1_500_000_000 + number
            assert head["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
            assert (head["StorageClass"], head["TagCount"], head["Metadata"]) == ("STANDARD_IA", 1, {})
        types = [s3.head_object(Bucket="bucket", Key=key)["ContentType"] for key in CONTENTS]
        assert types == ["binary/octet-stream", "text/plain", "application/json", "binary/octet-stream"]
        # A change of tags leaves it as it is.
        s3.delete_object_tagging(Bucket="bucket", Key="empty")
        (listed,) = s3.list_objects_v2(Bucket="bucket", Prefix="empty")["Contents"]
        assert listed["LastModified"].timestamp() == 1_500_000_000
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("described")
            info.pax_headers = {
                "minio.metadata.X-Amz-Meta-Who": "mé",
                "minio.metadata.Content-Type": "text/x-own",
                "minio.metadata.X-Amz-Tagging": "c=d",
                "other": "record",
            }
            archive.addfile(info)
        put(s3, raw.getvalue())
        head = s3.head_object(Bucket="bucket", Key="described")
        assert head["ContentType"] == "text/x-own"
        assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-meta-who"].encode("latin-1").decode() == "mé"
        assert s3.get_object_tagging(Bucket="bucket", Key="described")["TagSet"] == [
            {"Key": "c", "Value": "d"}
        ]

    await run(tmp_path, work)


async def test_names_and_options(tmp_path):
    """Dots and doubled slashes go, a prefix comes before, directories become objects unless they are to be
    left out; long names and names beyond ASCII come through every format.
    """

    def work(s3: Any) -> None:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for name in ("./", "./folder/"):
                info = tarfile.TarInfo(name)
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            archive.addfile(tarfile.TarInfo("./folder//x"))
        put(s3, raw.getvalue())
        assert keys(s3) == ["folder/", "folder/x"]
        put(s3, raw.getvalue(), {"minio-snowball-prefix": "/in//here", "minio-snowball-ignore-dirs": "true"})
        assert keys(s3) == ["folder/", "folder/x", "in/here/folder/x"]
        long = "ü" * 200 + "/" + "x" * 300
        for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            put(s3, tar_of({long: str(kind).encode()}, kind))
            assert s3.get_object(Bucket="bucket", Key=long)["Body"].read() == str(kind).encode()

    await run(tmp_path, work)


async def test_the_last_of_one_name_stays(tmp_path):
    """Small entries are stored side by side, but two of one name in their order."""

    def work(s3: Any) -> None:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for number in range(60):
                content = b"%d" % number * (1 if number % 7 else 200_000)
                info = tarfile.TarInfo(f"k{number % 3}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        put(s3, raw.getvalue())
        assert stored(s3) == {"k0": b"57", "k1": b"58", "k2": b"59"}

    await run(tmp_path, work)


REFUSED = {
    "leads out": ({"name": "a/../../b"}, "BadRequest", "leads elsewhere"),
    "absolute": ({"name": "/etc/passwd"}, "BadRequest", "absolute"),
    "empty": ({"name": ""}, "BadRequest", "no name"),
    "dots": ({"name": "./."}, "BadRequest", "no name"),
    "too long": ({"name": "x" * 1025}, "KeyTooLongError", "too long"),
    "not UTF-8": ({"name": "\udcff"}, "BadRequest", "not UTF-8"),
    "symbolic link": ({"name": "l", "type": tarfile.SYMTYPE, "linkname": "x"}, "BadRequest", "symbolic link"),
    "hard link": ({"name": "l", "type": tarfile.LNKTYPE, "linkname": "before"}, "BadRequest", "hard link"),
    "device": ({"name": "d", "type": tarfile.CHRTYPE}, "BadRequest", "device"),
    "pipe": ({"name": "p", "type": tarfile.FIFOTYPE}, "BadRequest", "device or pipe"),
    "unknown type": ({"name": "u", "type": b"V", "content": b"12"}, "BadRequest", "unknown type"),
    "directory out": ({"name": "..", "type": tarfile.DIRTYPE}, "BadRequest", "leads elsewhere"),
}


async def test_entries_that_can_be_no_objects(tmp_path):
    """They are refused by name; what came before stays and is counted. With ignore-errors they alone are left
    out.
    """

    def work(s3: Any) -> None:
        for what, (fields, code, text) in REFUSED.items():
            body = tar_of_entry(**fields)
            found, message = refusal(s3, body)
            assert (found, text in message) == (code, True), (what, message)
            assert message.endswith("1 objects of the archive are stored."), message
            assert keys(s3) == ["before"], what
            put(s3, body, {"minio-snowball-ignore-errors": "TRUE"})
            assert keys(s3) == ["before", "behind"], what
            s3.delete_object(Bucket="bucket", Key="behind")

    await run(tmp_path, work)


async def test_archives_that_are_broken(tmp_path):
    """Truncated, damaged or of another kind: an error that says so, with ignore-errors too."""
    whole = tar_of()
    flipped = bytearray(whole)
    flipped[len(whole) - 12_000 : len(whole) - 11_990] = b"0123456789"
    gz, xz = gzip.compress(whole), lzma.compress(whole)
    broken_crc = gz[:-8] + zlib.crc32(b"another").to_bytes(4, "little") + gz[-4:]
    cases = {
        "no archive": (b"no archive at all" * 100, "BadRequest"),
        "short": (b"short", "BadRequest"),
        "cut in a header": (whole[:700], "BadRequest"),
        "cut in an entry": (whole[:-1_000_000], "BadRequest"),
        "cut gzip": (gz[:-1000], "BadRequest"),
        "cut zstd": (zstd.compress(whole)[:-1000], "BadRequest"),
        "cut xz": (xz[:-1000], "BadRequest"),
        "cut bzip2": (bz2.compress(whole)[:-1000], "BadRequest"),
        "lz4": (b"\x04\x22\x4d\x18" + whole, "NotImplemented"),
        "s2": (b"\xff\x06\x00\x00S2sTwO" + whole, "NotImplemented"),
        "zip": (b"PK\x03\x04" + whole, "NotImplemented"),
        "negative size": (tar_with_size(b"\xff" * 12), "BadRequest"),
        "huge size": (tar_with_size(b"\x80" + b"\x7f" * 11), "BadRequest"),
        "huge extension": (tar_with_size(b"77777777777\0", b"x"), "BadRequest"),
        "wide window": (lzma.compress(b"x", preset=9), "BadRequest"),
    }
    assert broken_crc != gz

    def work(s3: Any) -> None:
        for what, (body, code) in cases.items():
            for options in ({}, {"minio-snowball-ignore-errors": "true"}):
                found, message = refusal(s3, body, options)
                assert found == code, (what, message)

    await run(tmp_path, work, extract_window_bytes_max=16 << 20)


def tar_with_size(size: bytes, kind: bytes = b"0") -> bytes:
    """A header with this field as its size."""
    header = bytearray(tarfile.TarInfo("k").tobuf(tarfile.USTAR_FORMAT))
    header[124:136], header[156:157], header[148:156] = size, kind, b" " * 8
    header[148:155] = b"%06o\0" % sum(header)
    return bytes(header) + bytes(1024)


async def test_limits(tmp_path):
    """Entries, their size, all expanded bytes and their ratio to what was sent are bounded, each by its
    setting.
    """
    empty_files = tar_of({f"{number:04}": b"" for number in range(300)})
    bomb = gzip.compress(tar_of({"zeros": bytes(8 * MIB)}))

    def work(s3: Any) -> None:
        code, message = refusal(s3, gzip.compress(empty_files))
        assert (code, "more than 200 entries" in message) == ("EntityTooLarge", True), message
        assert len(keys(s3)) == 200
        assert "has 3145729 bytes" in refusal(s3, tar_of({"k": bytes(3 * MIB + 1)}))[1]
        assert "has 8388608 bytes" in refusal(s3, bomb)[1]
        assert (
            "holds more than 9437184 bytes" in refusal(s3, tar_of({str(n): bytes(MIB) for n in range(9)}))[1]
        )

    def expand(s3: Any) -> None:
        message = refusal(s3, bomb)[1]
        assert "at most 20 for one are allowed" in message and "0 objects" in message
        put(s3, gzip.compress(tar_of({"zeros": bytes(MIB)})))

    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    bounds = {"extract_entries_max": 200, "extract_entry_bytes_max": 3 * MIB, "extract_bytes_max": 9 * MIB}
    await run(tmp_path / "one", work, **bounds)
    await run(tmp_path / "other", expand, extract_ratio_max=20, extract_ratio_free_bytes=2 * MIB)


@pytest.mark.slow
async def test_bombs_meet_the_limits_as_they_are_by_default(tmp_path):
    """Two kilobytes that expand to hundreds of megabytes, as one entry or as a million: both end early."""
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    million = zstd.compress(folder.tobuf() * 10_000) * 100
    zeros = tarfile.TarInfo("zeros")
    zeros.size = 1 << 30
    bomb = zstd.compress(zeros.tobuf()) + zstd.compress(bytes(128 * MIB)) * 8
    assert len(million) < 200_000 and len(bomb) < 200_000

    def work(s3: Any) -> None:
        code, message = refusal(s3, bomb)
        assert (code, "at most 250 for one" in message) == ("EntityTooLarge", True), message
        code, message = refusal(s3, million, {"minio-snowball-ignore-dirs": "true"})
        assert (code, "more than 100000 entries" in message) == ("EntityTooLarge", True), message
        assert keys(s3) == []

    await run(tmp_path, work)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
async def test_a_body_that_is_not_what_was_announced(tmp_path, compress):
    """The digest of the whole archive is settled at its end: the answer is the error, and what was stored
    stays.
    """
    body = compress(tar_of())
    wrong = b64encode(hashlib.md5(b"other").digest()).decode()

    def work(s3: Any) -> None:
        code, message = refusal(s3, body, ContentMD5=wrong)
        assert (code, "4 objects of the archive are stored." in message) == ("BadDigest", True)
        assert stored(s3) == CONTENTS
        assert refusal(s3, body, ChecksumCRC32="AAAAAA==")[0] == "BadDigest"
        assert refusal(s3, body, IfNoneMatch="*")[0] == "NotImplemented"

    await run(tmp_path, work)


async def test_a_client_that_goes_away(tmp_path):
    """What it sent whole is stored, the entry that it left unfinished is not, and the slot is free again."""
    body = tar_of()
    request = signed_request("PUT", "/bucket/s.tar", {"x-amz-meta-snowball-auto-extract": "true"}, body)

    def create(s3: Any) -> None:
        s3.create_bucket(Bucket="bucket")

    def look(s3: Any) -> None:
        assert keys(s3) == ["a/b/inline.json", "a/small.txt", "again", "empty"]

    def slot_is_taken(s3: Any) -> bool:
        try:
            put(s3, tar_of({"again": b"x"}))
        except ClientError as error:
            return error.response["Error"]["Code"] == "SlowDown"
        return False

    settings = attrs.evolve(SETTINGS, extract_at_once=1)
    async with whole_node(tmp_path, drives_per_set=1, parity=0, settings=settings) as port:
        await in_thread(create, port)
        async with raw_client(port) as client:
            await client.send(request[:-1_000_000])
        # Until the node has noticed.
        while await in_thread(slot_is_taken, port):
            pass
        await in_thread(look, port)


async def test_entries_are_versions_where_the_bucket_has_them(tmp_path):
    """An archive sent twice makes two versions of each key, with the times of the archive."""

    def work(s3: Any) -> None:
        s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        for _ in range(2):
            put(s3, tar_of())
        found = s3.list_object_versions(Bucket="bucket")["Versions"]
        assert [row["Key"] for row in found] == [key for key in sorted(CONTENTS) for _ in range(2)]
        assert [row["IsLatest"] for row in found] == [True, False] * len(CONTENTS)
        assert len({row["VersionId"] for row in found}) == len(found)
        assert min(row["LastModified"] for row in found).timestamp() == 1_500_000_000

    await run(tmp_path, work)
