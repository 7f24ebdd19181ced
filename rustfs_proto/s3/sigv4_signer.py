"""The client's half of Signature Version 4: sign a request, or print a URL that anybody may use for a while.

Used by tools that talk to a node and by tests; the canonical form is shared with `sigv4`, and its
independence is checked against the published examples and another implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import attrs

from rustfs_proto.s3.sigv4 import (
    canonical_path,
    canonical_query,
    canonical_request,
    derive_signing_key,
    sign,
    string_to_sign,
)
from rustfs_proto.s3.sigv4_claims import (
    ALGORITHM,
    EMPTY_SHA256,
    PRESIGNED_EXPIRY_MAX_S,
    UNSIGNED_PAYLOAD,
    format_amz_date,
)
from rustfs_proto.s3.target import Target, parse_target


@attrs.frozen
class Credentials:
    """An access key with its secret, and the region that requests are signed for."""

    access_key: str
    secret_key: str = attrs.field(repr=False)
    region: str = "us-east-1"


@attrs.frozen
class SignedRequest:
    """`headers` to send (lower case, complete), and what continues the chain into aws-chunked bodies."""

    headers: dict[str, str]
    signature: str
    signing_key: bytes = attrs.field(repr=False)
    amz_date: str
    scope_text: str


def sign_request(
    credentials: Credentials,
    method: str,
    raw_target: str,
    headers: Mapping[str, str],
    *,
    now_s: float,
    payload_hash: str = EMPTY_SHA256,
) -> SignedRequest:
    """Sign every header given (`host` must be among them, names lower case) and the encoded `raw_target`."""
    amz_date = format_amz_date(now_s)
    scope_text = _scope_text(credentials, amz_date)
    complete = {**headers, "x-amz-date": amz_date, "x-amz-content-sha256": payload_hash}
    names = tuple(sorted(complete))
    target = parse_target(raw_target.encode())
    canonical = canonical_request(method, target, complete, names, payload_hash)
    key = derive_signing_key(credentials.secret_key, scope_text)
    signature = sign(key, string_to_sign(amz_date, scope_text, canonical))
    complete["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope_text},"
        f"SignedHeaders={';'.join(names)},Signature={signature}"
    )
    return SignedRequest(complete, signature, key, amz_date, scope_text)


def presign_url(
    credentials: Credentials,
    method: str,
    base_url: str,
    path: str,
    *,
    now_s: float,
    expires_s: int,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """A URL for `method` on the decoded `path` under `base_url` ("https://host:port"), good for `expires_s`
    seconds.

    `headers` (lower case) must then be sent with the request exactly as given here; Host is always among
    them.
    """
    if not 1 <= expires_s <= PRESIGNED_EXPIRY_MAX_S:
        raise ValueError(f"expires_s is {expires_s}; give 1 to {PRESIGNED_EXPIRY_MAX_S} seconds")
    amz_date = format_amz_date(now_s)
    scope_text = _scope_text(credentials, amz_date)
    signed = {"host": base_url.partition("://")[2], **(headers or {})}
    names = tuple(sorted(signed))
    query = {
        **(params or {}),
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope_text}",
        "X-Amz-Date": amz_date,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": ";".join(names),
    }
    pairs = tuple(query.items())
    raw_path = canonical_path(quote(path))
    canonical = canonical_request(method, Target(raw_path, pairs), signed, names, UNSIGNED_PAYLOAD)
    key = derive_signing_key(credentials.secret_key, scope_text)
    signature = sign(key, string_to_sign(amz_date, scope_text, canonical))
    return f"{base_url}{raw_path}?{canonical_query(pairs)}&X-Amz-Signature={signature}"


def _scope_text(credentials: Credentials, amz_date: str) -> str:
    return f"{amz_date[:8]}/{credentials.region}/s3/aws4_request"
