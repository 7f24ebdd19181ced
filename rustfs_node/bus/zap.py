"""Who may come in: the answer to ZeroMQ's question about a connection (ZAP, 27/ZAP of the ZeroMQ RFCs).

Pure. ZeroMQ asks after the handshake has proved that the other side holds the secret key to the public key
that it offers, and before it hands over anything of what it sends.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

ADDRESS = b"inproc://zeromq.zap.01"
DOMAIN = b"rustfs-node"
_FRAMES_WITH_KEY = 7


@attrs.frozen
class Judgement:
    """`answer` is for ZeroMQ. `refused` says why, empty where the connection is let in."""

    answer: list[bytes]
    address: str
    refused: str


def judge(question: Sequence[bytes], allowed: frozenset[bytes]) -> Judgement:
    """`question`: version, id, domain, address, identity, mechanism, and for CURVE the public key; `allowed`
    are keys of 32 bytes.
    """
    version, question_id, _domain, address, _identity, mechanism = question[:6]
    key = question[6] if len(question) == _FRAMES_WITH_KEY else b""
    refused = ""
    if mechanism != b"CURVE":
        refused = f"did not encrypt ({mechanism.decode('ascii', 'replace')})"
    elif key not in allowed:
        refused = "offered a key that belongs to no node: is its node in the list of nodes here?"
    status, text = (b"400", b"unknown key") if refused else (b"200", b"")
    return Judgement(
        [version, question_id, status, text, b"", b""], address.decode("ascii", "replace"), refused
    )
