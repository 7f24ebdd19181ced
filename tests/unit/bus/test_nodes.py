"""What the bus between nodes decides: keys, endpoints, who may come in, and the words for failures."""

from __future__ import annotations

import errno

import attrs
import pytest
import structlog.testing
import zmq
from zmq.utils import z85

from rustfs_node.bus import BusSettings, KeyPair, RemotePeer, RemoteSide, node_keys, open_bus
from rustfs_node.bus.attempt import Attempt, Turn, why_refused
from rustfs_node.bus.curve import hkdf_sha256, key_bytes
from rustfs_node.bus.strangers import Strangers
from rustfs_node.bus.zap import judge
from rustfs_node.seams.clock import SystemClock

SECRET = bytes(range(32))
KEYS = node_keys(SECRET, "node1:9001")
PEER = RemotePeer("tcp://node2:9001", KEYS.public)
SIDE = RemoteSide(KEYS, None, frozenset())


def test_keys_are_those_of_the_standard() -> None:
    """RFC 5869, A.1, as far as 32 bytes go."""
    okm = hkdf_sha256(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_a_secret_gives_each_node_its_own_keys_and_always_the_same() -> None:
    """They are pinned: releases of one cluster that disagree could not speak with each other."""
    assert node_keys(SECRET, "node1:9001") == KEYS
    assert KEYS.public == "-**WDj/IG)JX{ju%cRU=j.&r4K8I0x>li4peV<X8"
    others = [node_keys(SECRET, "node2:9001"), node_keys(SECRET, "node1:9002"), node_keys(b"x", "node1:9001")]
    assert len({keys.secret for keys in [KEYS, *others]} | {keys.public for keys in [KEYS, *others]}) == 8
    assert zmq.curve_public(KEYS.secret.encode()).decode() == KEYS.public
    assert KEYS.secret not in repr(KEYS) + repr(SIDE)
    with pytest.raises(ValueError, match="secret is empty"):
        node_keys(b"", "node1:9001")


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://node-2.example.com:9001", "tcp://10.0.0.1:1", "tcp://[2001:db8::1]:65535", "tcp://n:9"],
)
def test_good_endpoints_of_other_nodes(endpoint: str) -> None:
    """Names and addresses."""
    open_bus("set", None, {"drive": RemotePeer(endpoint, KEYS.public)}, BusSettings(), SystemClock(), SIDE)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("ipc:///run/drive", "another node is reached at tcp://host:port"),
        ("tcp://node2", "port of 1 to 65535"),
        ("tcp://node2:0", "port of 1 to 65535"),
        ("tcp://:9001", "'' is no name"),
        ("tcp://*:9001", "'*' is no name"),
        ("tcp://2001:db8::1:9001", "is no name, IPv4 address or [IPv6 address]"),
        ("tcp://[10.0.0.1]:9001", "is no name"),
        ("tcp://10.0.0.256:9001", "is no name"),
        ("tcp://a;b:9001", "is no name"),
        ("tcp://eth0;node2:9001", "is no name"),
        ("tcp://" + "x" * 64 + ":9001", "is no name"),
    ],
)
def test_bad_endpoints_of_other_nodes_are_refused_with_the_remedy(endpoint: str, words: str) -> None:
    """Before any socket exists."""
    with pytest.raises(ValueError, match="bus endpoint") as caught:
        open_bus("set", None, {"d": RemotePeer(endpoint, KEYS.public)}, BusSettings(), SystemClock(), SIDE)
    assert words in str(caught.value)


def test_a_place_for_other_nodes_is_an_address() -> None:
    """A name would stand for one of several addresses, and perhaps not for this machine."""
    for listen in ("tcp://0.0.0.0:9001", "tcp://[::]:9001", "tcp://10.0.0.1:9001"):
        open_bus("set", None, {}, BusSettings(), SystemClock(), attrs.evolve(SIDE, listen=listen))
    with pytest.raises(ValueError, match="want an address of this machine, or"):
        open_bus("set", None, {}, BusSettings(), SystemClock(), attrs.evolve(SIDE, listen="tcp://node1:9001"))


