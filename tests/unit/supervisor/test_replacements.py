"""Replacements: formatted only while the rest of the set can rebuild them, and originals that come back."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.disk.identity import HEALING, OK
from rustfs_proto.topology.findings import Finding
from rustfs_proto.topology.verdicts import Refusal, Wish
from tests.unit.supervisor.formation_kit import afterwards, faults, formed, fresh, outcome, unusable


def emptied(found: list[Finding], *slots: int) -> list[Finding]:
    """The same drives with empty folders in these slots."""
    return [fresh(f"/d{slot}") if slot in slots else finding for slot, finding in enumerate(found)]


def accepting(*paths: str) -> Wish:
    return Wish(accepted=frozenset(paths))


def test_more_replacements_than_can_be_rebuilt_are_refused():
    """With one of four drives left nothing new is formatted; the text says how many are there, how many are
    needed, and how to go on.
    """
    with pytest.raises(Refusal) as caught:
        outcome(emptied(formed(4), 0, 1, 2), first_id=100)
    text = str(caught.value)
    assert "set 0 has 1 drive left that could rebuild it, of the 2 that are needed" in text
    assert "put the others back" in text
    for path in ("/d0", "/d1", "/d2"):
        assert f"--accept-drive {path}" in text
    assert "--accept-drive /d3" not in text


def test_putting_the_drives_back_repairs_everything():
    """As nothing was written, the originals in their folders again are the deployment they were."""
    original = formed(4)
    with pytest.raises(Refusal):
        outcome(emptied(original, 0, 1, 2), first_id=100)
    formation = outcome(original, first_id=200)
    assert not faults(formation)
    assert formation.deployment.version == 1


def test_replacements_beyond_that_must_be_accepted_one_by_one():
    """Each accepted folder is formatted, and only those; the others stay out."""
    found = emptied(formed(4), 0, 1, 2)
    every = outcome(found, accepting("/d0", "/d1", "/d2"), first_id=100)
    assert not faults(every)
    assert [verdict.write_identity for verdict in every.verdicts] == [True, True, True, False]
    some = outcome(found, accepting("/d0"), first_id=100)
    assert set(faults(some)) == {"/d1", "/d2"}


def test_healing_drives_rebuild_nobody():
    """A drive that is itself being healed does not count for a further replacement, which is left out while
    the set serves on.
    """
    found = emptied(formed(4), 0, 1)
    later = emptied(afterwards(found, outcome(found, first_id=100)), 0, 1)
    later = afterwards(later, outcome(later, first_id=200))
    formation = outcome(emptied(later, 2), first_id=300)
    assert set(faults(formation)) == {"/d2"}
    assert not formation.verdicts[2].write_identity
    assert formation.deployment.version == later[0].deployment.version


def test_each_set_counts_for_itself():
    """Drives of one set do not help another."""
    wish = Wish(set_drives=4)
    found = [fresh(f"/d{number}") for number in range(8)]
    later = afterwards(found, outcome(found, wish))
    assert not faults(outcome(emptied(later, 0, 1, 4, 5), wish, first_id=100))
    with pytest.raises(Refusal, match="set 1"):
        outcome(emptied(later, 0, 4, 5, 6), wish, first_id=100)


@pytest.mark.parametrize("away", [1, 2])
def test_drives_that_are_away_do_not_count(away):
    """An unusable drive rebuilds nobody either, though it may return."""
    found = emptied(formed(4), 0)
    found[1 : 1 + away] = [unusable(f"/d{slot}") for slot in range(1, 1 + away)]
    try:
        formation = outcome(found, first_id=100)
    except Refusal:
        assert away == 2
    else:
        assert formation.verdicts[0].write_identity == (away == 1)


def replaced_for_good() -> list[Finding]:
    """The originals 0 to 2 beside drive 3, whose layout names the replacements that the operator accepted."""
    original = formed(4)
    found = emptied(original, 0, 1, 2)
    formation = outcome(found, accepting("/d0", "/d1", "/d2"), first_id=100)
    return [*original[:3], afterwards(found, formation)[3]]


def test_originals_are_never_to_be_emptied():
    """Drives that were replaced are refused with the way to take them back, not with the end of their
    data.
    """
    with pytest.raises(Refusal) as caught:
        outcome(replaced_for_good(), first_id=200)
    assert "--accept-drive /d1" in str(caught.value)
    assert "empty" not in str(caught.value)


def test_accepted_originals_restore_their_set():
    """With --accept-drive for each the set is what it was, in every drive's id and state, and everybody
    learns it.
    """
    found = replaced_for_good()
    formation = outcome(found, accepting("/d0", "/d1", "/d2"), first_id=200)
    assert not faults(formation)
    assert formation.deployment.version == found[3].deployment.version + 1
    for before, verdict in zip(found, formation.verdicts, strict=True):
        assert verdict.identity == before.identity
        assert formation.deployment.sets[0].slots[verdict.slot].drive_id == before.identity.drive_id
    assert not any(verdict.write_identity for verdict in formation.verdicts)
    assert all(verdict.write_layout for verdict in formation.verdicts)
    later = afterwards(found, formation)
    assert not any(v.write_identity or v.write_layout for v in outcome(later, first_id=300).verdicts)


def test_originals_come_back_together_or_not_at_all():
    """While one of those that were replaced together is missing nobody is taken back, nor made to heal: the
    others could not tell what is missing.
    """
    found = replaced_for_good()
    found[2] = unusable("/d2")
    with pytest.raises(Refusal, match="put all drives back that were replaced together"):
        outcome(found, accepting("/d0", "/d1", "/d2"), first_id=200)


def test_one_original_comes_back_healing():
    """A single drive that was replaced while the others went on has missed writes: it keeps its id and what
    it holds, and heals.
    """
    original = formed(4)
    found = emptied(original, 0)
    later = afterwards(found, outcome(found, first_id=100))
    later[0] = original[0]
    formation = outcome(later, accepting("/d0"), first_id=200)
    verdict = formation.verdicts[0]
    assert (verdict.identity.drive_id, verdict.identity.state) == (original[0].identity.drive_id, HEALING)
    assert verdict.write_identity and verdict.write_layout
    assert [v.identity.state for v in formation.verdicts[1:]] == [OK, OK, OK]


def test_drives_that_are_away_may_have_stayed():
    """An original returns healing also when the drives that were written to in the meantime are away just
    now.
    """
    original = formed(4)
    found = emptied(original, 0)
    later = afterwards(found, outcome(found, first_id=100))
    later[0], later[1] = original[0], unusable("/d1")
    assert outcome(later, accepting("/d0"), first_id=200).verdicts[0].identity.state == HEALING


def test_accepting_a_drive_that_fits_changes_nothing():
    """--accept-drive left in a unit file does not make a sound drive heal."""
    formation = outcome(formed(4), accepting("/d0", "/d1"), first_id=100)
    assert not any(v.write_identity or v.write_layout for v in formation.verdicts)


def test_accepting_never_takes_a_foreign_or_misplaced_drive():
    """Only a drive of this deployment, in its own slot, is taken back."""
    found = formed(4)
    other = attrs.evolve(found[1].identity, deployment_id="11111111-1111-4111-8111-111111111111")
    found[1] = attrs.evolve(found[1], identity=other)
    assert "belongs to deployment" in faults(outcome(found, accepting("/d1"), first_id=100))["/d1"]
    swapped = formed(5)
    swapped[1], swapped[2] = attrs.evolve(swapped[2], path="/d1"), attrs.evolve(swapped[1], path="/d2")
    assert set(faults(outcome(swapped, accepting("/d1", "/d2"), first_id=100))) == {"/d1", "/d2"}


@given(st.lists(st.sampled_from(["well", "fresh", "broken"]), min_size=1, max_size=16))
def test_nothing_is_formatted_without_a_read_quorum_of_sound_drives(states):
    """Whatever is found, a start that formats a replacement keeps k sound drives in its set."""
    well = formed(len(states))
    if "well" not in states:
        return
    found = [
        {"well": well[slot], "fresh": fresh(f"/d{slot}"), "broken": unusable(f"/d{slot}")}[state]
        for slot, state in enumerate(states)
    ]
    try:
        formation = outcome(found, first_id=100)
    except Refusal:
        return
    k = len(states) - formation.deployment.sets[0].parity
    assert states.count("well") >= k or not any(v.write_identity for v in formation.verdicts)
