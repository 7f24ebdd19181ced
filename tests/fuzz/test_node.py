"""The kept inputs of everything that clients send, through the real program over real sockets.

Whatever is sent, the answer is a refusal in well-formed XML, a success, or the end of the connection; no
worker dies, nothing is logged with a traceback, and the node serves afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import re
import socket
import time
from collections.abc import Iterator, Mapping
from random import Random

import attrs
import pytest
from lxml import etree

from rustfs_proto.s3.sigv4_claims import PayloadMode
from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tests.fuzz.odd_requests import odd_requests
from tests.fuzz.targets import TARGETS, aws_chunked, xml_bodies
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode

KEYS = Credentials(ACCESS_KEY, SECRET_KEY)
MUTATED = 60
"""Of each kind, beside what is kept."""
ODD = 500
ANSWER_S = 30.0
ANSWERS_MAX = 50


@attrs.frozen
class Answer:
    """One answer of a connection."""

    status: int
    body: bytes


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A node with a bucket and an object, which is well at the end of every test."""
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        s3 = running.boto3()
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"kept")
        yield running


@pytest.fixture(autouse=True)
def _stays_well(node: RunningNode) -> Iterator[None]:
    before = node.worker_pids()
    yield
    s3 = node.boto3()
    s3.put_object(Bucket="bucket", Key="after", Body=b"after")
    assert s3.get_object(Bucket="bucket", Key="after")["Body"].read() == b"after"
    assert node.worker_pids() == before, "a worker was replaced"
    assert "Traceback" not in node.log_text(), node.log_tail()


def inputs_of(name: str) -> list[bytes]:
    """The kept inputs of a target, its seeds and some mutations of them."""
    target = TARGETS[name]
    pool = [*target.seeds(), *corpus.load(name).values()]
    mutator = Mutator(Random(f"node {name}"), pool, target.tokens, target.max_bytes)
    return [*pool, *(mutator.next_input() for _ in range(MUTATED))]


def exchange(node: RunningNode, data: bytes) -> list[Answer]:
    """Send all of it, end our side, and read every answer until the node ends its own."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", node.port), timeout=ANSWER_S) as connected:
        try:
            connected.sendall(data)
            connected.shutdown(socket.SHUT_WR)
            while piece := connected.recv(1 << 16):
                received += piece
        except (ConnectionResetError, BrokenPipeError):
            # An answer that was sent before the reset may be lost with it: what came is judged.
            pass
    return list(answers_in(bytes(received), data))


def answers_in(received: bytes, sent: bytes) -> Iterator[Answer]:
    """Every answer; those to HEAD have no body."""
    methods = re.findall(rb"(?:^|\n|.)(HEAD) /", sent)
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        assert status_line.startswith("HTTP/1.1 "), received[:200]
        headers = http.client.parse_headers(io.BytesIO("\r\n".join([*lines, "", ""]).encode("latin-1")))
        status = int(status_line.split()[1])
        if status == 100:
            received = rest
            continue
        size = int(headers["content-length"] or 0)
        if methods and not rest.startswith(b"<?xml"):
            size = 0
        yield Answer(status, rest[:size])
        received = rest[size:]


def check_answers(answers: list[Answer], sent: bytes) -> None:
    """Each is a success, or a refusal that says what it is."""
    for answer in answers:
        assert answer.status < 500 or answer.status == 501, f"{answer} to {sent[:300]!r}"
        if answer.status >= 400 and answer.body:
            document = etree.fromstring(answer.body)
            assert document.tag == "Error" and document.findtext("Code"), answer


def signed(
    method: str, target: str, body: bytes, headers: Mapping[str, str], payload_hash: str | None = None
) -> bytes:
    """A whole signed request."""
    digest = payload_hash or hashlib.sha256(body).hexdigest()
    complete = {"host": "127.0.0.1", **headers}
    request = sign_request(KEYS, method, target, complete, now_s=time.time(), payload_hash=digest)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1") + body


def test_heads(node: RunningNode) -> None:
    """Connections that begin with anything are answered by refusals, or ended."""
    answered = 0
    inputs = inputs_of("http_heads")
    for data in inputs:
        answers = exchange(node, data)
        check_answers(answers, data)
        assert all(answer.status >= 400 for answer in answers), (
            f"{answers} to {data!r}: nothing of it is signed"
        )
        assert len(answers) <= ANSWERS_MAX
        answered += bool(answers)
    assert answered > len(inputs) / 2, "most heads are worth an answer"


def test_signatures(node: RunningNode) -> None:
    """Requests whose signature is wrong in any way are refused."""
    for data in inputs_of("sigv4"):
        request_line, _, rest = data.partition(b"\n")
        sent = request_line + b" HTTP/1.1\r\n" + rest.replace(b"\n", b"\r\n") + b"\r\n"
        answers = exchange(node, sent)
        check_answers(answers, sent)
        assert all(answer.status >= 400 for answer in answers), f"{answers} to {data!r}"


def test_documents(node: RunningNode) -> None:
    """Documents of any content are refused where they are none, for each operation that takes one."""
    for data in inputs_of("xml_bodies"):
        upload = "0" * 32
        for method, target in (
            ("POST", "/bucket?delete="),
            ("POST", f"/bucket/k?uploadId={upload}"),
            ("PUT", "/other"),
        ):
            sent = signed(method, target, data, {"content-md5": _md5(data)})
            answers = exchange(node, sent)
            check_answers(answers, sent)
            assert answers, f"no answer to {sent!r}"
            if xml_bodies.check(data).startswith("Malformed") and data.strip():
                assert answers[0].status >= 400, f"{answers} to {data!r}"


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def test_chunked_bodies(node: RunningNode) -> None:
    """Bodies in aws-chunked whose framing or signatures are wrong are refused,
    and nothing of them is stored.
    """
    s3 = node.boto3()
    for data in inputs_of("aws_chunked"):
        line, _, body = data.partition(b"\n")
        mode, _, rest = line.decode("latin-1").partition(" ")
        length, _, trailers = rest.partition(" ")
        headers = {"x-amz-decoded-content-length": length, "x-amz-trailer": trailers}
        if mode not in {known.value for known in PayloadMode} or not all(
            value.isprintable() for value in (length, trailers)
        ):
            continue
        sent = signed("PUT", "/bucket/chunked", body, headers, mode)
        answers = exchange(node, sent)
        check_answers(answers, sent)
        # The chunk signatures are those of another key, so only unsigned chunks can be right.
        if answers and answers[0].status == 200:
            assert aws_chunked.check(data).startswith("STREAMING_UNSIGNED_TRAILER accepted"), data
            s3.delete_object(Bucket="bucket", Key="chunked")
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket", Prefix="chunked")


def test_odd_requests(node: RunningNode) -> None:
    """Whatever the owner asks for, in signed requests of right form, is done or refused."""
    for request in odd_requests(1, ODD):
        sent = signed(request.method, request.target, request.body, request.headers)
        answers = exchange(node, sent)
        check_answers(answers, sent)
        assert answers, f"no answer to {sent!r}"
