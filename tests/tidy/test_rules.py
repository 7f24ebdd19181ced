"""Every rule is proved on a small file that breaks it, and on its neighbour that does not."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.tidy.import_rules import check_import_directions
from tests.tidy.seam_rules import BANNED, HOMES, check_seams
from tests.tidy.shape_rules import (
    check_docstrings,
    check_exceptions,
    check_foreign_words,
    check_leftovers,
    check_print,
    check_set_order,
    check_sizes,
)
from tests.tidy.source import Rule
from tests.tidy.tree import RULES, check_tree, run_mypy, run_ruff


@attrs.frozen
class Case:
    """A file that breaks `rule` at `path`, and a variation at the same or another path that keeps it."""

    rule: Rule
    path: str
    bad: str
    good: str
    good_path: str = ""


DRIVE = "rustfs_node/drive/commit.py"
PROTO = "rustfs_proto/erasure/quorum.py"
TEST = "tests/unit/drive/test_commit.py"
SIXTY_NINE = "    x = 1\n" * 69

CASES = {
    "a_room_imports_a_room_beside_it": Case(
        check_import_directions,
        DRIVE,
        "from rustfs_node.erasureset.write import put\n",
        "from rustfs_node.bus import Bus\nfrom rustfs_node.settings.drive import DriveSettings\n",
    ),
    "a_room_imports_the_package_name_of_another": Case(
        check_import_directions,
        DRIVE,
        "from rustfs_node import acceptor\n",
        "from rustfs_node import __version__, bus\n",
    ),
    "an_import_inside_a_function": Case(
        check_import_directions,
        "rustfs_node/seams/clock.py",
        "def f():\n    import rustfs_node.bus\n",
        "def f():\n    import rustfs_proto.stamp\n",
    ),
    "a_room_that_is_not_in_the_table": Case(
        check_import_directions,
        "rustfs_node/newroom/x.py",
        "import rustfs_node.bus\n",
        "import rustfs_proto.wire\n",
    ),
    "the_command_line_may_import_everything": Case(
        check_import_directions,
        "rustfs_node/supervisor/run.py",
        "from rustfs_node.drive.worker import run_drive\n",
        "from rustfs_node.drive.worker import run_drive\n",
        good_path="rustfs_node/cli/main.py",
    ),
    "proto_imports_the_node": Case(
        check_import_directions, PROTO, "import rustfs_node.config\n", "import rustfs_proto.stamp\n"
    ),
    "proto_imports_the_clock": Case(check_import_directions, PROTO, "import time\n", "import calendar\n"),
    "proto_imports_a_library_that_acts": Case(
        check_import_directions, PROTO, "import trio\n", "import attrs\n"
    ),
    "shipped_code_imports_tests": Case(
        check_import_directions, DRIVE, "from tests.kit import net\n", "from rustfs_node.drive import log\n"
    ),
    "a_relative_import": Case(
        check_import_directions, DRIVE, "from . import log\n", "from rustfs_node.drive import log\n"
    ),
    "open_is_called": Case(check_seams, DRIVE, "f = open('a')\n", "f = files.open('a')\n"),
    "a_banned_name_under_another_name": Case(
        check_seams,
        DRIVE,
        "from time import monotonic as now\nx = now()\n",
        "from time import strftime as now\nx = now()\n",
    ),
    "a_banned_function_is_handed_on": Case(
        check_seams, DRIVE, "import os\nrun(os.fdatasync)\n", "import os\nrun(os.fsencode)\n"
    ),
    "a_socket_outside_the_transports": Case(
        check_seams,
        "rustfs_node/acceptor/s3/objects.py",
        "import socket\ns = socket.socket()\n",
        "import socket\ns = socket.socket()\n",
        good_path="rustfs_node/acceptor/net/listen.py",
    ),
    "a_process_started_by_a_worker": Case(
        check_seams,
        DRIVE,
        "import subprocess\nsubprocess.run(['true'])\n",
        "import subprocess\nsubprocess.run(['true'])\n",
        good_path="rustfs_node/supervisor/children.py",
    ),
    "today_in_proto": Case(
        check_seams,
        PROTO,
        "from datetime import datetime, UTC\nx = datetime.now(UTC)\n",
        "from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)\n",
    ),
    "a_function_of_71_lines": Case(
        check_sizes,
        DRIVE,
        f"def f():\n{SIXTY_NINE}    x = 1\n",
        f"# long: a table as code\n@cache\ndef f():\n{SIXTY_NINE}    x = 1\ndef g():\n{SIXTY_NINE}",
    ),
    "a_long_function_without_its_reason": Case(
        check_sizes, TEST, f"# long:\ndef f():\n{SIXTY_NINE}    x = 1\n", f"def f():\n{SIXTY_NINE}"
    ),
    "a_file_of_401_lines": Case(check_sizes, DRIVE, "x = 1\n" * 401, "x = 1\n" * 400),
    "a_line_of_111_characters": Case(check_sizes, DRIVE, "#" * 111, "#" * 110),
    "a_module_without_docstring": Case(check_docstrings, DRIVE, "x = 1\n", '"""Rules."""\n\ndef f(): ...\n'),
    "a_public_function_of_proto_without_docstring": Case(
        check_docstrings, PROTO, '"""Rules."""\ndef f(): ...\n', '"""Rules."""\ndef _f(): ...\n'
    ),
    "a_public_class_of_proto_without_docstring": Case(
        check_docstrings,
        PROTO,
        '"""Rules."""\nclass A: ...\n',
        '"""Rules."""\nclass A:\n    """A value."""\n',
    ),
    "a_test_without_docstring": Case(
        check_docstrings,
        TEST,
        '"""Rules."""\nclass TestA:\n    async def test_b(self): ...\n',
        '"""Rules."""\ndef test_b():\n    """True."""\n',
    ),
    "a_bare_except": Case(
        check_exceptions,
        DRIVE,
        "try:\n    f()\nexcept:\n    g()\n",
        "try:\n    f()\nexcept OSError:\n    g()\n",
    ),
    "an_except_exception_without_reason": Case(
        check_exceptions,
        TEST,
        "try:\n    f()\nexcept (OSError, Exception):\n    g()\n",
        "try:\n    f()\n# A process never dies of one request.\nexcept Exception:\n    g()\n",
    ),
    "a_print": Case(check_print, DRIVE, "print(1)\n", "print(1)\n", good_path="rustfs_node/cli/serve.py"),
    "a_loop_over_a_set": Case(
        check_set_order, DRIVE, "for x in {1, 2}:\n    f(x)\n", "for x in sorted({1, 2}):\n    f(x)\n"
    ),
    "a_list_of_a_set": Case(check_set_order, PROTO, "x = list(set(a) - b)\n", "x = len(set(a) - b)\n"),
    "a_comprehension_over_a_set": Case(
        check_set_order, PROTO, "x = [y for y in {z for z in a}]\n", "x = {y for y in {z for z in a}}\n"
    ),
    "a_leftover": Case(check_leftovers, TEST, "# TO" + "DO: later\n", "# to do: a list\n"),
    "a_number_of_a_tracker": Case(check_foreign_words, DRIVE, "# see issu" + "e 7\n", "# see issuer\n"),
    "a_path_of_the_workshop": Case(
        check_foreign_words, "docs/x.md", "look in /wor" + "k/main", "look in ./work/"
    ),
    "a_registry_host": Case(
        check_foreign_words, "Makefile", "pip -i https://pypi." + "org/x", "pip install x"
    ),
    "a_fixed_path": Case(check_foreign_words, DRIVE, "x = '/tmp/x'\n", "x = '/tmp/x'\n", good_path=TEST),
}


def write(root: Path, path: str, source: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source, encoding="utf-8")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_violation_is_reported(case: Case, tmp_path: Path) -> None:
    """The rule names the file that breaks it, in a tree where it is the only one."""
    write(tmp_path, case.path, case.bad)
    assert [violation.path for violation in check_tree(tmp_path, [case.rule])] == [case.path]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_its_neighbour_is_not(case: Case, tmp_path: Path) -> None:
    """The rule lets pass what differs only in the point."""
    write(tmp_path, case.good_path or case.path, case.good)
    assert check_tree(tmp_path, [case.rule]) == []


def test_every_rule_has_a_violation() -> None:
    """A rule that nothing has been seen to break may be blind."""
    assert {case.rule for case in CASES.values()} == set(RULES)


@pytest.mark.parametrize("name", sorted(name for names in BANNED.values() for name in names))
def test_every_banned_name_is_found(name: str) -> None:
    """Each name of the seam table is seen where it is not at home."""
    module = name.partition(".")[0]
    source = f"import {name}\n{name}.x\n" if name != "open" else "open.x\n"
    assert len(check_seams(source.replace(f"import {name}", f"import {module}"), DRIVE)) == 1


def test_every_home_gives_its_reason() -> None:
    """An exception to the seam rule is named, justified and of a known kind."""
    for path, (reason, kinds) in HOMES.items():
        assert path.startswith("rustfs_node/")
        assert len(reason.split()) >= 3
        assert kinds <= set(BANNED)


@pytest.mark.parametrize(
    ("code", "source"),
    {
        "F401": "import os\n",
        "TID251": "import pickle\n",
        "TID252": "from . import x\n",
        "B006": "def f(x: list[int] = []) -> None: ...\n",
        "DTZ005": "import datetime\n\nx = datetime.datetime.now()\n",
        "PGH003": "x: int = ''  # type: ignore\n",
        "E722": "try:\n    x = 1\nexcept:\n    x = 2\n",
        "ANN201": "def f(): ...\n",
    }.items(),
)
def test_ruff_reports_a_violation(code: str, source: str, tmp_path: Path) -> None:
    """Rules of ruff that matter most are on for a shipped module."""
    write(tmp_path, DRIVE, f'"""A module."""\n\n{source}')
    result = run_ruff("check", "--output-format", "concise", str(tmp_path))
    assert result.returncode == 1
    assert f" {code} " in result.stdout, result.stdout


def test_ruff_format_reports_a_violation(tmp_path: Path) -> None:
    """A file that the formatter would change fails."""
    write(tmp_path, DRIVE, "x = {  'a':1 }\n")
    assert run_ruff("format", "--check", str(tmp_path)).returncode == 1


def test_mypy_reports_violations(tmp_path: Path) -> None:
    """Strict typing is on: untyped functions and collections, returned Any and bare ignores are errors."""
    source = (
        "import json\n\n"
        "def untyped(x):\n    return x\n\n"
        "def generic(x: list) -> None: ...\n\n"
        "def returns_any() -> int:\n    return json.loads('1')\n\n"
        "def wrong() -> int:\n    return 'a'\n\n"
        "def ignored() -> int:\n    return 'a'  # type: ignore\n"
    )
    write(tmp_path, DRIVE, source)
    result = run_mypy(str(tmp_path / DRIVE))
    assert result.returncode == 1
    for code in ("no-untyped-def", "type-arg", "no-any-return", "return-value", "ignore-without-code"):
        assert f"[{code}]" in result.stdout, result.stdout
