"""Rules about multipart uploads, from the first part to the object."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.model import operations as ops
from tests.model import pools
from tests.model.machine import OTHER_ETAG, BucketMachine
from tests.model.s3.state import Part
from tests.model.symbols import UploadId

MISTAKES = ["", "", "", "", "first", "etag", "missing", "order", "none", "size"]


class UploadRules(BucketMachine):
    """`uploads` are keys and ids of uploads, also of those that are gone by now."""

    versions = BucketMachine.versions
    uploads = Bundle("uploads")
    places = pools.aims | versions

    def __init__(self) -> None:
        super().__init__()
        # What completions that succeeded have named, by upload.
        self.completed: dict[int, tuple[ops.NamedPart, ...]] = {}

    @rule(
        target=uploads,
        number=pools.keys,
        carried=pools.carried,
        checksum=st.sampled_from(pools.KINDS),
        bodies=st.lists(pools.part_bodies, max_size=2),
    )
    def create_upload(self, number, carried, checksum, bodies) -> object:
        key = self.key(number)
        upload = key, self.step(ops.CreateUpload(key, carried, *checksum))["UploadId"]
        for place, body in enumerate(bodies, 1):
            # Only the last part may be small.
            whole = ops.Body(pools.PART_BYTES_MIN, body.seed) if place < len(bodies) else body
            self.upload_part(upload, place, whole, is_wrong=False)
        return upload

    @rule(upload=uploads, part=pools.part_numbers, body=pools.part_bodies, is_wrong=pools.rarely)
    def upload_part(self, upload, part, body, is_wrong) -> None:
        algorithm = self.algorithm(upload[1])
        digest = ops.Digest(algorithm, not is_wrong) if algorithm else None
        self.step(ops.UploadPart(*upload, part, body, digest))

    @rule(
        upload=uploads,
        part=pools.part_numbers,
        aim=places,
        wanted=pools.copy_ranges,
        on=pools.on_sources,
    )
    def copy_part(self, upload, part, aim, wanted, on) -> None:
        place = self.place(aim)
        self.step(ops.CopyPart(*upload, part, *place, wanted, self.on_read(on, place)))

    @rule(
        target=versions,
        upload=uploads,
        mistake=st.sampled_from(MISTAKES),
        absent=pools.rarely,
        match=pools.rare_etags,
    )
    def complete(self, upload, mistake, absent, match) -> object:
        key, upload_id = upload
        parts = with_mistake(self.named_parts(upload_id), mistake)
        on, size = self.on_write(key, absent, match), 12345 if mistake == "size" else None
        if self.step(ops.Complete(key, upload_id, parts, on, size)):
            self.completed[upload_id.number] = parts
        return self.written(key)

    @rule(upload=uploads)
    def abort(self, upload) -> None:
        self.step(ops.Abort(*upload))

    @rule(upload=uploads, after=st.integers(0, 3), limit=pools.limits)
    def list_parts(self, upload, after, limit) -> None:
        self.step(ops.ListParts(*upload, after, limit))

    def algorithm(self, upload_id: UploadId) -> str:
        """What the upload's parts are checked by."""
        upload = self.bucket.uploads.get(upload_id.number)
        return "" if upload is None else upload.algorithm

    def named_parts(self, upload_id: UploadId) -> tuple[ops.NamedPart, ...]:
        """All parts of the upload; of one that was completed those that were named then."""
        upload = self.bucket.uploads.get(upload_id.number)
        if upload is None:
            return self.completed.get(upload_id.number, (ops.NamedPart(1, OTHER_ETAG),))
        parts = [part for _, part in sorted(upload.parts.items())]
        if upload.kind == "COMPOSITE":
            # S3 fails in its own way where numbers are left out of these.
            parts = [part for place, part in enumerate(parts, 1) if part.number == place]
        return tuple(map(named, parts))


def named(part: Part) -> ops.NamedPart:
    """A part as a completion names it."""
    checksum = part.checksum
    told = None if checksum is None else (f"Checksum{checksum.algorithm}", checksum.value)
    return ops.NamedPart(part.number, part.etag, told)


def with_mistake(parts: tuple[ops.NamedPart, ...], mistake: str) -> tuple[ops.NamedPart, ...]:
    """The parts as a client names them that leaves some out or errs."""
    changes = {
        "first": parts[:1],
        "etag": (*parts[:-1], ops.NamedPart(len(parts) or 1, OTHER_ETAG)),
        "missing": (*parts, ops.NamedPart(9, OTHER_ETAG)),
        "order": parts[::-1],
        "none": (),
    }
    return changes.get(mistake, parts)
