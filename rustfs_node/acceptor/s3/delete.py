"""DeleteObject and DeleteObjects: tombstones in the home set of each key.

Where a delete has a condition, the current object is looked at first, and its stamp goes along: an object
that was replaced or removed meanwhile is not touched, and the client is told of the conflict.
"""

from __future__ import annotations

import attrs

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.faults import fault_named, s3_error_of
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.objects import modified_ms_of
from rustfs_proto.s3.delete_conditions import DeleteCondition, condition_of_headers
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.names import check_object_key
from rustfs_proto.s3.xml_in import DELETE_BODY_MAX_BYTES, KeyToDelete, parse_delete
from rustfs_proto.s3.xml_out import DeletedKey, FailedKey, delete_result
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Delete, Deleted, Get, Got


@attrs.define
class _Outcomes:
    """What became of the objects that a DeleteObjects names, in the order in which it was settled."""

    deleted: list[DeletedKey] = attrs.field(factory=list)
    failed: list[FailedKey] = attrs.field(factory=list)

    def succeed(self, item: KeyToDelete) -> None:
        self.deleted.append(DeletedKey(item.key, item.version_id))

    def fail(self, item: KeyToDelete, error: S3Error) -> None:
        self.failed.append(FailedKey(item.key, error.code, error.message, item.version_id))


async def delete_object(call: Call) -> Response:
    """Remove the object; a key that is not there counts as removed, unless its ETag was expected."""
    refuse_version(call)
    condition = condition_of_headers(call.headers)
    expects: tuple[int, ...] = ()
    if condition.asks:
        stamp = _expected(condition, await _current(call))
        if stamp == NO_STAMP:
            return Response(204)
        expects = (stamp,)
    deleted, _ = await call.sets.ask(
        call.home, Delete(call.bucket, (call.key_bytes,), expects), Deleted, trace=call.request_id
    )
    if deleted.faults[0]:
        raise _overtaken(fault_named(deleted.faults[0]), bool(expects))
    return Response(204)


