"""When the storm is over: what must be there is there, what must not stay is gone.

In this order: every key is read and listed; every upload is found as it was left, and ended; the node is
stopped and started with short graces, and read again; the sweep is waited for; then every key is deleted, and
with the last sweep the drives are as good as empty.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from rustfs_proto.erasure.geometry import default_parity, write_quorum
from rustfs_proto.wire.drive_ops import Space
from tests.kit.node import RunningNode
from tests.node.storm.drives import Drive
from tests.node.storm.model import ABSENT
from tests.node.storm.uploads import Upload
from tests.node.storm.writer import BUCKET, Writer, Wrong

SWEEP_S = 60.0
"""Within this time everything that may go has gone; the graces are fractions of a second."""

SHORT_GRACES = {
    "RUSTFS_DRIVE_SWEEP_GRACE_S": "0.2",
    "RUSTFS_DRIVE_ORPHAN_GRACE_S": "0.5",
    "RUSTFS_DRIVE_TICK_S": "0.1",
}


@attrs.define
class Findings:
    """What was checked. What some drive missed while it was dead waits for a healer: `differing_keys` are
    not on all drives in the same version, of `lagging_uploads` some drive has not seen the end.
    """

    keys: int = 0
    present: int = 0
    in_doubt: int = 0
    uploads: int = 0
    lagging_uploads: int = 0
    differing_keys: int = 0


def check_everything(node: RunningNode, writers: Sequence[Writer]) -> Findings:
    """All of it; raises `Wrong`, with what is not as it must be."""
    findings = Findings()
    for writer in writers:
        findings.keys += len(writer.keys)
        findings.in_doubt += sum(bool(key.tried) for key in writer.keys)
        findings.uploads += len(writer.uploads.open) + len(writer.uploads.over)
    check_keys(writers)
    check_uploads(writers)
    end_uploads(writers)
    findings.present = check_keys(writers)
    node.environment |= SHORT_GRACES
    node.restart()
    node.wait_all_ready()
    for writer in writers:
        writer.client.close()
    check_keys(writers)
    drives = [Drive(path) for path in node.drive_paths]
    wait_until(lambda: [name for drive in drives for name in sorted(drive.orphans())], "no row names")
    for drive in drives:
        if drive.strangers() or drive.missing():
            raise Wrong(f"{drive.path}: {drive.strangers()} should not be there, {drive.missing()} should")
    wait_until(lambda: kept_versions(drives), "was replaced")
    findings.differing_keys = differing_keys(drives)
    delete_everything(writers)
    findings.lagging_uploads = check_emptied(drives, writers)
    return findings


def check_keys(writers: Sequence[Writer]) -> int:
    """Every key is in a state that it may be in, stays in it, and is listed so; how many there are."""
    present = 0
    for writer in writers:
        for key in writer.keys:
            state = writer.check(key)
            # The load is over and its set worker dead or idle: what was read now is what it came to.
            key.acknowledged, key.tried = state, []
            present += state is not ABSENT
        writer.check_listing(writer.listing())
    return present


def listed_uploads(writer: Writer) -> set[tuple[str, str]]:
    """Key and id of every upload below the writer's prefix."""
    answer = writer.client.request("GET", query=f"uploads=&prefix={writer.prefix.replace('/', '%2F')}")
    if answer.texts("IsTruncated") == ["true"]:
        raise Wrong("a thousand uploads are open")
    return set(zip(answer.texts("Key"), answer.texts("UploadId"), strict=True))


def check_uploads(writers: Sequence[Writer]) -> None:
    """Every upload that nobody tried to end is there with its parts. None is there that was given up; one
    that was completed may be, where a process died between its object and its end.
    """
    for writer in writers:
        listed = listed_uploads(writer)
        for upload in writer.uploads.open:
            if not upload.ending:
                check_parts(writer, upload, listed)
        known = {(upload.key.name, upload.upload_id) for upload in writer.uploads.open}
        known |= {
            (upload.key.name, upload.upload_id)
            for upload in writer.uploads.over
            if upload.ending == "complete"
        }
        strange = {(key, upload_id) for key, upload_id in listed - known if key not in writer.uploads.lost}
        if strange:
            raise Wrong(f"these uploads are over, or were never begun: {strange}")


