"""Every fsync that a drive makes is there for a reason, and the sweeps would notice if it were not.

One site at a time is made a lie: its syncs say yes and make nothing stable. The sweep named in
`tests/kit/sync_sites.py` must then find that something acknowledged was lost, or that a recovery was not
final.
"""

from __future__ import annotations

import re
from pathlib import Path as FolderPath

import pytest

from rustfs_node.drive.identity_file import DriveRefused
from rustfs_node.drive.index_file import IN_MEMORY, IndexFile
from rustfs_node.seams.memory_files import SECTOR_BYTES
from rustfs_proto.wire.faults import Fault
from tests.kit.sweeps import KILL, KILL_AND_GO_ON, LOSES_ALL, Ending, Path, begin, cut, live_on, survive
from tests.kit.sync_sites import NOT_FOR_DURABILITY, SITES, SyncSite
from tests.unit.drive.paths import PATHS

pytestmark = pytest.mark.usefixtures("quiet_log")
BY_NAME = {path.name: path for path in PATHS}
FOUND_BY_TESTS = (AssertionError, DriveRefused, Fault)


@pytest.mark.parametrize("site", SITES, ids=str)
def test_a_sync_that_is_left_out_is_noticed(site: SyncSite, index_at: str) -> None:
    """Taking out this one sync makes a sweep fail."""
    with pytest.raises(FOUND_BY_TESTS):
        survive(BY_NAME[site.path], site.ending, index_at if site.on_disk else IN_MEMORY, site.lie)


@pytest.mark.parametrize("site", NOT_FOR_DURABILITY, ids=str)
def test_a_sync_that_is_not_for_durability_may_be_left_out(site: SyncSite) -> None:
    """Nothing is lost without it: it is there for the reason that is given."""
    assert site.why_kept
    for ending in (LOSES_ALL, KILL_AND_GO_ON, Ending("chance", seed=3, page_bytes=SECTOR_BYTES)):
        survive(BY_NAME[site.path], ending, arm=site.lie)


def test_a_fold_of_the_index_that_is_left_out_is_noticed(
    index_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index thrown back to before the copies of a compaction looks for them in a segment that is gone."""
    monkeypatch.setattr(IndexFile, "fold_now", lambda _: None)
    with pytest.raises(FOUND_BY_TESTS):
        survive(BY_NAME["compaction"], LOSES_ALL, index_at)


def test_all_syncs_are_listed() -> None:
    """There is no sync in the engine that the lists do not name, and none in the lists that is never made."""
    seen = [found for path in PATHS for found in _syncs_of(path) if not found[1].startswith(TESTS_THEMSELVES)]
    listed = (*SITES, *NOT_FOR_DURABILITY)
    unlisted = [found for found in seen if not any(site.is_of(*found) for site in listed)]
    assert not unlisted, f"name these, and a sweep that needs them, in tests/kit/sync_sites.py: {unlisted}"
    unused = [str(site) for site in listed if not any(site.is_of(*found) for found in seen)]
    assert not unused, f"no path makes these syncs any more: {unused}"


TESTS_THEMSELVES = ("paths.", "stories.", "drives.", "places.")


def _syncs_of(path: Path) -> list[tuple[str, str, str]]:
    """In the path and the lives after it, untouched and once cut short."""
    prepared = path.prepare()
    seen: dict[tuple[str, str, str], None] = {}
    for at in (0, 8):
        story = begin(prepared)
        story.files.sync_sites = seen
        cut(story, path.act, at)
        story.image_index()
        live_on(story, path, KILL)
    return list(seen)


def test_the_engine_syncs_nowhere_else() -> None:
    """The source has as many calls of sync and sync_folder as the lists know functions that make them."""
    drive = FolderPath(__file__).parents[3] / "rustfs_node" / "drive"
    calls = re.compile(r"\.(sync|sync_folder)\((?:$|[^)]*\))", re.MULTILINE)
    found = {
        f"{source.stem}.{name}"
        for source in drive.glob("*.py")
        for name in _functions_with(source.read_text(), calls)
    }
    listed = {
        f"{site.site.partition('.')[0]}.{site.site.rpartition('.')[2]}"
        for site in (*SITES, *NOT_FOR_DURABILITY)
    }
    assert found - listed == CALLERS_OF_BATCHES


CALLERS_OF_BATCHES = {"engine.run", "recovery._write_copies"}


def _functions_with(source: str, pattern: re.Pattern[str]) -> set[str]:
    """Names of the functions in whose lines the pattern is found."""
    names, current = set(), ""
    for line in source.splitlines():
        if match := re.match(r"\s*(?:async )?def (\w+)", line):
            current = match[1]
        elif pattern.search(line):
            names.add(current)
    return names
