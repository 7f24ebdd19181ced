"""The parts of the bus that decide without a link: batches, deadlines, delays, heartbeats, endpoints."""

from __future__ import annotations

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_node.bus import BusSettings, Reply
from rustfs_node.bus.batch import Item, Outbox, next_batch, too_large
from rustfs_node.bus.calls import Call, Wheel
from rustfs_node.bus.delay import WINDOW_MS, DelayGauge
from rustfs_node.bus.endpoints import check_endpoint
from rustfs_node.bus.liveness import Beat, Peer, PeerState, Rhythm, silence_beats
from rustfs_node.bus.opening import open_bus
from rustfs_node.seams.clock import SystemClock
from rustfs_proto.wire.envelope import CALL, NOTICE, Envelope
from rustfs_proto.wire.faults import Fault

SETTINGS = BusSettings(batch_bytes=1_000, batch_calls=10, frames_max=5, frame_bytes_max=2_000)


def item(size_bytes: int = 10, frames: int = 0, deadline: float = math.inf, kind: int = CALL) -> Item:
    return Item(
        Envelope(kind, op="Get"), [b"f" * (size_bytes // max(frames, 1))] * frames, size_bytes, deadline
    )


@given(st.lists(st.tuples(st.integers(0, 1_500), st.integers(0, 4)), min_size=1, max_size=40))
def test_batches_keep_order_and_limits(shapes: list[tuple[int, int]]) -> None:
    """All items leave in order; a batch exceeds a limit only if it is a single item."""
    items = deque(item(size, frames) for size, frames in shapes)
    sent: list[Envelope] = []
    expected = [entry.envelope for entry in items]
    while items:
        sizes = [entry.size_bytes for entry in items]
        batch = next_batch(items, 0.0, SETTINGS)
        assert 1 <= batch.taken <= SETTINGS.batch_calls
        assert len(batch.frames) < SETTINGS.frames_max
        assert batch.taken == 1 or sum(sizes[: batch.taken]) <= SETTINGS.batch_bytes
        sent += batch.envelopes
        for _ in range(batch.taken):
            items.popleft()
    assert [id(envelope) for envelope in sent] == [id(envelope) for envelope in expected]


def test_calls_learn_how_much_time_is_left_and_late_ones_stay_behind() -> None:
    """The remaining time is in milliseconds, rounded up, when the call leaves."""
    items = deque([item(deadline=100.0), item(deadline=99.0), item(deadline=99.0011), item(kind=NOTICE)])
    batch = next_batch(items, 99.001, SETTINGS)
    assert [envelope.ttl_ms for envelope in batch.envelopes] == [999, 1, 0]
    assert (batch.taken, batch.notice_bytes) == (4, 10)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (item(2_000), None),
        (item(2_001), "2001 bytes in one frame, at most 2000"),
        (item(8_000, frames=4), None),
        (item(8_004, frames=4), "2001 bytes in one frame"),
        (item(100, frames=5), "5 frames of their own, at most 4"),
    ],
)
def test_what_no_receiver_would_take_is_known_before_it_is_sent(entry: Item, words: str | None) -> None:
    """Frame by frame: many frames of moderate size are fine."""
    problem = too_large(entry, SETTINGS)
    assert (problem is None) if words is None else (problem is not None and words in problem)


def call(call_id: int, deadline: float) -> Call:
    def nobody(_answer: Reply | Fault) -> None:
        raise AssertionError

    return Call(call_id, "drive", "Get", Reply, nobody, 0, deadline)


