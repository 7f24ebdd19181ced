"""Calls between processes: an answer belongs to the one life of a process that was asked, and to its time."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

ACKED = "An acknowledged write"
UNACKED = "A write that was not acknowledged"
ZMQ = "tests/conformance/test_bus_zmq.py"
MEMORY = "tests/conformance/test_bus_memory.py"
NODES = "tests/conformance/test_bus_nodes.py"
PEERS = "tests/conformance/test_bus_peers.py"
NETWORKS = "tests/conformance/test_bus_networks.py"

BUS = (
    PlantedBug(
        "former-life-answers",
        "rustfs_node/bus/peers.py",
        "        if incarnation == peer.incarnation or peer.state is not PeerState.UP:\n",
        "        if incarnation or peer.state is not PeerState.UP:\n",
        "Calls to a process that died are still expected from its successor.",
        UNACKED,
        f"{ZMQ}::test_a_peer_that_was_restarted_unnoticed_fails_what_its_former_life_was_asked",
    ),
    PlantedBug(
        "call-for-a-former-life-served",
        "rustfs_node/bus/answering.py",
        "        if header.target not in {0, self.outboxes.incarnation}:\n",
        "        if header.target < 0:\n",
        "What was asked of a process that died is carried out by its successor, after its asker gave it up.",
        UNACKED,
        f"{ZMQ}::test_calls_meant_for_a_former_life_are_not_served",
    ),
    PlantedBug(
        "expired-call-served",
        "rustfs_node/bus/answering.py",
        "        if request.deadline <= now and not request.is_notice:\n",
        "        if request.deadline <= 0 and not request.is_notice:\n",
        "A write takes effect long after its client was told that it failed.",
        UNACKED,
        f"{MEMORY}::test_a_call_delayed_beyond_its_deadline_is_not_served",
    ),
    PlantedBug(
        "wrong-name-answers",
        "rustfs_node/bus/peers.py",
        "        if header.sender != peer.name:\n",
        "        if not header.sender:\n",
        "Another drive's worker is asked for this drive's records.",
        ACKED,
        f"{ZMQ}::test_a_peer_of_another_name_is_not_asked",
    ),
    PlantedBug(
        "stranger-let-in",
        "rustfs_node/bus/zap.py",
        "    elif key not in allowed:\n",
        "    elif not key:\n",
        "Whoever can make a key pair reads and replaces what is stored.",
        ACKED,
        f"{NODES}::test_a_key_that_is_not_allowed_is_refused_until_it_is",
    ),
    PlantedBug(
        "nobody-asked-who-comes-in",
        "rustfs_node/bus/door.py",
        "    socket.setsockopt(zmq.CURVE_SERVER, 1)\n",
        "    socket.setsockopt(zmq.CURVE_SERVER, 0)\n",
        "Other nodes are served without encryption, and so is everybody else.",
        ACKED,
        f"{NODES}::test_one_process_serves_its_node_and_others_and_asks_both",
    ),
    PlantedBug(
        "queue-outlives-its-connection",
        "rustfs_node/bus/attempt.py",
        "            self.is_up, self.is_lost = False, True\n",
        "            self.is_up, self.is_lost = False, False\n",
        "What was given up when a connection between nodes broke is carried out when it is made again.",
        UNACKED,
        f"{NETWORKS}::test_what_waits_for_a_broken_connection_is_not_carried_out_later",
    ),
    PlantedBug(
        "other-nodes-silent-for-long",
        "rustfs_node/bus/engine.py",
        "there if name in remote else here",
        "here if name in remote else here",
        "A node that is cut off holds every write up for as long as a client is patient.",
        ACKED,
        f"{NETWORKS}::test_as_shipped_a_partition_is_known_within_two_seconds",
    ),
    PlantedBug(
        "chosen-while-leaving",
        "rustfs_node/bus/bus.py",
        "found.outbox.is_open and not found.is_leaving",
        "found.outbox.is_open",
        "A process that is about to stop is given new work until it is gone, and writes are cut off.",
        UNACKED,
        f"{PEERS}::test_a_peer_that_leaves_finishes_what_it_was_asked",
    ),
    PlantedBug(
        "stopped-under-a-write",
        "rustfs_node/erasureset/leaving.py",
        "            calm = 0 if bus.unanswered or state.handles.open else calm + 1\n",
        "            calm += 1\n",
        "A node that is restarted cuts off the writes that others have under way with it.",
        UNACKED,
        "tests/unit/erasureset/test_leaving.py::test_what_is_under_way_is_answered_before_a_worker_stops",
    ),
    PlantedBug(
        "own-drives-counted-as-staying",
        "rustfs_node/acceptor/health.py",
        "view.state not in AWAY and view.slot not in leaving]",
        "view.state not in AWAY]",
        "Whoever asks before he restarts a node is told that the others can do without it when they cannot.",
        ACKED,
        "tests/unit/acceptor/test_worker.py::test_whether_a_node_may_be_stopped",
    ),
)
