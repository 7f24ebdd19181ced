"""From an HTTP request to an answer: name the operation, authenticate, see to the bucket, hand over to the
operation's handler.

This is where everything that can go wrong becomes an S3 error with a request id, and where each request
leaves its line in the log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from rustfs_node.acceptor.admin import answer_admin, is_admin
from rustfs_node.acceptor.call import XML_HEADERS, Call, Services
from rustfs_node.acceptor.counts import CLIENT_GONE, UNNAMED
from rustfs_node.acceptor.faults import s3_error_of
from rustfs_node.acceptor.health import HEALTH, answer_health, is_health
from rustfs_node.acceptor.metrics import answer_metrics, is_metrics
from rustfs_node.acceptor.net.messages import HttpRequest, Outcome, Response
from rustfs_node.acceptor.net.transport import Disconnected
from rustfs_node.acceptor.operations import BUCKETLESS, HANDLERS, LOCKS, REMOVALS, WRITES, Handler
from rustfs_node.logs import say
from rustfs_proto.s3.errors import S3Error, not_implemented, render_error
from rustfs_proto.s3.features import check_expected_owner, refuse_unbuilt
from rustfs_proto.s3.names import check_bucket_name, check_object_key, split_target
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.routing import route
from rustfs_proto.s3.target import parse_target
from rustfs_proto.tracing import chosen_id, parse_traceparent
from rustfs_proto.wire.faults import Fault

log = structlog.get_logger()

OwnAnswer = Callable[[HttpRequest, Services], Awaitable[Response]]


_OWN_PATHS = (b"/health", b"/metrics", b"/minio/")


def own_answer(request: HttpRequest) -> OwnAnswer | None:
    """What answers a request that is about the node and not about buckets."""
    if is_health(request):
        return answer_health
    if is_metrics(request):
        return answer_metrics
    return answer_admin if is_admin(request) else None


class Dispatcher:
    """The `Application` of the acceptor's connections."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._host_id = services.host_id.encode()

    async def handle(self, request: HttpRequest) -> Response:
        request_id = self._id_of(request)
        request.facts["request_id"] = request_id
        self._services.load.requests += 1
        try:
            response = await self._answer(request, request_id)
        except Disconnected:
            self._log_access(request, status=CLIENT_GONE)
            self._services.counts.gone(request.facts.get("operation", UNNAMED))
            raise
        finally:
            self._services.load.requests -= 1
        return self._identified(response, request_id)

    def refuse(self, code: str, message: str | None = None) -> Response:
        request_id = self._new_request_id()
        log.info("refused", request_id=request_id, code=code, reason=message)
        self._services.counts.refused(code)
        response = self._error_response(S3Error(code, message), {"request_id": request_id}, "/")
        return self._identified(response, request_id)

    def finished(self, request: HttpRequest, response: Response, outcome: Outcome) -> None:
        received_bytes, facts = request.body.read_bytes, request.facts
        counts = self._services.counts
        counts.answers_cut += not outcome.complete
        counts.answered(
            facts.get("operation", UNNAMED),
            facts.get("bucket", ""),
            response.status,
            received_bytes,
            outcome.sent_bytes,
            outcome.first_byte_s,
        )
        self._log_access(
            request,
            status=response.status,
            bytes=outcome.sent_bytes,
            received_bytes=received_bytes,
            complete=outcome.complete,
            first_byte_ms=round(outcome.first_byte_s * 1000, 2),
            duration_ms=round(outcome.duration_s * 1000, 2),
        )

    def _log_access(self, request: HttpRequest, **fields: Any) -> None:
        if self._services.tracer.is_wanted:
            self._services.tracer.note(request, fields)
        level = self._services.settings.access_log
        # Probes come every few seconds from several sides and say nothing.
        if level != "off" and request.facts.get("operation") != HEALTH:
            named = {"client": request.peer, "method": request.method}
            say(level, "request", request.facts | named | fields)

    async def _answer(self, request: HttpRequest, request_id: str) -> Response:
        try:
            if request.target.startswith(_OWN_PATHS):
                answer = own_answer(request)
                if answer is not None:
                    return await answer(request, self._services)
            call = self._read_counted(request, request_id)
            try:
                return await self._perform(call, HANDLERS[call.operation])
            finally:
                call.close()
        except S3Error as error:
            return self._error_response(error, request.facts, _path_of(request))
        except Fault as fault:
            told = s3_error_of(fault, is_write=request.method not in ("GET", "HEAD"))
            if told.status >= 500:
                log.warning("request_failed", **request.facts, fault=fault.code.value, reason=fault.message)
            return self._error_response(told, request.facts, _path_of(request))
        except Disconnected:
            raise
        # A bug met by one request must not cost the others their connections; it is logged with all it takes
        # to find it.
        except Exception:
            log.exception("request_crashed", **request.facts)
            return self._error_response(S3Error("InternalError"), request.facts, _path_of(request))

    def _read_counted(self, request: HttpRequest, request_id: str) -> Call:
        try:
            return self._read(request, request_id)
        except S3Error as error:
            self._services.counts.refused(error.code)
            raise

    def _read(self, request: HttpRequest, request_id: str) -> Call:
        """What is asked, by whom; refuses what must not or cannot be done."""
        services, headers = self._services, request.headers
        target = parse_target(request.target)
        host = headers.get("host", "")
        bucket, key = split_target(target.path.encode("latin-1"), host, services.settings.domains)
        if bucket:
            request.facts["bucket"] = bucket
        if key:
            request.facts["key"] = key
        operation = route(
            request.method,
            has_bucket=bucket is not None,
            has_key=key is not None,
            params=target.params,
            headers=headers,
        )
        request.facts["operation"] = operation.value
        if operation is Op.Preflight:
            raise S3Error("AccessDenied", "CORSResponse: CORS is not enabled for this bucket.")
        verified = services.authenticator.authenticate(request, target, operation)
        if operation not in HANDLERS:
            raise not_implemented(f"The operation {operation}")
        if bucket is not None:
            check_bucket_name(bucket)
        if key is not None:
            check_object_key(key)
        refuse_unbuilt(headers, deletes=operation is Op.DeleteObject, locks=operation in LOCKS)
        check_expected_owner(headers, services.owner.id)
        key = key or ""
        return Call(
            services, request, request_id, target, operation, bucket or "", key, key.encode(), verified
        )

    async def _perform(self, call: Call, handler: Handler) -> Response:
        buckets = self._services.buckets
        if call.operation in BUCKETLESS:
            return await handler(call)
        begun_s = self._services.clock.monotonic_s()
        record = buckets.cached(call.bucket) or await buckets.get(call.bucket, call.request_id)
        call.found(record)
        is_write = call.operation in WRITES
        if not is_write and call.operation not in REMOVALS:
            return await handler(call)
        if is_write:
            buckets.refuse_if_leased(record)
        number = buckets.begin_write(call.bucket)
        try:
            response = await handler(call)
        finally:
            buckets.end_write(call.bucket, number)
        if is_write:
            await buckets.confirm_write(call.bucket, begun_s, call.request_id)
        return response

    def _error_response(self, error: S3Error, facts: dict[str, str], resource: str) -> Response:
        facts["code"] = error.code
        body = render_error(
            error,
            resource=resource,
            request_id=facts["request_id"],
            host_id=self._services.host_id,
            bucket=facts.get("bucket"),
            key=facts.get("key"),
        )
        headers = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in error.headers.items()
        ]
        return Response(error.status, [*XML_HEADERS, *headers], body)

    def _identified(self, response: Response, request_id: str) -> Response:
        response.headers.append((b"x-amz-request-id", request_id.encode()))
        response.headers.append((b"x-amz-id-2", self._host_id))
        return response

    def _id_of(self, request: HttpRequest) -> str:
        """A new one, in every share where the client keeps its own trace of this request."""
        request_id = self._new_request_id()
        if not self._services.settings.otlp_endpoint:
            return request_id
        parent = parse_traceparent(request.headers.get("traceparent", ""))
        return chosen_id(request_id) if parent and parent.is_sampled else request_id

    def _new_request_id(self) -> str:
        return self._services.randomness.token(8).hex().upper()


def _path_of(request: HttpRequest) -> str:
    return request.target.partition(b"?")[0].decode("latin-1")
