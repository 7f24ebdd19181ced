"""Sends traces of a share of all requests to a collector, by OpenTelemetry's protocol over HTTP.

One acceptor of each node does it for all: every few seconds it gathers the requests that have ended and the
times of their messages in all processes, and hands them to OpenTelemetry's own exporter in a thread of its
own. Nothing of it is on the way of a request: where the collector is slow or away traces are lost, which is
counted, and requests go on. The exporter reads further settings, as headers and certificates, from the
environment (`OTEL_EXPORTER_OTLP_...`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import structlog
import trio

from rustfs_node import __version__
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.ended import ended_requests, hops_of
from rustfs_node.seams.threads import OwnThread
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.trace_export import ExportedSpan, exported_spans
from rustfs_proto.wire.acceptor_ops import TraceRequests
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.metrics_ops import Measure

if TYPE_CHECKING:
    # An optional library: loaded where traces are sent.
    from opentelemetry.sdk.trace import ReadableSpan

log = structlog.get_logger()

_LISTENER = "otlp"


def check_exporting(settings: AcceptorSettings) -> None:
    """Raises ValueError where traces are wanted and cannot be sent."""
    if not settings.otlp_endpoint:
        return
    if not settings.otlp_endpoint.startswith(("http://", "https://")):
        raise ValueError(
            f"acceptor.otlp_endpoint = {settings.otlp_endpoint!r}: write a URL, as"
            " http://127.0.0.1:4318/v1/traces"
        )
    if not 0 < settings.otlp_share <= 1:
        raise ValueError(f"acceptor.otlp_share = {settings.otlp_share}: a share is above 0, and 1 at most")
    if settings.otlp_every_s >= settings.trace_idle_s:
        raise ValueError(
            f"acceptor.otlp_every_s = {settings.otlp_every_s}: keep it below acceptor.trace_idle_s,"
            f" {settings.trace_idle_s}, after which requests are kept no longer"
        )
    if find_spec("opentelemetry") is None:
        raise ValueError(
            "acceptor.otlp_endpoint is set and OpenTelemetry is not installed:"
            " pip install 'rustfs-node[otel]'"
        )


class TraceExport:
    """Of one node. `node` is what the traces call it."""

    def __init__(self, services: Services, node: str) -> None:
        self._services, self._node = services, node
        self._thread = OwnThread(_LISTENER)
        self._sent = self._dropped = self._refused = 0
        services.sets.bus.meter.add(self._measures)

    async def run(self) -> None:
        """For ever."""
        settings = self._services.settings
        exporter = await self._thread.run(lambda: _Exporter(settings, self._node))
        while True:
            try:
                await self._send(exporter)
            except Fault as fault:
                log.warning("traces_not_gathered", reason=str(fault))
            await trio.sleep(settings.otlp_every_s)

    async def _send(self, exporter: _Exporter) -> None:
        share = self._services.settings.otlp_share
        ended = await ended_requests(TraceRequests(_LISTENER, share=share), self._services)
        hops, _ = await hops_of(ended.requests, share, self._services)
        self._dropped += ended.dropped
        spans = [span for one in ended.requests for span in exported_spans(one, hops.get(one.request_id, ()))]
        if not spans:
            return
        if await self._thread.run(lambda: exporter.send(spans)):
            self._sent += len(ended.requests)
        else:
            self._refused += len(ended.requests)
            log.warning("traces_not_sent", requests=len(ended.requests))

    def _measures(self) -> Iterator[Measure]:
        yield Measure("rustfs_traces_sent_total", self._sent)
        for reason, count in (("queue", self._dropped), ("collector", self._refused)):
            yield Measure("rustfs_traces_lost_total", count, {"reason": reason})


class _Exporter:
    """What is done in the thread: OpenTelemetry's exporter and its form of a span. It tells the reason of a
    failure in the log itself.
    """

    def __init__(self, settings: AcceptorSettings, node: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self._exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, timeout=settings.otlp_timeout_s)
        self._resource = Resource.create(
            {"service.name": "rustfs-node", "service.version": __version__, "service.instance.id": node}
        )
        self._scope = InstrumentationScope("rustfs_node", __version__)

    def send(self, spans: Sequence[ExportedSpan]) -> bool:
        """Blocks until the collector has them, or `acceptor.otlp_timeout_s` have passed."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        result = self._exporter.export([self._readable(one) for one in spans])
        return result is SpanExportResult.SUCCESS

    def _readable(self, span: ExportedSpan) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
        from opentelemetry.trace.status import Status, StatusCode

        def context(span_id: str, *, is_remote: bool) -> SpanContext:
            flags = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote, flags)

        return ReadableSpan(
            span.name,
            context(span.span_id, is_remote=False),
            context(span.parent_id, is_remote=span.is_request) if span.parent_id else None,
            self._resource,
            span.attributes,
            kind=SpanKind.SERVER if span.is_request else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR) if span.is_error else Status(),
            start_time=round(span.began_ms * 1e6),
            end_time=round(span.ended_ms * 1e6),
            instrumentation_scope=self._scope,
        )
