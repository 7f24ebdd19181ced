"""A client with nothing between the test and the socket: one connection, no second attempt, every header."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import attrs
from lxml import etree

from tests.clients.raw import Raw
from tests.clients.server import Server
from tests.model.answers import Tree
from tests.model.headers import Request

# Elements that may stand several times below their parent; their order counts.
_ROWS = frozenset(
    ["Contents", "CommonPrefixes", "Version", "DeleteMarker", "Upload", "Part", "Deleted", "Error", "Tag"]
)


@attrs.frozen
class Received:
    """What came back: `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def tree(self) -> Tree:
        """The document in the body, its root's name beside its elements."""
        root = etree.fromstring(self.body)
        return {"root": _name(root)} | _tree(root)

    @property
    def code(self) -> str:
        """The error code, or "" where there is no document of an error, as for HEAD."""
        return str(self.tree.get("Code", "")) if self.status >= 400 and self.body else ""


class Wire:
    """Signs and sends requests about one bucket after the other."""

    def __init__(self, server: Server) -> None:
        self._raw = Raw(server)
        self._connection = self._raw.connect()

    def send(self, request: Request, bucket: str) -> Received:
        target, method = request.target(bucket), request.method
        headers, _ = self._raw.signed(method, target, request.headers)
        self._connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value.encode())
        self._connection.putheader("Content-Length", str(len(request.body)))
        self._connection.endheaders(request.body)
        response = self._connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Received(response.status, received, response.read())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.close()


def _tree(element: etree._Element) -> dict[str, object]:
    found: dict[str, object] = {}
    rows = []
    for child in element:
        value = _tree(child) if len(child) else child.text or ""
        # In the answer to a delete this name is a flag.
        if _name(child) in _ROWS and value != "true":
            rows.append((_name(child), value))
        elif value:
            found[_name(child)] = value
    return found | {"rows": rows} if rows else found


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname
