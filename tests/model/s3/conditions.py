"""Conditional requests: RFC 9110 §13, and User Guide, "Add preconditions to S3 operations".

An entity tag decides over a date. A condition on what a write replaces looks at the current version; where
that is a delete marker there is no object.
"""

from __future__ import annotations

from tests.model.answers import Answer, error, quoted
from tests.model.operations import OnRead, OnWrite
from tests.model.s3.state import Bucket, ObjectVersion
from tests.model.symbols import Maybe, When


def write_refusals(bucket: Bucket, key: str, on: OnWrite) -> list[Answer]:
    """Why the write is not done; empty where it is."""
    current = bucket.current_object(key)
    if on.if_none_match and current is not None:
        return [error("PreconditionFailed")]
    if on.if_match is None:
        return []
    if current is None:
        return [error("NoSuchKey")]
    return [] if on.if_match in ("*", current.etag) else [error("PreconditionFailed")]


def read_refusals(bucket: Bucket, version: ObjectVersion, on: OnRead) -> list[Answer]:
    """Why the version is not answered: 412, or 304 with what a client needs to keep what it has."""
    failed = _failed(version, on)
    if failed is None:
        return []
    if not failed.startswith(("if_none_match", "if_modified")):
        return [error("PreconditionFailed")]
    ids = {name: Maybe(value) for name, value in bucket.id_header(version).items()}
    return [error("NotModified", {"etag": quoted(version.etag), "last-modified": version.made, **ids})]


def source_refusals(version: ObjectVersion, on: OnRead) -> list[Answer]:
    """Why the version is not copied."""
    return [] if _failed(version, on) is None else [error("PreconditionFailed")]


def _failed(version: ObjectVersion, on: OnRead) -> str | None:
    if on.if_match is not None:
        if on.if_match not in ("*", version.etag):
            return "if_match"
    elif on.if_unmodified_since is not None and _days_after(version, on.if_unmodified_since) > 0:
        return "if_unmodified_since"
    if on.if_none_match is not None:
        return "if_none_match" if on.if_none_match in ("*", version.etag) else None
    if on.if_modified_since is not None and _days_after(version, on.if_modified_since) <= 0:
        return "if_modified_since"
    return None


def _days_after(version: ObjectVersion, when: When) -> int:
    """How long after `when` the version was made. Two moments of one run are never a day apart, so only the
    very same one can be compared.
    """
    assert when.days or when.moment == version.made, "a time of another version cannot be compared"
    return -when.days
