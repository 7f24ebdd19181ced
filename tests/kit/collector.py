"""A collector of traces: it takes what OpenTelemetry's protocol sends over HTTP, and keeps it."""

from __future__ import annotations

import gzip
import http.server
import threading
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """Listens at `url` within the `with` block; answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.spans: list[dict[str, Any]] = []
        self._came = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if outer.status == 200:
                    with outer._came:
                        outer.spans.extend(_spans(body))
                        outer._came.notify_all()
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Nothing is printed."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def wait_trace(self, trace: str, patience_s: float = 60.0) -> list[dict[str, Any]]:
        """The spans of that trace, once there are any."""
        with self._came:
            assert self._came.wait_for(lambda: self._of(trace), patience_s), f"nothing came of {trace}"
            return self._of(trace)

    def _of(self, trace: str) -> list[dict[str, Any]]:
        return [one for one in self.spans if one["trace"] == trace]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _spans(body: bytes) -> list[dict[str, Any]]:
    found = []
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = {one.key: one.value.string_value for one in of_resource.resource.attributes}
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                words = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
                found.append(
                    {
                        "service": service["service.name"],
                        "name": span.name,
                        "trace": span.trace_id.hex(),
                        "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "took_ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                        "attributes": words,
                    }
                )
    return found
