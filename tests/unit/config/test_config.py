"""Settings: precedence of their sources, strict types, all errors at once."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node.config import ConfigError, Settings, load, own_names, reloaded, unread
from rustfs_node.plan import Credentials, NodePlan, decode_plan, encode_plan


def test_nothing_given_is_all_defaults():
    """Without any source every setting has the default of its class."""
    assert load(b"", {}, {}) == Settings()


def test_environment_wins_over_file_and_arguments_over_both():
    """Later sources win setting by setting, and leave the others alone."""
    toml = b'[node]\nacceptors = 2\nlog_level = "debug"\n[acceptor]\naddress = ":1"\n'
    environ = {"RUSTFS_NODE_ACCEPTORS": "3", "RUSTFS_ADDRESS": ":2"}
    settings = load(toml, environ, {"acceptor": {"address": ":3"}})
    assert settings.node.acceptors == 3
    assert settings.node.log_level == "debug"
    assert settings.acceptor.address == ":3"


@pytest.mark.parametrize(
    ("environ", "volumes"),
    [
        ({"RUSTFS_VOLUMES": "/a{1...4} /b"}, ("/a{1...4}", "/b")),
        ({"MINIO_VOLUMES": "/a /b"}, ("/a", "/b")),
        ({"MINIO_VOLUMES": "/a", "RUSTFS_VOLUMES": "/b"}, ("/b",)),
        ({"RUSTFS_VOLUMES": "/b", "RUSTFS_NODE_VOLUMES": "/c"}, ("/c",)),
    ],
)
def test_names_of_volumes(environ, volumes):
    """MinIO's name is understood, RustFS' wins over it, and the full name of the setting over both."""
    assert load(b"", environ, {}).node.volumes == volumes


def test_key_pairs_are_never_mixed():
    """A key of one source and a secret of another do not become a pair."""
    environ = {"RUSTFS_ACCESS_KEY": "ours", "MINIO_ROOT_PASSWORD": "theirs", "MINIO_ROOT_USER": "them"}
    node = load(b'[node]\nsecret_key = "of the file"\n', environ, {}).node
    assert (node.access_key, node.secret_key) == ("ours", "")


def test_minio_key_pair():
    """The pair of a MinIO installation works unchanged."""
    node = load(b"", {"MINIO_ROOT_USER": "them", "MINIO_ROOT_PASSWORD": "theirs"}, {}).node
    assert (node.access_key, node.secret_key) == ("them", "theirs")


@pytest.mark.parametrize(
    ("environ", "standard", "reduced"),
    [
        ({"MINIO_STORAGE_CLASS_STANDARD": "EC:3", "MINIO_STORAGE_CLASS_RRS": "EC:2"}, "EC:3", "EC:2"),
        ({"RUSTFS_STORAGE_CLASS_STANDARD": "EC:3", "RUSTFS_STORAGE_CLASS_RRS": "EC:2"}, "EC:3", "EC:2"),
        ({"MINIO_STORAGE_CLASS_RRS": "EC:2", "RUSTFS_STORAGE_CLASS_RRS": "EC:3"}, "", "EC:3"),
        ({"RUSTFS_STORAGE_CLASS_REDUCED_REDUNDANCY": "EC:1", "RUSTFS_STORAGE_CLASS_RRS": "EC:3"}, "", "EC:1"),
    ],
)
def test_names_of_storage_classes(environ, standard, reduced):
    """MinIO's and RustFS' names are understood; the full name of the setting wins over all."""
    classes = load(b"", environ, {}).storage_class
    assert (classes.standard, classes.reduced_redundancy) == (standard, reduced)


def test_a_parity_that_is_none():
    """It is named with its setting and the value seen."""
    with pytest.raises(ConfigError, match=r"\[storage_class\] glacier: expected EC: .* found '2'"):
        load(b'[storage_class]\nglacier = "2"\n', {}, {})


def test_all_errors_at_once():
    """Every mistake of the file and of the environment is in one list, with its place and the value seen."""
    toml = b'[node]\nacceptors = "2"\nvolumes = "/a"\nacceptor = 1\nlog_level = "loud"\nparity = -3\n'
    toml += b"[bla]\nx = 1\n"
    environ = {"RUSTFS_NODE_STOP_DEADLINE_S": "soon", "RUSTFS_NODE_ACEPTORS": "2"}
    with pytest.raises(ConfigError) as caught:
        load(toml, environ, {})
    text = "\n".join(caught.value.errors)
    for wanted in (
        "[node] acceptors: expected int, found '2'",
        "[node] volumes",
        "'/a'",
        "[node] log_level: must be in",
        "[node] parity: must be >= -1: -3",
        "[node] acceptor: there is no such setting; did you mean acceptors? `rustfs-node config` prints all",
        "[bla]: there is no such table; `rustfs-node config` prints all",
        "'soon'",
        "RUSTFS_NODE_ACEPTORS: there is no such setting; did you mean RUSTFS_NODE_ACCEPTORS?",
    ):
        assert wanted in text, (wanted, text)


@pytest.mark.parametrize(
    ("toml", "wanted"),
    [
        (b"x = 1", "outside a table"),
        (b"= 1", "not TOML"),
        (b"\xff", "not TOML"),
        (b"[node]\nacceptors = 0\n", "acceptors"),
        (b"[node]\nacceptors = true\n", "True"),
        (b"[node]\nacceptors = 1.5\n", "1.5"),
        (b'[node]\nlog_level = "loud"\n', "log_level"),
    ],
)
def test_refused_files(toml, wanted):
    """A value of the wrong type or out of range is refused with its name or value."""
    with pytest.raises(ConfigError, match=wanted):
        load(toml, {}, {})


def test_errors_name_the_file():
    """What is wrong in the file begins with the file's name."""
    for toml in (b"[node]\nparty = 1\n", b"[nod]\nparity = 1\n", b"x = 1", b"= 1"):
        with pytest.raises(ConfigError, match=r"^w/c\.toml"):
            load(toml, {}, {}, "w/c.toml")


