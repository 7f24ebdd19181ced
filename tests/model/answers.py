"""What a client must see of an operation: status, error code, headers, and bytes or a document.

A document is a dict: text of each element by name, dicts for what has elements of its own, and under `rows`,
in their order, those that may stand several times. An element without text is as good as none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

Row = tuple[str, "Tree"]
Tree = Mapping[str, object]


@attrs.frozen
class Answer:
    """One answer. `body` None: no body is compared, as for HEAD; a mapping is a document."""

    status: int
    headers: Mapping[str, object] = attrs.field(factory=dict)
    body: bytes | Tree | None = b""
    code: str = ""


@attrs.frozen
class Either:
    """S3 leaves open which of them is answered, and all leave the same behind."""

    answers: tuple[Answer, ...]


class Refused(Exception):
    """The operation changes nothing; carries what is answered."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(answers)
        self.answers = answers

    @property
    def answer(self) -> Answer | Either:
        return self.answers[0] if len(self.answers) == 1 else Either(self.answers)


STATUS = {
    "NotModified": 304,
    "BadDigest": 400,
    "EntityTooSmall": 400,
    "InvalidArgument": 400,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidRequest": 400,
    "MalformedXML": 400,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "MethodNotAllowed": 405,
    "PreconditionFailed": 412,
    "InvalidPartNumber": 416,
    "InvalidRange": 416,
    "NotImplemented": 501,
}


def error(code: str, headers: Mapping[str, object] | None = None) -> Answer:
    """The answer of an operation that failed by `code`."""
    return Answer(STATUS[code], headers or {}, None, code)


def document(root: str, rows: Sequence[Row] = (), **elements: object) -> Tree:
    """A document, without the elements that are None."""
    return {"root": root, **tree(rows, **elements)}


def tree(rows: Sequence[Row] = (), **elements: object) -> Tree:
    """Elements as they stand below another, without those that are None or empty."""
    told = {name: _text(value) for name, value in elements.items() if value not in (None, "", {})}
    return told | {"rows": list(rows)} if rows else told


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def quoted(etag: str) -> str:
    """An ETag as headers and documents show it."""
    return f'"{etag}"'
