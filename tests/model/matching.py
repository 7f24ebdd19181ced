"""Every visible part of an answer against what the model says; what differs is told in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from tests.model.answers import Answer, Either, Row
from tests.model.names import Names
from tests.model.symbols import SOME, Maybe, Moment, Token, UploadId, VersionId
from tests.model.wire import Received

# What HTTP and the server say of the message and not of the object.
_OF_THE_MESSAGE = frozenset(
    ["accept-ranges", "connection", "date", "server", "transfer-encoding", "x-amz-request-id", "x-amz-id-2"]
)
# Told of the body in hand, unless the answer is about an object.
_OF_THE_BODY = frozenset({"content-length", "content-type"})


def differences(answer: Answer | Either, received: Received, names: Names) -> list[str]:
    """What is not as it must be."""
    if isinstance(answer, Answer):
        return list(_compare(answer, received, names))
    found = [list(_compare(one, received, _copy(names))) for one in answer.answers]
    for one, differing in zip(answer.answers, found, strict=True):
        if not differing:
            return list(_compare(one, received, names))
    return [f"either {differing}" for differing in found]


def _copy(names: Names) -> Names:
    return attrs.evolve(names, known=dict(names.known), taken=dict(names.taken))


def _compare(answer: Answer, received: Received, names: Names) -> Iterator[str]:
    if received.status != answer.status or (answer.code and received.body and received.code != answer.code):
        yield f"expected {answer.status} {answer.code}, got {received.status} {received.code}"
        return
    ignored = _OF_THE_MESSAGE | (_OF_THE_BODY - answer.headers.keys())
    headers = {name: value for name, value in received.headers.items() if name not in ignored}
    yield from _match("header", answer.headers, headers, names)
    if isinstance(answer.body, Mapping):
        yield from _match("body", _in_order(answer.body, names), _in_order(received.tree, names), names)
    elif answer.body is not None and answer.body != received.body:
        yield f"body: expected {_shown(answer.body)}, got {_shown(received.body)}"


def _in_order(tree: Mapping[str, object], names: Names) -> Mapping[str, object]:
    """The document with its rows in one order, where S3 leaves theirs open."""
    if tree["root"] != "DeleteResult" or "rows" not in tree:
        return tree

    def place(row: Row) -> tuple[str, str, str]:
        version = row[1].get("VersionId", "")
        return row[0], str(row[1]["Key"]), str(names.known.get(version, version))

    return {**tree, "rows": sorted(tree["rows"], key=place)}


def _match(where: str, wanted: object, got: object, names: Names) -> Iterator[str]:
    if isinstance(wanted, Maybe):
        if got is not None:
            yield from _match(where, wanted.value, got, names)
    elif isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for name in dict.fromkeys([*wanted, *got]):
            yield from _match(f"{where}.{name}", wanted.get(name), got.get(name), names)
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str) and isinstance(got, Sequence):
        yield from _match_rows(where, wanted, got, names)
    elif isinstance(wanted, VersionId | UploadId | Token | Moment) and isinstance(got, str):
        if wrong := names.learn(wanted, got):
            yield f"{where}: {wrong}"
    elif wanted is SOME and got:
        return
    elif wanted != got:
        yield f"{where}: expected {wanted!r}, got {got!r}"


def _match_rows(where: str, wanted: Sequence[object], got: Sequence[object], names: Names) -> Iterator[str]:
    if len(wanted) != len(got):
        yield f"{where}: expected {len(wanted)} {wanted!r}, got {len(got)} {got!r}"
        return
    for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
        yield from _match(f"{where}[{index}]", one, other, names)


def _shown(body: bytes) -> str:
    return f"{len(body)} bytes {body[:24]!r}"
