"""ListObjectVersions: order, markers, prefixes and delimiters, from the API reference."""

from __future__ import annotations

import os

import pytest

from tests.clients.versions_kit import enable, in_order, listed, put


@pytest.fixture(scope="module")
def contents(s3, request) -> tuple[str, list[str]]:
    """A bucket with versions, markers and null versions of several keys, and all its (key/id) in order."""
    bucket = f"t-version-listing-{os.getpid()}"
    s3.create_bucket(Bucket=bucket)
    order: dict[str, list[str]] = {}

    def newest(key: str, version_id: str) -> None:
        kept = [one for one in order.get(key, []) if one != version_id or version_id != "null"]
        order[key] = [version_id, *kept]

    keys = ["a", "a/b", "a/c", "b", "b/x/y", "c"]
    for key in keys[::2]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"0")
        newest(key, "null")
    enable(s3, bucket)
    for number in range(2):
        for key in keys:
            newest(key, put(s3, bucket, key, b"%d" % number))
    enable(s3, bucket, "Suspended")
    newest("a/b", put(s3, bucket, "a/b", b"null"))
    newest("b", s3.delete_object(Bucket=bucket, Key="b")["VersionId"])
    enable(s3, bucket)
    for key in ("a", "a/b", "b"):
        newest(key, s3.delete_object(Bucket=bucket, Key=key)["VersionId"])
    newest("b", put(s3, bucket, "b", b"last"))
    return bucket, [f"{key} {version_id}" for key in sorted(order) for version_id in order[key]]


def test_every_page_size_gives_every_version_once(s3, contents):
    """Pages of any size, one after the other, give all versions and markers, each once."""
    bucket, expected = contents
    for size in (1, 2, 3, 5, 1000):
        found = [f"{key} {version_id}" for key, version_id, _, _ in listed(s3, bucket, MaxKeys=size)]
        assert sorted(found) == sorted(expected), size


def test_versions_come_by_key_and_then_from_the_newest_on(raw, s3, contents):
    """Within a key the newest comes first, the null version in its place among them, markers included."""
    bucket, expected = contents
    found: list[str] = []
    markers: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=1, **markers)
        found += [f"{key} {version_id}" for key, version_id, _, _ in in_order(page)]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert found == expected


def test_the_latest_is_the_newest_of_each_key(s3, contents):
    """IsLatest is true for one version of each key: the newest, be it a marker."""
    bucket, expected = contents
    newest: dict[str, str] = {}
    for line in expected:
        newest.setdefault(*line.split(" "))
    for size in (1, 4, 1000):
        latest = {
            key: version_id for key, version_id, is_latest, _ in listed(s3, bucket, MaxKeys=size) if is_latest
        }
        assert latest == newest


@pytest.mark.parametrize("prefix", ["", "a", "a/", "b", "b/x", "zz"])
def test_prefixes_and_delimiters(s3, contents, prefix):
    """With a delimiter versions below a common prefix are shown as that prefix, once."""
    bucket, expected = contents
    groups: set[str] = set()
    alone: list[str] = []
    for line in expected:
        key = line.split(" ")[0]
        if not key.startswith(prefix):
            continue
        at = key.find("/", len(prefix))
        if at < 0:
            alone.append(line)
        else:
            groups.add(key[: at + 1])
    page = s3.list_object_versions(Bucket=bucket, Prefix=prefix, Delimiter="/")
    assert sorted(f"{key} {version_id}" for key, version_id, _, _ in in_order(page)) == sorted(alone)
    assert [one["Prefix"] for one in page.get("CommonPrefixes", ())] == sorted(groups)


def test_a_key_marker_alone_passes_over_the_whole_key(s3, contents):
    """Without a version-id-marker the listing goes on behind all versions of the key."""
    bucket, expected = contents
    page = s3.list_object_versions(Bucket=bucket, KeyMarker="a/c")
    found = sorted(f"{key} {version_id}" for key, version_id, _, _ in in_order(page))
    assert found == sorted(line for line in expected if line > "a/c~")
