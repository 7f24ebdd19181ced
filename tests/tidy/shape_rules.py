"""The shape of a file: lengths, docstrings, words, and habits that hide errors or make two runs differ."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.tidy.source import PACKAGES, Violation, is_code, is_inside, is_python, parse

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
LINE_CHARACTERS_MAX = 110

# Where an order that differs between two runs would make a simulation, or two nodes, disagree.
ORDERED_ROOMS = ("rustfs_proto/", "rustfs_node/drive/", "rustfs_node/erasureset/")

KEEP_ORDER = frozenset({"list", "tuple", "enumerate", "iter", "zip", "map"})

# The brackets keep these lines from matching themselves.
LEFTOVER = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
FOREIGN_WORDS = re.compile(
    r"(?<![\w.])/w[o]rk/|/tmp/(?:r[f]|v[0])\b|\bissues? #?\d|\b(?:HOUS[E]|CONTRAC[T])\.md|\bthe brie[f]\b"
    r"|pypi\.or[g]|pythonhoste[d]|registry\.npmj[s]|docker\.i[o]|ghcr\.i[o]",
    re.IGNORECASE,
)

FIXED_PATH = re.compile(r"/tm[p]/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def check_sizes(source: str, path: str) -> list[Violation]:
    """Files, functions and lines fit on a screen, or say why not."""
    if not is_python(path):
        return []
    lines = source.splitlines()
    found = [
        Violation(path, number, f"{len(line)} characters, at most {LINE_CHARACTERS_MAX}")
        for number, line in enumerate(lines, 1)
        if len(line) > LINE_CHARACTERS_MAX
    ]
    if len(lines) > FILE_LINES_MAX:
        found.append(Violation(path, 1, f"{len(lines)} lines, at most {FILE_LINES_MAX}: split by subject"))
    for function in functions(source):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES_MAX and not re.match(r"\s*# long: \S", line_above(lines, function)):
            text = (
                f"{function.name} has {length} lines, without `# long: <reason>` at most {FUNCTION_LINES_MAX}"
            )
            found.append(Violation(path, function.lineno, text))
    return found


def check_docstrings(source: str, path: str) -> list[Violation]:
    """Modules say their rules, what rustfs_proto offers says its contract, a test says what it proves."""
    if not is_python(path) or (not source.strip() and path.startswith("tests/")):
        return []
    tree = parse(source)
    found = (
        []
        if ast.get_docstring(tree)
        else [Violation(path, 1, "no docstring: open with the rules of the module")]
    )
    if path.startswith("rustfs_proto/"):
        for node in tree.body:
            if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                found.append(Violation(path, node.lineno, f"{node.name} is public and has no docstring"))
    if path.startswith("tests/"):
        found.extend(
            Violation(path, function.lineno, f"{function.name} has no docstring: say what is true")
            for function in functions(source)
            if function.name.startswith("test_") and not ast.get_docstring(function)
        )
    return found


def check_exceptions(source: str, path: str) -> list[Violation]:
    """Nothing is caught that nobody thought of."""
    if not is_python(path):
        return []
    lines = source.splitlines()
    found: list[Violation] = []
    for node in ast.walk(parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            found.append(Violation(path, node.lineno, "bare except: name what may happen"))
        elif catches_everything(node.type) and not lines[node.lineno - 2].lstrip().startswith("# "):
            found.append(
                Violation(path, node.lineno, f"except {ast.unparse(node.type)} without the reason above it")
            )
    return found


def check_print(source: str, path: str) -> list[Violation]:
    """Only the command line talks to a terminal; a process logs."""
    if not is_code(path) or path.startswith("rustfs_node/cli/"):
        return []
    return [
        Violation(path, node.lineno, "print outside rustfs_node/cli: use structlog")
        for node in ast.walk(parse(source))
        if isinstance(node, ast.Name) and node.id == "print"
    ]


def check_set_order(source: str, path: str) -> list[Violation]:
    """Nothing is decided in the order of a set, which differs from run to run."""
    if not is_inside(path, ORDERED_ROOMS) or not is_python(path):
        return []
    return [
        Violation(path, place.lineno, "iteration over a set: use sorted(...) or dict.fromkeys(...)")
        for place in iterated(parse(source))
        if is_set(place)
    ]


def check_leftovers(source: str, path: str) -> list[Violation]:
    """What is left to do is done, or planned elsewhere."""
    return matches(LEFTOVER, source, path, "leftover: finish it") if is_python(path) else []


def check_foreign_words(source: str, path: str) -> list[Violation]:
    """The tree speaks of itself: nothing of the place where it was written, no package registry."""
    found = matches(FOREIGN_WORDS, source, path, "not a matter of this program")
    if path.startswith(PACKAGES):
        found.extend(matches(FIXED_PATH, source, path, "a fixed path outside the configuration"))
    return found


def functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(parse(source)) if isinstance(node, Function))


def line_above(lines: list[str], function: Function) -> str:
    """The line above the first decorator, or above `def`."""
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return lines[first - 2] if first > 1 else ""


def catches_everything(caught: ast.expr) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"} for kind in kinds)


def iterated(tree: ast.Module) -> Iterator[ast.expr]:
    """Whatever is walked through in an order that its result keeps."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor):
            yield node.iter
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
            yield from (clause.iter for clause in node.generators)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEEP_ORDER:
            yield from node.args


def is_set(value: ast.expr) -> bool:
    """A set literal, comprehension or call, or an operation on one."""
    if isinstance(value, ast.BinOp):
        return is_set(value.left) or is_set(value.right)
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in {"set", "frozenset"}
    return isinstance(value, ast.Set | ast.SetComp)


def matches(pattern: re.Pattern[str], source: str, path: str, text: str) -> list[Violation]:
    return [
        Violation(path, number, f"{match.group()}: {text}")
        for number, line in enumerate(source.splitlines(), 1)
        for match in pattern.finditer(line)
    ]