def check_parts(writer: Writer, upload: Upload, listed: set[tuple[str, str]]) -> None:
    """An open upload has every part that was acknowledged."""
    if (upload.key.name, upload.upload_id) not in listed:
        raise Wrong(f"an open upload is not listed: {upload}")
    answer = writer.client.request("GET", upload.key.name, f"uploadId={upload.upload_id}")
    found = dict(zip(map(int, answer.texts("PartNumber")), answer.texts("ETag"), strict=True))
    for number, part in upload.parts.items():
        if found.get(number) != part.etag:
            raise Wrong(f"part {number} is {found.get(number)}, expected {part} of {upload}")


def end_uploads(writers: Sequence[Writer]) -> None:
    """Each is completed or given up, those in doubt as they were meant to; then there are none."""
    for writer in writers:
        for upload in list(writer.uploads.open):
            ending = upload.ending or ("complete" if upload.parts else "abort")
            writer.uploads.end(upload, ending)
        for key, upload_id in listed_uploads(writer):
            # One whose beginning had no answer, or whose object is there and which could not be tidied up.
            writer.client.request("DELETE", key, f"uploadId={upload_id}")
        left = listed_uploads(writer)
        if left:
            raise Wrong(f"these uploads have no end: {left}")


def quorum_of(drives: Sequence[Drive]) -> int:
    """How many of them acknowledge a write."""
    parity = default_parity(len(drives))
    return write_quorum(len(drives) - parity, parity)


def kept_versions(drives: Sequence[Drive]) -> list[str]:
    """Versions that a drive keeps although it and a write quorum have a newer one."""
    held = [drive.versions(BUCKET) for drive in drives]
    return [
        f"{drive.path.name} {key}"
        for drive, versions in zip(drives, held, strict=True)
        for key, stamps in versions.items()
        if len(stamps) > 1 and sum(stamps[-1] in other.get(key, []) for other in held) >= quorum_of(drives)
    ]


def differing_keys(drives: Sequence[Drive]) -> int:
    """How many keys not all drives have in the same newest version: those want healing."""
    held = [drive.versions(BUCKET) for drive in drives]
    keys = {key for versions in held for key in versions}
    return sum(len({versions.get(key, [0])[-1] for versions in held}) > 1 for key in keys)


def delete_everything(writers: Sequence[Writer]) -> None:
    """Every key is written once more and deleted, while every drive is there to see it."""
    for writer in writers:
        for key in writer.keys:
            writer.put(key, 1)
            writer.client.request("DELETE", key.name)
            key.acknowledge(ABSENT)
        if writer.listing():
            raise Wrong("something is listed after everything was deleted")
    writers[0].client.request("GET", query="list-type=2")


def check_emptied(drives: Sequence[Drive], writers: Sequence[Writer]) -> int:
    """No shard file is left but of parts whose upload's end a drive missed; how many such uploads there are.

    As many drives may have missed it as may miss a write; of a completion, all but those that are needed to
    know of it: the drives that lack the object are left with the parts. An upload that was never acknowledged
    may stand on one drive fewer than would acknowledge it, where nobody ever finds it to end it.
    """

    def left() -> list[str]:
        return [
            f"{drive.path.name} {row.bucket} {row.key}"
            for drive in drives
            for row in drive.values(Space.OBJECT)
            if row.bucket == BUCKET and not row.key.startswith("probe/")
        ] + [f"{drive.path.name} {name}" for drive in drives for name in drive.orphans()]

    wait_until(left, "was deleted")
    ended = {upload.upload_id: upload.ending for writer in writers for upload in writer.uploads.over}
    lagging: Counter[str] = Counter()
    for drive in drives:
        lagging.update(upload_id.hex() for upload_id in drive.open_uploads())
    for upload_id, count in lagging.items():
        missed_at_most = len(drives) - quorum_of(drives)
        if count > (missed_at_most if ended.get(upload_id) == "abort" else quorum_of(drives) - 1):
            raise Wrong(f"upload {upload_id} is over, and still on {count} drives")
    return len(lagging)


def wait_until(left: Callable[[], list[str]], what: str) -> None:
    """Until nothing is left of it."""
    deadline_s, pause = time.monotonic() + SWEEP_S, threading.Event()
    while found := left():
        if time.monotonic() > deadline_s:
            raise Wrong(f"what {what} stays behind, {len(found)} times: {found[:5]}")
        pause.wait(0.1)


def unexplained(log: str) -> list[str]:
    """Lines of the node's log that tell of an error. A killed process is a warning of the supervisor's."""
    found = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if entry.get("level") in {"error", "critical"} or "Traceback" in line:
            found.append(line)
    return found
