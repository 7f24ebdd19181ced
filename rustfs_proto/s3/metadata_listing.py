"""MinIO's metadata=true in listings: what a HEAD of each object would say, beside what S3 tells of it.

`UserMetadata` has an element for each header of the object, named as MinIO names it: content headers in lower
case, user metadata as `X-Amz-Meta-Name`. `UserTags` are the tags as a query string. A header whose name
cannot be the name of an element is left out, as it would make the whole listing unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import attrs

from rustfs_proto.s3.target import Params
from rustfs_proto.s3.xmltext import escape

_USER_PREFIX = "X-Amz-Meta-"
_ELEMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


@attrs.frozen
class Described:
    """Headers of an object by lower-case name, user metadata without its prefix, and tags."""

    headers: Mapping[str, str]
    user: Mapping[str, str]
    tags: Mapping[str, str]


def wants_metadata(params: Params) -> bool:
    """Whether a listing is to tell metadata and tags."""
    return params.get("metadata") == "true"


def described_elements(described: Described) -> str:
    """The elements UserMetadata and UserTags."""
    named = dict(described.headers)
    named |= {_USER_PREFIX + _canonical(name): value for name, value in described.user.items()}
    inner = "".join(
        f"<{name}>{escape(_text(value))}</{name}>"
        for name, value in sorted(named.items())
        if _ELEMENT_NAME.fullmatch(name)
    )
    tags = f"<UserTags>{escape(urlencode(described.tags))}</UserTags>" if described.tags else ""
    return f"<UserMetadata>{inner}</UserMetadata>{tags}"


def _canonical(name: str) -> str:
    """The case in which MinIO shows header names: each part between hyphens begins with a capital."""
    return "-".join(part[:1].upper() + part[1:] for part in name.split("-"))


def _text(header: str) -> str:
    """The text of a header: the UTF-8 that clients send, or else Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header
