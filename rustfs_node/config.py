"""Every setting of every room in one value, and how it comes about.

Later sources win over earlier ones, setting by setting:

    1. the default in the settings class
    2. the configuration file: TOML, tables [node] [cluster] [bus] [drive] [set] [acceptor]
    3. the environment: the names that MinIO and RustFS use (`WELL_KNOWN`), then RUSTFS_<TABLE>_<NAME>
    4. the command line

This module reads neither files nor the environment: it is handed text and mappings, and answers with a value
or with all that is wrong at once.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from typing import Any, get_origin

import attrs
import cattrs
from cattrs import transform_error

from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_node.settings.bus import BusSettings
from rustfs_node.settings.cluster import ClusterSettings
from rustfs_node.settings.drive import DriveSettings
from rustfs_node.settings.erasureset import SetSettings
from rustfs_node.settings.node import NodeSettings
from rustfs_node.settings.storage_class import StorageClassSettings

PREFIX = "RUSTFS_"

Tables = dict[str, dict[str, Any]]


class ConfigError(Exception):
    """The configuration cannot be used; one line per error, each with the value seen."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@attrs.frozen
class Settings:
    """All settings, one field per table of the configuration file."""

    node: NodeSettings = attrs.field(factory=NodeSettings)
    cluster: ClusterSettings = attrs.field(factory=ClusterSettings)
    bus: BusSettings = attrs.field(factory=BusSettings)
    drive: DriveSettings = attrs.field(factory=DriveSettings)
    set: SetSettings = attrs.field(factory=SetSettings)
    storage_class: StorageClassSettings = attrs.field(factory=StorageClassSettings)
    acceptor: AcceptorSettings = attrs.field(factory=AcceptorSettings)


# The name in the environment, the table and the setting. Of two rows for one setting the later wins.
WELL_KNOWN: tuple[tuple[str, str, str], ...] = (
    ("MINIO_VOLUMES", "node", "volumes"),
    ("RUSTFS_VOLUMES", "node", "volumes"),
    ("RUSTFS_ADDRESS", "acceptor", "address"),
    ("MINIO_DOMAIN", "acceptor", "domains"),
    ("RUSTFS_SERVER_DOMAINS", "acceptor", "domains"),
    ("MINIO_SITE_REGION", "acceptor", "region"),
    ("RUSTFS_REGION", "acceptor", "region"),
    ("MINIO_PROMETHEUS_AUTH_TYPE", "acceptor", "metrics_auth"),
    ("MINIO_STORAGE_CLASS_STANDARD", "storage_class", "standard"),
    ("MINIO_STORAGE_CLASS_RRS", "storage_class", "reduced_redundancy"),
    ("RUSTFS_STORAGE_CLASS_RRS", "storage_class", "reduced_redundancy"),
)
# The two ways to name the owner's key pair. Where one name of the first is given, the second is not looked
# at.
OUR_KEY_PAIR: tuple[tuple[str, str, str], ...] = (
    ("RUSTFS_ACCESS_KEY", "node", "access_key"),
    ("RUSTFS_ACCESS_KEY_FILE", "node", "access_key_file"),
    ("RUSTFS_SECRET_KEY", "node", "secret_key"),
    ("RUSTFS_SECRET_KEY_FILE", "node", "secret_key_file"),
)
MINIO_KEY_PAIR: tuple[tuple[str, str, str], ...] = (
    ("MINIO_ROOT_USER", "node", "access_key"),
    ("MINIO_ROOT_USER_FILE", "node", "access_key_file"),
    ("MINIO_ROOT_PASSWORD", "node", "secret_key"),
    ("MINIO_ROOT_PASSWORD_FILE", "node", "secret_key_file"),
)


def load(
    toml: bytes, environ: Mapping[str, str], arguments: Tables, file: str = "the configuration file"
) -> Settings:
    """Settings from the text of a configuration file (empty: none), the environment, and the command line.
    `file` is what the text is called in errors.

    Raises `ConfigError` with everything that is wrong.
    """
    tables = parse_toml(toml, file)
    errors = remove_unknown(tables, file)
    overlay(tables, from_environment(environ, errors))
    overlay(tables, arguments)
    errors += _wrong_values(tables)
    if errors:
        raise ConfigError(errors)
    try:
        settings = _converter.structure(tables, Settings)
    except cattrs.BaseValidationError as error:
        # What is left are values that are right each by itself and do not go together.
        raise ConfigError([_placed(text) for text in _transformed(error)]) from error
    return settings


