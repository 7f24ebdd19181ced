"""The operations as requests over HTTP, and what each answer says of the key.

    success              it happened
    404, 405, 412        it found the key so that it had to be refused; which of them may come is S3's to say
    409, never sent      it did not happen, and nothing is known of the key; nor of one that was signed just
                         before the node's clock was set: 403
    5xx, no whole answer unknown

Anything else is an answer that the node must not give.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping

import attrs

from tests.clients.content import content
from tests.linear.history import Kind, Op, Outcome
from tests.linear.wire import Wire
from tests.node.storm.client import Answer, Lost, Refused

REFUSALS: dict[Kind, frozenset[int]] = {
    Kind.PUT: frozenset(),
    Kind.CREATE: frozenset({412}),
    Kind.REPLACE: frozenset({404, 412}),
    Kind.DELETE: frozenset(),
    Kind.REMOVE: frozenset({404, 412}),
    Kind.ERASE: frozenset(),
    Kind.READ: frozenset({404}),
    Kind.READ_VERSION: frozenset({404, 405}),
    Kind.TAG: frozenset({404, 405}),
    Kind.READ_TAG: frozenset({404, 405}),
}


class Wrong(AssertionError):
    """An answer that no history makes right."""


@attrs.frozen
class Body:
    """Bytes that nobody else writes, told by a number and a size."""

    number: int
    size: int

    @property
    def data(self) -> bytes:
        return content(self.size, self.number)

    @property
    def etag(self) -> str:
        return hashlib.md5(self.data).hexdigest()

    @property
    def storage_class(self) -> dict[str, str]:
        """The header that goes with it: every third has less parity than the others."""
        return {} if self.number % 3 else {"x-amz-storage-class": "REDUCED_REDUNDANCY"}

    @property
    def etag_as_upload(self) -> str:
        """Of an upload with this as its only part."""
        return f"{hashlib.md5(hashlib.md5(self.data).digest()).hexdigest()}-1"


class Requester:
    """One connection. `written` has every body by ETag, from all clients."""

    def __init__(self, client: Wire, bucket: str, written: dict[str, Body]) -> None:
        self._client, self._bucket, self._written = client, bucket, written

    # Writes

    def put(self, op: Op, key: str, body: Body) -> None:
        """Also the conditional ones."""
        op.etag = self._remember(body.etag, body)
        self._ask(op, "PUT", key, body=body.data, headers={**body.storage_class, **_conditions(op)})

    def copy(self, op: Op, key: str, source: str, body: Body) -> None:
        """Of an object that has that body."""
        op.etag = self._remember(body.etag, body)
        path = f"/{self._bucket}/{source}"
        headers = {"x-amz-copy-source": path, **body.storage_class, **_conditions(op)}
        self._ask(op, "PUT", key, headers=headers)

    def complete(self, op: Op, key: str, upload_id: str, body: Body) -> None:
        """An upload of one part."""
        op.etag = self._remember(body.etag_as_upload, body)
        part = f"<Part><PartNumber>1</PartNumber><ETag>{body.etag}</ETag></Part>"
        document = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
        self._ask(op, "POST", key, f"uploadId={upload_id}", document, _conditions(op))

    def delete(self, op: Op, key: str) -> None:
        """With its condition, or of its version."""
        self._ask(op, "DELETE", key, _version(op), headers=_conditions(op))

    def tag(self, op: Op, key: str) -> None:
        row = f"<Tag><Key>tag</Key><Value>{op.tag}</Value></Tag>"
        document = f"<Tagging><TagSet>{row}</TagSet></Tagging>".encode()
        self._ask(op, "PUT", key, _joined("tagging=", _version(op)), document)

    # Reads

    def read(self, op: Op, key: str, method: str = "GET") -> None:
        """The bytes are compared as well."""
        answer = self._ask(op, method, key, _version(op))
        if answer is None:
            return
        op.etag = answer.headers["etag"].strip('"')
        op.tag = "some" if "x-amz-tagging-count" in answer.headers else ""
        body = self._written.get(op.etag)
        if body is None or int(answer.headers["content-length"]) != body.size:
            raise Wrong(f"nobody ever wrote what this found: {op}")
        if method == "GET" and answer.body != body.data:
            raise Wrong(f"other bytes than those that were written: {op}")

    def read_tag(self, op: Op, key: str) -> None:
        answer = self._ask(op, "GET", key, _joined("tagging=", _version(op)))
        if answer is not None:
            op.tag = "".join(answer.texts("Value"))

    def close(self) -> None:
        self._client.close()

    # What has to be there first; raises `Lost` or `Refused`

    def prepare_source(self, source: str, body: Body) -> None:
        self._client.request("PUT", source, body=body.data)

    def prepare_upload(self, key: str, body: Body) -> str:
        """The id of an upload with one part."""
        begun = self._client.request("POST", key, "uploads=", headers=body.storage_class)
        (upload_id,) = begun.texts("UploadId")
        self._client.request("PUT", key, f"partNumber=1&uploadId={upload_id}", body.data)
        return upload_id

    # All of them

    def _remember(self, etag: str, body: Body) -> str:
        self._written[etag] = body
        return etag

    def _ask(
        self,
        op: Op,
        method: str,
        key: str,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer | None:
        """The answer where it is a success; `op` is ended by any that tells something."""
        op.called = time.monotonic()
        try:
            answer = self._client.request(method, key, query, body, headers)
        except Refused as refused:
            _take_refusal(op, refused, time.monotonic())
            return None
        except Lost as lost:
            if isinstance(lost.__cause__, ConnectionRefusedError):
                op.end(Outcome.FAIL, time.monotonic())
            return None
        at = time.monotonic()
        if method == "POST" and b"<CompleteMultipartUploadResult" not in answer.body:
            # An answer that began before the outcome was known carries the error in its body.
            return None
        op.version = answer.headers.get("x-amz-version-id", "")
        self._compare_etag(op, answer)
        op.end(Outcome.OK, at)
        return answer

    def _compare_etag(self, op: Op, answer: Answer) -> None:
        told = [answer.headers["etag"]] if "etag" in answer.headers else answer.texts("ETag")
        if op.etag and [etag.strip('"') for etag in told] != [op.etag]:
            raise Wrong(f"the answer tells of the ETag {told}: {op}")


def _take_refusal(op: Op, refused: Refused, at: float) -> None:
    if refused.status >= 500:
        return
    if refused.status == 409 or (refused.status == 403 and refused.code in ("", "RequestTimeTooSkewed")):
        op.end(Outcome.FAIL, at)
        return
    if refused.status not in REFUSALS[op.kind] or refused.code not in _CODES:
        raise Wrong(f"answered {refused}: {op}")
    op.status = refused.status
    op.version = refused.headers.get("x-amz-version-id", "") if op.kind is Kind.READ else ""
    op.end(Outcome.OK, at)


_CODES = frozenset({"", "NoSuchKey", "NoSuchVersion", "PreconditionFailed", "MethodNotAllowed"})
"""HEAD is answered without a body, so without a code."""


def _conditions(op: Op) -> dict[str, str]:
    if op.kind is Kind.CREATE:
        return {"if-none-match": "*"}
    return {"if-match": f'"{op.expect}"'} if op.expect else {}


def _version(op: Op) -> str:
    return f"versionId={op.asked}" if op.asked else ""


def _joined(*queries: str) -> str:
    return "&".join(query for query in queries if query)
