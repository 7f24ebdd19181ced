"""Object Lock through a whole node: the table of what it forbids, with the wall clock right and wrong."""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import trio
from botocore.exceptions import ClientError

from rustfs_node.bus import MemoryNet
from tests.unit.acceptor.node_kit import (
    SetClock,
    accepting,
    error_of,
    in_thread,
    plan_of,
    raw_client,
    storing,
    whole_node,
)
from tests.unit.acceptor.test_s3_force_delete import forced
from tests.unit.acceptor.test_without_effect import BODY, begin_put

YEARS_10_MS = 3652 * 86_400_000
HOUR_S = 3600
LOCKED = ("AccessDenied", 403)
BUCKET = {"Bucket": "bucket"}

MODES = (None, "GOVERNANCE", "COMPLIANCE")
HOLDS = (None, "OFF", "ON")
BYPASSES = (False, True)


def moment(clock: SetClock, seconds: float) -> datetime:
    """So many seconds after what the lock clock shows."""
    return datetime.now(UTC) + timedelta(seconds=clock.passed_s + seconds)


def retention(mode: str | None, until: datetime) -> dict[str, Any]:
    return {"Retention": {} if mode is None else {"Mode": mode, "RetainUntilDate": until}}


def delete_version(s3: Any, key: str, version: str, bypass: bool, **_: Any) -> None:
    s3.delete_object(**BUCKET, Key=key, VersionId=version, BypassGovernanceRetention=bypass)


def delete_versions(s3: Any, key: str, version: str, bypass: bool, **_: Any) -> None:
    wanted = {"Objects": [{"Key": key, "VersionId": version}]}
    answer = s3.delete_objects(**BUCKET, Delete=wanted, BypassGovernanceRetention=bypass)
    for error in answer.get("Errors", ()):
        meta = {"HTTPStatusCode": 403 if error["Code"] == "AccessDenied" else 500}
        raise ClientError({"Error": error, "ResponseMetadata": meta}, "DeleteObjects")


def change_retention(
    s3: Any, key: str, version: str, bypass: bool, mode: str | None, until: datetime, **_: Any
) -> None:
    asked = retention(mode, until)
    where = {"Key": key, "VersionId": version}
    s3.put_object_retention(**BUCKET, **where, **asked, BypassGovernanceRetention=bypass)


def hold(s3: Any, key: str, version: str, status: str, **_: Any) -> None:
    s3.put_object_legal_hold(**BUCKET, Key=key, VersionId=version, LegalHold={"Status": status})


def tag(s3: Any, key: str, version: str, **_: Any) -> None:
    s3.put_object_tagging(**BUCKET, Key=key, VersionId=version, Tagging={"TagSet": []})


def write_again(s3: Any, key: str, **_: Any) -> None:
    s3.put_object(**BUCKET, Key=key, Body=b"another")


def copy_onto_itself(s3: Any, key: str, version: str, **_: Any) -> None:
    source = {**BUCKET, "Key": key, "VersionId": version}
    s3.copy_object(**BUCKET, Key=key, CopySource=source, MetadataDirective="REPLACE")


def delete_key(s3: Any, key: str, bypass: bool, **_: Any) -> None:
    s3.delete_object(**BUCKET, Key=key, BypassGovernanceRetention=bypass)


def other(mode: str | None) -> str:
    return "COMPLIANCE" if mode == "GOVERNANCE" else "GOVERNANCE"


# What an operation needs of a version whose time has not come, by mode: anybody, the bypass, or nobody may.
# When it has come, and where there is no retention, anybody may. A legal hold forbids removal besides.
OPERATIONS: dict[str, tuple[Callable[..., None], str, str]] = {
    "delete the version": (delete_version, "bypass", "never"),
    "delete it among others": (delete_versions, "bypass", "never"),
    "retain it for less": (change_retention, "bypass", "never"),
    "retain it for longer": (change_retention, "any", "any"),
    "take its retention off": (change_retention, "bypass", "never"),
    "give it the other mode": (change_retention, "bypass", "never"),
    "put a hold on": (partial(hold, status="ON"), "any", "any"),
    "take the hold off": (partial(hold, status="OFF"), "any", "any"),
    "tag it": (tag, "any", "any"),
    "write the key again": (write_again, "any", "any"),
    "copy it onto itself": (copy_onto_itself, "any", "any"),
    "delete the key": (delete_key, "any", "any"),
}
REMOVALS = ("delete the version", "delete it among others")
CHANGES = {
    "retain it for less": (False, 600),
    "retain it for longer": (False, 2 * HOUR_S),
    "give it the other mode": (True, 2 * HOUR_S),
}