def test_other_nodes_need_keys_and_the_plain_kind_stays_at_home() -> None:
    """A peer on another node without `remote`, and keys that are none, are refused."""
    with pytest.raises(ValueError, match="drive is on another node, and this process has no keys"):
        open_bus("set", None, {"drive": PEER}, BusSettings(), SystemClock())
    for wrong in ("", "x" * 39, "x" * 45, "\\" * 40, "ü" * 40):
        with pytest.raises(ValueError, match="a key of the bus"):
            key_bytes(wrong)
        for side in (
            attrs.evolve(SIDE, keys=KeyPair(wrong, KEYS.secret)),
            attrs.evolve(SIDE, keys=KeyPair(KEYS.public, wrong)),
            attrs.evolve(SIDE, allowed=frozenset({wrong})),
        ):
            with pytest.raises(ValueError, match="a key of the bus"):
                open_bus("set", None, {}, BusSettings(), SystemClock(), side)
        with pytest.raises(ValueError, match="a key of the bus"):
            open_bus(
                "set", None, {"d": attrs.evolve(PEER, public_key=wrong)}, BusSettings(), SystemClock(), SIDE
            )
    with pytest.raises(ValueError, match="only loopback addresses"):
        open_bus("set", None, {"drive": "tcp://node2:9001"}, BusSettings(), SystemClock(), SIDE)


def question(mechanism: bytes, *credentials: bytes) -> list[bytes]:
    """As ZeroMQ asks it."""
    return [b"1.0", b"7", b"rustfs-node", b"10.0.0.3", b"", mechanism, *credentials]


def test_only_allowed_keys_come_in() -> None:
    """Neither another key, nor a part of one, nor another way of saying who one is."""
    key, other = key_bytes(KEYS.public), bytes(32)
    allowed = frozenset({key})
    assert judge(question(b"CURVE", key), allowed).answer == [b"1.0", b"7", b"200", b"", b"", b""]
    assert judge(question(b"CURVE", key), allowed).refused == ""
    for asked in (
        question(b"CURVE", other),
        question(b"CURVE", key[:31]),
        question(b"CURVE", b""),
        question(b"CURVE", z85.encode(key)),
        question(b"CURVE"),
        question(b"NULL"),
        question(b"PLAIN", key, key),
        question(b"PLAIN", key),
    ):
        judgement = judge(asked, allowed)
        assert judgement.answer[:3] == [b"1.0", b"7", b"400"]
        assert judgement.refused
        assert judgement.address == "10.0.0.3"
    assert judge(question(b"CURVE", key), frozenset()).refused


BEGUN, CONNECTED, CLOSED = zmq.EVENT_CONNECT_DELAYED, zmq.EVENT_CONNECTED, zmq.EVENT_CLOSED
UP, LOST, RETRIED = zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED, zmq.EVENT_CONNECT_RETRIED
NO_AUTH, NO_PROTOCOL = zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
NO_DETAIL = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


