"""The owner's key pair: given, kept or generated, never a default."""

from __future__ import annotations

import os
import stat

import pytest

from rustfs_node.plan import Credentials
from rustfs_node.seams.randomness import SystemRandomness
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.credentials import (
    CredentialsError,
    default_file,
    given_credentials,
    kept_credentials,
)


def test_nothing_given():
    """Without keys in the configuration there is no pair, and no default one."""
    assert given_credentials(NodeSettings()) is None


def test_given_as_values_and_as_files(tmp_path):
    """Keys are values or the first lines of files."""
    secret = tmp_path / "secret"
    secret.write_text("12345678\nmore\n")
    settings = NodeSettings(access_key="abc", secret_key_file=str(secret))
    assert given_credentials(settings) == Credentials("abc", "12345678")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"access_key": "abc"}, "without a secret key: set RUSTFS_SECRET_KEY"),
        ({"secret_key": "12345678"}, "without an access key: set RUSTFS_ACCESS_KEY"),
        ({"access_key": "ab", "secret_key": "12345678"}, "has 2 characters, at least 3"),
        ({"access_key": "abc", "secret_key": "1234567"}, "has 7 characters, at least 8"),
        ({"access_key": "a/c", "secret_key": "12345678"}, "which signatures cannot carry"),
        ({"access_key": "abc", "access_key_file": "/x"}, "both given"),
        ({"access_key": "abc", "secret_key_file": "/does/not/exist"}, "cannot be read"),
        ({"access_key": "abc", "secret_key_file": os.devnull}, "is empty"),
    ],
)
def test_unusable_pairs(given, wanted):
    """Half a pair, too short a key and an unreadable file are each explained."""
    with pytest.raises(CredentialsError, match=wanted):
        given_credentials(NodeSettings(**given))


def test_generated_once_and_kept_private(tmp_path):
    """The first start generates a strong pair in a file of mode 0600; later ones find the same pair."""
    path = str(tmp_path / "new" / "credentials.toml")
    first, generated = kept_credentials(path, SystemRandomness())
    assert generated
    assert (len(first.access_key), len(first.secret_key)) == (20, 40)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path / "new") == ["credentials.toml"]
    assert kept_credentials(path, SystemRandomness()) == (first, False)


def test_two_pairs_differ(tmp_path):
    """Two nodes never generate the same pair."""
    first, _ = kept_credentials(str(tmp_path / "a"), SystemRandomness())
    second, _ = kept_credentials(str(tmp_path / "b"), SystemRandomness())
    assert first.access_key != second.access_key
    assert first.secret_key != second.secret_key


def test_open_file_is_refused(tmp_path):
    """A credentials file that others may read is no secret any more."""
    path = tmp_path / "credentials.toml"
    kept_credentials(str(path), SystemRandomness())
    path.chmod(0o644)
    with pytest.raises(CredentialsError, match="chmod 600"):
        kept_credentials(str(path), SystemRandomness())


@pytest.mark.parametrize("text", ["", "access_key = 'abc'", "=", 'access_key = "abc"\nsecret_key = "short"'])
def test_broken_file_is_refused(tmp_path, text):
    """A file without a whole pair is refused and not written over."""
    path = tmp_path / "credentials.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(CredentialsError):
        kept_credentials(str(path), SystemRandomness())
    assert path.read_text() == text


def test_place_that_cannot_be_written(tmp_path):
    """Where the pair cannot be kept it is not used either."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialsError, match=r"cannot be (kept in|read)"):
        kept_credentials(str(tmp_path / "file" / "credentials.toml"), SystemRandomness())


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"STATE_DIRECTORY": "/var/lib/rustfs-node"}, "/var/lib/rustfs-node/credentials.toml"),
        ({"XDG_STATE_HOME": "/state"}, "/state/rustfs-node/credentials-01234567.toml"),
        ({}, "/home/u/.local/state/rustfs-node/credentials-01234567.toml"),
    ],
)
def test_default_places(environ, path):
    """Systemd's state folder, else one file per deployment in the user's."""
    assert default_file(environ, "/home/u", "01234567-89ab") == path
