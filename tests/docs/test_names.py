"""What the documents name exists: files, settings, variables, options, commands, messages."""

from __future__ import annotations

import ast
import re
import shlex

import attrs
import pytest

from rustfs_node.cli.main import main, make_parser
from rustfs_node.config import MINIO_KEY_PAIR, OUR_KEY_PAIR, WELL_KNOWN, own_names, table_classes
from tests.docs.pages import PAGES, ROOT, Page, read_page, read_pages

# Beside the documents, these speak of settings in their comments.
ALSO = (
    "etc/rustfs-node.toml",
    "etc/cluster/rustfs-node.toml",
    "etc/cluster/drop-in.conf",
    "etc/cluster/haproxy.cfg",
    "etc/prometheus/prometheus.yml",
    "etc/prometheus/rustfs-node.rules.yml",
    "systemd/rustfs-node.service",
    "Makefile",
)
# Where a path may begin in a document.
BASES = ("", "rustfs_node/", "rustfs_proto/", "tests/")
# What lies elsewhere: on a machine, beside the clone, on a drive.
NO_PATHS = re.compile(r"^(/|\./|shards/|log/)")
PACKAGES = ("rustfs_proto", "rustfs_node")


def exists(path: str) -> bool:
    """Whether a document's path is one of the tree, written with or without .py."""
    path = path.rstrip("/")
    return any((ROOT / f"{base}{path}{end}").exists() for base in BASES for end in ("", ".py"))


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    """Every relative link names a file of the tree and, after a #, one of its headings."""
    for link in read_page(name).links:
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {link}"
        if anchor:
            page = read_page(target.resolve().relative_to(ROOT).as_posix())
            assert anchor in page.anchors, f"{name}: {link}"


def test_every_document_is_found_from_the_readme():
    """A reader who follows links from README.md reaches every document."""
    reached: set[str] = set()
    todo = ["README.md"]
    while todo:
        name = todo.pop()
        if name in reached or name not in PAGES:
            continue
        reached.add(name)
        for link in read_page(name).links:
            target = ((ROOT / name).parent / link.partition("#")[0]).resolve()
            if target.is_relative_to(ROOT):
                todo.append(target.relative_to(ROOT).as_posix())
    assert reached == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_paths_exist(name):
    """What is set as code and has a slash is a file or folder of the tree."""
    spans = [span for span in read_page(name).spans if re.fullmatch(r"[\w.\-/]+", span) and "/" in span]
    assert [span for span in spans if not NO_PATHS.match(span) and not exists(span)] == []


def test_the_picture_of_the_tree_is_true():
    """README's picture of the tree: each line is a folder and what lies in it."""
    (picture,) = [b.text for b in read_page("README.md").blocks if b.first_line.startswith("rustfs_proto/")]
    for line in picture.splitlines():
        folder, *below = re.findall(r"\b[a-z_0-9]+/", line)
        assert [name for name in below if not (ROOT / folder / name).is_dir()] == []


def test_the_code_map_is_complete():
    """ARCHITECTURE.md's code map names every room and every module beside them, and nothing else."""
    prose = read_page("ARCHITECTURE.md").prose
    for package in PACKAGES:
        section = prose.partition(f"### {package}")[2].partition("\n#")[0]
        rows = Page("", section, ()).rows("room")[1:]
        named = {name.rstrip("/") for row in rows for name in re.findall(r"`([\w/]+)`", row[0])}
        there = {path.stem for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()}
        there |= {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__", "__main__"}
        assert named == there


def test_classes_exist():
    """A name in ARCHITECTURE.md that is written like a class is one, or the field of one."""
    classes: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    fields = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
                    classes.setdefault(node.name, set()).update(fields)
    spans = [
        span for span in read_page("ARCHITECTURE.md").spans if re.fullmatch(r"[A-Z][a-z]\w*(\.\w+)?", span)
    ]
    assert "Commit.expect" in spans
    for span in spans:
        name, _, field = span.partition(".")
        assert name in classes and (not field or field in classes[name]), span


def test_settings_exist():
    """`table.name` in a document or a comment is a setting."""
    settings = {(table, field.name) for table, cls in table_classes().items() for field in attrs.fields(cls)}
    named: set[tuple[str, str]] = set()
    for name in PAGES + ALSO:
        text = (ROOT / name).read_text(encoding="utf-8")
        named |= set(re.findall(rf"(?<![\w/.-])({'|'.join(table_classes())})\.([a-z]\w+)", text))
    assert len(named) > 10
    assert named - settings == set()


def test_variables_exist():
    """RUSTFS_… and MINIO_… in a document or a comment are read, and the ones without a table are all told."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in PAGES + ALSO]
    named = {name for text in texts for name in re.findall(r"\b(?:RUSTFS|MINIO)_[A-Z_]*[A-Z]\b", text)}
    short = {name for name, _, _ in (*WELL_KNOWN, *OUR_KEY_PAIR, *MINIO_KEY_PAIR)}
    assert named - short - {name for name, _, _ in own_names()} == set()
    assert {name for name in short if not name.endswith("_FILE")} <= named


def test_options_exist(capsys):
    """`--option` in a document belongs to a command of rustfs-node."""
    for arguments in (
        ["serve"],
        ["config"],
        ["ctl", "status"],
        ["ctl", "metrics-token"],
        ["ctl", "drive", "replace"],
        ["ctl", "drive", "locate"],
        ["ctl", "object", "inspect"],
        ["ctl", "heal", "start"],
        ["ctl", "census"],
        ["ctl", "scrub", "start"],
        ["ctl", "config", "show"],
        ["ctl", "logs"],
        ["ctl", "trace"],
        ["ctl", "locks"],
    ):
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    named = {word for page in read_pages() for span in page.spans for word in re.findall(r"^--[a-z-]+", span)}
    assert named and named - known == set()


def test_commands_are_understood():
    """`rustfs-node …` in a document is a command line that is accepted."""
    lines = [span for page in read_pages() for span in page.spans]
    lines += [line for page in read_pages() for block in page.blocks for line in block.text.splitlines()]
    commands = {line.partition(" > ")[0] for line in lines if line.startswith("rustfs-node ")}
    assert len(commands) > 2
    for command in commands:
        make_parser().parse_args(shlex.split(command)[1:])
