"""Bearer tokens of whoever scrapes: JSON Web Tokens (RFC 7519) signed by HMAC-SHA512 with the owner's secret.

They are those that `mc admin prometheus generate` makes: the subject is the access key, the issuer is
`prometheus`. A token says nothing but who made it, opens nothing but metrics, and lives until it expires or
the secret changes.
"""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec

ISSUER = "prometheus"
_HEADER = {"alg": "HS512", "typ": "JWT"}
_TOKEN_BYTES_MAX = 4096


class _Header(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    exp: int | float
    sub: str
    iss: str
    nbf: int | float = 0


def make_token(access_key: str, secret_key: str, expires_s: int) -> str:
    """A token that is good until `expires_s`, in seconds since 1970."""
    claims = {"exp": expires_s, "sub": access_key, "iss": ISSUER}
    signed = ".".join(_encoded(msgspec.json.encode(part)) for part in (_HEADER, claims))
    return f"{signed}.{_encoded(_signature(secret_key, signed))}"


def is_good_token(token: str, access_key: str, secret_key: str, now_s: float) -> bool:
    """Whether the owner of that key pair made the token, for this purpose, and it has not expired."""
    signed, _, signature = token.rpartition(".")
    if len(token) > _TOKEN_BYTES_MAX or signed.count(".") != 1 or not token.isascii():
        return False
    try:
        if not hmac.compare_digest(_decoded(signature), _signature(secret_key, signed)):
            return False
        header, claims = (_decoded(part) for part in signed.split("."))
        if msgspec.json.decode(header, type=_Header).alg != _HEADER["alg"]:
            return False
        told = msgspec.json.decode(claims, type=_Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return False
    return told.sub == access_key and told.iss == ISSUER and told.nbf <= now_s < told.exp


def _signature(secret_key: str, signed: str) -> bytes:
    return hmac.digest(secret_key.encode(), signed.encode(), "sha512")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
