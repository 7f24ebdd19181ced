"""What stands in the documents: blocks of code, links, and words set as code.

A block is indented by four spaces or stands between fences; prose is what remains without them. Knows nothing
of what is true.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)
INDENT = "    "
FENCE = "```"


@attrs.frozen
class Block:
    """Code in a document. `language` is what the fence says, empty for pictures; indented code is "sh"."""

    page: str
    line: int
    language: str
    text: str

    @property
    def first_line(self) -> str:
        """With the page, the name of the block in tables of tests."""
        return self.text.partition("\n")[0]


@attrs.frozen
class Page:
    """A document, its blocks apart."""

    name: str
    prose: str
    blocks: tuple[Block, ...]

    @property
    def spans(self) -> list[str]:
        """Words set as code within the prose; one that runs over the end of a line is put together again."""
        return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", self.prose)]

    @property
    def links(self) -> list[str]:
        return re.findall(r"\]\(([^()\s]+)\)", self.prose)

    @property
    def anchors(self) -> set[str]:
        """The names by which links reach the headings."""
        headings = re.findall(r"(?m)^#+ (.+)$", self.prose)
        return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}

    def rows(self, first_cell: str) -> list[list[str]]:
        """The cells of the table whose head begins with `first_cell`, head included."""
        lines = self.prose.splitlines()
        start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first_cell} |"))
        end = next(
            at for at in range(start, len(lines) + 1) if not lines[at : at + 1] or lines[at][:1] != "|"
        )
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:end]]
        return rows[:1] + rows[2:]


def read_page(name: str) -> Page:
    """One document, by its path from the root."""
    return parse(name, (ROOT / name).read_text(encoding="utf-8"))


def read_pages() -> list[Page]:
    return [read_page(name) for name in PAGES]


def parse(name: str, text: str) -> Page:
    """Prose and blocks of a text."""
    prose: list[str] = []
    blocks: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(FENCE):
            end = lines.index(FENCE, at + 1)
            blocks.append(Block(name, at + 1, line[3:].strip(), "\n".join(lines[at + 1 : end])))
            at = end + 1
        elif line.startswith(INDENT) and not "".join(lines[at - 1 : at]).strip():
            end = _end_of_indented(lines, at)
            blocks.append(Block(name, at + 1, "sh", "\n".join(part[4:] for part in lines[at:end]).rstrip()))
            at = end
        else:
            prose.append(line)
            at += 1
    return Page(name, "\n".join(prose), tuple(blocks))


def _end_of_indented(lines: list[str], at: int) -> int:
    while at < len(lines) and (lines[at].startswith(INDENT) or not lines[at].strip()):
        at += 1
    return at
