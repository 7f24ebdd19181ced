"""The uploads of one writer: begun, continued, completed, given up, or left open.

What was asked without an answer is asked again once nothing else can come of the first time; the answer must
then fit to one of the two things that may have happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.clients.content import INLINE_BYTES, MIB, PART_BYTES_MIN
from tests.node.storm.client import Answer, Lost, Refused
from tests.node.storm.model import Key, State, StoredPart, Upload

if TYPE_CHECKING:
    from tests.node.storm.writer import Writer

OPEN = 6
"""Uploads that a writer has open at one time."""

LAST_PART_SIZES = (1, 70_000, INLINE_BYTES + 1, MIB + 5)
TWO_PARTS = 0.15
"""How often a part is large enough to be followed by another one."""


class Uploads:
    """`open` are those that are not known to be over; `lost` the keys of those that may have been begun."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._chance = writer.chance
        self.open: list[Upload] = []
        self.over: list[Upload] = []
        self.lost: set[str] = set()

    def act(self) -> None:
        """One step with one of them."""
        going = [upload for upload in self.open if upload.may_go_on(self._writer.deaths)]
        if len(self.open) < OPEN and (not going or self._chance.random() < 0.3):
            self._create(self._writer.key_to_write())
        elif going:
            self._go_on(self._chance.choice(going))

    def _go_on(self, upload: Upload) -> None:
        if upload.ending:
            self.end(upload, upload.ending)
        elif not upload.parts or self._chance.random() < 0.4:
            self.put_part(upload)
        else:
            self.end(upload, "complete" if self._chance.random() < 0.7 else "abort")

    def _create(self, key: Key) -> None:
        op = self._writer.new_op()
        client = self._writer.client
        try:
            answer = client.request("POST", key.name, "uploads=", headers={"x-amz-meta-op": str(op)})
        except (Lost, Refused) as error:
            self._writer.must_be_a_failure(error)
            self.lost.add(key.name)
            self._writer.doubts["upload_create"] += 1
            raise
        (upload_id,) = answer.texts("UploadId")
        self.open.append(Upload(key, upload_id, op))
        self._writer.succeeded("upload_create")

    def put_part(self, upload: Upload) -> None:
        """A part of new bytes: a small last one, or a large one before it."""
        number = 9
        size = self._chance.choice(LAST_PART_SIZES)
        if self._chance.random() < TWO_PARTS:
            number, size = 3, PART_BYTES_MIN
        piece = (self._writer.new_op(), size)
        query = f"partNumber={number}&uploadId={upload.upload_id}"
        body = State(0, (piece,)).body
        # Until it is acknowledged it is not known which bytes the part has.
        upload.parts.pop(number, None)
        answer = self._ask(
            "upload_part", upload, lambda: self._writer.client.request("PUT", upload.key.name, query, body)
        )
        assert answer is not None
        upload.parts[number] = StoredPart(answer.headers["etag"], piece)
        self._writer.succeeded("upload_part")

    def _ask(
        self, name: str, upload: Upload, request: Callable[[], Answer], *, again: bool = False
    ) -> Answer | None:
        """The answer; None where the upload is over already, which is right only for what is asked again."""
        try:
            return request()
        except (Lost, Refused) as error:
            if again and isinstance(error, Refused) and error.code == "NoSuchUpload":
                return None
            self._writer.must_be_a_failure(error)
            upload.doubted_at = self._writer.deaths.of_the_set
            self._writer.doubts[name] += 1
            raise

    def end(self, upload: Upload, ending: str) -> None:
        """Complete it or give it up, perhaps not for the first time."""
        key, again = upload.key, bool(upload.ending)
        if ending == "complete" and not again:
            if not key.may_be_written(self._writer.deaths):
                return
            key.is_reserved = True
        upload.ending = ending
        try:
            self._ask(f"upload_{ending}", upload, lambda: self._request_end(upload, ending), again=again)
        except (Lost, Refused):
            if ending == "complete" and not again:
                key.doubt(upload.state, self._writer.deaths)
            raise
        if ending == "complete":
            key.acknowledge(upload.state)
            key.is_reserved = False
        self.open.remove(upload)
        self.over.append(upload)
        self._writer.succeeded(f"upload_{ending}")

    def _request_end(self, upload: Upload, ending: str) -> Answer:
        query = f"uploadId={upload.upload_id}"
        client = self._writer.client
        if ending == "abort":
            return client.request("DELETE", upload.key.name, query)
        rows = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{part.etag}</ETag></Part>"
            for number, part in sorted(upload.parts.items())
        )
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        answer = client.request("POST", upload.key.name, query, body)
        if b"<CompleteMultipartUploadResult" not in answer.body:
            # An answer that began before the outcome was known carries the error in its body.
            raise Refused(503, answer.body)
        return answer