@pytest.mark.parametrize(
    ("events", "words", "is_given_up"),
    [
        (
            [(BEGUN, 115, 0.0), (CLOSED, 17, 0.01), (RETRIED, 20, 0.01)],
            "n:1 cannot be reached: do the",
            False,
        ),
        (
            [(BEGUN, 115, 0.0), (CLOSED, 17, 0.5), (RETRIED, 20, 0.5)],
            "n:1 does not answer: is the machine",
            False,
        ),
        (
            [
                (BEGUN, 115, 0.0),
                (CONNECTED, 17, 0.0),
                (NO_DETAIL, errno.EPIPE, 0.0),
                (LOST, 17, 0.0),
                (RETRIED, 20, 0.0),
            ],
            "n:1 hangs up in the handshake: is the cluster secret the same on both nodes?",
            False,
        ),
        (
            [(CONNECTED, 17, 0.0), (NO_DETAIL, errno.EAGAIN, 2.0)],
            "says nothing: does its process hang",
            False,
        ),
        ([(CONNECTED, 17, 0.0), (NO_AUTH, 400, 0.0), (LOST, 17, 0.0)], "n:1 refused our key", True),
        ([(CONNECTED, 17, 0.0), (NO_AUTH, 500, 0.0), (LOST, 17, 0.0)], "status 500", True),
        (
            [(CONNECTED, 17, 0.0), (NO_PROTOCOL, 0x11000002, 0.0), (LOST, 17, 0.0)],
            "n:1 does not encrypt",
            True,
        ),
        (
            [(CONNECTED, 17, 0.0), (NO_PROTOCOL, 0x11000001, 0.0), (LOST, 17, 0.0)],
            "handshake off (0x11000001)",
            True,
        ),
        ([(BEGUN, 115, 0.0), (CONNECTED, 17, 0.0), (LOST, 17, 0.0)], "n:1 is no bus: is this the port", True),
    ],
)
def test_a_failed_attempt_is_told_once_with_its_reason(
    events: list[tuple[int, int, float]], words: str, is_given_up: bool
) -> None:
    """And it is known whether ZeroMQ goes on trying."""
    attempt = Attempt("n:1", 0.5)
    (turn,) = [turn for event in events if (turn := attempt.take(*event)) is not None]
    assert not turn.connected
    assert words in turn.reason
    assert (attempt.is_given_up, attempt.has_failed, attempt.is_lost) == (is_given_up, True, False)


def test_a_lost_connection_is_the_end_of_its_socket() -> None:
    """What ZeroMQ does with the socket afterwards is nobody's concern."""
    attempt = Attempt("n:1", 0.5)
    assert attempt.take(UP, 0, 0.0) == Turn(connected=True)
    assert attempt.take(LOST, 17, 1.0) == Turn(connected=False, reason="the connection is lost")
    assert attempt.is_lost
    for event in (RETRIED, BEGUN, CONNECTED, UP, LOST):
        assert attempt.take(event, 0, 1.0) is None
    assert not attempt.is_up


def test_the_side_that_is_dialled_has_words_too() -> None:
    """For what fails before a key could be judged."""
    assert "did not encrypt" in why_refused(NO_PROTOCOL, 0x11000002)
    assert "is the cluster secret the same" in why_refused(NO_PROTOCOL, 0x11000001)
    assert "did not finish the handshake" in why_refused(NO_DETAIL, errno.EAGAIN)


@attrs.define
class HandClock:
    """Goes when a test says so."""

    now_s: float = 100.0

    def wall_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s


def test_those_who_are_turned_away_are_told_once_for_each_spell() -> None:
    """Per address and reason, anew after a pause; of a crowd all further ones together, in bounded memory."""
    clock = HandClock()
    strangers = Strangers(BusSettings(stranger_s=60.0, strangers_max=3), clock)

    def told(address: str, why: str = "is wrong") -> list[str]:
        with structlog.testing.capture_logs() as logs:
            strangers.turned_away("tcp://0.0.0.0:1", address, why)
        return [entry["reason"] for entry in logs]

    assert told("10.0.0.3") == ["a process at 10.0.0.3 is wrong"]
    for _ in range(10):
        clock.now_s += 50
        assert told("10.0.0.3") == []
    assert told("10.0.0.3", "is worse") == ["a process at 10.0.0.3 is worse"]
    assert told("") == ["a process is wrong"]
    assert told("10.0.0.4") == ["a process at many addresses is wrong"]
    assert told("10.0.0.5") == []
    clock.now_s += 61
    assert told("10.0.0.3") == ["a process at 10.0.0.3 is wrong"]
