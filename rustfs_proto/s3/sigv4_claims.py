"""What a request says about who signed it, before anything is checked against a secret.

Reads Signature Version 4 in its two places: the Authorization header and the query string of a presigned URL
(S3 API reference, "Authenticating Requests (AWS Signature Version 4)"). Faults of form are answered with the
codes and texts of AWS, because clients act on them (botocore follows the region named in
AuthorizationHeaderMalformed).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache

import attrs

from rustfs_proto.s3.errors import S3Error, invalid_argument, not_implemented
from rustfs_proto.s3.httpdate import parse_http_date
from rustfs_proto.s3.target import HeaderMap, Params

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PRESIGNED_EXPIRY_MAX_S = 604_800

_ECDSA_ALGORITHM = "AWS4-ECDSA-P256-SHA256"
_SHA256_HEX = re.compile("[0-9a-fA-F]{64}")
_DECIMAL = re.compile(r"-?\d{1,18}", re.ASCII)
_ISO_BASIC = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_ONE_MECHANISM = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
    "parameter or the Authorization header should be specified"
)
_PRESIGNED_PARAMETERS = (
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature",
    "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires",
)  # fmt: skip
_PARSE_CACHE_ENTRIES = 1024
"""Credential scopes and dates repeat between requests of one client within a second or a day."""
_CACHED_CHARS_MAX = 512
"""Longer texts are no real client's. They are parsed without being kept: these caches are filled before
anybody has proved who they are, and must stay small whatever is sent.
"""


class PayloadMode(Enum):
    """How the body is covered by the signature, from x-amz-content-sha256."""

    SIGNED = "SHA256"
    UNSIGNED = UNSIGNED_PAYLOAD
    STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    @property
    def streaming(self) -> bool:
        """True when the body is aws-chunked and must go through `chunked.ChunkedDecoder`."""
        return self in _STREAMING


_STREAMING = frozenset(mode for mode in PayloadMode if mode.value.startswith("STREAMING-"))
_NAMED_MODES = {mode.value: mode for mode in PayloadMode if mode is not PayloadMode.SIGNED}


@attrs.frozen(slots=True)
class Scope:
    """A parsed credential scope; `text` is it as signed, without the access key."""

    access_key: str
    date: str
    region: str
    service: str
    text: str


@attrs.frozen(slots=True)
class Claim:
    """What the request claims. `signed_headers` are lower case and sorted; `timestamp_s` is seconds since the
    epoch.

    `expires_s` is the lifetime of a presigned URL, None for the header form. `payload_hash` is the exact text
    that was signed in the place of the payload's hash. `session_token` is set when temporary credentials were
    used.
    """

    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    amz_date: str
    timestamp_s: int
    payload_hash: str
    mode: PayloadMode
    expires_s: int | None
    session_token: str | None

    @property
    def access_key(self) -> str:
        """Whose secret to verify against."""
        return self.scope.access_key


def read_claim(headers: HeaderMap, params: Params) -> Claim | None:
    """The claim of a request, or None when it is anonymous. Raises S3Error for a malformed one."""
    authorization = headers.get("authorization")
    presigned = "X-Amz-Algorithm" in params or "X-Amz-Signature" in params
    if authorization is None and not presigned and "Signature" not in params:
        return None
    if (authorization is not None) + presigned + ("Signature" in params) > 1:
        raise invalid_argument(_ONE_MECHANISM, "Authorization", authorization or "")
    if "Signature" in params:
        raise _signature_v2_refused()
    if authorization is not None:
        return _claim_of_header(authorization, headers)
    return _claim_of_query(headers, params)


def payload_mode(declared: str) -> PayloadMode:
    """The mode that an x-amz-content-sha256 value declares. Raises InvalidArgument or NotImplemented."""
    if _SHA256_HEX.fullmatch(declared):
        return PayloadMode.SIGNED
    mode = _NAMED_MODES.get(declared)
    if mode is not None:
        return mode
    if declared.startswith("STREAMING-AWS4-ECDSA-"):
        raise not_implemented("Signature Version 4A (ECDSA)", header="x-amz-content-sha256")
    message = (
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER "
        "or a valid sha256 value."
    )
    raise invalid_argument(message, "x-amz-content-sha256", declared)


def parse_amz_date(text: str) -> int | None:
    """`YYYYMMDDTHHMMSSZ` as seconds since the epoch, or None when it is not that form."""
    return _parse_iso_basic(text) if _ISO_BASIC.fullmatch(text) else None


@lru_cache(maxsize=_PARSE_CACHE_ENTRIES)
def _parse_iso_basic(text: str) -> int | None:
    try:
        return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def format_amz_date(epoch_s: float) -> str:
    """Seconds since the epoch as `YYYYMMDDTHHMMSSZ`."""
    return datetime.fromtimestamp(int(epoch_s), UTC).strftime("%Y%m%dT%H%M%SZ")


def _claim_of_header(authorization: str, headers: HeaderMap) -> Claim:
    fields = _authorization_fields(authorization)
    scope = _scope_of_header(fields["Credential"])
    amz_date, timestamp_s = _header_date(headers)
    if scope.date != amz_date[:8]:
        raise _malformed_header(_other_date(scope, amz_date))
    payload_hash = headers.get("x-amz-content-sha256")
    if payload_hash is None:
        raise S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    return Claim(
        scope=scope,
        signed_headers=_signed_header_names(fields["SignedHeaders"]),
        signature=fields["Signature"],
        amz_date=amz_date,
        timestamp_s=timestamp_s,
        payload_hash=payload_hash,
        mode=payload_mode(payload_hash),
        expires_s=None,
        session_token=headers.get("x-amz-security-token"),
    )


def _authorization_fields(authorization: str) -> dict[str, str]:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _algorithm_refused(algorithm, authorization)
    fields: dict[str, str] = {}
    for piece in rest.split(","):
        name, _, value = piece.partition("=")
        fields[name.strip()] = value.strip()
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise _malformed_header(f"the authorization header requires three components: it lacks {name}.")
    return fields


def _algorithm_refused(algorithm: str, authorization: str) -> S3Error:
    if algorithm == _ECDSA_ALGORITHM:
        return not_implemented("Signature Version 4A (ECDSA)", header="authorization")
    if algorithm == "AWS":
        return _signature_v2_refused()
    return invalid_argument("Unsupported Authorization Type", "Authorization", authorization)


def _signature_v2_refused() -> S3Error:
    return S3Error(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    )


def _malformed_header(fault: str) -> S3Error:
    return S3Error("AuthorizationHeaderMalformed", f"The authorization header is malformed; {fault}")


def _scope_of_header(credential: str) -> Scope:
    scope = _parse_credential(credential)
    if isinstance(scope, str):
        raise _malformed_header(scope)
    return scope


def _parse_credential(credential: str) -> Scope | str:
    """The scope, or the fault as text."""
    parse = _split_credential if len(credential) <= _CACHED_CHARS_MAX else _split_credential.__wrapped__
    return parse(credential)


@lru_cache(maxsize=_PARSE_CACHE_ENTRIES)
def _split_credential(credential: str) -> Scope | str:
    """Access keys may hold slashes, so fields are counted from the right."""
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        return 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    access_key, date, region, service, terminator = parts
    if len(date) != 8 or not (date.isascii() and date.isdigit()):
        return f'incorrect date format "{date}". A date in the credential must be in the format "yyyyMMdd".'
    if service != "s3":
        return f'incorrect service "{service}". This endpoint belongs to "s3".'
    if terminator != "aws4_request":
        return f'incorrect terminal "{terminator}". This endpoint uses "aws4_request".'
    return Scope(access_key, date, region, service, credential[len(access_key) + 1 :])


def _signed_header_names(declared: str) -> tuple[str, ...]:
    split = _split_names if len(declared) <= _CACHED_CHARS_MAX else _split_names.__wrapped__
    return split(declared)


@lru_cache(maxsize=_PARSE_CACHE_ENTRIES)
def _split_names(declared: str) -> tuple[str, ...]:
    return tuple(sorted({name for name in declared.lower().split(";") if name}))


def _other_date(scope: Scope, amz_date: str) -> str:
    date = amz_date[:8]
    return f'Invalid credential date "{scope.date}". This date is not the same as X-Amz-Date: "{date}".'


def _header_date(headers: HeaderMap) -> tuple[str, int]:
    amz_date = headers.get("x-amz-date") or headers.get("date", "")
    timestamp_s = parse_amz_date(amz_date)
    if timestamp_s is not None:
        return amz_date, timestamp_s
    timestamp_s = parse_http_date(amz_date)
    if timestamp_s is None:
        raise S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
    return format_amz_date(timestamp_s), timestamp_s


def _claim_of_query(headers: HeaderMap, params: Params) -> Claim:
    algorithm = params.get("X-Amz-Algorithm")
    if algorithm == _ECDSA_ALGORITHM:
        raise not_implemented("Signature Version 4A (ECDSA)")
    if algorithm is not None and algorithm != ALGORITHM:
        raise _bad_query(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    if not all(params.get(name) for name in _PRESIGNED_PARAMETERS):
        raise _bad_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    scope = _parse_credential(params["X-Amz-Credential"])
    if isinstance(scope, str):
        raise _bad_query(f"Error parsing the X-Amz-Credential parameter; {scope}")
    amz_date, timestamp_s = _query_date(params["X-Amz-Date"], scope)
    payload_hash = (
        params.get("X-Amz-Content-Sha256") or headers.get("x-amz-content-sha256") or UNSIGNED_PAYLOAD
    )
    return Claim(
        scope=scope,
        signed_headers=_signed_header_names(params["X-Amz-SignedHeaders"]),
        signature=params["X-Amz-Signature"],
        amz_date=amz_date,
        timestamp_s=timestamp_s,
        payload_hash=payload_hash,
        mode=payload_mode(payload_hash),
        expires_s=_expiry(params["X-Amz-Expires"]),
        session_token=params.get("X-Amz-Security-Token"),
    )


def _bad_query(fault: str) -> S3Error:
    return S3Error("AuthorizationQueryParametersError", fault)


def _query_date(amz_date: str, scope: Scope) -> tuple[str, int]:
    timestamp_s = parse_amz_date(amz_date)
    if timestamp_s is None:
        raise _bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if scope.date != amz_date[:8]:
        raise _bad_query(_other_date(scope, amz_date))
    return amz_date, timestamp_s


def _expiry(text: str) -> int:
    # int() would take other scripts' digits, blanks and underscores too.
    if _DECIMAL.fullmatch(text) is None:
        raise _bad_query("X-Amz-Expires should be a number")
    expires_s = int(text)
    if expires_s < 1:
        raise _bad_query("X-Amz-Expires must be greater than zero")
    if expires_s > PRESIGNED_EXPIRY_MAX_S:
        raise _bad_query(
            f"X-Amz-Expires must be less than a week (in seconds); it is at most {PRESIGNED_EXPIRY_MAX_S}"
        )
    return expires_s
