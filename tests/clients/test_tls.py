"""The same service over TLS, with a certificate made by the test."""

from __future__ import annotations

import contextlib
import os

import pytest
from botocore.exceptions import SSLError

from tests.clients import commands, tools
from tests.clients.content import MIB, content
from tests.clients.raw import Raw
from tests.clients.server import Server, named_by_environment
from tests.kit.node import RunningNode

pytestmark = pytest.mark.skipif(named_by_environment() is not None, reason="starts a node of its own")


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A node that speaks TLS; clients trust its certificate by its file."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [tools.program("openssl"), "req", "-x509", "-nodes", "-keyout", key, "-out", certificate]
    command += [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    commands.run(command, os.environ)
    arguments = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with RunningNode(folder / "node", drives=4, arguments=arguments) as node:
        yield Server(node.url, node.access_key, node.secret_key, ca_file=str(certificate))


def test_objects_over_tls(secure):
    """Bodies of any size go through TLS unchanged, in parallel parts as well."""
    s3 = secure.boto3()
    s3.create_bucket(Bucket="secure")
    for size in (0, 1, 16_384, 16_385, MIB, 20 * MIB + 3):
        s3.put_object(Bucket="secure", Key=str(size), Body=content(size, seed=size))
        assert s3.get_object(Bucket="secure", Key=str(size))["Body"].read() == content(size, seed=size)


def test_signed_over_tls(secure):
    """Presigned and header signatures hold for an https endpoint."""
    raw = Raw(secure)
    assert raw.request("GET", "/").status == 200
    assert raw.request("GET", "/", anonymous=True).status == 403


def test_an_unknown_certificate_is_refused_by_clients(secure):
    """A client that does not trust the certificate stops before it sends anything."""
    distrusting = Server(secure.url, secure.access_key, secure.secret_key).boto3()
    with pytest.raises(SSLError):
        distrusting.list_buckets()


def test_plain_http_on_a_tls_port(secure):
    """A client that speaks plain HTTP to the TLS port is turned away, and the next TLS client is served."""
    plain = Raw(Server(secure.url.replace("https", "http"), secure.access_key, secure.secret_key))
    with contextlib.suppress(OSError):  # the connection may simply be closed
        assert plain.request("GET", "/").status == 400
    assert secure.boto3().list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
