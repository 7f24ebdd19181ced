"""Requests as bytes: signed by botocore's SigV4 and sent by http.client, so that nothing rewrites them.

A test gives the target exactly as it shall stand in the request line.
"""

from __future__ import annotations

import hashlib
import http.client
import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

import attrs
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from lxml import etree

from tests.clients.server import REGION, Server

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
TIMEOUT_S = 60


@attrs.frozen
class Answer:
    """A response: `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> dict[str, str]:
        """The text of each element directly below the root, by name without namespace."""
        return {etree.QName(child).localname: child.text or "" for child in etree.fromstring(self.body)}

    @property
    def code(self) -> str:
        """The S3 error code, or "" where the answer is no error."""
        return self.xml["Code"] if self.status >= 400 and self.body else ""


class Signing:
    """Over a botocore signer: the time and the payload hash (a digest, or a word of S3 for it) are given."""

    payload_hash: str
    stamp: str

    def payload(self, request: AWSRequest) -> str:
        return self.payload_hash

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.stamp
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


class HeaderSigner(Signing, S3SigV4Auth):
    """SigV4 in the Authorization header."""

    def __init__(self, server: Server, payload_hash: str, at: datetime | None = None) -> None:
        super().__init__(Credentials(server.access_key, server.secret_key), "s3", REGION)
        self.payload_hash, self.stamp = payload_hash, stamp_of(at)


class QuerySigner(Signing, S3SigV4QueryAuth):
    """SigV4 in the query, for `expires_s` seconds."""

    def __init__(self, server: Server, expires_s: int, at: datetime | None = None) -> None:
        credentials = Credentials(server.access_key, server.secret_key)
        super().__init__(credentials, "s3", REGION, expires=expires_s)
        self.payload_hash, self.stamp = UNSIGNED, stamp_of(at)


def stamp_of(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")


def canonical(target: str) -> str:
    """The target as SigV4 signs it: its path decoded and escaped again in the one canonical way."""
    path, mark, query = target.partition("?")
    return quote(unquote_to_bytes(path), safe="/-_.~") + mark + query


@attrs.frozen
class Raw:
    """Sends single requests to a server, each over its own connection."""

    server: Server

    def signed(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        payload_hash: str = UNSIGNED,
        at: datetime | None = None,
        host: str = "",
    ) -> tuple[dict[str, str], str]:
        """The headers to send, Authorization among them, and the signature (hex) for chunks to follow."""
        host = host or self.server.address
        url = f"http://{host}{canonical(target)}"
        request = AWSRequest(method, url, headers=dict(headers or {}) | {"Host": host})
        HeaderSigner(self.server, payload_hash, at).add_auth(request)
        sent = dict(request.headers.items())
        return sent, sent["Authorization"].rpartition("Signature=")[2]

    def presigned(self, method: str, target: str, expires_s: int = 300, at: datetime | None = None) -> str:
        """The target with a signature in its query, made at any time for any lifetime."""
        request = AWSRequest(method, f"{self.server.url}{canonical(target)}")
        QuerySigner(self.server, expires_s, at).add_auth(request)
        return request.url.removeprefix(self.server.url)

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
        *,
        payload_hash: str | None = None,
        at: datetime | None = None,
        host: str = "",
        anonymous: bool = False,
    ) -> Answer:
        """Sign and send; the payload is hashed unless `payload_hash` says otherwise."""
        if payload_hash is None:
            payload_hash = hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else UNSIGNED
        sent = dict(headers or {}) | {"Host": host or self.server.address}
        if not anonymous:
            sent, _ = self.signed(method, target, headers, payload_hash, at, host)
        return self.send(method, target, sent, body)

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b""
    ) -> Answer:
        """Send as given: no header but Content-Length is added."""
        connection = self.connect()
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value.encode())
            if isinstance(body, bytes) and not {"content-length", "transfer-encoding"} & {
                name.lower() for name in headers
            }:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            for part in [body] if isinstance(body, bytes) else body:
                connection.send(part)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read())
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        if self.server.ca_file:
            context = ssl.create_default_context(cafile=self.server.ca_file)
            return http.client.HTTPSConnection(
                self.server.host, self.server.port, timeout=TIMEOUT_S, context=context
            )
        return http.client.HTTPConnection(self.server.host, self.server.port, timeout=TIMEOUT_S)


def path_of(bucket: str, key: str) -> str:
    """The path of a key, with everything escaped that SigV4 escapes; dots and slashes stay as they are."""
    return f"/{bucket}/{quote(key, safe='/-_.~')}"
