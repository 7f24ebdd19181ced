"""Which S3 errors say that a request was turned away for what it is, before anything was done for it.

The four reasons are those that MinIO counts.
"""

from __future__ import annotations

_AUTH = (
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
)
_TIMESTAMP = ("RequestTimeTooSkewed",)
_HEADER = (
    "AuthorizationHeaderMalformed",
    "AuthorizationQueryParametersError",
    "InvalidDigest",
    "MissingContentLength",
    "RequestHeaderSectionTooLarge",
    "XAmzContentSHA256Mismatch",
)
_INVALID = (
    "InvalidArgument",
    "InvalidBucketName",
    "InvalidRequest",
    "InvalidURI",
    "KeyTooLongError",
    "MalformedXML",
    "MethodNotAllowed",
)

_REASONS = {
    code: reason
    for reason, codes in (
        ("auth", _AUTH),
        ("timestamp", _TIMESTAMP),
        ("header", _HEADER),
        ("invalid", _INVALID),
    )
    for code in codes
}


def reason_of(code: str) -> str:
    """auth, timestamp, header or invalid; "" for an error that says nothing of the request itself."""
    return _REASONS.get(code, "")
