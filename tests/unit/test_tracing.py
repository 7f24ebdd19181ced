"""Shares of requests, clients' own traces, and the tree that messages of a request form."""

from __future__ import annotations

import pytest

from rustfs_node.cli.trace import hops_for_people
from rustfs_proto.tracing import Hop, TraceParent, chosen_id, is_in_share, parents_of, parse_traceparent
from rustfs_proto.wire.metrics_ops import Span

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def hop(process: str, peer: str, began_ms: float, took_ms: float, operation: str = "Op") -> Hop:
    return Hop(process, Span("R", peer, operation, began_ms, took_ms))


def test_a_share_is_a_share():
    """Of all ids so many are in it: none of 0, all of 1; and a chosen one is in each above 0."""
    ids = [f"00{number:014X}" for number in range(0, 1 << 16, 16)]
    for share in (0.0, 0.01, 0.5, 1.0):
        assert sum(is_in_share(one, share) for one in ids) == pytest.approx(len(ids) * share, abs=1)
    assert all(is_in_share(chosen_id(one), 0.0001) for one in ids)
    assert not is_in_share("heal", 0.5)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (f"00-{TRACE}-{SPAN}-01", TraceParent(TRACE, SPAN, is_sampled=True)),
        (f" 00-{TRACE}-{SPAN}-00 ", TraceParent(TRACE, SPAN, is_sampled=False)),
        (f"cc-{TRACE}-{SPAN}-09-what-will-be", TraceParent(TRACE, SPAN, is_sampled=True)),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        ("", None),
    ],
)
def test_the_header_of_a_clients_trace(text, parsed):
    """Read as W3C Trace Context says, and passed over where it makes no sense."""
    assert parse_traceparent(text) == parsed


def test_messages_form_a_tree():
    """A message belongs below the one that its asker was answering; what the acceptor asked is at the top."""
    hops = [
        hop("set-0", "acceptor-0", 0.0, 5.0),
        hop("drive-0-0", "set-0", 1.0, 2.0),
        hop("set-0", "acceptor-0", 10.0, 5.0),
        hop("drive-0-1", "set-0", 11.0, 9.0),
        hop("drive-0-1", "set-0", 8.0, 1.0),
    ]
    assert parents_of(hops) == [None, 0, None, 2, None]


def test_clocks_that_differ_close_no_circle():
    """Two processes that ask each other within a millisecond are one above the other, never both."""
    assert sorted(
        parents_of([hop("set-0", "set-0.1", 0.0, 5.0), hop("set-0.1", "set-0", 0.5, 5.0)]), key=str
    ) == [1, None]


def test_hops_for_people():
    """Each below the one for which it was asked, with the time since the first."""
    hops = [
        {"process": "set-0", "operation": "PutSmall", "began_ms": 100.0, "took_ms": 5.0, "within": None},
        {"process": "drive-0-1", "operation": "Commit", "began_ms": 101.5, "took_ms": 2.25, "within": 0},
    ]
    assert list(hops_for_people([one | {"fault": ""} for one in hops])) == [
        "+    0.0      5.0 ms  set-0 PutSmall",
        "+    1.5      2.2 ms    drive-0-1 Commit",
    ]