async def delete_objects(call: Call) -> Response:
    """Remove up to 1,000 objects; each key succeeds or fails on its own."""
    body = call.body()
    if not body.has_digest and not _is_hashed(call):
        raise S3Error(
            "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )
    wanted = parse_delete(await read_document(body, DELETE_BODY_MAX_BYTES))
    outcomes = _Outcomes()
    valid = [item for item in wanted.keys if _is_valid(item, outcomes)]
    expects: dict[str, int] = {}
    if any(item.condition.asks for item in valid):
        valid, expects = await _check_conditions(call, valid, outcomes)
    await _delete_all(call, valid, expects, outcomes)
    body_out = delete_result(outcomes.deleted, outcomes.failed, quiet=wanted.quiet)
    return Response(200, list(XML_HEADERS), body_out)


def _is_hashed(call: Call) -> bool:
    """A signature over the body's SHA-256 protects it as well as a digest header would."""
    return not call.verified.claim.mode.streaming and call.verified.claim.payload_hash != "UNSIGNED-PAYLOAD"


def _is_valid(item: KeyToDelete, outcomes: _Outcomes) -> bool:
    try:
        check_object_key(item.key)
        if item.version_id not in (None, "null"):
            raise S3Error("NoSuchVersion")
    except S3Error as error:
        outcomes.fail(item, error)
        return False
    return True


async def _current(call: Call) -> Got | Fault:
    request = Get(call.bucket, call.key_bytes, want_data=False)
    try:
        got, _ = await call.sets.ask(call.home, request, Got, trace=call.request_id)
    except Fault as fault:
        return fault
    return got


def _expected(condition: DeleteCondition, current: Got | Fault) -> int:
    """The stamp to remove, or NO_STAMP where nothing is there and the condition holds. Raises
    PreconditionFailed, NoSuchKey, or the fault for which the current object is not known.
    """
    if not isinstance(current, Fault):
        head = current.head
        condition.check(etag=head.etag, modified_ms=modified_ms_of(head, current.stamp), size=head.size)
        return current.stamp
    if current.code is not FaultCode.NOT_FOUND:
        raise current
    condition.check_absent()
    return NO_STAMP


def _overtaken(fault: Fault, is_expecting: bool) -> S3Error | Fault:
    """What became of a condition that held a moment before; any other fault as it is."""
    if is_expecting and fault.code is FaultCode.CONFLICT:
        return S3Error("ConditionalRequestConflict")
    return fault


async def _check_conditions(
    call: Call, items: list[KeyToDelete], outcomes: _Outcomes
) -> tuple[list[KeyToDelete], dict[str, int]]:
    """Those of `items` that are to be removed, and the stamps that they must have; the others are settled."""
    asking = list(dict.fromkeys(item.key for item in items if item.condition.asks))
    at_once = call.services.settings.delete_lookups
    current: dict[str, Got | Fault] = {}
    for begin in range(0, len(asking), at_once):
        current |= await _look_up(call, asking[begin : begin + at_once])
    expects: dict[str, int] = {}
    left: list[KeyToDelete] = []
    for item in items:
        stamp = ANY_STAMP
        if item.condition.asks:
            try:
                stamp = _expected(item.condition, current[item.key])
            except (S3Error, Fault) as refused:
                outcomes.fail(item, _shown(refused))
                continue
            if stamp == NO_STAMP:
                outcomes.succeed(item)
                continue
        # A key that stands twice goes if either of its lines lets it go.
        expects[item.key] = ANY_STAMP if expects.get(item.key) == ANY_STAMP else stamp
        left.append(item)
    return left, expects


def _shown(refused: S3Error | Fault) -> S3Error:
    return s3_error_of(refused, is_write=True) if isinstance(refused, Fault) else refused


async def _look_up(call: Call, keys: list[str]) -> dict[str, Got | Fault]:
    """The current objects of several keys, asked for side by side."""
    gathering = Gathering(len(keys))
    for index, key in enumerate(keys):
        raw = key.encode()
        call.sets.bus.ask(
            call.sets.home(call.bucket, raw),
            Get(call.bucket, raw, want_data=False),
            deadline_s=call.sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=call.request_id,
        )
    return {
        key: outcome if isinstance(outcome, Fault) else typed(outcome, Got)
        for key, outcome in zip(keys, await gathering.outcomes(), strict=True)
    }


async def _delete_all(
    call: Call, items: list[KeyToDelete], expects: dict[str, int], outcomes: _Outcomes
) -> None:
    """Ask every home set at once. `expects` by key; empty: any version of all."""
    by_home: dict[str, list[KeyToDelete]] = {}
    for item in items:
        by_home.setdefault(call.sets.home(call.bucket, item.key.encode()), []).append(item)
    if not by_home:
        return
    gathering = Gathering(len(by_home))
    for index, (peer, group) in enumerate(by_home.items()):
        # The same key twice in one message would be two deletions racing each other.
        keys = dict.fromkeys(item.key for item in group)
        call.sets.bus.ask(
            peer,
            Delete(
                call.bucket,
                tuple(key.encode() for key in keys),
                tuple(expects[key] for key in keys) if expects else (),
            ),
            deadline_s=call.sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=call.request_id,
        )
    for group, outcome in zip(by_home.values(), await gathering.outcomes(), strict=True):
        faults = _faults(group, outcome if isinstance(outcome, Fault) else typed(outcome, Deleted))
        for item in group:
            fault = faults.get(item.key)
            if fault is None:
                outcomes.succeed(item)
            else:
                is_expecting = expects.get(item.key, ANY_STAMP) != ANY_STAMP
                outcomes.fail(item, _shown(_overtaken(fault, is_expecting)))


def _faults(group: list[KeyToDelete], answer: Deleted | Fault) -> dict[str, Fault]:
    """Why keys are not removed; those that are not named here are."""
    keys = dict.fromkeys(item.key for item in group)
    if isinstance(answer, Fault):
        return dict.fromkeys(keys, answer)
    return {key: fault_named(code) for key, code in zip(keys, answer.faults, strict=True) if code}
