"""Traces reach a collector, as OpenTelemetry's own definitions read them."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node.acceptor.otlp import check_exporting
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.trace_export import exported_spans
from rustfs_proto.tracing import Hop
from rustfs_proto.wire.acceptor_ops import TracedRequest
from rustfs_proto.wire.metrics_ops import Span

URL = "http://127.0.0.1:4318/v1/traces"
PUT = TracedRequest(2000, "acceptor-0", "00AA", "1.2.3.4", "PutObject", 503, "b", "k", duration_ms=8.0)
HOPS = [
    Hop("set-0", Span("00AA", "acceptor-0", "PutSmall", 1993.0, 6.0, "quorum")),
    Hop("drive-0-0", Span("00AA", "set-0", "Commit", 1994.0, 3.0)),
]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"otlp_endpoint": "127.0.0.1:4318"}, "write a URL"),
        ({"otlp_share": 0.0}, "above 0"),
        ({"otlp_share": 1.5}, "1 at most"),
        ({"otlp_every_s": 10.0}, "trace_idle_s"),
    ],
)
def test_settings_by_which_nothing_could_be_sent_are_refused(change, said):
    """With the value seen and what to do; without an endpoint nobody minds the others."""
    settings = AcceptorSettings(otlp_endpoint=URL)
    check_exporting(settings)
    with pytest.raises(ValueError, match=said):
        check_exporting(attrs.evolve(settings, **change))
    check_exporting(attrs.evolve(settings, **change | {"otlp_endpoint": ""}))


def test_a_request_is_the_root_of_its_messages():
    """Set worker below request, drive below set worker, each with its times; failures are marked."""
    root, of_set, of_drive = exported_spans(PUT, HOPS)
    assert [root.parent_id, of_set.parent_id, of_drive.parent_id] == ["", root.span_id, of_set.span_id]
    assert len({root.trace_id, of_set.trace_id, of_drive.trace_id}) == 1
    assert [(one.began_ms, one.ended_ms) for one in (root, of_drive)] == [(1992, 2000), (1994, 1997)]
    assert [one.is_error for one in (root, of_set, of_drive)] == [True, True, False]
    assert of_set.attributes["error.type"] == "quorum"
    assert root.attributes["aws.s3.bucket"] == "b" and "error.type" not in root.attributes


def test_a_request_joins_the_trace_of_its_client():
    """The header says to which trace it belongs, and below which span."""
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    root, of_set, _ = exported_spans(attrs_of(f"00-{trace}-{span}-01"), HOPS)
    assert (root.trace_id, root.parent_id, of_set.trace_id) == (trace, span, trace)


def attrs_of(traceparent: str) -> TracedRequest:
    return TracedRequest(*[getattr(PUT, name) for name in PUT.__struct_fields__][:-1], traceparent)
