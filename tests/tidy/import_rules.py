"""Who may import whom: rooms of `rustfs_node` share only messages, and `rustfs_proto` knows no outside world.

A row that grows is a decision about the architecture, so a room that is not in the table may import nothing.
"""

from __future__ import annotations

import ast
import sys

from tests.tidy.source import Violation, is_code, parse

# Values that a process is given at its start, the log, and what is counted: everybody may know them.
COMMON = frozenset({"config", "settings", "logs", "plan", "metering"})

ROOMS: dict[str, frozenset[str]] = {
    "": frozenset(),
    "config": frozenset({"settings"}),
    "settings": frozenset(),
    "logs": frozenset({"config", "settings"}),
    "plan": frozenset({"config", "settings"}),
    "metering": frozenset(),
    "seams": COMMON,
    # What every process does around its job: arguments, signals, readiness.
    "role": COMMON | {"seams"},
    "wiring": COMMON | {"bus", "seams"},
    "bus": COMMON | {"seams"},
    "drive": COMMON | {"bus", "seams", "role", "wiring"},
    "erasureset": COMMON | {"bus", "seams", "role", "wiring"},
    "acceptor": COMMON | {"bus", "seams", "role", "wiring"},
    "supervisor": COMMON | {"bus", "seams", "role"},
    # Loads the program once, for all workers.
    "forge": COMMON | {"seams", "role", "drive", "erasureset", "acceptor"},
}
# The command line puts everything together.
ROOMS["cli"] = frozenset(ROOMS) | {"cli"}

# Modules of the standard library that touch the world outside the arguments of a function.
IMPURE_NAMES = (
    "asyncio atexit concurrent ctypes fcntl getpass glob http io logging mmap multiprocessing os"
    " pathlib pickle platform pwd queue random resource sched secrets select selectors shelve shutil"
    " signal smtplib socket socketserver sqlite3 ssl subprocess syslog tempfile termios threading"
    " time tty uuid webbrowser"
)
IMPURE = frozenset(IMPURE_NAMES.split())
# Libraries that only compute.
PURE_LIBRARIES = frozenset(
    {
        *("attr", "attrs", "awscrt", "cattrs", "h11", "lxml", "msgspec", "pyeclib", "xxhash"),
        # Zstandard: of the standard library from 3.14, of a package of backports before.
        *("backports", "compression"),
    }
)


def check_import_directions(source: str, path: str) -> list[Violation]:
    """Every import of a shipped module goes to a room that its own room may know."""
    if not is_code(path):
        return []
    return [
        Violation(path, line, text)
        for line, module in imported_modules(source)
        if (text := refusal(path, module)) is not None
    ]


def imported_modules(source: str) -> list[tuple[int, str]]:
    """Line and full name; for `from a.b import c` that is `a.b.c`, as c may be a module."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found.extend((node.lineno, f"{module}.{alias.name}") for alias in node.names)
    return found


def refusal(path: str, module: str) -> str | None:
    """Why this file may not import that module; None if it may."""
    package, _, rest = module.partition(".")
    if not package:
        return "relative import: write the full name, so that directions can be read"
    if package in {"tests", "bench"}:
        return f"shipped code imports {package}"
    if path.startswith("rustfs_proto/"):
        return refusal_in_proto(package)
    if package != "rustfs_node":
        return None
    own, other = room_of_path(path), room_of_name(rest)
    if other in {own, ""} or other in ROOMS.get(own, frozenset()):
        return None
    allowed = ", ".join(sorted(ROOMS.get(own, frozenset()) - COMMON)) or "nothing"
    return f"{own or 'rustfs_node'} imports {other}; beside values and logs it may import {allowed}"


def refusal_in_proto(package: str) -> str | None:
    """rustfs_proto: bytes and values in, bytes and values out."""
    if package == "rustfs_proto" or package in PURE_LIBRARIES:
        return None
    if package in IMPURE:
        return (
            f"rustfs_proto imports {package}: take the value as an argument, or move the deed to rustfs_node"
        )
    if package in sys.stdlib_module_names:
        return None
    return f"rustfs_proto imports {package}; libraries that only compute: {sorted(PURE_LIBRARIES)}"


def room_of_path(path: str) -> str:
    """`rustfs_node/drive/commit.py` is in drive, `rustfs_node/config.py` is config, the package is ""."""
    first = path.split("/")[1].removesuffix(".py")
    return "" if first == "__init__" else first


def room_of_name(rest: str) -> str:
    """The same for what follows `rustfs_node.` in an import; `__version__` belongs to the package itself."""
    first = rest.partition(".")[0]
    return "" if first.startswith("__") else first
