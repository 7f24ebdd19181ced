"""The command line: what it understands, what it says, and its exit status."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node import __version__
from rustfs_node.cli.main import main, make_parser
from rustfs_node.cli.serve import banner, endpoint_url, read_settings
from rustfs_node.config import ConfigError, Settings
from rustfs_node.plan import Credentials
from rustfs_node.supervisor.planning import make_plan
from rustfs_node.supervisor.starting import CredentialsSource
from tests.kit.node import free_port
from tests.unit.supervisor.formation_kit import fresh_drives, outcome


def status_of(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def test_version(capsys):
    """--version names the program and its release."""
    assert status_of("--version") == 0
    assert capsys.readouterr().out == f"rustfs-node {__version__}\n"


def test_arguments_become_settings(tmp_path):
    """Each argument of serve lands in its setting."""
    file = tmp_path / "node.toml"
    file.write_text("[node]\nacceptors = 2\n")
    arguments = ["serve", "--config", str(file), "--address", ":1", "--domain", "a.b", "--domain", "c.d"]
    arguments += ["--tls-cert", "/c", "--tls-key", "/k", "--region", "r", "--credentials-file", "/cr"]
    settings = read_settings(
        make_parser().parse_args([*arguments, "--runtime-dir", "/run/x", "/d{1...2}", "/e"])
    )
    acceptor = settings.acceptor
    assert (acceptor.address, acceptor.domains, acceptor.region) == (":1", ("a.b", "c.d"), "r")
    assert (acceptor.tls_cert, acceptor.tls_key) == ("/c", "/k")
    node = settings.node
    assert (node.acceptors, node.volumes) == (2, ("/d{1...2}", "/e"))
    assert (node.credentials_file, node.runtime_dir) == ("/cr", "/run/x")


@pytest.mark.parametrize(
    "given", [["--tls-cert", "/c"], ["--tls-key", "/k"], ["--config", "/does/not/exist"]]
)
def test_half_given(given):
    """A certificate without its key, a key without its certificate, and a missing file are refused."""
    with pytest.raises(ConfigError):
        read_settings(make_parser().parse_args(["serve", *given, "/d"]))


@pytest.mark.parametrize(
    ("arguments", "status", "wanted"),
    [
        (["serve"], 2, "no drives given"),
        (["serve", "/d{1...0}"], 2, "counts down"),
        (["serve", "/d", "/d"], 2, "named twice"),
        (["serve", "--config", "/does/not/exist", "/d"], 2, "cannot be read"),
        (["serve", "--credentials-file", "/dev/null/x", "/does/not/exist/d"], 1, "does not exist"),
    ],
)
def test_mistakes_are_explained(capsys, arguments, status, wanted):
    """What cannot be started is said on stderr with a status that tells usage from failure."""
    assert status_of(*arguments) == status
    assert wanted in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "secure", "url"),
    [
        (":9000", False, "http://127.0.0.1:9000"),
        ("0.0.0.0:1", True, "https://127.0.0.1:1"),
        ("[::]:1", False, "http://127.0.0.1:1"),
        ("[::1]:1", False, "http://[::1]:1"),
        ("s3.example.org:80", False, "http://s3.example.org:80"),
    ],
)
def test_endpoint(address, secure, url):
    """The endpoint shown reaches the node from its own machine."""
    assert endpoint_url(address, secure=secure) == url


def test_banner_never_shows_the_secret():
    """The banner names the endpoint, the place of the keys and lines to paste, not the keys."""
    plan = make_plan(outcome(fresh_drives(4)), Settings(), "/run/x", Credentials("access", "very-secret"))
    text = banner(plan, CredentialsSource("/var/credentials.toml", generated=True))
    for wanted in (
        "http://127.0.0.1:9000",
        "/var/credentials.toml (generated just now)",
        "aws --endpoint-url",
        "boto3",
    ):
        assert wanted in text
    assert "very-secret" not in text
    assert "RUSTFS_SECRET_KEY" in banner(attrs.evolve(plan), CredentialsSource())


def test_status_of_nobody(capsys):
    """Ctl status of an endpoint where nobody listens says so and fails."""
    assert status_of("ctl", "status", "--endpoint", f"http://127.0.0.1:{free_port()}") == 1
    assert "Connection refused" in capsys.readouterr().out
    assert status_of("ctl", "status", "--endpoint", "nonsense") == 2
