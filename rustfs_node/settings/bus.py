"""Limits of the bus: how much may be under way to a peer, and how long silence is borne."""

from __future__ import annotations

import attrs


@attrs.frozen
class BusSettings:
    """The table [bus]."""

    inline_bytes: int = 4096
    """Bytes. Payload frames below this travel in the header: a frame of its own costs more than the copy."""

    zero_copy_bytes: int = 64 * 1024
    """Bytes. Frames from here on are handed to ZeroMQ without a copy; below, the bookkeeping costs more."""

    batch_bytes: int = 4 * 1024 * 1024
    """Bytes. What is queued for a peer beyond this goes in a further message: none grows without end."""

    batch_calls: int = 512
    """Calls in one outgoing message; bounds how long a receiver decodes before it looks elsewhere."""

    gather_s: float = 0.01
    """Seconds. Small calls to a peer that is busy answering wait for its next answer, up to this long after
    its last one. About the sync of a hard disk."""

    gather_bytes: int = 64 * 1024
    """Bytes. As soon as so much is gathered it goes: the cost of a message no longer matters."""

    frame_bytes_max: int = 16 * 1024 * 1024
    """Bytes. A larger frame is refused by its sender, and by ZeroMQ, which drops the connection. The same on
    all nodes."""

    frames_max: int = 2048
    """Frames of one message; a message of more is dropped undecoded. The same on all nodes."""

    drain_messages: int = 128
    """Messages that are taken in at once before what they cause is sent; bounds the latency under load."""

    calls_max: int = 8192
    """Calls under way to one peer; a further one is answered OVERLOADED on the spot."""

    queued_bytes_max: int = 256 * 1024 * 1024
    """Bytes of calls under way and notices queued to one peer; more is answered OVERLOADED."""

    heartbeat_s: float = 1.0
    """Seconds. A peer on this node that was silent for this long is asked for a sign of life."""

    silence_s: float = 6.0
    """Seconds. A peer on this node that is silent for this long in spite of heartbeats is down. Longer than
    any stall of a healthy event loop, shorter than a client's patience. No network can come between: one that
    died is known by its connection at once, and one that hangs is also noticed by the supervisor.
    """

    remote_heartbeat_s: float = 0.25
    """Seconds. As `heartbeat_s`, for peers on other nodes. An idle one costs two small messages every other
    beat."""

    remote_silence_s: float = 1.5
    """Seconds. As `silence_s`, for peers on other nodes. That one is down is known one beat after this at the
    latest, within 2 s in all; an answer has one beat less, 1.25 s: a healthy event loop on a busy machine may
    stall for a second."""

    client_silence_s: float = 30.0
    """Seconds. Another process that dialled this one and was silent for this long is forgotten, with the
    answers that it did not take. Longer than `silence_s`: forgetting loses answers, and memory is all that it
    saves.
    """

    connect_grace_s: float = 10.0
    """Seconds from the start of the bus in which calls to a peer that never was up wait for it: the processes
    of a node start together, and the slowest opens its log first."""

    reconnect_min_ms: int = 20
    """Milliseconds before the first attempt to connect again; doubles up to `reconnect_max_ms`."""

    reconnect_max_ms: int = 100
    """Milliseconds between attempts to connect to a peer that stays away, on this node or another. A worker
    that was started again is found this much later; an attempt that fails costs some ten microseconds.
    """

    remote_connect_ms: int = 500
    """Milliseconds that an attempt to connect to another node may take. The kernel alone would try for
    minutes, ever more seldom: after a network is whole again this decides when its nodes find each other."""

    remote_handshake_ms: int = 2000
    """Milliseconds that a connection between nodes has to prove who it is. Bounds those that never do; above
    the stall of an event loop, which has to agree."""

    remote_redial_s: float = 1.0
    """Seconds after which another node that ZeroMQ does not dial by itself is dialled anew: it refused our
    key, or its name had no address, or another one."""

    remote_name_s: float = 5.0
    """Seconds that looking up the name of a host may take; what common resolvers give one server."""

    remote_unacknowledged_ms: int = 4000
    """Milliseconds after which the kernel gives up a connection between nodes whose bytes are not
    acknowledged. Above `remote_silence_s`, and below the 5 s within which a late call is known to be late."""

    remote_keepalive_s: int = 10
    """Seconds of silence after which the kernel asks whether a connection between nodes still has another
    side, and between its questions: what went away without a word is forgotten within some of them."""

    remote_backlog: int = 512
    """Connections that the kernel keeps for a process that is busy: all workers of all other nodes may dial
    at once."""

    stranger_s: float = 60.0
    """Seconds. Attempts to connect with a wrong key that follow each other within this are told once in the
    log."""

    strangers_max: int = 256
    """Addresses that are told apart in that; more are told as one."""

    spans_kept: int = 4096
    """Requests of which a process keeps the times of messages while somebody asks for them; the oldest make
    room. What a busy node ends within the seconds between two questions."""

    spans_of_request: int = 64
    """Messages of one request whose times a process keeps. A small object takes one or two, a large one as
    many as it has blocks, of which the first say enough."""

    spans_idle_s: float = 15.0
    """Seconds after which times are kept no longer when nobody has asked again: three times the longest pause
    of those who do."""

    linger_ms: int = 200
    """Milliseconds that closing waits for the last messages to leave."""

    socket_messages_max: int = 1024
    """Messages in ZeroMQ's own queue per peer and direction (its high-water mark); more wait in ours."""

    blocked_retry_s: float = 0.005
    """Seconds until a full queue is tried again where ZeroMQ's report that it has room went unnoticed."""

    timer_s: float = 0.01
    """Seconds. Deadlines are watched in steps of this size: one timer serves all calls."""