def is_allowed(name: str, mode: str | None, status: str | None, is_over: bool, bypass: bool) -> bool:
    if name in REMOVALS and status == "ON":
        return False
    if mode is None or is_over:
        return True
    needs = OPERATIONS[name][1 + (mode == "COMPLIANCE")]
    return needs == "any" or (needs == "bypass" and bypass)


Case = tuple[str, str | None, str | None, bool]
CASES: list[Case] = list(itertools.product(OPERATIONS, MODES, HOLDS, BYPASSES))


def key_of(case: Case, is_over: bool) -> str:
    return f"{CASES.index(case)}-{is_over}"


def put_all(s3: Any, clock: SetClock, is_over: bool) -> dict[Case, str]:
    """A version for each case, retained for an hour."""
    versions: dict[Case, str] = {}
    until = moment(clock, HOUR_S)
    for case in CASES:
        _, mode, status, _ = case
        lock: dict[str, Any] = {}
        if mode is not None:
            lock |= {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until}
        if status is not None:
            lock["ObjectLockLegalHoldStatus"] = status
        answer = s3.put_object(**BUCKET, Key=key_of(case, is_over), Body=b"body", **lock)
        versions[case] = answer["VersionId"]
    return versions


def try_all(s3: Any, clock: SetClock, versions: dict[Case, str], is_over: bool) -> None:
    for case in CASES:
        name, mode, status, bypass = case
        key, version = key_of(case, is_over), versions[case]
        is_other, seconds = CHANGES.get(name, (False, 0))
        arguments: dict[str, Any] = {"key": key, "version": version, "bypass": bypass}
        if OPERATIONS[name][0] is change_retention:
            new_mode = other(mode) if is_other else (mode or "GOVERNANCE") if seconds else None
            arguments |= {"mode": new_mode, "until": moment(clock, seconds)}
        work = partial(OPERATIONS[name][0], s3)
        if is_allowed(name, mode, status, is_over, bypass):
            work(**arguments)
        else:
            assert error_of(work, **arguments) == LOCKED, (case, is_over)
        is_gone = name in REMOVALS and is_allowed(name, mode, status, is_over, bypass)
        if is_gone:
            missing = error_of(s3.get_object, **BUCKET, Key=key, VersionId=version)
            assert missing == ("NoSuchVersion", 404), (case, is_over)
        else:
            found = s3.get_object(**BUCKET, Key=key, VersionId=version)
            assert found["Body"].read() == b"body", (case, is_over)
            if name not in CHANGES and name != "take its retention off":
                assert found.get("ObjectLockMode") == mode, (case, is_over)


@pytest.mark.parametrize(
    "off_ms",
    [
        pytest.param(0, id="right"),
        pytest.param(YEARS_10_MS, id="ahead"),
        pytest.param(-YEARS_10_MS, id="behind", marks=pytest.mark.long),
    ],
)
async def test_the_table(tmp_path, off_ms: int) -> None:
    """Each operation on a version of each mode and hold, with and without the bypass, before and after its
    time: what is forbidden is 403 and leaves the version as it was. A wall clock that is moved by ten years,
    when all versions are there, makes no difference.
    """
    clock = SetClock()

    def before(s3: Any) -> dict[Case, str]:
        s3.create_bucket(**BUCKET, ObjectLockEnabledForBucket=True)
        versions, later = (put_all(s3, clock, is_over) for is_over in (False, True))
        clock.wall_off_ms = off_ms
        try_all(s3, clock, versions, is_over=False)
        return later

    def after(s3: Any, later: dict[Case, str]) -> None:
        try_all(s3, clock, later, is_over=True)

    async with whole_node(tmp_path, drives_per_set=1, parity=0, clock=clock) as port:
        later = await in_thread(before, port)
        clock.passed_s += 1.1 * HOUR_S
        await in_thread(lambda s3: after(s3, later), port)


