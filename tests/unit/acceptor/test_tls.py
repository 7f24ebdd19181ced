"""TLS by our own transport, against Python's TLS client: bytes in both directions, a bad client, a new
certificate.
"""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_node.acceptor.net.tls import Certificate
from tests.unit.acceptor.http_kit import RawClient, Running, echo, read_all, request, serving


def write_certificate(folder: Path, name: str) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1 whose common name is `name`; paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(*pem))
    return str(cert_path), str(key_path)


@pytest.fixture
def certificate(tmp_path):
    return Certificate(*write_certificate(tmp_path, "first"))


async def open_tls(running: Running) -> trio.SSLStream[trio.SocketStream]:
    """A client that trusts anybody, as the certificate is not the matter here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    stream = trio.SSLStream(await trio.open_tcp_stream("127.0.0.1", running.port), context)
    await stream.do_handshake()
    return stream


def common_name_of(stream: trio.SSLStream[trio.SocketStream]) -> str:
    """Whom the server claims to be."""
    raw = stream.getpeercert(binary_form=True)
    assert raw is not None
    return str(x509.load_der_x509_certificate(raw).subject.rfc4514_string())


async def test_requests_pass_over_tls(certificate):
    """Small and large bodies arrive and leave unchanged, one after the other on one connection."""
    content = bytes(range(256)) * 9_999

    async def mirror(incoming: HttpRequest) -> Response:
        assert incoming.secure
        return Response(200, body=await read_all(incoming))

    async with serving(mirror, certificate=certificate) as running:
        stream = await open_tls(running)
        client = RawClient(stream)
        for body in (b"", b"small", content, b"again"):
            await client.send(request("PUT", "/", f"Content-Length: {len(body)}"), body)
            assert (await client.answer())[2] == body
        await stream.aclose()


async def test_a_refused_large_body_still_gets_its_answer(certificate):
    """The answer that closes the connection arrives although the body was never read."""

    async def refuse(_: HttpRequest) -> Response:
        return Response(403, body=b"no")

    async with serving(refuse, certificate=certificate) as running:
        stream = await open_tls(running)
        client = RawClient(stream)
        await client.send(request("PUT", "/", "Content-Length: 3000000"), b"x" * 300_000)
        status, headers, body = await client.answer()
        assert (status, headers["connection"], body) == (403, "close", b"no")
        stream.transport_stream.socket.close()


async def test_plain_http_to_a_tls_port_ends_the_connection(certificate):
    """A client that does not speak TLS is dropped and the server goes on."""
    async with serving(echo, certificate=certificate) as running:
        async with await trio.open_tcp_stream("127.0.0.1", running.port) as plain:
            await plain.send_all(request())
            while await plain.receive_some(1000):
                pass
        stream = await open_tls(running)
        client = RawClient(stream)
        await client.send(request("GET", "/x"))
        assert (await client.answer())[2] == b"GET /x "
        await stream.aclose()


async def test_a_client_that_closes_tls_properly_ends_the_connection(certificate):
    """close_notify is an end, not an error."""
    async with serving(echo, certificate=certificate) as running:
        stream = await open_tls(running)
        client = RawClient(stream)
        await client.send(request())
        await client.answer()
        await stream.aclose()
        while running.server.connections:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.005)


async def test_a_reloaded_certificate_serves_new_connections(certificate, tmp_path):
    """After a reload new connections see the new certificate, and old ones go on."""
    async with serving(echo, certificate=certificate) as running:
        old = await open_tls(running)
        assert common_name_of(old) == "CN=first"
        write_certificate(tmp_path, "second")
        certificate.reload()
        new = await open_tls(running)
        assert common_name_of(new) == "CN=second"
        for stream in (old, new):
            client = RawClient(stream)
            await client.send(request("GET", "/x"))
            assert (await client.answer())[2] == b"GET /x "
            await stream.aclose()


async def test_a_damaged_certificate_is_not_taken(certificate, tmp_path):
    """A reload that fails says so and changes nothing."""
    before = certificate.context
    (tmp_path / "cert.pem").write_text("nonsense")
    with pytest.raises(OSError):
        certificate.reload()
    assert certificate.context is before


async def test_a_refused_upload_is_answered_and_ends_in_order(certificate):
    """The answer and close_notify reach a client whose body is still on its way."""

    async def refuse(_: HttpRequest) -> Response:
        return Response(403, [], b"no", close=True)

    async with serving(refuse, certificate=certificate) as running:
        stream = await open_tls(running)
        head = b"PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n"
        await stream.send_all(head + bytes(300_000))
        answer = b""
        # Ends with b"" only where close_notify came: trio raises for a bare end of the connection.
        while received := await stream.receive_some(65_536):
            answer += received
        assert answer.startswith(b"HTTP/1.1 403 ") and answer.endswith(b"no")
