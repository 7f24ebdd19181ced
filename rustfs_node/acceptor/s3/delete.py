"""DeleteObject and DeleteObjects: tombstones in the home set of each key."""

from __future__ import annotations

from rustfs_node.acceptor.call import XML_HEADERS, Call
from rustfs_node.acceptor.faults import fault_named, s3_error_of
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3.conditional import refuse_version
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.s3.conditions import has_write_condition
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.names import check_object_key
from rustfs_proto.s3.xml_in import DELETE_BODY_MAX_BYTES, KeyToDelete, parse_delete
from rustfs_proto.s3.xml_out import DeletedKey, FailedKey, delete_result
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Delete, Deleted


async def delete_object(call: Call) -> Response:
    """Remove the object; a key that is not there counts as removed."""
    refuse_version(call)
    if has_write_condition(call.headers):
        raise not_implemented("Conditional deletion", header="if-match")
    deleted, _ = await call.sets.ask(
        call.home, Delete(call.bucket, (call.key_bytes,)), Deleted, trace=call.request_id
    )
    if deleted.faults[0]:
        raise fault_named(deleted.faults[0])
    return Response(204)


async def delete_objects(call: Call) -> Response:
    """Remove up to 1,000 objects; each key succeeds or fails on its own."""
    body = call.body()
    if not body.has_digest and not _is_hashed(call):
        raise S3Error(
            "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )
    wanted = parse_delete(await read_document(body, DELETE_BODY_MAX_BYTES))
    failed: list[FailedKey] = []
    valid = [item for item in wanted.keys if _is_valid(item, failed)]
    deleted = await _delete_all(call, valid, failed)
    return Response(200, list(XML_HEADERS), delete_result(deleted, failed, quiet=wanted.quiet))


def _is_hashed(call: Call) -> bool:
    """A signature over the body's SHA-256 protects it as well as a digest header would."""
    return not call.verified.claim.mode.streaming and call.verified.claim.payload_hash != "UNSIGNED-PAYLOAD"


def _is_valid(item: KeyToDelete, failed: list[FailedKey]) -> bool:
    try:
        check_object_key(item.key)
        if item.etag is not None:
            raise not_implemented("Conditional deletion")
        if item.version_id not in (None, "null"):
            raise S3Error("NoSuchVersion")
    except S3Error as error:
        failed.append(FailedKey(item.key, error.code, error.message, item.version_id))
        return False
    return True


async def _delete_all(call: Call, items: list[KeyToDelete], failed: list[FailedKey]) -> list[DeletedKey]:
    """Ask every home set at once; failures are appended to `failed`."""
    by_home: dict[str, list[KeyToDelete]] = {}
    for item in items:
        by_home.setdefault(call.sets.home(call.bucket, item.key.encode()), []).append(item)
    if not by_home:
        return []
    gathering = Gathering(len(by_home))
    for index, (peer, group) in enumerate(by_home.items()):
        # The same key twice in one message would be two deletions racing each other.
        keys = tuple(dict.fromkeys(item.key.encode() for item in group))
        call.sets.bus.ask(
            peer,
            Delete(call.bucket, keys),
            deadline_s=call.sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=call.request_id,
        )
    deleted: list[DeletedKey] = []
    for group, outcome in zip(by_home.values(), await gathering.outcomes(), strict=True):
        faults = _faults(group, outcome if isinstance(outcome, Fault) else typed(outcome, Deleted))
        for item in group:
            fault = faults.get(item.key)
            if fault is None:
                deleted.append(DeletedKey(item.key, item.version_id))
            else:
                error = s3_error_of(fault, is_write=True)
                failed.append(FailedKey(item.key, error.code, error.message, item.version_id))
    return deleted


def _faults(group: list[KeyToDelete], answer: Deleted | Fault) -> dict[str, Fault]:
    """Why keys are not removed; those that are not named here are."""
    keys = dict.fromkeys(item.key for item in group)
    if isinstance(answer, Fault):
        return dict.fromkeys(keys, answer)
    return {key: fault_named(code) for key, code in zip(keys, answer.faults, strict=True) if code}