async def test_objects_of_every_way_are_locked(tmp_path) -> None:
    """By headers and by the bucket's default: objects put, copied and uploaded in parts, small and large,
    told by HEAD and GET and by the operations for it.
    """
    clock = SetClock()

    def ways(s3: Any, **lock: Any) -> dict[str, str]:
        versions: dict[str, str] = {}
        for key, size in (("empty", 0), ("small", 5), ("large", 3 << 20)):
            versions[key] = s3.put_object(**BUCKET, Key=key, Body=b"x" * size, **lock)["VersionId"]
        source = {**BUCKET, "Key": "large"}
        versions["copy"] = s3.copy_object(**BUCKET, Key="copy", CopySource=source, **lock)["VersionId"]
        upload = s3.create_multipart_upload(**BUCKET, Key="parts", **lock)["UploadId"]
        part = s3.upload_part(**BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
        done = s3.complete_multipart_upload(
            **BUCKET,
            Key="parts",
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
        return versions | {"parts": done["VersionId"]}

    def work(s3: Any) -> None:
        s3.create_bucket(**BUCKET, ObjectLockEnabledForBucket=True)
        until = moment(clock, HOUR_S).replace(microsecond=0)
        asked = {
            "ObjectLockMode": "COMPLIANCE",
            "ObjectLockRetainUntilDate": until,
            "ObjectLockLegalHoldStatus": "ON",
        }
        for key, version in ways(s3, **asked).items():
            where = {**BUCKET, "Key": key, "VersionId": version}
            for told in (s3.head_object(**where), s3.get_object(**where)):
                assert {name: told[name] for name in asked} == asked
            assert s3.get_object_retention(**where)["Retention"] == {
                "Mode": "COMPLIANCE",
                "RetainUntilDate": until,
            }
            assert s3.get_object_legal_hold(**where)["LegalHold"] == {"Status": "ON"}
            assert error_of(s3.delete_object, **where) == LOCKED
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}
        s3.put_object_lock_configuration(
            **BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
        # A retention of its own goes before the bucket's; a hold alone comes beside it.
        own = s3.put_object(**BUCKET, Key="own", Body=b"", **asked)["VersionId"]
        assert s3.head_object(**BUCKET, Key="own", VersionId=own)["ObjectLockRetainUntilDate"] == until
        for key, version in ways(s3, ObjectLockLegalHoldStatus="OFF").items():
            where = {**BUCKET, "Key": key, "VersionId": version}
            told = s3.head_object(**where)
            assert told["ObjectLockMode"] == "GOVERNANCE"
            wanted = moment(clock, 2 * 86_400)
            assert abs((told["ObjectLockRetainUntilDate"] - wanted).total_seconds()) < 60
            assert told["ObjectLockLegalHoldStatus"] == "OFF"
            assert error_of(s3.delete_object, **where) == LOCKED
            s3.delete_object(**where, BypassGovernanceRetention=True)

    async with whole_node(tmp_path, clock=clock) as port:
        await in_thread(work, port)


async def test_a_default_is_not_shortened_by_a_clock_set_back(tmp_path) -> None:
    """With the wall ten years behind, a retention of one day lasts a day of the lock clock."""
    clock = SetClock()

    def work(s3: Any) -> None:
        s3.create_bucket(**BUCKET, ObjectLockEnabledForBucket=True)
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
        s3.put_object_lock_configuration(
            **BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
        s3.put_object(**BUCKET, Key="first", Body=b"")
        clock.wall_off_ms = -YEARS_10_MS
        version = s3.put_object(**BUCKET, Key="k", Body=b"")["VersionId"]
        told = s3.head_object(**BUCKET, Key="k")["ObjectLockRetainUntilDate"]
        assert abs((told - moment(clock, 86_400)).total_seconds()) < 60
        assert error_of(s3.delete_object, **BUCKET, Key="k", VersionId=version) == LOCKED

    async with whole_node(tmp_path, clock=clock) as port:
        await in_thread(work, port)


async def test_a_bucket_gets_object_lock(tmp_path) -> None:
    """A bucket with versioning gets it, for ever; its null version from before is locked like any other."""
    net, plan = MemoryNet(), plan_of(1, folder=tmp_path)

    def work(s3: Any) -> None:
        s3.create_bucket(**BUCKET)
        s3.put_object(**BUCKET, Key="k", Body=b"null")
        enabled = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
        assert error_of(s3.put_object_lock_configuration, **BUCKET, **enabled) == ("InvalidBucketState", 409)
        s3.put_bucket_versioning(**BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object_lock_configuration(**BUCKET, **enabled)
        until = datetime.now(UTC) + timedelta(hours=1)
        where = {**BUCKET, "Key": "k", "VersionId": "null"}
        s3.put_object_retention(**where, **retention("COMPLIANCE", until))
        s3.put_object(**BUCKET, Key="k", Body=b"new")
        s3.delete_object(**BUCKET, Key="k")
        assert error_of(s3.delete_object, **where) == LOCKED
        assert s3.get_object(**where)["Body"].read() == b"null"
        for status in ("Suspended", "Enabled"):
            change = partial(s3.put_bucket_versioning, **BUCKET, VersioningConfiguration={"Status": status})
            if status == "Enabled":
                change()
            else:
                assert error_of(change) == ("InvalidBucketState", 409)
        assert s3.get_bucket_versioning(**BUCKET)["Status"] == "Enabled"
        assert error_of(s3.delete_bucket, **BUCKET) == ("BucketNotEmpty", 409)

    async with storing(net, plan), accepting(net, plan) as port:
        await in_thread(work, port)


async def test_object_lock_comes_after_what_was_begun(tmp_path) -> None:
    """A PUT that was begun when the bucket had no versions is waited for, one that begins later is not."""
    enabled = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    done = trio.Event()

    def prepare(s3: Any) -> None:
        s3.put_bucket_versioning(**BUCKET, VersioningConfiguration={"Status": "Enabled"})

    async def lock(port: int) -> None:
        await in_thread(lambda s3: s3.put_object_lock_configuration(**BUCKET, **enabled), port)
        done.set()

    async with (
        whole_node(tmp_path, drives_per_set=1, parity=0) as port,
        trio.open_nursery() as nursery,
        raw_client(port) as early,
        raw_client(port) as late,
    ):
        await in_thread(lambda s3: s3.create_bucket(**BUCKET), port)
        await begin_put(early, "k")
        await in_thread(prepare, port)
        nursery.start_soon(lock, port)
        await trio.sleep(0.5)
        assert not done.is_set()
        await begin_put(late, "k")
        await early.send(BODY)
        assert (await early.answer())[0] == 200
        with trio.fail_after(20):
            await done.wait()


async def test_force_stops_at_what_is_locked(tmp_path) -> None:
    """Deleting a bucket or a folder with all that is in it removes no locked version, and says so."""

    def work(s3: Any) -> None:
        s3.create_bucket(**BUCKET, ObjectLockEnabledForBucket=True)
        until = datetime.now(UTC) + timedelta(hours=1)
        for key, mode in (("a/1", "GOVERNANCE"), ("a/2", None), ("a/3", "COMPLIANCE")):
            s3.put_object(**BUCKET, Key=key, Body=b"")
            if mode is not None:
                s3.put_object_retention(**BUCKET, Key=key, **retention(mode, until))
        with forced(s3):
            assert error_of(s3.delete_object, **BUCKET, Key="a", BypassGovernanceRetention=True) == LOCKED
            assert error_of(s3.delete_bucket, **BUCKET) == LOCKED
        assert {one["Key"] for one in s3.list_objects_v2(**BUCKET)["Contents"]} >= {"a/1", "a/3"}
        s3.put_object(**BUCKET, Key="goes on", Body=b"")

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)


async def test_extracted_objects_are_locked(tmp_path) -> None:
    """Those of an archive by the headers of the request or by the bucket's default, each by itself."""

    def work(s3: Any) -> None:
        s3.create_bucket(**BUCKET, ObjectLockEnabledForBucket=True)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, size in (("small", 5), ("large", 3 << 20)):
                entry = tarfile.TarInfo(name)
                entry.size = size
                tar.addfile(entry, io.BytesIO(b"x" * size))
        extract = {"Body": archive.getvalue(), "Metadata": {"snowball-auto-extract": "true"}}
        s3.put_object(**BUCKET, Key="first.tar", ObjectLockLegalHoldStatus="ON", **extract)
        for key in ("small", "large"):
            assert s3.head_object(**BUCKET, Key=key)["ObjectLockLegalHoldStatus"] == "ON"
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
        s3.put_object_lock_configuration(
            **BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
        s3.put_object(**BUCKET, Key="second.tar", **extract)
        for key in ("small", "large"):
            told = s3.head_object(**BUCKET, Key=key)
            assert told["ObjectLockMode"] == "COMPLIANCE"
            gone = error_of(s3.delete_object, **BUCKET, Key=key, VersionId=told["VersionId"])
            assert gone == LOCKED

    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        await in_thread(work, port)
