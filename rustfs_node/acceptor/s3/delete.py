"""DeleteObject and DeleteObjects: what becomes of each key or version is settled in its home set.

Without a version a delete removes the object, or adds a delete marker where the bucket has versions; with one
it removes that version for good. Where a delete has a condition, the object is looked at first, and its stamp
goes along: one that was replaced or removed meanwhile is not touched, and the client is told of the conflict.
"""

from __future__ import annotations

import attrs

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.faults import s3_error_of
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.deletions import Deletion, Outcome, delete_all
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.s3.versions import look_up, marker_lines, named_sub, sub_asked, version_lines
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.delete_conditions import DeleteCondition, condition_of_headers
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.names import check_object_key
from rustfs_proto.s3.xml_in import DELETE_BODY_MAX_BYTES, KeyToDelete, parse_delete
from rustfs_proto.s3.xml_out import DeletedKey, FailedKey, delete_result
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.versions import Versioning, version_id_of
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Got


@attrs.define
class _Outcomes:
    """What became of the objects that a DeleteObjects names, in the order in which it was settled."""

    deleted: list[DeletedKey] = attrs.field(factory=list)
    failed: list[FailedKey] = attrs.field(factory=list)

    def succeed(self, item: KeyToDelete, outcome: Outcome) -> None:
        marker = item.version_id if outcome.was_marker else None
        if outcome.marker is not None:
            marker = version_id_of(outcome.marker)
        self.deleted.append(DeletedKey(item.key, item.version_id, marker))

    def fail(self, item: KeyToDelete, refused: S3Error | Fault) -> None:
        error = s3_error_of(refused, is_write=True) if isinstance(refused, Fault) else refused
        self.failed.append(FailedKey(item.key, error.code, error.message, item.version_id))


async def delete_object(call: Call) -> Response:
    """Remove the object or version; one that is not there counts as removed, unless its ETag was expected."""
    sub = sub_asked(call)
    condition = condition_of_headers(call.headers)
    expect = ANY_STAMP
    if condition.asks:
        (found,) = await look_up(call, [(call.key, sub)])
        expect = _expected(condition, found)
        if expect == NO_STAMP and (sub is not None or call.record.versioning is Versioning.OFF):
            return Response(204)
    deletion = Deletion(call.key_bytes, sub, expect)
    outcome = (await delete_all(call, [deletion]))[deletion]
    if not isinstance(outcome, Outcome):
        raise _overtaken(outcome, expect)
    lines = marker_lines() if outcome.was_marker or outcome.marker is not None else []
    told = outcome.marker if sub is None else sub
    return Response(204, [*lines, *([] if told is None else version_lines(call, told))])


async def delete_objects(call: Call) -> Response:
    """Remove up to 1,000 objects or versions; each succeeds or fails on its own."""
    body = call.body()
    if not body.has_digest and not _is_hashed(call):
        raise S3Error(
            "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )
    wanted = parse_delete(await read_document(body, DELETE_BODY_MAX_BYTES))
    outcomes = _Outcomes()
    named = _named(wanted.keys, outcomes)
    deletions = await _checked(call, named, outcomes)
    done = await delete_all(call, list(dict.fromkeys(deletion for _, deletion in deletions)))
    for item, deletion in deletions:
        outcome = done[deletion]
        if isinstance(outcome, Outcome):
            outcomes.succeed(item, outcome)
        else:
            outcomes.fail(item, _overtaken(outcome, deletion.expect))
    body_out = delete_result(outcomes.deleted, outcomes.failed, quiet=wanted.quiet)
    return Response(200, list(XML_HEADERS), body_out)


def _is_hashed(call: Call) -> bool:
    """A signature over the body's SHA-256 protects it as well as a digest header would."""
    return not call.verified.claim.mode.streaming and call.verified.claim.payload_hash != "UNSIGNED-PAYLOAD"


_Named = list[tuple[KeyToDelete, bytes | None]]
"""Items, each with the sub of the version that it names, if it names one."""


def _named(items: tuple[KeyToDelete, ...], outcomes: _Outcomes) -> _Named:
    """The items, but for those that name nothing there could be: they have failed."""
    named: _Named = []
    for item in items:
        try:
            check_object_key(item.key)
            sub = None if item.version_id is None else named_sub(item.version_id, "VersionId")
            named.append((item, sub))
        except S3Error as error:
            outcomes.fail(item, error)
    return named


async def _checked(call: Call, named: _Named, outcomes: _Outcomes) -> list[tuple[KeyToDelete, Deletion]]:
    """What is to be removed for each item; the others are settled."""
    current = await _current(call, named)
    expects: dict[tuple[str, bytes | None], int] = {}
    left: _Named = []
    for item, sub in named:
        name = (item.key, sub)
        try:
            expect = _expected(item.condition, current[name]) if item.condition.asks else ANY_STAMP
        except (S3Error, Fault) as refused:
            outcomes.fail(item, refused)
            continue
        if expect == NO_STAMP and (sub is not None or call.record.versioning is Versioning.OFF):
            outcomes.succeed(item, Outcome())
            continue
        # What stands twice goes if either of its lines lets it go.
        expects[name] = ANY_STAMP if expects.get(name) == ANY_STAMP else expect
        left.append((item, sub))
    return [(item, Deletion(item.key.encode(), sub, expects[item.key, sub])) for item, sub in left]


async def _current(call: Call, named: _Named) -> dict[tuple[str, bytes | None], Got | Fault]:
    """What conditions are about, as it is now."""
    asking = list(dict.fromkeys((item.key, sub) for item, sub in named if item.condition.asks))
    at_once = call.services.settings.delete_lookups
    current: dict[tuple[str, bytes | None], Got | Fault] = {}
    for begin in range(0, len(asking), at_once):
        names = asking[begin : begin + at_once]
        current |= zip(names, await look_up(call, names), strict=True)
    return current


def _expected(condition: DeleteCondition, current: Got | Fault) -> int:
    """The stamp to remove, or NO_STAMP where nothing is there and the condition holds. Raises
    PreconditionFailed, NoSuchKey, or the fault for which the current object is not known.
    """
    if isinstance(current, Fault):
        if current.code is not FaultCode.NOT_FOUND:
            raise current
        condition.check_absent()
        return NO_STAMP
    if current.is_marker:
        condition.check_absent()
        return current.stamp
    head = current.head
    condition.check(etag=head.etag, modified_ms=modified_ms_of(head, current.stamp), size=head.size)
    return current.stamp


def _overtaken(fault: Fault, expect: int) -> S3Error | Fault:
    """What became of a condition that held a moment before; any other fault as it is."""
    if expect != ANY_STAMP and fault.code is FaultCode.CONFLICT:
        return S3Error("ConditionalRequestConflict")
    return fault
