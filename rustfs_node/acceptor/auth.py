"""Who sent a request: its claim, checked against the secret of the access key that it names.

There is one key pair yet, the owner's, and it may do everything; whoever is not authenticated may do nothing.
"""

from __future__ import annotations

from typing import Protocol

from rustfs_node.acceptor.net.messages import HttpRequest
from rustfs_node.plan import Credentials
from rustfs_node.seams.clock import Clock
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.sigv4 import SigningKeys, SigningRules, Verified, verify
from rustfs_proto.s3.sigv4_claims import read_claim
from rustfs_proto.s3.target import Target


class Secrets(Protocol):
    """Where secrets are looked up."""

    def secret_of(self, access_key: str) -> str | None:
        """The secret key that belongs to `access_key`, None if there is no such key."""
        ...


class OwnerSecrets:
    """The owner's key pair alone."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def secret_of(self, access_key: str) -> str | None:
        if access_key != self._credentials.access_key:
            return None
        return self._credentials.secret_key


class Authenticator:
    """Checks signatures; keeps derived signing keys."""

    def __init__(self, secrets: Secrets, clock: Clock, region: str) -> None:
        self._secrets = secrets
        self._clock = clock
        self._rules = SigningRules(region)
        self._keys = SigningKeys()

    def authenticate(self, http: HttpRequest, target: Target, operation: Op) -> Verified:
        """The verified claim; raises S3Error: AccessDenied for a request without one, else what `verify`
        says.
        """
        claim = read_claim(http.headers, target.params)
        if claim is None:
            raise S3Error("AccessDenied")
        secret = self._secrets.secret_of(claim.access_key)
        if secret is None:
            raise S3Error("InvalidAccessKeyId", extra={"AWSAccessKeyId": claim.access_key})
        if claim.session_token is not None:
            # Only temporary credentials come with a token, and this server has issued none.
            raise S3Error("InvalidToken")
        return verify(
            claim,
            secret,
            http.method,
            target,
            http.headers,
            now_s=self._clock.wall_ms() / 1000,
            rules=self._rules,
            keys=self._keys,
            is_location_request=operation is Op.GetBucketLocation,
        )
