"""Which version a request is about, and what answers say of versions.

A request without `versionId` means the current version. Where that is a delete marker the key counts as not
there, and the answer tells of the marker; a marker that is named itself has nothing that could be read.
"""

from __future__ import annotations

from collections.abc import Sequence

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.s3.missing import not_found_means
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.errors import S3Error, invalid_argument
from rustfs_proto.s3.httpdate import format_http_date
from rustfs_proto.versions import Versioning, parse_version_id, version_id_of
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.set_ops import Get, Got

_PARAMETER = "versionId"
_VERSION = "x-amz-version-id"
_MARKER = "x-amz-delete-marker"


def sub_asked(call: Call) -> bytes | None:
    """The sub of the version that the request names, None where it names none; raises InvalidArgument for
    what no version is called.
    """
    text = call.params.get(_PARAMETER)
    return None if text is None else named_sub(text, _PARAMETER)


def named_sub(text: str, argument: str) -> bytes:
    """The sub of the version of that name; raises InvalidArgument."""
    if not text:
        raise invalid_argument("Version id cannot be the empty string", argument, text)
    sub = parse_version_id(text)
    if sub is None:
        raise invalid_argument("Invalid version id specified", argument, text)
    return sub


async def look(call: Call, request: Get) -> tuple[Got, bytes]:
    """The object that `request` asks for, and its first bytes. Raises NoSuchKey, NoSuchVersion,
    MethodNotAllowed for a delete marker that is named, or another `Fault`.
    """
    try:
        got, frames = await call.sets.ask(call.home, request, Got, trace=call.request_id)
    except Fault as fault:
        raise not_there(call, request.sub, fault) from fault
    if got.is_marker:
        raise marker_error(got, is_named=request.sub is not None)
    return got, frames[0] if frames else b""


async def look_at(call: Call) -> Got:
    """The object that the request names, without its bytes; raises as `look` does."""
    request = Get(call.bucket, call.key_bytes, want_data=False, sub=sub_asked(call))
    got, _ = await look(call, request)
    return got


async def look_up(call: Call, names: Sequence[tuple[str, bytes | None]]) -> list[Got | Fault]:
    """Several objects of the bucket by key and sub, without their bytes, asked for side by side; in order."""
    gathering = Gathering(len(names))
    for index, (key, sub) in enumerate(names):
        raw = key.encode()
        call.sets.bus.ask(
            call.sets.home(call.bucket, raw),
            Get(call.bucket, raw, want_data=False, sub=sub),
            deadline_s=call.sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=call.request_id,
        )
    outcomes = await gathering.outcomes()
    return [
        await _again(call, name, outcome) if isinstance(outcome, Fault) else typed(outcome, Got)
        for name, outcome in zip(names, outcomes, strict=True)
    ]


async def _again(call: Call, name: tuple[str, bytes | None], fault: Fault) -> Got | Fault:
    """What a look-up gives that has met an open rename, or a slot that moves, once that has ended; any other
    fault as it is.
    """
    if fault.code not in OPEN_RENAME and fault.code is not FaultCode.MOVED:
        return fault
    raw, sub = name[0].encode(), name[1]
    request = Get(call.bucket, raw, want_data=False, sub=sub)
    try:
        home = call.sets.home(call.bucket, raw)
        return (await call.sets.ask(home, request, Got, trace=call.request_id))[0]
    except Fault as again:
        return again


def not_there(call: Call, sub: bytes | None, fault: Fault) -> Exception:
    """What it means that there is no such version; any other fault as it is."""
    if sub is None:
        return not_found_means("NoSuchKey", fault)
    if fault.code is not FaultCode.NOT_FOUND:
        return fault
    return S3Error("NoSuchVersion", extra={"Key": call.key, "VersionId": version_id_of(sub)})


def marker_error(got: Got, *, is_named: bool) -> S3Error:
    """The answer to a request that meets a delete marker."""
    headers = {_MARKER: "true", _VERSION: version_id_of(got.sub)}
    if not is_named:
        return S3Error("NoSuchKey", headers=headers)
    modified = format_http_date(modified_ms_of(got.head, got.stamp) // 1000)
    allow = {"allow": "DELETE", "last-modified": modified}
    return S3Error("MethodNotAllowed", headers=headers | allow)


def version_lines(call: Call, sub: bytes) -> list[tuple[bytes, bytes]]:
    """The header that tells which version it was; none in a bucket that never had several."""
    if not sub and call.record.versioning is Versioning.OFF:
        return []
    return [(_VERSION.encode(), version_id_of(sub).encode())]


def marker_lines() -> list[tuple[bytes, bytes]]:
    """The header that tells of a delete marker."""
    return [(_MARKER.encode(), b"true")]
