"""Numbers and words of the documents that can be asked of the code."""

from __future__ import annotations

import re

from rustfs_node.cli import main as command
from rustfs_proto.erasure.geometry import default_parity, write_quorum
from rustfs_proto.erasure.storage_classes import class_parities
from tests.docs.pages import read_page


def test_the_table_of_quorums():
    """docs/guarantees.md: default geometry, write quorum, and what may be lost, for each number of drives."""
    head, codes, quorums, reads, writes = read_page("docs/guarantees.md").rows("drives n")
    for at, drives in enumerate(map(int, head[1:]), start=1):
        m = default_parity(drives)
        w = write_quorum(drives - m, m)
        told = (codes[at], quorums[at], reads[at], writes[at])
        assert told == (f"{drives - m}+{m}", str(w), str(m), str(drives - w)), f"{drives} drives"


def test_the_table_of_reduced_redundancy():
    """docs/guarantees.md: its geometry, write quorum and space beside that of STANDARD."""
    head, codes, quorums, spaces, usual = read_page("docs/guarantees.md").rows("drives of the set")
    for at, drives in enumerate(map(int, head[1:]), start=1):
        ((_, parity),) = class_parities({}, default_parity(drives)).items()
        k, usual_k = drives - parity, drives - default_parity(drives)
        told = (codes[at], quorums[at], spaces[at], usual[at])
        space = (f"{drives / k:.2f}", f"{drives / usual_k:.2f}")
        assert told == (f"{k}+{parity}", str(write_quorum(k, parity)), *space), f"{drives} drives"


def test_a_word_is_explained_once():
    """docs/glossary.md has each word in one row only."""
    words = re.findall(r"(?m)^\| ([^|]+) \| (?!meaning|---)", read_page("docs/glossary.md").prose)
    assert len(words) > 50 and len(words) == len(set(words))


def test_exit_statuses():
    """docs/operations.md gives the exit statuses of the program."""
    prose = " ".join(read_page("docs/operations.md").prose.split())
    assert f"{command.EXIT_FAILED} could not serve" in prose
    assert f"{command.EXIT_USAGE} the arguments, the configuration or the credentials are wrong" in prose
