"""Headers of tar archives, as tarfile writes them and as nobody should."""

from __future__ import annotations

import io
import tarfile

import pytest

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.tar_headers import (
    BLOCK_BYTES,
    EXTENSION_BYTES_MAX,
    Extension,
    Kind,
    TarEntry,
    TarHeaders,
    padding,
    parse_pax,
)


def entries_of(raw: bytes) -> list[TarEntry]:
    """All entries of an archive, as a reader of blocks finds them."""
    stream, headers, found = io.BytesIO(raw), TarHeaders(), []
    while (header := headers.take(stream.read(BLOCK_BYTES))) is not None:
        content = stream.read(header.size)
        stream.read(padding(header.size))
        if isinstance(header, Extension):
            headers.extend(header, content)
        else:
            found.append(header)
    return found


def archive_of(*infos: tarfile.TarInfo, **arguments: object) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", **arguments) as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return raw.getvalue()


def record_of(key: str, value: str) -> bytes:
    """A record of pax, which begins with its own length."""
    rest = f" {key}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def info_of(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["k", "p/" * 70 + "n" * 90, "é" * 40])
def test_names_of_every_format(kind, name):
    """Short ones, ones that need a prefix and ones beyond ASCII, each with its size."""
    (found, other) = entries_of(archive_of(info_of(name, size=513, mtime=7), info_of("k"), format=kind))
    assert (found.name, found.size, found.modified_ms, found.kind) == (name, 513, 7000, Kind.FILE)
    assert (other.name, other.size) == ("k", 0)


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_for_one_entry(kind):
    """What an extension says holds for the next entry, not for the one behind it."""
    long = "x" * 900
    names = [one.name for one in entries_of(archive_of(info_of(long), info_of("k"), format=kind))]
    assert names == [long, "k"]


def test_global_records_hold_for_all():
    """A global header is overruled by that of an entry."""
    own = info_of("k")
    own.pax_headers = {"mtime": "5"}
    raw = archive_of(
        info_of("a", mtime=1),
        own,
        format=tarfile.PAX_FORMAT,
        pax_headers={"mtime": "3", "minio.metadata.a": "b"},
    )
    first, second = entries_of(raw)
    assert (first.modified_ms, second.modified_ms) == (3000, 5000)
    assert first.records["minio.metadata.a"] == second.records["minio.metadata.a"] == "b"


@pytest.mark.parametrize(
    ("mtime", "modified_ms"),
    [
        ("1.5", 1500),
        ("1234567890.0019", 1_234_567_890_001),
        ("0", 0),
        ("-1", 0),
        ("nan", 0),
        ("1e9", 0),
        ("253402300800", 0),
        ("253402300799.999", 253_402_300_799_999),
        ("9" * 5000, 0),
    ],
)
def test_times(mtime, modified_ms):
    """To the millisecond; what no date can show is not known."""
    info = info_of("k")
    info.pax_headers = {"mtime": mtime}
    (found,) = entries_of(archive_of(info, format=tarfile.PAX_FORMAT))
    assert found.modified_ms == modified_ms


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (tarfile.AREGTYPE, Kind.FILE),
        (tarfile.CONTTYPE, Kind.FILE),
        (tarfile.DIRTYPE, Kind.DIRECTORY),
        (tarfile.SYMTYPE, Kind.SYMBOLIC_LINK),
        (tarfile.LNKTYPE, Kind.HARD_LINK),
        (tarfile.CHRTYPE, Kind.DEVICE),
        (tarfile.BLKTYPE, Kind.DEVICE),
        (tarfile.FIFOTYPE, Kind.DEVICE),
        (tarfile.GNUTYPE_SPARSE, Kind.SPARSE),
        (b"V", Kind.UNKNOWN),
    ],
)
def test_kinds(type_, kind):
    """Each type is what it is, and only what can have content has a size."""
    header = TarHeaders().take(info_of("k", type=type_, size=3).tobuf(tarfile.GNU_FORMAT))
    assert isinstance(header, TarEntry) and header.kind is kind
    has_none = kind in (Kind.DIRECTORY, Kind.DEVICE, Kind.HARD_LINK, Kind.SYMBOLIC_LINK)
    assert header.size == (0 if has_none else 3)


def test_a_file_whose_name_ends_with_a_slash_is_a_directory():
    """As old programs wrote directories."""
    info = info_of("x" * 120 + "/")
    info.type = tarfile.REGTYPE
    (found,) = entries_of(archive_of(info, format=tarfile.GNU_FORMAT))
    assert found.kind is Kind.DIRECTORY


def test_sparse_files_of_pax_are_told():
    """Their content is not what a file has."""
    info = info_of("k")
    info.pax_headers = {"GNU.sparse.major": "1"}
    (found,) = entries_of(archive_of(info, format=tarfile.PAX_FORMAT))
    assert found.kind is Kind.SPARSE


@pytest.mark.parametrize(
    "content",
    [
        b"3 x",
        b"x=y\n",
        b"6 a=b",
        b"7 a=b\n",
        b"5 a=b\n",
        b"6 =b\n\n",
        b"6 abc\n",
        b"0 a=b\n",
        b"-6 a=b\n",
        b"99999999999 a=b\n",
        b"6 a=b\n6 a=b",
    ],
)
def test_pax_records_that_are_none(content):
    """Each is BadRequest."""
    with pytest.raises(S3Error) as caught:
        parse_pax(content)
    assert caught.value.code == "BadRequest"


def test_pax_records():
    """Values may hold anything; what follows the records is padding."""
    assert parse_pax(b"6 a=b\n10 c=d=\ne\n\0\0\0") == {"a": "b", "c": "d=\ne"}
    assert parse_pax(b"6 a=\xff\n") == {"a": "\udcff"}


@pytest.mark.parametrize("size", ["-1", "", "1e3", "9" * 20, "٣"])
def test_sizes_that_are_none(size):
    """A pax record with a size that cannot be one is refused."""
    headers = TarHeaders()
    headers.extend(Extension(b"x", 0), record_of("size", size))
    with pytest.raises(S3Error, match="size of an entry"):
        headers.take(info_of("k").tobuf(tarfile.USTAR_FORMAT))


def test_large_extensions_are_refused():
    """One of its own before it is read, global ones when they add up."""
    with pytest.raises(S3Error, match="extended header"):
        TarHeaders().take(info_of("k", type=b"x", size=EXTENSION_BYTES_MAX + 1).tobuf())
    headers = TarHeaders()
    for number in range(64):
        headers.extend(Extension(b"g", 0), record_of(f"k{number:02}", "x" * 1000))
    with pytest.raises(S3Error, match="global headers"):
        headers.extend(Extension(b"g", 0), record_of("last", "x" * 1500))


def test_a_wrong_checksum():
    """A header that was changed is none."""
    block = bytearray(info_of("k").tobuf(tarfile.USTAR_FORMAT))
    block[0] = ord("x")
    with pytest.raises(S3Error, match="bad checksum"):
        TarHeaders().take(bytes(block))
