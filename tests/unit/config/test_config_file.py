"""etc/rustfs-node.toml: complete, true to the defaults, and explained."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs

from rustfs_node.cli.config_file import document, field_docstrings
from rustfs_node.config import Settings, load, table_classes

SHIPPED = Path(__file__).parents[3] / "etc" / "rustfs-node.toml"


def uncommented(text: str) -> str:
    return re.sub(r"(?m)^#(?=[a-z_]+ = )", "", text)


def test_shipped_file_is_the_generated_one():
    """What `rustfs-node config` prints is what is shipped; write it anew when a setting changes."""
    assert SHIPPED.read_text() == document(), "run: rustfs-node config > etc/rustfs-node.toml"


def test_every_setting_stands_there_with_its_default():
    """With the comment signs removed the file says exactly the defaults of all settings."""
    tables = tomllib.loads(uncommented(document()))
    assert set(tables) == set(table_classes())
    for table, cls in table_classes().items():
        assert set(tables[table]) == {field.name for field in attrs.fields(cls)}
    assert load(uncommented(document()).encode(), {}, {}) == Settings()


def test_as_shipped_it_changes_nothing():
    """The file as it is leaves every default alone."""
    assert load(document().encode(), {}, {}) == Settings()


def test_every_setting_is_explained():
    """Each setting has a sentence that is more than its name."""
    for cls in table_classes().values():
        for name, text in field_docstrings(cls).items():
            assert len(text) > len(name) + 10, (cls, name, text)
