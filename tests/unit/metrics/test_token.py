"""Who may read metrics."""

from __future__ import annotations

import base64
import hmac
import json

import pytest

from rustfs_proto.metrics.token import is_good_token, make_token

OWNER = ("AKEXAMPLE", "secret-of-the-example")
NOW_S = 1_800_000_000


def jwt(header: object, claims: object, secret: str = OWNER[1]) -> str:
    """A token made by hand, after RFC 7519."""

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), 'sha512'))}"


HEADER = {"alg": "HS512", "typ": "JWT"}
CLAIMS = {"exp": NOW_S + 60, "sub": OWNER[0], "iss": "prometheus"}


def test_own_tokens_and_those_of_others_tools_are_good() -> None:
    """The token made here, and one with the header and claims that mc gives."""
    assert is_good_token(make_token(*OWNER, NOW_S + 1), *OWNER, NOW_S)
    assert is_good_token(jwt(HEADER, CLAIMS), *OWNER, NOW_S)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "ü.ü.ü",
        jwt(HEADER, CLAIMS, secret="another-secret"),
        jwt(HEADER, CLAIMS | {"exp": NOW_S}),
        jwt(HEADER, CLAIMS | {"nbf": NOW_S + 1}),
        jwt(HEADER, CLAIMS | {"sub": "SOMEBODY"}),
        jwt(HEADER, CLAIMS | {"iss": "console"}),
        jwt(HEADER, {"sub": OWNER[0], "iss": "prometheus"}),
        jwt({"alg": "none"}, CLAIMS),
        jwt({"alg": "HS256"}, CLAIMS),
        jwt(HEADER, ["exp"]),
        jwt(HEADER, CLAIMS).rpartition(".")[0] + ".",
        jwt(HEADER, CLAIMS) + "a" * 5000,
    ],
)
def test_others_are_not(token: str) -> None:
    """Another secret, purpose, owner or algorithm; expired, not yet valid, without an end; no token."""
    assert not is_good_token(token, *OWNER, NOW_S)
