"""The machine with multipart uploads and listings: all operations on objects."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule

from tests.model import operations as ops
from tests.model import pools
from tests.model.machine import OTHER_ETAG, ObjectsMachine
from tests.model.s3.state import Part
from tests.model.symbols import Maybe, UploadId

MISTAKES = ["", "", "", "first", "last", "etag", "missing", "order", "none", "size"]


class FullMachine(ObjectsMachine):
    """Everything that the model knows."""

    versions, uploads, places = ObjectsMachine.versions, ObjectsMachine.uploads, ObjectsMachine.places

    def __init__(self) -> None:
        super().__init__()
        # What completions that succeeded have named, by upload.
        self.completed: dict[int, tuple[ops.NamedPart, ...]] = {}

    @rule(
        target=uploads, key=pools.keys, carried=pools.carried, checksum=st.sampled_from(pools.KINDS)
    )
    def create_upload(self, key, carried, checksum) -> object:
        told = self.step(ops.CreateUpload(key, carried, *checksum))
        return (key, told["UploadId"]) if told else multiple()

    @rule(upload=uploads, number=pools.part_numbers, body=pools.part_bodies, is_wrong=pools.rarely)
    def upload_part(self, upload, number, body, is_wrong) -> None:
        algorithm = self.algorithm(upload[1])
        digest = ops.Digest(algorithm, not is_wrong) if algorithm else None
        self.step(ops.UploadPart(*upload, number, body, digest))

    @rule(
        upload=uploads,
        number=pools.part_numbers,
        place=places,
        range_=pools.copy_ranges,
        on=pools.on_reads,
    )
    def copy_part(self, upload, number, place, range_, on) -> None:
        self.step(ops.CopyPart(*upload, number, *place, range_, self.on_read(on, *place)))

    @rule(
        target=versions,
        upload=uploads,
        mistake=st.sampled_from(MISTAKES),
        absent=pools.rarely,
        match=pools.etags,
    )
    def complete(self, upload, mistake, absent, match) -> object:
        key, upload_id = upload
        on = ops.OnWrite(absent) if absent else ops.OnWrite(if_match=self.etag(key, match))
        parts = with_mistake(self.named_parts(upload_id), mistake)
        if self.step(ops.Complete(key, upload_id, parts, on, 12345 if mistake == "size" else None)):
            self.completed[upload_id.number] = parts
        return self.written(key)

    @rule(upload=uploads)
    def abort(self, upload) -> None:
        self.step(ops.Abort(*upload))

    @rule(upload=uploads, after=st.integers(0, 3), limit=pools.limits)
    def list_parts(self, upload, after, limit) -> None:
        self.step(ops.ListParts(*upload, after, limit))

    @rule(prefix=pools.prefixes, delimiter=pools.delimiters, marker=pools.markers, limit=pools.limits)
    def list_uploads(self, prefix, delimiter, marker, limit) -> None:
        upload = None
        while True:
            told = self.step(ops.ListUploads(prefix, delimiter, marker, upload, limit))
            if told["IsTruncated"] == "false":
                return
            marker, upload = told["NextKeyMarker"], told.get("NextUploadIdMarker")

    @rule(prefix=pools.prefixes, delimiter=pools.delimiters, marker=pools.markers, limit=pools.limits)
    def list_objects(self, prefix, delimiter, marker, limit) -> None:
        while True:
            told = self.step(ops.ListObjects(prefix, delimiter, marker, limit))
            if told["IsTruncated"] == "false":
                return
            following = told["NextMarker"]
            marker = following.value if isinstance(following, Maybe) else following

    @rule(prefix=pools.prefixes, delimiter=pools.delimiters, start=pools.markers, limit=pools.limits)
    def list_objects_2(self, prefix, delimiter, start, limit) -> None:
        token = None
        while True:
            told = self.step(ops.ListObjects2(prefix, delimiter, start, token, limit))
            if told["IsTruncated"] == "false":
                return
            token = told["NextContinuationToken"]

    @rule(prefix=pools.prefixes, delimiter=pools.delimiters, marker=pools.markers, limit=pools.limits)
    def list_versions(self, prefix, delimiter, marker, limit) -> None:
        version = None
        while True:
            told = self.step(ops.ListVersions(prefix, delimiter, marker, version, limit))
            if told["IsTruncated"] == "false":
                return
            marker, version = told["NextKeyMarker"], told.get("NextVersionIdMarker")

    def algorithm(self, upload_id: UploadId) -> str:
        """What the upload's parts are checked by."""
        upload = self.duel.bucket.uploads.get(upload_id.number)
        return "" if upload is None else upload.algorithm

    def named_parts(self, upload_id: UploadId) -> tuple[ops.NamedPart, ...]:
        """All parts of the upload; of one that was completed those that were named then."""
        upload = self.duel.bucket.uploads.get(upload_id.number)
        if upload is None:
            return self.completed.get(upload_id.number, (ops.NamedPart(1, OTHER_ETAG),))
        return tuple(named(part) for _, part in sorted(upload.parts.items()))


def named(part: Part) -> ops.NamedPart:
    """A part as a completion names it."""
    checksum = part.checksum
    told = None if checksum is None else (f"Checksum{checksum.algorithm}", checksum.value)
    return ops.NamedPart(part.number, part.etag, told)


def with_mistake(parts: tuple[ops.NamedPart, ...], mistake: str) -> tuple[ops.NamedPart, ...]:
    """The parts as a client names them that leaves some out or errs."""
    changes = {
        "first": parts[:1],
        "last": parts[-1:],
        "etag": (*parts[:-1], ops.NamedPart(1, OTHER_ETAG)),
        "missing": (*parts, ops.NamedPart(9, OTHER_ETAG)),
        "order": parts[::-1],
        "none": (),
    }
    return changes.get(mistake, parts)
