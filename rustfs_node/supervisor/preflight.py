"""What can be known to be wrong before a drive is touched: the address, the key pair, the certificate, a
shape that these drives cannot have, and in a cluster names, ports and the secret. All of it at once.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from rustfs_node.config import Settings
from rustfs_node.seams.node_files import read_bytes
from rustfs_node.settings.node import NodeSettings
from rustfs_node.settings.storage_class import StorageClassSettings
from rustfs_node.supervisor.cluster_secret import SecretError, given_secret
from rustfs_node.supervisor.credentials import CredentialsError, cluster_credentials, given_credentials
from rustfs_node.supervisor.listening import AddressError, parse_address
from rustfs_node.supervisor.membership import mistakes_of_names
from rustfs_proto.erasure.sizing import SizingError
from rustfs_proto.erasure.storage_classes import class_parities, wanted_parity
from rustfs_proto.topology.endpoints import PoolShape, Topology
from rustfs_proto.topology.first_start import parities_of, sizes_of
from rustfs_proto.topology.ports import PortsError, ports_of
from rustfs_proto.topology.verdicts import Refusal


def mistakes(settings: Settings, pools: Sequence[PoolShape]) -> list[str]:
    """Every mistake in the values of the settings, for these pools (none: the drives are wrong already)."""
    found: list[str] = []
    try:
        parse_address(settings.acceptor.address)
    except AddressError as error:
        found.append(str(error))
    try:
        given_credentials(settings.node)
    except CredentialsError as error:
        found.extend(str(error).splitlines())
    found.extend(_mistakes_of_tls(settings.acceptor.tls_cert, settings.acceptor.tls_key))
    if pools:
        found.extend(_mistakes_of_shape(pools, settings.node, settings.storage_class))
    return found


def mistakes_of_cluster(settings: Settings, topology: Topology) -> list[str]:
    """What is wrong about a node of a cluster whose settings are right otherwise."""
    found = mistakes_of_names(topology, settings)
    try:
        cluster_credentials(settings.node)
        given_secret(settings.cluster)
    except (CredentialsError, SecretError) as error:
        found.append(str(error))
    try:
        ports_of(topology, sizes_of(topology.pools, settings.node.set_drives), settings.cluster.port_offset)
    except PortsError as error:
        found.append(str(error))
    if topology.is_secure and not settings.acceptor.tls_cert:
        found.append(
            "the drives are named https://, and this node has no certificate: give --tls-cert and --tls-key,"
            " or name the drives http:// on all nodes"
        )
    return found


def _mistakes_of_shape(
    pools: Sequence[PoolShape], node: NodeSettings, classes: StorageClassSettings
) -> list[str]:
    """What classes may have is known here only where the parity is named; else the drives tell."""
    try:
        parity = wanted_parity(node.parity, classes.standard)
        setting = "storage_class.standard" if classes.standard else "node.parity"
        parities_of(sizes_of(pools, node.set_drives), parity, setting)
        if parity >= 0:
            class_parities(classes.by_name(), parity)
    except (SizingError, Refusal, ValueError) as error:
        return [str(error)]
    return []


def _mistakes_of_tls(cert: str, key: str) -> list[str]:
    if bool(cert) != bool(key):
        return ["--tls-cert and --tls-key (acceptor.tls_cert, acceptor.tls_key) belong together: give both"]
    if not cert:
        return []
    found = [
        *_mistakes_of_pem("--tls-cert", cert, b"-----BEGIN CERTIFICATE-----", "a certificate"),
        *_mistakes_of_pem("--tls-key", key, b"PRIVATE KEY-----", "a private key"),
    ]
    return found or _mistakes_of_pair(cert, key)


def _mistakes_of_pem(option: str, path: str, mark: bytes, what: str) -> list[str]:
    try:
        content = read_bytes(path)
    except OSError as error:
        return [f"{option} {path} cannot be read: {error.strerror}"]
    if mark not in content:
        return [f"{option} {path} is not {what} in PEM: it has no line with {mark.decode()}"]
    return []


def _mistakes_of_pair(cert: str, key: str) -> list[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return [f"--tls-key {key} belongs to another certificate than --tls-cert {cert}"]
        reason = error.reason or error.strerror or "not understood"
        seen = f"--tls-cert {cert} with --tls-key {key} cannot be used ({reason})"
        return [f"{seen}: both must be whole PEM files, the key without a password"]
    return []
