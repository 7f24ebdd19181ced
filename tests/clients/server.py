"""The server that the tests speak to: a node that they start, or any server that the environment names.

`S3_TEST_ENDPOINT`, `S3_TEST_ACCESS_KEY` and `S3_TEST_SECRET_KEY` turn the whole suite against another server,
which tells apart what a client expects of S3 and what it expects of this node.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import attrs

from tests.kit.s3 import REGION, boto3_client

DOMAIN = "s3.test"


@attrs.frozen
class Server:
    """Where a server answers and with what keys."""

    url: str
    access_key: str
    secret_key: str
    ca_file: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a command line client is started with: the keys, and nothing of the user's own settings."""
        return os.environ | {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def boto3(self, **config: object):
        """A boto3 client; `config` goes into botocore's Config. One attempt, so that no answer is hidden."""
        return boto3_client(self.url, self.access_key, self.secret_key, ca_file=self.ca_file, **config)


def named_by_environment() -> Server | None:
    """The server that the environment names, if any."""
    url = os.environ.get("S3_TEST_ENDPOINT")
    if url is None:
        return None
    return Server(url, os.environ["S3_TEST_ACCESS_KEY"], os.environ["S3_TEST_SECRET_KEY"])