@given(
    st.lists(st.floats(0, 10), max_size=30),
    st.lists(st.floats(0, 11), max_size=10),
    st.sets(st.integers(0, 29)),
)
def test_each_call_comes_due_once_and_never_early(
    deadlines: list[float], moments: list[float], answered: set[int]
) -> None:
    """At most one step after its deadline, unless it was answered; the wheel is empty in the end."""
    wheel = Wheel(step_s=0.01)
    calls = {index: call(index, deadline) for index, deadline in enumerate(deadlines)}
    for each in calls.values():
        assert each.deadline <= wheel.add(each) <= each.deadline + 0.0101
    for index in answered & calls.keys():
        wheel.remove(calls.pop(index))
    for now in [*sorted(moments), 12.0]:
        for each in wheel.due(now):
            assert each.deadline <= now + 1e-9
            wheel.remove(calls.pop(each.call_id))
        assert all(each.deadline > now - 0.0101 for each in calls.values())
        assert wheel.next_due() >= min([each.deadline for each in calls.values()], default=0) - 1e-9
    assert not calls
    assert wheel.next_due() == math.inf


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 500), min_size=1, max_size=50))
def test_delay_is_measured_between_clocks_that_do_not_agree(shift_ms: int, delays_ms: list[int]) -> None:
    """After one undelayed message, the delay of every other within the window is exact."""
    gauge = DelayGauge()
    assert gauge.delay_ms(1_000 + shift_ms, 1_000) == 0
    for number, delay_ms in enumerate(delays_ms):
        sent_ms = 1_000 + number * 10
        assert gauge.delay_ms(sent_ms + shift_ms, sent_ms + delay_ms) == delay_ms


def test_delay_follows_a_clock_that_drifts() -> None:
    """A day at 100 ppm makes no delay of what is none."""
    gauge = DelayGauge()
    delays = [gauge.delay_ms(now_ms - now_ms // 10_000, now_ms) for now_ms in range(0, 86_400_000, 1_000)]
    assert max(delays) <= 2 * WINDOW_MS // 10_000 + 1


def test_heartbeats_of_a_connected_peer() -> None:
    """HELLO until it says who it is; then PING only after a silent beat; LOST after too many."""
    peer = Peer("drive", Outbox("drive", is_open=False), Rhythm(1.0, 6.0))
    assert peer.beat(3) == Beat.NOTHING
    peer.is_connected = True
    assert [peer.beat(3), peer.beat(3), peer.beat(3)] == [Beat.HELLO, Beat.HELLO, Beat.LOST]
    peer.state = PeerState.UP
    peer.was_heard = True
    assert [peer.beat(3), peer.beat(3)] == [Beat.NOTHING, Beat.PING]
    peer.was_heard = True
    assert [peer.beat(3), peer.beat(3), peer.beat(3), peer.beat(3)] == [
        Beat.NOTHING,
        Beat.PING,
        Beat.PING,
        Beat.LOST,
    ]
    peer.state = PeerState.REFUSED
    assert peer.beat(3) == Beat.NOTHING


def test_one_delayed_timer_never_makes_a_peer_lost() -> None:
    """However the settings are chosen, it takes two silent beats."""
    assert silence_beats(6.0, 1.0) == 6
    assert silence_beats(0.1, 1.0) == 2


@pytest.mark.parametrize(
    "endpoint",
    [
        "ipc:///run/rustfs/d0-1",
        "ipc:///" + "x" * 106,
        "tcp://127.0.0.1:9001",
        "tcp://[::1]:65535",
        "tcp://localhost:1",
    ],
)
def test_good_endpoints(endpoint: str) -> None:
    """Paths of up to 107 bytes, and the loopback interface."""
    check_endpoint(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("ipc:///" + "x" * 107, "the path has 108 bytes and a unix socket allows 107: choose a shorter"),
        ("ipc:///" + "ü" * 54, "109 bytes"),
        ("ipc://run/d0", "absolute"),
        ("/run/d0", "want ipc:///path or tcp://127.0.0.1:port"),
        ("inproc://x", "want ipc:///path"),
        ("tcp://127.0.0.1", "port of 1 to 65535"),
        ("tcp://127.0.0.1:0", "port of 1 to 65535"),
        ("tcp://127.0.0.1:65536", "port of 1 to 65535"),
        ("tcp://*:9001", "only loopback addresses"),
        ("tcp://0.0.0.0:9001", "only loopback addresses"),
        ("tcp://10.0.0.1:9001", "neither encrypted nor authenticated"),
        ("tcp://node-2.example:9001", "only loopback addresses"),
    ],
)
def test_bad_endpoints_are_refused_with_the_remedy(endpoint: str, words: str) -> None:
    """As the place to listen and as a peer, before any socket exists."""
    for listen, peers in ((endpoint, {}), (None, {"drive": endpoint})):
        with pytest.raises(ValueError, match="bus endpoint") as caught:
            open_bus("set", listen, peers, BusSettings(), SystemClock())
        assert words in str(caught.value)
