"""What is read past h11 is what h11 would have read."""

from __future__ import annotations

import random

import h11
import pytest

from rustfs_node.acceptor.net.plain_head import PlainHead, plain_head
from rustfs_node.acceptor.net.strictness import ambiguity

LIMIT = 4096
ROUNDS = 200_000

HEADS = (
    b"GET /bucket/key HTTP/1.1\r\nHost: a:9000\r\nX-Amz-Date: 20260101T000000Z\r\n\r\n",
    (
        b"PUT /b/k%20k?partNumber=1&uploadId=x HTTP/1.1\r\nhost:a\r\nContent-Length: 12\r\n"
        b"Expect: 100-continue\r\n\r\nhello"
    ),
    (
        b"POST /b?delete HTTP/1.1\r\nHost: b.example\r\nContent-Length:5\r\n"
        b"x-amz-meta-a:  two  words \t\r\n\r\n<a/>"
    ),
    b"HEAD /b/k HTTP/1.1\r\nHost: \r\nConnection: close\r\nRange: bytes=0-1\r\n\r\nGET / HTTP/1.1\r\n",
    b"DELETE /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET http://a/b/k HTTP/1.1\r\nHost: a\r\nx: caf\xc3\xa9\r\nUpgrade: h2c\r\n\r\n",
)
SPLINTERS = (
    *(bytes([code]) for code in (0, 9, 10, 11, 12, 13, 32, 35, 44, 58, 127, 128, 255)),
    b"\r\n",
    b"\r\n ",
    b"\n\n",
    b" HTTP/1.0",
    b"Content-Length: 3\r\n",
    b"content-length: +1\r\n",
    b"Content-Length: 1, 1\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Host: other\r\n",
    b"Name : value\r\n",
    b": value\r\n",
)


def h11_head(arrived: bytes) -> tuple[h11.Request, bytes]:
    """What h11 reads, and what it leaves."""
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)
    http.receive_data(arrived)
    event = http.next_event()
    assert isinstance(event, h11.Request), event
    return event, http.trailing_data[0]


def agrees(arrived: bytes, plain: PlainHead) -> None:
    head, rest = h11_head(arrived)
    assert ambiguity(arrived[: plain.size_bytes], head) == ""
    assert rest == arrived[plain.size_bytes :]
    assert (plain.method, plain.target, plain.http_version) == (head.method, head.target, head.http_version)
    assert plain.headers == list(head.headers)


def broken(head: bytes, chance: random.Random) -> bytes:
    """The head with a few bytes cut, put in or exchanged."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(head))
        cut = chance.choice((0, 0, 1, 2, 8))
        head = head[:at] + chance.choice((b"", *SPLINTERS)) + head[at + cut :]
    return head


@pytest.mark.parametrize("head", HEADS[:4])
def test_ordinary_heads_are_read(head: bytes) -> None:
    """Heads as clients send them are read without h11, and end where h11 says."""
    plain = plain_head(head, LIMIT)
    assert plain is not None
    agrees(head, plain)


@pytest.mark.parametrize(
    "head", [*HEADS[4:], HEADS[0][:-1], HEADS[0].replace(b"Host", b"Hos"), b"", b"\r\n\r\n"]
)
def test_others_are_left_to_h11(head: bytes) -> None:
    """Codings, upgrades, heads without a host or an end are not read."""
    assert plain_head(head, LIMIT) is None


def test_a_long_head_is_left_to_h11() -> None:
    """The limit counts every byte of the head."""
    assert plain_head(HEADS[0], len(HEADS[0])) is not None
    assert plain_head(HEADS[0], len(HEADS[0]) - 1) is None


def test_broken_heads_are_read_as_h11_reads_them() -> None:
    """However a head is broken: if it is read at all, h11 reads the same and finds nothing ambiguous."""
    chance = random.Random(1)
    read = 0
    for _ in range(ROUNDS):
        head = broken(chance.choice(HEADS), chance)
        plain = plain_head(head, LIMIT)
        if plain is not None:
            agrees(head, plain)
            read += 1
    assert read > ROUNDS // 20
