"""How a drive stands to a version, in words."""

from __future__ import annotations

import pytest

from rustfs_proto.erasure import inspection as words
from rustfs_proto.wire.drive_ops import LookedUp, RowState


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (LookedUp(RowState.FOUND, True, 5), words.WHOLE),
        (LookedUp(RowState.FOUND, True, 5, no_files=(b"f",)), words.FILE_MISSING),
        (LookedUp(RowState.DAMAGED, True, 5), words.RECORD_DAMAGED),
        (LookedUp(RowState.FOUND, True, 4), words.OLDER),
        (LookedUp(RowState.FOUND, True, 6), words.NEWER),
        (LookedUp(RowState.ABSENT, True), words.MISSING),
        (LookedUp(RowState.ABSENT, False), words.UNKNOWN),
    ],
)
def test_words(found, state):
    """Each answer of a drive about a version of stamp 5 has its word."""
    assert words.state_of(found, 5) == state
