"""Signature Version 4: canonical requests, keys, and the check of a claim against a secret.

The flow of a request: `read_claim` (sigv4_claims) -> look up the secret of `claim.access_key` -> `verify`. A
body is not touched here: for PayloadMode.SIGNED the caller compares the body's SHA-256 with
`claim.payload_hash` by `same_text` (XAmzContentSHA256Mismatch), and the streaming modes continue from the
`Verified` value in `chunked`.

S3 differs from other AWS services: the path is encoded once and never normalised ("Create a canonical
request").
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

import attrs

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.sigv4_claims import ALGORITHM, Claim
from rustfs_proto.s3.target import HeaderMap, Target

SKEW_MAX_S = 900
SIGNING_KEYS_KEPT = 4096
DEFAULT_REGION = "us-east-1"

_UNRESERVED = "-_.~"
_CANONICAL_PATH = re.compile(r"[A-Za-z0-9\-._~/]*")
_CANONICAL_TEXT = re.compile(r"[A-Za-z0-9\-._~]*")


@attrs.frozen
class SigningRules:
    """What this endpoint accepts: its `region` ("" accepts any) and clocks that differ by `skew_max_s`."""

    region: str
    skew_max_s: int = SKEW_MAX_S


@attrs.frozen(slots=True)
class Verified:
    """A claim whose signature holds, with the key that signs the chunks of a streaming body."""

    claim: Claim
    signing_key: bytes


class SigningKeys:
    """Derived signing keys, kept because a key is good for a whole day and deriving one costs five times its
    use.

    Bounded: when `SIGNING_KEYS_KEPT` are held, all are dropped and derived again on demand. Entries are found
    by the secret itself, so a changed secret can never meet an old key.
    """

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], bytes] = {}

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._keys)

    def key(self, secret: str, scope_text: str) -> bytes:
        """The key for `scope_text` = "date/region/service/aws4_request"."""
        found = self._keys.get((secret, scope_text))
        if found is not None:
            return found
        if len(self._keys) >= SIGNING_KEYS_KEPT:
            self._keys.clear()
        derived = derive_signing_key(secret, scope_text)
        self._keys[secret, scope_text] = derived
        return derived


def derive_signing_key(secret: str, scope_text: str) -> bytes:
    """HMAC chain over the four fields of the scope ("Calculate signature")."""
    key = b"AWS4" + secret.encode()
    for field in scope_text.split("/"):
        key = hmac.digest(key, field.encode(), "sha256")
    return key


def verify(
    claim: Claim,
    secret: str,
    method: str,
    target: Target,
    headers: HeaderMap,
    *,
    now_s: float,
    rules: SigningRules,
    keys: SigningKeys,
    is_location_request: bool = False,
) -> Verified:
    """Check region, time, signed headers and signature of `claim`; raises S3Error with AWS's code for each.

    `is_location_request` lets GetBucketLocation be signed for us-east-1 wherever the endpoint is, as clients
    that do not yet know the region do.
    """
    _check_region(claim, rules.region, is_location_request=is_location_request)
    _check_time(claim, now_s, rules.skew_max_s)
    _check_signed_headers(claim, headers)
    canonical = canonical_request(method, target, headers, claim.signed_headers, claim.payload_hash)
    text = string_to_sign(claim.amz_date, claim.scope.text, canonical)
    signing_key = keys.key(secret, claim.scope.text)
    if not same_text(sign(signing_key, text), claim.signature):
        raise _does_not_match(claim, canonical, text)
    return Verified(claim, signing_key)


def canonical_request(
    method: str, target: Target, headers: HeaderMap, signed_headers: tuple[str, ...], payload_hash: str
) -> bytes:
    """The canonical request, without X-Amz-Signature; `signed_headers` are lower case and sorted."""
    lines = [method, canonical_path(target.path), canonical_query(target.pairs) if target.pairs else ""]
    lines.extend(f"{name}:{_trim(headers.get(name, ''))}" for name in signed_headers)
    return "\n".join([*lines, "", ";".join(signed_headers), payload_hash]).encode("latin-1", "replace")


def canonical_path(path: str) -> str:
    """The raw `path` decoded and encoded once, so that `%7E` and `~` sign alike."""
    if _CANONICAL_PATH.fullmatch(path):
        return path or "/"
    return quote(unquote_to_bytes(path.encode("latin-1")), safe="/" + _UNRESERVED)


def canonical_query(pairs: tuple[tuple[str, str], ...]) -> str:
    """Decoded pairs, encoded and sorted by name, then value."""
    encoded = sorted((_encode(name), _encode(value)) for name, value in pairs if name != "X-Amz-Signature")
    return "&".join(f"{name}={value}" for name, value in encoded)


def string_to_sign(amz_date: str, scope_text: str, canonical: bytes) -> bytes:
    """The text whose HMAC is the signature."""
    return f"{ALGORITHM}\n{amz_date}\n{scope_text}\n{hashlib.sha256(canonical).hexdigest()}".encode()


def sign(signing_key: bytes, text: bytes) -> str:
    """HMAC-SHA256 in lower-case hex."""
    return hmac.digest(signing_key, text, "sha256").hex()


def same_text(ours: str, theirs: str) -> bool:
    """Equality in time that depends only on the lengths; `theirs` may hold anything."""
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))


def _encode(text: str) -> str:
    return text if _CANONICAL_TEXT.fullmatch(text) else quote(text, safe=_UNRESERVED)


def _trim(value: str) -> str:
    # Only ASCII blanks fold: str.split() would also eat 0x85 and 0xA0, which are halves of UTF-8 letters
    # here.
    if "  " in value or "\t" in value:
        return " ".join(word for word in value.replace("\t", " ").split(" ") if word)
    return value.strip(" ")


def _check_region(claim: Claim, expected: str, *, is_location_request: bool) -> None:
    region = claim.scope.region
    if not expected or region == expected or (is_location_request and region == DEFAULT_REGION):
        return
    fault = f"the region '{region}' is wrong; expecting '{expected}'"
    if claim.expires_s is not None:
        raise S3Error(
            "AuthorizationQueryParametersError",
            f"Error parsing the X-Amz-Credential parameter; {fault}",
            extra={"Region": expected},
        )
    raise S3Error(
        "AuthorizationHeaderMalformed",
        f"The authorization header is malformed; {fault}",
        extra={"Region": expected},
    )


def _check_time(claim: Claim, now_s: float, skew_max_s: int) -> None:
    age_s = now_s - claim.timestamp_s
    if claim.expires_s is None:
        if abs(age_s) > skew_max_s:
            raise S3Error("RequestTimeTooSkewed", extra=_skew_details(claim, now_s, skew_max_s))
        return
    if age_s < -skew_max_s:
        raise S3Error("AccessDenied", "Request is not yet valid", extra={"ServerTime": _iso(now_s)})
    if age_s > claim.expires_s:
        raise S3Error(
            "AccessDenied",
            "Request has expired",
            extra={
                "X-Amz-Expires": str(claim.expires_s),
                "Expires": _iso(claim.timestamp_s + claim.expires_s),
                "ServerTime": _iso(now_s),
            },
        )


def _skew_details(claim: Claim, now_s: float, skew_max_s: int) -> dict[str, str]:
    return {
        "RequestTime": claim.amz_date,
        "ServerTime": _iso(now_s),
        "MaxAllowedSkewMilliseconds": str(skew_max_s * 1000),
    }


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(int(epoch_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_signed_headers(claim: Claim, headers: HeaderMap) -> None:
    signed = claim.signed_headers
    unsigned = [name for name in headers if name.startswith("x-amz-") and name not in signed]
    if "host" not in signed:
        unsigned.insert(0, "host")
    if unsigned:
        raise S3Error(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            extra={"HeadersNotSigned": ", ".join(unsigned)},
        )


def _does_not_match(claim: Claim, canonical: bytes, text: bytes) -> S3Error:
    return S3Error(
        "SignatureDoesNotMatch",
        extra={
            "AWSAccessKeyId": claim.access_key,
            "StringToSign": text.decode("utf-8", "replace"),
            "SignatureProvided": claim.signature,
            "StringToSignBytes": text.hex(" "),
            "CanonicalRequest": canonical.decode("utf-8", "replace"),
            "CanonicalRequestBytes": canonical.hex(" "),
        },
    )
