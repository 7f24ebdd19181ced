"""Which way a `PutSmall` takes."""

from __future__ import annotations

from rustfs_node.bus import Request
from rustfs_node.erasureset import conditional, stream_write
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.write import SmallPut
from rustfs_proto.erasure.geometry import fragment_bytes
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, PutSmall


def put_small(state: SetState, request: Request) -> None:
    """Answer a `PutSmall`: nearly always by `SmallPut`."""
    message = request.message
    assert isinstance(message, PutSmall)
    body = request.frames[0] if request.frames else b""
    if len(body) > state.geometry.stripe_bytes:
        text = f"{len(body)} bytes in one body, at most {state.geometry.stripe_bytes}: send blocks"
        request.fail(Fault(FaultCode.INVALID, text))
    elif message.part is not None or message.appends or _is_large(state, message, len(body)):
        state.answer_later(request, stream_write.put_one_block)
    elif message.expect != ANY_STAMP or state.locks.is_held((message.bucket, message.key)):
        state.answer_later(request, conditional.put_inline)
    else:
        SmallPut(state, request, message, body).start()


def _is_large(state: SetState, message: PutSmall, size: int) -> bool:
    """Whether its shards would be too large for the logs."""
    k = state.geometry_of(message.info.storage_class).k
    return fragment_bytes(size, k) > state.settings.inline_bytes_max
