"""`rustfs-node serve`: settings from all their sources, then the supervisor; and the words printed when it
serves.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

import attrs

from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE
from rustfs_node.config import ConfigError, Settings, Tables, load, origins_of, unread
from rustfs_node.plan import NodePlan
from rustfs_node.seams.node_files import read_bytes
from rustfs_node.supervisor.credentials import CredentialsError
from rustfs_node.supervisor.listening import AddressError, parse_address
from rustfs_node.supervisor.preflight import mistakes, mistakes_of_cluster
from rustfs_node.supervisor.starting import START_ERRORS, CredentialsSource, Order, absolute, serve
from rustfs_proto.erasure.geometry import write_quorum
from rustfs_proto.topology.ellipses import EllipsesError
from rustfs_proto.topology.endpoints import DEFAULT_PORT, Topology, check_folders, parse_topology


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; the exit status."""
    try:
        settings = read_settings(args)
        topology = checked_topology(settings)
    except ConfigError as error:
        return complain(str(error), EXIT_USAGE)
    order = Order(
        settings=settings,
        topology=topology,
        accepted=frozenset(absolute(args.accept_drive)),
        reread=lambda: read_settings(args),
        announce=announce,
        notes=tuple(unread(os.environ)),
        origins=origins_of(file_of(args), os.environ, tables_of(args)),
    )
    try:
        serve(order, os.environ)
    except CredentialsError as error:
        return complain(str(error), EXIT_USAGE)
    except START_ERRORS as error:
        return complain(str(error), EXIT_FAILED)
    return 0


def checked_topology(settings: Settings) -> Topology:
    """The drives and their nodes. Raises `ConfigError` with all that is wrong, the other values included."""
    topology: Topology | None = None
    wrong: list[str] = []
    try:
        topology = topology_of(settings)
    except EllipsesError as error:
        wrong.append(str(error))
    wrong += mistakes(settings, () if topology is None else topology.pools)
    if topology is not None and topology.is_cluster and not wrong:
        wrong = mistakes_of_cluster(settings, topology)
    if topology is None or wrong:
        raise ConfigError(wrong)
    return topology


def topology_of(settings: Settings) -> Topology:
    """The drives and their nodes, as the settings name them. Raises `EllipsesError`."""
    try:
        _, default_port = parse_address(settings.acceptor.address)
    except AddressError:
        # Told with the other mistakes.
        default_port = DEFAULT_PORT
    topology = parse_topology(settings.node.volumes, default_port)
    if not topology.is_cluster:
        drives = (attrs.evolve(one, path=os.path.abspath(one.path)) for one in topology.drives)
        topology = attrs.evolve(topology, drives=tuple(drives))
    check_folders(topology)
    return topology


def read_settings(args: argparse.Namespace) -> Settings:
    """Settings from the file, the environment and the arguments."""
    return load(file_of(args), os.environ, tables_of(args), args.config or "the configuration file")


def file_of(args: argparse.Namespace) -> bytes:
    """The text of the configuration file; empty where there is none. Raises `ConfigError`."""
    return read_config(args.config) if args.config else b""


def read_config(path: str) -> bytes:
    """The text of that configuration file. Raises `ConfigError`."""
    try:
        return read_bytes(path)
    except OSError as error:
        raise ConfigError([f"configuration file {path} cannot be read: {error.strerror}"]) from error


def tables_of(args: argparse.Namespace) -> Tables:
    """The settings that were given as arguments."""
    node = {
        "volumes": args.volumes or None,
        "credentials_file": _absolute(args.credentials_file),
        "runtime_dir": args.runtime_dir,
    }
    acceptor = {
        "address": args.address,
        "domains": args.domain,
        "region": args.region,
        "tls_cert": _absolute(args.tls_cert),
        "tls_key": _absolute(args.tls_key),
    }
    return {
        table: {name: value for name, value in values.items() if value is not None}
        for table, values in (("node", node), ("acceptor", acceptor))
    }


def _absolute(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(path)


def complain(text: str, status: int) -> int:
    """Say what is wrong on stderr."""
    for line in text.splitlines():
        print(f"rustfs-node: {line}", file=sys.stderr)
    return status


def announce(plan: NodePlan, source: CredentialsSource) -> None:
    """Tell the person at the terminal that the node serves, and how to speak to it."""
    print(banner(plan, source), flush=True)


def banner(plan: NodePlan, source: CredentialsSource) -> str:
    """Endpoint, place of the credentials, and lines to paste. The secret itself is not shown: logs are kept
    and copied.
    """
    acceptor = plan.settings.acceptor
    endpoint = endpoint_url(acceptor.address, secure=bool(acceptor.tls_cert))
    region = acceptor.region or "us-east-1"
    where = "the configuration"
    load_keys: tuple[str, ...] = (
        'export AWS_ACCESS_KEY_ID="$RUSTFS_ACCESS_KEY" AWS_SECRET_ACCESS_KEY="$RUSTFS_SECRET_KEY"',
    )
    if source.file:
        where = f"{source.file}{' (generated just now)' if source.generated else ''}"
        quoted = shlex.quote(source.file)
        load_keys = (
            f"export AWS_ACCESS_KEY_ID=$(sed -n 's/^access_key = \"\\(.*\\)\"/\\1/p' {quoted})",
            f"export AWS_SECRET_ACCESS_KEY=$(sed -n 's/^secret_key = \"\\(.*\\)\"/\\1/p' {quoted})",
        )
    boto3 = f"boto3.client('s3', endpoint_url='{endpoint}', region_name='{region}')"
    lines = (
        f"rustfs-node serves at {endpoint}",
        f"  drives       {drives_in_words(plan)}",
        f"  deployment   {plan.deployment_id}",
        f"  credentials  {where}",
        "To use it, paste:",
        *(f"  {line}" for line in load_keys),
        f"  aws --endpoint-url {endpoint} --region {region} s3 mb s3://first-bucket",
        f"  python3 -c \"import boto3; print({boto3}.list_buckets()['Buckets'])\"",
    )
    return "\n".join(lines)


def drives_in_words(plan: NodePlan) -> str:
    """How many drives take part, in which sets, and what that does not suffice for."""
    drives = [drive for one in plan.sets for drive in one.drives]
    well = sum(not drive.fault for drive in drives)
    count = f"{well} of {len(drives)}" if well < len(drives) else str(well)
    codes = ", ".join(sorted({f"{one.k}+{one.m}" for one in plan.sets}))
    text = f"{count} in {len(plan.sets)} erasure set(s), {codes}"
    unwritable = [
        str(one.index)
        for one in plan.sets
        if sum(not drive.fault for drive in one.drives) < write_quorum(one.k, one.m)
    ]
    return f"{text}; set {', '.join(unwritable)} can be read but not written" if unwritable else text


def endpoint_url(address: str, *, secure: bool) -> str:
    """A URL that reaches the address from this machine."""
    host, _, port = address.rpartition(":")
    if host in {"", "0.0.0.0", "[::]", "*"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"{'https' if secure else 'http'}://{host}:{port}"
