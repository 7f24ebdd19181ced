"""Rules about listings: from the first page to the last, each compared with the model's."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model import operations as ops
from tests.model import pools
from tests.model.machine import BucketMachine
from tests.model.symbols import Maybe


class ListingRules(BucketMachine):
    """One rule draws what is listed, so that listings are not half of all steps."""

    versions = BucketMachine.versions

    @rule(what=st.sampled_from(["objects", "objects_2", "versions", "uploads"]), asked=pools.listings)
    def list_pages(self, what, asked) -> None:
        getattr(self, f"list_{what}")(*asked)

    def list_objects(self, prefix: str, delimiter: str, marker: str, limit: int) -> None:
        while True:
            told = self.step(ops.ListObjects(prefix, delimiter, marker, limit))
            if told["IsTruncated"] == "false":
                return
            following = told["NextMarker"]
            marker = following.value if isinstance(following, Maybe) else following

    def list_objects_2(self, prefix: str, delimiter: str, start: str, limit: int) -> None:
        token = None
        while True:
            told = self.step(ops.ListObjects2(prefix, delimiter, start, token, limit))
            if told["IsTruncated"] == "false":
                return
            token = told["NextContinuationToken"]

    def list_versions(self, prefix: str, delimiter: str, marker: str, limit: int) -> None:
        version = None
        while True:
            told = self.step(ops.ListVersions(prefix, delimiter, marker, version, limit))
            if told["IsTruncated"] == "false":
                return
            marker, version = told["NextKeyMarker"], told.get("NextVersionIdMarker")

    def list_uploads(self, prefix: str, delimiter: str, marker: str, limit: int) -> None:
        upload = None
        while True:
            told = self.step(ops.ListUploads(prefix, delimiter, marker, upload, limit))
            if told["IsTruncated"] == "false":
                return
            marker, upload = told["NextKeyMarker"], told.get("NextUploadIdMarker")