def test_names_that_nobody_reads():
    """A setting without its table, and RustFS' own names, are told; what is read, or refused, is not."""
    environ = dict.fromkeys(("RUSTFS_PARITY", "RUSTFS_CONSOLE_ENABLE", "RUSTFS_ADDRESS", "PATH"), "")
    assert unread(environ | {"RUSTFS_NODE_PARITYY": ""}) == [
        "RUSTFS_CONSOLE_ENABLE is set and not read",
        "RUSTFS_PARITY is set and not read; did you mean RUSTFS_NODE_PARITY?",
    ]


def test_every_setting_can_be_given_in_the_environment():
    """Each setting's own name in the environment, with its default as text, gives the default again."""
    settings = Settings()
    environ = {}
    for name, table, setting in own_names():
        value = getattr(getattr(settings, table), setting)
        environ[name] = " ".join(value) if isinstance(value, tuple) else str(value)
    assert load(b"", environ, {}) == settings


def test_reload_takes_only_what_can_be_reloaded():
    """A reload changes reloadable settings and names the changed ones that need a restart."""
    fresh = load(b'[node]\nlog_level = "debug"\nacceptors = 3\n', {}, {})
    settings, later = reloaded(Settings(), fresh)
    assert settings == attrs.evolve(Settings(), node=attrs.evolve(Settings().node, log_level="debug"))
    assert later == ["node.acceptors"]


def test_plan_survives_its_file():
    """A plan read back from its bytes is the same plan."""
    plan = NodePlan("d", 0, Settings(), (), "/run", Credentials("a", "b"))
    assert decode_plan(encode_plan(plan)) == plan


def test_secrets_do_not_show():
    """The text form of settings and credentials leaves the secret out."""
    node = load(b"", {"RUSTFS_ACCESS_KEY": "ours", "RUSTFS_SECRET_KEY": "very-secret"}, {}).node
    assert "very-secret" not in repr(node) + repr(Credentials("a", "very-secret"))
