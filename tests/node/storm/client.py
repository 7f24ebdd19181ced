"""An S3 client that hides nothing: one attempt for each request, and three outcomes.

Answer    the node answered with success
Refused   the node answered with an error
Lost      the connection broke, or was not made: nothing is known
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote
from xml.sax.saxutils import unescape

import attrs

from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from tests.kit.node import RunningNode

ANSWER_S = 40.0
"""Longer than any deadline inside the node: whoever waits that long was forgotten."""

SIGNED_BODY_BYTES_MAX = 64 * 1024
PIECE_BYTES = 128 * 1024


class Lost(Exception):
    """No whole answer."""


class Forgotten(Exception):
    """No answer, and no end of the connection either: the node owes one or the other."""


class Refused(Exception):
    """An answer, but an error. `headers` by lower-case name."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        code = re.search(rb"<Code>(.*?)</Code>", body)
        self.status, self.code = status, code[1].decode() if code else ""
        self.headers = headers or {}
        super().__init__(f"{status} {self.code}")


@attrs.frozen
class Answer:
    """`headers` by lower-case name."""

    headers: Mapping[str, str]
    body: bytes

    def texts(self, element: str) -> list[str]:
        """The text of every such XML element, in order."""
        found = re.findall(f"<{element}>(.*?)</{element}>", self.body.decode(), re.DOTALL)
        return [unescape(text, {"&quot;": '"', "&#34;": '"', "&apos;": "'"}) for text in found]


def outcome_of(
    what: str, ask: Callable[[], tuple[int, Answer]], close: Callable[[], None], wait_s: float
) -> Answer:
    """What becomes of a request: `ask` is made once, and `close` called where the connection is of no use
    any more. Raises `Refused`, `Lost` or `Forgotten`.
    """
    try:
        status, answer = ask()
    except TimeoutError as error:
        close()
        raise Forgotten(f"{what} had no answer for {wait_s} s") from error
    except (OSError, http.client.HTTPException) as error:
        close()
        raise Lost(f"{what}: {error!r}") from error
    if status >= 300:
        raise Refused(status, answer.body, answer.headers)
    return answer


class Client:
    """One connection, kept as long as it lasts. With `pause` bodies go in pieces, and it is called between
    them. `wall_s` is the time by the node's clock.
    """

    def __init__(
        self,
        node: RunningNode,
        bucket: str,
        pause: Callable[[], object] | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._host, self._port = node.host, node.port
        self._wall_s = wall_s
        self._credentials = Credentials(node.access_key, node.secret_key)
        self._bucket = bucket
        self._pause = pause
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self,
        method: str,
        key: str = "",
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises `Refused`, `Lost` or `Forgotten`."""
        target = f"/{self._bucket}" + (f"/{quote(key)}" if key else "") + (f"?{query}" if query else "")
        send = partial(self._send, method, target, body, headers or {})
        return outcome_of(f"{method} {target}", send, self.close, ANSWER_S)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Answer]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S)
        connection = self._connection
        is_small = len(body) <= SIGNED_BODY_BYTES_MAX
        signed = sign_request(
            self._credentials,
            method,
            target,
            {"host": f"{self._host}:{self._port}", "content-length": str(len(body)), **headers},
            now_s=self._wall_s(),
            payload_hash=hashlib.sha256(body).hexdigest() if is_small else "UNSIGNED-PAYLOAD",
        )
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in signed.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        self._send_body(connection, body)
        response = connection.getresponse()
        content = response.read()
        if response.will_close:
            self.close()
        return response.status, Answer(
            {name.lower(): value for name, value in response.getheaders()}, content
        )

    def _send_body(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        if self._pause is None:
            connection.send(body)
            return
        for first in range(0, len(body), PIECE_BYTES):
            connection.send(body[first : first + PIECE_BYTES])
            self._pause()
