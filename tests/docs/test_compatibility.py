"""docs/s3-compatibility.md tells of every operation what the program does with it."""

from __future__ import annotations

import re

from rustfs_node.acceptor.operations import HANDLERS
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.routing import route
from rustfs_proto.s3.subresources import BUCKET_CONFIGURATIONS_BY_ID, BUCKET_SUBRESOURCES, OBJECT_SUBRESOURCES
from rustfs_proto.s3.target import parse_target
from tests.docs.pages import ROOT
from tests.unit.acceptor.node_kit import in_thread, raw_client, signed_request, whole_node

STATES = {"works", "empty", "501"}
# A request by headers rather than by its query.
SPECIAL = {
    Op.SecurityTokenService: ("POST", "/", {}),
    Op.AppendObject: ("PUT", "/bucket/k", {"x-amz-write-offset-bytes": "0"}),
    Op.PostObject: ("POST", "/bucket", {"content-type": "multipart/form-data; boundary=b"}),
    Op.WriteGetObjectResponse: ("POST", "/bucket", {"x-amz-request-route": "r"}),
}
Request = tuple[str, str, dict[str, str]]


def states() -> list[tuple[Op, str]]:
    """The rows of the first table: each operation and its state."""
    page = (ROOT / "docs/s3-compatibility.md").read_text()
    table = page.partition("## Operations")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    return [(Op(name), row[2].strip()) for row in rows for name in re.findall(r"`(\w+)`", row[1])]


def test_every_operation_stands_once():
    """No operation is missing or told twice, and each has one of the three states."""
    told = states()
    assert sorted(operation for operation, _ in told) == sorted(Op)
    assert {state for _, state in told} == STATES


def test_what_is_said_to_be_answered_has_a_handler():
    """Operations that work or are empty are those that the acceptor performs; preflights need no handler."""
    answered = {operation for operation, state in states() if state != "501"}
    assert answered == {*HANDLERS, Op.Preflight}


def requests() -> dict[Op, Request]:
    """A request for each operation that a sub-resource or a header selects."""
    found: dict[Op, Request] = dict(SPECIAL)
    for path, table in (("/bucket", BUCKET_SUBRESOURCES), ("/bucket/k", OBJECT_SUBRESOURCES)):
        for name, methods in table.items():
            for method, operation in methods.items():
                found.setdefault(operation, (method, f"{path}?{name}", {}))
    for name, operation in BUCKET_CONFIGURATIONS_BY_ID.items():
        found[operation] = ("GET", f"/bucket?{name}&id=i", {})
    return found


def routed(request: Request) -> Op:
    """What the program takes the request for."""
    method, target, headers = request
    parsed = parse_target(target.encode())
    return route(
        method,
        has_bucket=target != "/",
        has_key=target.startswith("/bucket/"),
        params=parsed.params,
        headers=headers,
    )


async def test_everything_else_answers_501(tmp_path):
    """A request for an operation that is not built is refused under the name of that operation."""
    by_operation = requests()
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port, raw_client(port) as client:
        await in_thread(lambda s3: s3.create_bucket(Bucket="bucket"), port)
        for operation, state in states():
            if state != "501":
                continue
            request = by_operation[operation]
            assert routed(request) is operation
            await client.send(signed_request(*request))
            status, _, body = await client.answer()
            assert (status, f"The operation {operation} ".encode() in body) == (501, True), operation
