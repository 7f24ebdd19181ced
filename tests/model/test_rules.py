"""The model by itself, against the examples that AWS's User Guide gives of versions, markers and pages."""

from __future__ import annotations

import pytest

from tests.model import operations as ops
from tests.model.answers import Answer
from tests.model.s3.model import MODEL, expected
from tests.model.s3.state import Bucket
from tests.model.symbols import NULL, VersionId
from tests.model.values import Body

ONE, TWO, THREE = (Body(size, seed=size) for size in (1, 2, 3))


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def do(bucket: Bucket, *operations: ops.Operation) -> Answer:
    """The answer to the last of them."""
    answers = [expected(MODEL, bucket, operation) for operation in operations]
    assert isinstance(answers[-1], Answer)
    return answers[-1]


def test_an_unversioned_bucket_keeps_one(bucket):
    """A write replaces what was there, a delete leaves nothing, and no id is told."""
    answer = do(bucket, ops.Put("k", ONE), ops.Put("k", TWO))
    assert "x-amz-version-id" not in answer.headers
    assert do(bucket, ops.Read("k")).body == TWO.data
    assert do(bucket, ops.Delete("k")).headers == {}
    assert bucket.versions == {}


def test_a_rename_moves_the_very_same_object(bucket):
    """Time and all, over what was there; not onto itself, and not once there were versions."""
    do(bucket, ops.Put("a", ONE), ops.Put("b", TWO))
    made = bucket.current_object("a").made
    assert do(bucket, ops.Rename("a", "a")).code == "InvalidRequest"
    assert do(bucket, ops.Rename("a", "b")).status == 200
    assert do(bucket, ops.Read("b")).body == ONE.data and do(bucket, ops.Read("a")).status == 404
    assert bucket.current_object("b").made == made
    assert do(bucket, ops.Rename("a", "b")).code == "NoSuchKey"
    do(bucket, ops.PutVersioning("Suspended"))
    assert do(bucket, ops.Rename("b", "a")).code == "NotImplemented"


def test_versions_pile_up(bucket):
    """With versioning a delete is a marker on top: 404 without an id, 405 by its own; the older ones stay."""
    do(bucket, ops.PutVersioning("Enabled"), ops.Put("k", ONE), ops.Put("k", TWO))
    marker = do(bucket, ops.Delete("k")).headers
    assert marker["x-amz-delete-marker"] == "true"
    gone = do(bucket, ops.Read("k"))
    assert (gone.status, gone.code, gone.headers) == (404, "NoSuchKey", marker)
    assert do(bucket, ops.Read("k", marker["x-amz-version-id"])).code == "MethodNotAllowed"
    first, second, _ = bucket.versions["k"]
    assert do(bucket, ops.Read("k", first.id)).body == ONE.data
    assert do(bucket, ops.Read("k", second.id)).body == TWO.data


def test_a_delete_reveals_what_was_before(bucket):
    """Removing a marker or a version by its id makes the one below it current."""
    do(bucket, ops.PutVersioning("Enabled"), ops.Put("k", ONE), ops.Put("k", TWO))
    marker = do(bucket, ops.Delete("k")).headers["x-amz-version-id"]
    assert do(bucket, ops.Delete("k", marker)).headers["x-amz-delete-marker"] == "true"
    newest = do(bucket, ops.Read("k"))
    assert newest.body == TWO.data
    do(bucket, ops.Delete("k", newest.headers["x-amz-version-id"]))
    assert do(bucket, ops.Read("k")).body == ONE.data


def test_suspension_replaces_only_the_null_version(bucket):
    """What came before versioning is the null version; in a suspended bucket a write or a delete takes its
    place, and versions with ids stay.
    """
    do(bucket, ops.Put("k", ONE), ops.PutVersioning("Enabled"), ops.Put("k", TWO))
    assert [version.id for version in bucket.versions["k"]] == [NULL, VersionId(1)]
    do(bucket, ops.PutVersioning("Suspended"), ops.Put("k", THREE))
    assert [version.id for version in bucket.versions["k"]] == [VersionId(1), NULL]
    assert do(bucket, ops.Delete("k")).headers["x-amz-version-id"] == NULL
    assert [version.is_marker for version in bucket.versions["k"]] == [False, True]
    do(bucket, ops.Delete("k", NULL))
    assert do(bucket, ops.Read("k")).body == TWO.data


def test_a_page_continues_behind_its_last_row(bucket):
    """A common prefix is one row, and as a marker it stands for all below it."""
    do(bucket, *(ops.Put(key, ONE) for key in ("a", "a/1", "a/2", "b")))
    page = do(bucket, ops.ListObjects(delimiter="/", limit=2)).body
    assert [row["Key"] if "Key" in row else row["Prefix"] for _, row in page["rows"]] == ["a", "a/"]
    assert (page["IsTruncated"], page["NextMarker"]) == ("true", "a/")
    rest = do(bucket, ops.ListObjects(delimiter="/", marker="a/")).body
    assert [row["Key"] for _, row in rest["rows"]] == ["b"]