def origins_of(toml: bytes, environ: Mapping[str, str], arguments: Tables) -> dict[str, str]:
    """`table.name` of each setting that is not left at its default, and from where `load` takes it: file,
    environment or argument. The sources are those of a `load` that went well.
    """
    marked: Tables = {}
    for origin, tables in (
        ("file", parse_toml(toml, "the configuration file")),
        ("environment", from_environment(environ, [])),
        ("argument", arguments),
    ):
        overlay(marked, {table: dict.fromkeys(values, origin) for table, values in tables.items()})
    return {f"{table}.{name}": origin for table, values in marked.items() for name, origin in values.items()}


def origins_after(origins: Mapping[str, str], before: Settings, after: Settings) -> dict[str, str]:
    """The same when the running settings were changed by reading the configuration again: only its file can
    have changed.
    """
    found = dict(origins)
    for table, cls in table_classes().items():
        old, new, default = (getattr(one, table) for one in (before, after, Settings()))
        for field in attrs.fields(cls):
            name, value = f"{table}.{field.name}", getattr(new, field.name)
            if value != getattr(old, field.name):
                found.pop(name, None)
                found |= {name: "file"} if value != getattr(default, field.name) else {}
    return found


def parse_toml(toml: bytes, file: str) -> Tables:
    """The tables of a configuration file."""
    try:
        tables = tomllib.loads(toml.decode())
    # Its own error, text that is no UTF-8 and numbers of thousands of digits are ValueErrors.
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{file} is not TOML: {error}"]) from error
    stray = sorted(name for name, value in tables.items() if not isinstance(value, dict))
    if stray:
        raise ConfigError([f"{file}: {name} stands outside a table such as [node]" for name in stray])
    return tables


def remove_unknown(tables: Tables, file: str) -> list[str]:
    """Take away the names that mean nothing; what was said wrongly, with its place and what may be meant."""
    errors: list[str] = []
    classes = table_classes()
    for table in [name for name in tables if name not in classes]:
        del tables[table]
        errors.append(f"{file}: [{table}]: there is no such table{_remedy(table, classes)}")
    for table, values in tables.items():
        known = {field.name for field in attrs.fields(classes[table])}
        for name in [name for name in values if name not in known]:
            del values[name]
            errors.append(f"{file}: [{table}] {name}: there is no such setting{_remedy(name, known)}")
    return errors


