"""What is told before a drive is touched: certificates that cannot be used, nodes that cannot be one of a
cluster.
"""

from __future__ import annotations

import datetime as dt
import re

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rustfs_node.config import Settings
from rustfs_node.settings.storage_class import StorageClassSettings
from rustfs_node.supervisor.preflight import mistakes, mistakes_of_cluster
from rustfs_proto.topology.endpoints import PoolShape, parse_topology


def pair(folder, name, password=None):
    """Paths of a certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(day).not_valid_after(day + dt.timedelta(days=1))
    cert_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    cert_path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    kind = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_path.write_bytes(key.private_bytes(pem, pkcs8, kind))
    return str(cert_path), str(key_path)


POOL = (PoolShape(4),)


def told(cert, key):
    settings = Settings()
    return mistakes(
        attrs.evolve(settings, acceptor=attrs.evolve(settings.acceptor, tls_cert=cert, tls_key=key)), POOL
    )


def test_nothing_is_wrong(tmp_path):
    """Defaults, and a certificate with its key, are fine."""
    assert mistakes(Settings(), POOL) == []
    assert told(*pair(tmp_path, "a")) == []


def test_parity_that_two_settings_name():
    """Both must say the same, and no class may have more; what nobody names the drives tell later."""
    settings = Settings()

    def told_of(parity, **classes):
        node = attrs.evolve(settings.node, parity=parity)
        given = StorageClassSettings(**classes)
        return mistakes(attrs.evolve(settings, node=node, storage_class=given), POOL)

    assert told_of(2, standard="EC:2", glacier="EC:1") == told_of(-1, standard="EC:1") == []
    assert told_of(-1, glacier="EC:7") == []
    for parity, classes, wanted in (
        (1, {"standard": "EC:2"}, "node.parity is 1, storage_class.standard is EC:2"),
        (-1, {"standard": "EC:3"}, "storage_class.standard: parity 3 for 4 drives"),
        (2, {"glacier": "EC:3"}, "storage_class.glacier is EC:3: for a set with 2 parity shards"),
        (3, {}, "node.parity: parity 3 for 4 drives"),
    ):
        (text,) = told_of(parity, **classes)
        assert wanted in text


def test_key_of_another_certificate(tmp_path):
    """Two halves that do not fit are both named."""
    (cert, _), (_, key) = pair(tmp_path, "a"), pair(tmp_path, "b")
    assert told(cert, key) == [f"--tls-key {key} belongs to another certificate than --tls-cert {cert}"]


def test_swapped(tmp_path):
    """A certificate given as the key, and the other way round, are two mistakes."""
    cert, key = pair(tmp_path, "a")
    assert [text.split(":")[0] for text in told(key, cert)] == [
        f"--tls-cert {key} is not a certificate in PEM",
        f"--tls-key {cert} is not a private key in PEM",
    ]


@pytest.mark.parametrize("damage", ["password", "cut"])
def test_key_that_cannot_be_loaded(tmp_path, damage):
    """A key with a password is refused without asking for it, and so is half a file."""
    cert, key = pair(tmp_path, "a", b"secret" if damage == "password" else None)
    if damage == "cut":
        whole = (tmp_path / "a.key").read_text()
        (tmp_path / "a.key").write_text(whole[: len(whole) // 2])
    (text,) = told(cert, key)
    assert "the key without a password" in text


NODES = "http://node{1...4}:9000/data{1...4}"


def wrong_with(drives, **tables):
    """What is told of a node of a cluster with the key pair and these settings."""
    given = {"node": {"access_key": "key", "secret_key": "secret-key"}}
    settings = Settings()
    for table, values in (given | tables).items():
        settings = attrs.evolve(settings, **{table: attrs.evolve(getattr(settings, table), **values)})
    return mistakes_of_cluster(settings, parse_topology(drives.split()))


def test_nothing_is_wrong_with_a_node_of_a_cluster(tmp_path):
    """A key pair suffices; it may be in a credentials file that is there."""
    kept = tmp_path / "credentials.toml"
    kept.write_text('access_key = "abc"\nsecret_key = "12345678"\n')
    kept.chmod(0o600)
    assert wrong_with(NODES) == []
    assert wrong_with(NODES, node={"credentials_file": str(kept)}) == []


@pytest.mark.parametrize(
    ("drives", "tables", "wanted"),
    [
        (NODES, {"node": {}}, "the same key pair, and none is generated"),
        (NODES, {"node": {"credentials_file": "/nowhere/kept"}}, "the same key pair, and none is generated"),
        (NODES, {"cluster": {"secret": "short"}}, "has 5 characters, at least 16"),
        (NODES, {"cluster": {"secret_file": "/nowhere"}}, "/nowhere cannot be read: No such file"),
        (
            NODES,
            {"cluster": {"own_endpoint": "node5:9000"}},
            "'node5:9000', the drives are on node1:9000, no",
        ),
        (NODES, {"cluster": {"port_offset": 58000}}, "would listen at ports 67000 to 67006"),
        (NODES, {"acceptor": {"address": ":9001"}}, "serves at :9001, .* give --address one of these ports"),
        (NODES.replace("http", "https"), {}, "named https://, and this node has no certificate"),
        ("http://node:9000/a http://node:9002/b", {}, "ports that are 4 or more apart"),
    ],
)
def test_what_keeps_a_node_out_of_its_cluster(drives, tables, wanted):
    """Each mistake is told with the value seen, before anything is written on any node."""
    (told,) = wrong_with(drives, **tables)
    assert re.search(wanted, told), told
