"""How dialling another node goes, from the events of ZeroMQ's monitor, and the words for what is wrong.

Decides only. What a dialling process can see of its failures, found by trying:

    the secrets differ      the other side hangs up in the middle of the handshake, without a word
    our key is not allowed  it says so, status 400; ZeroMQ gives up for good
    no CURVE over there     the mechanisms differ; ZeroMQ gives up for good
    no ZeroMQ over there    the connection ends, or the handshake takes too long; may give up for good
    nobody listens          the attempt is over at once; also where no machine has the address
    packets are dropped     the attempt is over after `remote_connect_ms`
"""

from __future__ import annotations

import errno

import attrs
import zmq

_REFUSED_KEY = 400
_MECHANISMS_DIFFER = int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
_BEGUN, _MADE, _CLOSED = int(zmq.EVENT_CONNECT_DELAYED), int(zmq.EVENT_CONNECTED), int(zmq.EVENT_CLOSED)
_UP, _LOST = int(zmq.EVENT_HANDSHAKE_SUCCEEDED), int(zmq.EVENT_DISCONNECTED)
_RETRIED = int(zmq.EVENT_CONNECT_RETRIED)
_NO_AUTH = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
_NO_PROTOCOL = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
_NO_DETAIL = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
MONITORED = _BEGUN | _MADE | _CLOSED | _UP | _LOST | _RETRIED | _NO_AUTH | _NO_PROTOCOL | _NO_DETAIL


@attrs.frozen
class Turn:
    """The connection was made, or is not there and why."""

    connected: bool
    reason: str = ""


@attrs.define(eq=False)
class Attempt:
    """To reach `where`, for as long as one socket dials it. `is_given_up`: ZeroMQ tries no more by itself.
    `has_failed`: at least once with this socket. `is_lost`: it had been reached, so the socket has had its
    time.
    """

    where: str
    timeout_s: float
    is_up: bool = False
    is_given_up: bool = False
    is_lost: bool = False
    has_failed: bool = False
    _is_told: bool = False
    _begun_at: float = 0.0

    def take(self, event: int, value: int, now: float) -> Turn | None:
        """What an event of the monitor means; None for nothing new."""
        if self.is_lost:
            # ZeroMQ dials again with a socket that is about to be closed.
            return None
        if event == _RETRIED:
            self.is_given_up = False
        elif event == _BEGUN:
            self._begun_at, self._is_told, self.is_given_up = now, False, False
        elif event == _UP:
            self.is_up = True
            return Turn(connected=True)
        elif event == _LOST:
            return self._lost()
        elif event == _CLOSED:
            return self._failed(self._unreachable(now))
        elif event in {_NO_AUTH, _NO_PROTOCOL, _NO_DETAIL}:
            return self._failed(f"{self.where} {_why(event, value)}")
        return None

    def _lost(self) -> Turn | None:
        # Until ZeroMQ says that it tries again.
        self.is_given_up = True
        if self.is_up:
            self.is_up, self.is_lost = False, True
            return Turn(connected=False, reason="the connection is lost")
        return None if self._is_told else self._failed(f"{self.where} is no bus: {_PORT}")

    def _failed(self, reason: str) -> Turn:
        self.has_failed = self._is_told = True
        return Turn(connected=False, reason=reason)

    def _unreachable(self, now: float) -> str:
        if now - self._begun_at < 0.9 * self.timeout_s:
            return f"{self.where} cannot be reached: do the machine and its node run, and is this its port?"
        return f"{self.where} does not answer: is the machine on, and does the network let packets through?"


_PORT = "is this the port of a node's bus?"
_SECRET = "is the cluster secret the same on both nodes?"  # noqa: S105 - a question


def _why(event: int, value: int) -> str:
    if event == _NO_AUTH and value == _REFUSED_KEY:
        return f"refused our key: is this node in its list of nodes, and {_SECRET}"
    if event == _NO_AUTH:
        return f"could not judge our key (status {value}): see its log"
    if event == _NO_PROTOCOL and value == _MECHANISMS_DIFFER:
        return f"does not encrypt: {_PORT}"
    if event == _NO_PROTOCOL:
        return f"broke the handshake off (0x{value:x}): {_SECRET}"
    if value == errno.EAGAIN:
        return f"accepts connections and says nothing: does its process hang, and {_PORT}"
    return f"hangs up in the handshake: {_SECRET} And {_PORT}"


def why_refused(event: int, value: int) -> str:
    """The same for the side that was dialled, where no key was offered that could be judged."""
    if event == _NO_PROTOCOL and value == _MECHANISMS_DIFFER:
        return "did not encrypt: its endpoint is meant for a node of the cluster"
    if event == _NO_PROTOCOL:
        return f"could not be understood (0x{value:x}): {_SECRET}"
    return "connected and did not finish the handshake"
