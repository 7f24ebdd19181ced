"""The command line: what it understands, what it says, and its exit status."""

from __future__ import annotations

import os

import attrs
import msgspec
import pytest

from rustfs_node import __version__
from rustfs_node.cli.main import main, make_parser
from rustfs_node.cli.serve import banner, endpoint_url, read_settings
from rustfs_node.cli.status import HealingTold, SetHealing, healing_lines
from rustfs_node.config import Settings
from rustfs_node.plan import Credentials
from rustfs_node.supervisor.planning import make_plan
from rustfs_node.supervisor.starting import CredentialsSource
from rustfs_proto.wire.heal_ops import RebuildView, ScrubView
from tests.kit.node import free_port
from tests.unit.supervisor.formation_kit import formed, fresh_drives, outcome, unusable


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


ABSENT = "does not exist"


@pytest.mark.parametrize(
    ("arguments", "status", "wanted"),
    [
        (["serve"], 2, "no drives given"),
        (["serve", "/d{1...0}"], 2, "counts down"),
        (["serve", "/d", "/d"], 2, "named twice"),
        (["serve", "--config", "/does/not/exist", "/d"], 2, "cannot be read"),
        (["serve", "--tls-cert", "/c", "/d"], 2, "belong together"),
        (["serve", "--tls-key", "/k", "/d"], 2, "belong together"),
        (["serve", "--tls-cert", "/c", "--tls-key", "/k", "/d"], 2, "--tls-key /k cannot be read: No such"),
        (["serve", "--address", ":80x", "/d"], 2, "write host:port"),
        (["serve", "--address", "127.0.0.1:0", "/d"], 2, "name a port from 1"),
        (["serve", "--address", "127.0.0.9:9", "--credentials-file", "/dev/null/x", "/no/such/d"], 1, ABSENT),
    ],
)
def test_mistakes_are_explained(capsys, arguments, status, wanted):
    """What cannot be started is said on stderr with a status that tells usage from failure."""
    assert status_of(*arguments) == status
    assert wanted in capsys.readouterr().err


def test_all_mistakes_at_once(capsys, monkeypatch, tmp_path):
    """Wrong drives, address, keys and certificate are told together, and no drive is touched."""
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", "ab")
    monkeypatch.setenv("RUSTFS_SECRET_KEY", "short")
    drive = str(tmp_path / "d")
    assert status_of("serve", "--address", "nonsense", "--tls-cert", "/c", drive, drive) == 2
    said = capsys.readouterr().err
    for wanted in ("named twice", "nonsense", "access key has 2", "secret key has 5", "belong together"):
        assert wanted in said
    assert not os.path.exists(drive)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("RUSTFS_NODE_PARITY", "3", "choose from 0 to 2"),
        ("RUSTFS_NODE_SET_DRIVES", "3", "3"),
        ("RUSTFS_SECRET_KEY_FILE", "/does/not/exist", "cannot be read: No such file or directory"),
        ("RUSTFS_SECRET_KEY", "12345678", "set RUSTFS_ACCESS_KEY too"),
    ],
)
def test_wrong_values_are_wrong_configuration(capsys, monkeypatch, tmp_path, name, value, wanted):
    """A shape that the drives cannot have, and half a key pair, end with 2, so that nobody tries again."""
    monkeypatch.setenv(name, value)
    assert status_of("serve", str(tmp_path / "d{1...4}")) == 2
    assert wanted in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("text", ["x", 'access_key = "abc"\nsecret_key = "short"\n'])
def test_credentials_come_before_drives(capsys, tmp_path, text):
    """A credentials file that is broken is told before anything is written to a drive."""
    file = tmp_path / "credentials.toml"
    file.write_text(text)
    file.chmod(0o600)
    (tmp_path / "d").mkdir()
    arguments = ("--credentials-file", str(file), "--address", f"127.0.0.1:{free_port()}")
    runtime = ("--runtime-dir", str(tmp_path / "run"))
    assert status_of("serve", *arguments, *runtime, str(tmp_path / "d")) == 2
    said = capsys.readouterr().err
    assert str(file) in said
    assert os.listdir(tmp_path / "d") == []


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


def test_banner_can_be_pasted():
    """A place with blanks is quoted for the shell."""
    plan = make_plan(outcome(fresh_drives(4)), Settings(), "/run/x", Credentials("access", "very-secret"))
    text = banner(plan, CredentialsSource("/my data/credentials.toml"))
    assert text.count("'/my data/credentials.toml')") == 2


def test_banner_counts_the_drives_that_take_part():
    """Drives that were left out are not counted, and what that does not suffice for is said."""
    settled = formed(4)
    three = make_plan(outcome([*settled[:3], unusable("/d3")]), Settings(), "/run/x", Credentials("a", "b"))
    assert "3 of 4 in 1 erasure set(s), 2+2\n" in banner(three, CredentialsSource())
    two = [*settled[:2], unusable("/d2"), unusable("/d3")]
    plan = make_plan(outcome(two), Settings(), "/run/x", Credentials("a", "b"))
    assert "2 of 4 in 1 erasure set(s), 2+2; set 0 can be read but not written" in banner(
        plan, CredentialsSource()
    )


def test_status_tells_what_is_healed():
    """A line for each set with notes, each drive that is rebuilt, and each scrub that goes on or found
    something; nothing of sets that are well.
    """
    rebuild = RebuildView(2, rows=120, size_bytes=3 << 20, rows_left=4000)
    scrubs = (
        ScrubView(rounds=3, rows=40),
        ScrubView(rounds=3, rows=40, found=2, slot=1),
        ScrubView(rounds=3, is_running=True, rows=4, size_bytes=3 << 29, slot=2),
    )
    sets = (
        SetHealing(set=0),
        SetHealing(set=1, notes=7, healed=5, failed=1, rebuilds=(rebuild,), scrubs=scrubs),
    )
    since = "since its worker started"
    told = msgspec.json.decode(msgspec.json.encode(HealingTold(sets)), type=HealingTold)
    well = "0 found bad, 0 repaired"
    assert healing_lines(told) == [
        "set 1: about 7 keys wait to be healed, 5 were",
        "set 1: slot 2 is being rebuilt: 120 rows and 3.0 MiB given, about 4000 rows left",
        f"set 1: slot 1 was scrubbed: 40 rows and 0.0 GiB read, 2 found bad, 0 repaired, {since}",
        f"set 1: slot 2 is being scrubbed, round 4: 4 rows and 1.5 GiB read, {well}, {since}",
    ]


def test_status_of_nobody(capsys):
    """Ctl status of an endpoint where nobody listens says so and fails."""
    assert status_of("ctl", "status", "--endpoint", f"http://127.0.0.1:{free_port()}") == 1
    said = capsys.readouterr().out
    assert "Connection refused" in said and "systemctl status" in said and "ok" not in said
    assert status_of("ctl", "status", "--endpoint", "nonsense") == 2
