"""A request and its messages as OpenTelemetry counts spans: the acceptor's part is the root, or a child of
the client's own span; each message is a span below the one for which it was asked.

Names of attributes are those of OpenTelemetry's semantic conventions where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from rustfs_proto.tracing import Hop, parents_of, parse_traceparent, span_id_of, trace_id_of
from rustfs_proto.wire.acceptor_ops import TracedRequest

_SERVER_ERROR = 500


@attrs.frozen
class ExportedSpan:
    """Ids are hexadecimal, `parent_id` empty for a root; times are wall time. `is_request`: the span of the
    request itself, not of a message.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    began_ms: float
    ended_ms: float
    is_request: bool
    is_error: bool
    attributes: dict[str, str | int]


def exported_spans(request: TracedRequest, hops: Sequence[Hop]) -> Iterator[ExportedSpan]:
    """The request first."""
    parent, name = parse_traceparent(request.traceparent), request.request_id
    trace_id = parent.trace_id if parent else trace_id_of(name)
    root_id = span_id_of(name)
    yield ExportedSpan(
        trace_id,
        root_id,
        parent.span_id if parent else "",
        request.operation,
        request.ended_ms - request.duration_ms,
        request.ended_ms,
        is_request=True,
        is_error=request.status >= _SERVER_ERROR,
        attributes=_of_request(request),
    )
    ids = [span_id_of(name, index, hop.process) for index, hop in enumerate(hops)]
    for hop, own_id, within in zip(hops, ids, parents_of(hops), strict=True):
        span = hop.span
        yield ExportedSpan(
            trace_id,
            own_id,
            root_id if within is None else ids[within],
            span.operation,
            span.began_ms,
            span.began_ms + span.took_ms,
            is_request=False,
            is_error=bool(span.fault),
            attributes=_known({"rustfs.process": hop.process, "rustfs.asked_by": span.peer})
            | _known({"error.type": span.fault}),
        )


def _of_request(request: TracedRequest) -> dict[str, str | int]:
    return _known(
        {
            "rpc.system": "aws-api",
            "rpc.service": "S3",
            "rpc.method": request.operation,
            "http.response.status_code": request.status,
            "http.request.body.size": request.received_bytes,
            "http.response.body.size": request.sent_bytes,
            "aws.request_id": request.request_id,
            "aws.s3.bucket": request.bucket,
            "aws.s3.key": request.key,
            "error.type": request.code,
            "client.address": request.client,
            "rustfs.process": request.acceptor,
            "rustfs.first_byte_us": round(request.first_byte_ms * 1000),
        }
    )


def _known(attributes: dict[str, str | int]) -> dict[str, str | int]:
    return {name: value for name, value in attributes.items() if value != ""}
