"""The bus: calls and notices between the processes of a node, and of several nodes.

    bus          what users see: ask, call, notify, serve, run
    opening      open_bus, between processes; endpoints: which ones are good
    engine       turns: all that arrived in, all that it caused out
    asking       calls to peers that this process dials
    peers        their life and death; liveness and calls hold the state that this is decided by
    answering    requests of those who dialled this process; delay: how long they were on their way
    telling      what this process and those behind it have counted
    batch        outboxes: many envelopes, few messages
    link         the seam below: zmq_link between processes, memory_link within one
    curve        keys, and what is on other nodes
    zmq_link     stations: its sockets; line: how a peer is dialled; door: where other nodes dial in
                 attempt: how dialling another node goes; names: of hosts; zap, strangers: who may not come in

What is in a message is `rustfs_proto.wire`'s business. Nothing here knows drives, sets or S3.
"""

from __future__ import annotations

from rustfs_node.bus.bus import Bus
from rustfs_node.bus.curve import KeyPair, RemotePeer, RemoteSide, node_keys
from rustfs_node.bus.memory_link import MemoryNet, TrioClock
from rustfs_node.bus.opening import open_bus
from rustfs_node.bus.values import BusStatistics, Handler, OnReply, PeerStatistics, Reply, Request
from rustfs_node.settings.bus import BusSettings

__all__ = [
    "Bus",
    "BusSettings",
    "BusStatistics",
    "Handler",
    "KeyPair",
    "MemoryNet",
    "OnReply",
    "PeerStatistics",
    "RemotePeer",
    "RemoteSide",
    "Reply",
    "Request",
    "TrioClock",
    "node_keys",
    "open_bus",
]