def _remedy(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"; {meant}`rustfs-node config` prints all"


def overlay(tables: Tables, upper: Tables) -> None:
    """Lay the values of `upper` over those of `tables`, in place. A key pair is replaced as a whole, so that
    a key in the file and another in the environment never make a mixed pair.
    """
    for table, values in upper.items():
        target = tables.setdefault(table, {})
        if table == "node" and any(name in values for _, _, name in OUR_KEY_PAIR):
            for _, _, name in OUR_KEY_PAIR:
                target.pop(name, None)
        target.update(values)


def from_environment(environ: Mapping[str, str], errors: list[str]) -> Tables:
    """What the environment says, as tables; texts that cannot be read as their setting's type are added to
    `errors`.
    """
    tables: Tables = {}
    ours = any(name in environ for name, _, _ in OUR_KEY_PAIR)
    named = [*WELL_KNOWN, *(OUR_KEY_PAIR if ours else MINIO_KEY_PAIR), *own_names()]
    types = {(t, f.name): f.type for t, cls in table_classes().items() for f in attrs.fields(cls)}
    for name, table, setting in named:
        if name not in environ:
            continue
        try:
            value = parse_text(environ[name], types[table, setting])
        except ValueError as error:
            errors.append(f"{name}={environ[name]!r}: {error}")
            continue
        tables.setdefault(table, {})[setting] = value
    errors.extend(misspelt(environ))
    return tables


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """RUSTFS_<TABLE>_… names whose setting does not exist."""
    known = _known_names()
    return [
        f"{name}: there is no such setting{_remedy(name, known)}"
        for name in sorted(environ)
        if name.startswith(_table_prefixes()) and name not in known
    ]


def unread(environ: Mapping[str, str]) -> list[str]:
    """Other RUSTFS_ names, which nobody here reads: RustFS' own, or a setting without its table."""
    known = _known_names()
    names = [name for name in sorted(environ) if name.startswith(PREFIX) and name not in known]
    return [
        f"{name} is set and not read{_remedy_of_unread(name)}"
        for name in names
        if not name.startswith(_table_prefixes())
    ]


def _remedy_of_unread(name: str) -> str:
    meant = [full for full, _, setting in own_names() if name == f"{PREFIX}{setting.upper()}"]
    return f"; did you mean {' or '.join(meant)}?" if meant else ""


def _known_names() -> set[str]:
    return {name for name, _, _ in (*WELL_KNOWN, *OUR_KEY_PAIR, *own_names())}


def _table_prefixes() -> tuple[str, ...]:
    return tuple(f"{PREFIX}{table.upper()}_" for table in table_classes())


def parse_text(text: str, wanted: Any) -> Any:
    """A value of the setting's type from the text of an environment variable; lists are separated by blanks
    or commas.
    """
    if wanted is bool:
        words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
        if text.lower() not in words:
            raise ValueError("expected true or false")
        return words[text.lower()]
    if wanted is int:
        return _number(text, int, "a whole number")
    if wanted is float:
        return _number(text, float, "a number")
    if get_origin(wanted) is tuple:
        return text.replace(",", " ").split()
    return text


def _number(text: str, kind: type[int | float], expected: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"expected {expected}") from None


def table_classes() -> dict[str, type[attrs.AttrsInstance]]:
    """Table name → settings class, in the order of the configuration file."""
    tables: dict[str, type[attrs.AttrsInstance]] = {}
    for field in attrs.fields(attrs.resolve_types(Settings)):
        assert field.type is not None, field.name
        tables[field.name] = attrs.resolve_types(field.type)
    return tables


def own_names() -> list[tuple[str, str, str]]:
    """RUSTFS_<TABLE>_<NAME>, table and setting of everything that can be set."""
    return [
        (f"{PREFIX}{table.upper()}_{field.name.upper()}", table, field.name)
        for table, cls in table_classes().items()
        for field in attrs.fields(cls)
    ]


def reloaded(running: Settings, fresh: Settings) -> tuple[Settings, list[str]]:
    """What SIGHUP makes of the running settings, and the names of changed settings that need a restart
    instead.
    """
    later: list[str] = []
    tables = {}
    for table, cls in table_classes().items():
        old, new = getattr(running, table), getattr(fresh, table)
        fields = attrs.fields(cls)
        changed = [field for field in fields if getattr(old, field.name) != getattr(new, field.name)]
        taken = {field.name: getattr(new, field.name) for field in changed if field.metadata.get("reload")}
        later += [f"{table}.{field.name}" for field in changed if field.name not in taken]
        tables[table] = attrs.evolve(old, **taken)
    return Settings(**tables), later


def _strict(value: Any, wanted: Any) -> Any:
    """TOML has types, so a text for a number is a mistake, and true is not 1."""
    allowed = (int, float) if wanted is float else (wanted,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and wanted is not bool):
        raise TypeError(f"expected {wanted.__name__}, found {value!r}")
    return wanted(value)


def _strict_tuple(value: Any, _wanted: Any) -> tuple[str, ...]:
    """A single text where a list belongs would otherwise be taken letter by letter."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"expected a list of texts, found {value!r}")
    return tuple(value)


def _wrong_values(tables: Tables) -> list[str]:
    """Values of the wrong type or out of range, each by itself: a class would stop at its first."""
    errors: list[str] = []
    for table, cls in table_classes().items():
        for field in attrs.fields(cls):
            if field.name not in tables.get(table, {}):
                continue
            try:
                value = _converter.structure(tables[table][field.name], field.type)
                if field.validator is not None:
                    field.validator(cls, field, value)
            except (TypeError, ValueError) as error:
                # Validators of attrs put more behind their sentence.
                sentence = str(error.args[0]).removeprefix(f"'{field.name}' ")
                errors.append(f"[{table}] {field.name}: {sentence}")
    return errors


def _transformed(error: cattrs.BaseValidationError) -> list[str]:
    return transform_error(error, path="", format_exception=lambda one, _wanted: str(one))


def _placed(text: str) -> str:
    """Cattrs puts the place last, as in `... @ .node.parity`; people look for it first."""
    what, _, place = text.rpartition(" @ .")
    table, _, name = place.partition(".")
    return f"[{table}] {name}: {what}" if name else f"[{table}] {what}"


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (int, float, str, bool):
        converter.register_structure_hook(kind, _strict)
    converter.register_structure_hook_func(lambda wanted: wanted == tuple[str, ...], _strict_tuple)
    return converter


_converter = _make_converter()
