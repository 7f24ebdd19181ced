"""The owner's key pair: given, kept from an earlier start, or generated once.

There are no default credentials. What is generated is written to one file, mode 0600, and only its place is
ever shown.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping

from rustfs_node.plan import Credentials
from rustfs_node.seams.node_files import ensure_folder, is_private, read_bytes, write_private
from rustfs_node.seams.randomness import Randomness
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.memory import state_folder

ACCESS_KEY_MIN = 3
SECRET_KEY_MIN = 8
_ACCESS_KEY_CHARACTERS = 20
_SECRET_KEY_CHARACTERS = 40
_LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz"
_UPPER_AND_DIGITS = _LETTERS_AND_DIGITS[:36]
# An access key stands in the credential scope of a signature, whose fields are separated by these.
_NOT_IN_ACCESS_KEY = re.compile(r"[\s/,=]")


class CredentialsError(Exception):
    """The credentials cannot be used; the text says what was given and what to give."""


def given_credentials(settings: NodeSettings) -> Credentials | None:
    """The pair that the configuration names, None where it names nothing. Raises `CredentialsError`, one line
    per mistake.
    """
    access_key, *wrong = _one_of("access_key", settings.access_key, settings.access_key_file)
    secret_key, *wrong_too = _one_of("secret_key", settings.secret_key, settings.secret_key_file)
    wrong += wrong_too
    if wrong:
        raise CredentialsError("\n".join(wrong))
    if not access_key and not secret_key:
        return None
    if not access_key:
        raise CredentialsError("a secret key is given without an access key: set RUSTFS_ACCESS_KEY too")
    if not secret_key:
        raise CredentialsError("an access key is given without a secret key: set RUSTFS_SECRET_KEY too")
    return checked(access_key, secret_key)


def checked(access_key: str, secret_key: str) -> Credentials:
    """The pair, if it can be used; every fault of it otherwise."""
    wrong: list[str] = []
    if len(access_key) < ACCESS_KEY_MIN:
        seen = f"the access key has {len(access_key)} characters"
        wrong.append(f"{seen}, at least {ACCESS_KEY_MIN} are wanted")
    if _NOT_IN_ACCESS_KEY.search(access_key):
        wrong.append("the access key has a blank, '/', ',' or '=' in it, which signatures cannot carry")
    if len(secret_key) < SECRET_KEY_MIN:
        seen = f"the secret key has {len(secret_key)} characters"
        wrong.append(f"{seen}, at least {SECRET_KEY_MIN} are wanted")
    if wrong:
        raise CredentialsError("\n".join(wrong))
    return Credentials(access_key, secret_key)


def default_file(environ: Mapping[str, str], home: str, deployment_id: str) -> str:
    """Where generated credentials are kept unless the configuration says so: one file per deployment."""
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if state:
        return f"{state}/credentials.toml"
    return f"{state_folder(environ, home)}/credentials-{deployment_id[:8]}.toml"


def known_credentials(settings: NodeSettings) -> Credentials | None:
    """The pair, given or in a file that is there; None where neither is. Raises `CredentialsError`."""
    found = given_credentials(settings)
    if found is None and settings.credentials_file:
        found = _read(settings.credentials_file)
    return found


def cluster_credentials(settings: NodeSettings) -> Credentials:
    """The pair of a node of a cluster: given, or in a file that is there. None is generated, because each
    node would make another one. Raises `CredentialsError`.
    """
    found = known_credentials(settings)
    if found is None:
        raise CredentialsError(
            "the nodes of a cluster need the same key pair, and none is generated: set RUSTFS_ACCESS_KEY and"
            " RUSTFS_SECRET_KEY (or their _FILE forms) to the same values on all of them"
        )
    return found


def kept_credentials(path: str, randomness: Randomness) -> tuple[Credentials, bool]:
    """The pair in that file, and whether it was generated just now."""
    found = _read(path)
    return (found, False) if found is not None else (_generate(path, randomness), True)


def _read(path: str) -> Credentials | None:
    """The pair in that file; None where there is no file."""
    try:
        raw = read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialsError(
            f"credentials file {path} cannot be read by user {os.geteuid()}: {error.strerror};"
            f" give it to that user (chown {os.geteuid()} {path}), or name another --credentials-file"
        ) from error
    if not is_private(path):
        raise CredentialsError(f"credentials file {path} can be read by others: chmod 600 {path}")
    try:
        document = tomllib.loads(raw.decode())
        return checked(str(document["access_key"]), str(document["secret_key"]))
    except CredentialsError as error:
        raise CredentialsError(f"credentials file {path}: {error}") from error
    # Whatever is no TOML or no UTF-8, or has numbers of thousands of digits, is a ValueError.
    except (KeyError, ValueError, RecursionError) as error:
        raise CredentialsError(
            f'credentials file {path} needs two lines, access_key = "..." and secret_key = "..." ({error})'
        ) from error


def _generate(path: str, randomness: Randomness) -> Credentials:
    credentials = Credentials(
        _draw(randomness, _UPPER_AND_DIGITS, _ACCESS_KEY_CHARACTERS),
        _draw(randomness, _LETTERS_AND_DIGITS, _SECRET_KEY_CHARACTERS),
    )
    text = (
        "# The owner's key pair of a rustfs-node deployment, generated at its first start.\n"
        f'access_key = "{credentials.access_key}"\n'
        f'secret_key = "{credentials.secret_key}"\n'
    )
    try:
        ensure_folder(path.rpartition("/")[0] or ".")
        write_private(path, text.encode(), replace=False)
    except OSError as error:
        raise CredentialsError(
            f"generated credentials cannot be kept in {path}: {error.strerror};"
            " name another --credentials-file, or give RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY"
        ) from error
    return credentials


def _draw(randomness: Randomness, alphabet: str, length: int) -> str:
    """Characters drawn evenly: 8 bytes for each make the bias of the remainder less than 2^-58."""
    return "".join(
        alphabet[int.from_bytes(randomness.token(8), "big") % len(alphabet)] for _ in range(length)
    )


def _one_of(name: str, value: str, path: str) -> list[str]:
    """A value given as such or as the first line of a file; then, where it is wrong, an empty one and why."""
    if value and path:
        return ["", f"{name} and {name}_file are both given: remove one"]
    if not path:
        return [value]
    try:
        lines = read_bytes(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        return ["", f"{name}_file {path} cannot be read: {reason}"]
    if not lines or not lines[0].strip():
        return ["", f"{name}_file {path} is empty: its first line is the key"]
    return [lines[0].strip()]
