"""What the model knows without knowing its text: a server chooses the ids, and its clock the times.

The model names such things by their order. The comparison learns the server's text for a name where it first
sees it, and from then on the same name must have the same text, and no other name of its kind that text.
"""

from __future__ import annotations

import attrs

NULL = "null"
"""The id of the null version, which S3 itself has fixed."""

MADE_UP = "made-up"
"""A text that no server gives a version as its id."""


@attrs.frozen(order=True)
class VersionId:
    """The id of the n-th version that came into the bucket."""

    number: int


@attrs.frozen
class UploadId:
    """The id of the n-th upload that was begun."""

    number: int


@attrs.frozen
class Token:
    """The n-th continuation token that was given out."""

    number: int


@attrs.frozen
class Moment:
    """When the n-th thing (version, upload or part) was made, in seconds; many may be made in one."""

    number: int


@attrs.frozen
class When:
    """Some days from a moment: what a condition on times is written with."""

    moment: Moment
    days: int


@attrs.frozen
class Maybe:
    """What S3 need not say; where it is said, it is this."""

    value: object


class _Some:
    def __repr__(self) -> str:
        return "SOME"


SOME = _Some()
"""Something that is there and is not the model's business, as the name of an owner."""
