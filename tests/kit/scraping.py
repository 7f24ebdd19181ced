"""Reads the metrics of a running node, as whoever watches it does."""

from __future__ import annotations

import time
from contextlib import closing
from http.client import HTTPConnection

from rustfs_proto.metrics.token import make_token
from tests.kit.node import RunningNode


def fetch(host: str, path: str, bearer: str = "") -> str:
    """The body of a GET that must be answered 200."""
    with closing(HTTPConnection(host, timeout=20)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, body
        return body


def token_of(node: RunningNode) -> str:
    """A token that its owner has made."""
    return make_token(node.access_key, node.secret_key, int(time.time()) + 600)


def scrape(node: RunningNode, path: str = "/metrics") -> str:
    """The text."""
    return fetch(f"{node.host}:{node.port}", path, token_of(node))


def scraped(node: RunningNode, path: str = "/metrics") -> dict[str, float]:
    """Series → value."""
    lines = [one.rpartition(" ") for one in scrape(node, path).splitlines() if not one.startswith("#")]
    return {series: float(value) for series, _, value in lines}
