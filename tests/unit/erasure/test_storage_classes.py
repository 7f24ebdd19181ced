"""Which parity a storage class may have, and that its quorums meet all others of the set."""

from __future__ import annotations

from itertools import product

import attrs
import pytest

from rustfs_node.settings.storage_class import StorageClassSettings
from rustfs_proto.erasure.geometry import quorum_of, voters_needed, write_quorum
from rustfs_proto.erasure.storage_classes import class_parities, parity_of, wanted_parity
from rustfs_proto.objects import Geometry
from rustfs_proto.s3.features import STORAGE_CLASSES

RRS = "REDUCED_REDUNDANCY"


def test_every_class_has_its_setting() -> None:
    """The table has one name for each that the header may have."""
    assert set(StorageClassSettings().by_name()) == STORAGE_CLASSES


@pytest.mark.parametrize(
    ("configured", "set_parity", "expected"),
    [
        ({}, 2, {RRS: 1}),
        ({}, 1, {}),
        ({}, 0, {}),
        ({RRS: "EC:2"}, 2, {}),
        ({RRS: "EC:2", "GLACIER": "EC:3", "SNOW": ""}, 4, {RRS: 2, "GLACIER": 3}),
        ({"STANDARD": "EC:2", "STANDARD_IA": "EC:1"}, 2, {RRS: 1, "STANDARD_IA": 1}),
        ({RRS: "EC:0", "STANDARD": "EC:0"}, 0, {}),
    ],
)
def test_classes_with_less_parity(configured, set_parity, expected) -> None:
    """Reduced redundancy has one shard unless something else is said, the others what the set has."""
    assert class_parities(configured, set_parity) == expected


@pytest.mark.parametrize(
    ("configured", "set_parity", "sentence"),
    [
        (
            {RRS: "EC:3"},
            2,
            "reduced_redundancy is EC:3: for a set with 2 parity shards choose from EC:1 to EC:2",
        ),
        ({RRS: "EC:0"}, 2, "choose from EC:1 to EC:2"),
        ({"SNOW": "EC:2"}, 1, "storage_class.snow is EC:2: for a set with 1 parity shards choose EC:1"),
        ({RRS: "EC:1"}, 0, "choose EC:0"),
        ({"STANDARD": "EC:1"}, 2, "standard is EC:1, the drives were formatted with EC:2, which stays"),
        ({"STANDARD": "2"}, 2, "expected EC: and a number of parity shards, as EC:2, found '2'"),
    ],
)
def test_a_parity_that_cannot_be(configured, set_parity, sentence) -> None:
    """The error says what was seen and what may be said."""
    with pytest.raises(ValueError, match=sentence):
        class_parities(configured, set_parity)


@pytest.mark.parametrize("text", ["", "EC:", "EC:-1", "ec:1", "EC:1 ", "EC:100", "1"])
def test_a_text_that_is_no_parity(text) -> None:
    """Nothing but EC: and a number is taken."""
    with pytest.raises(ValueError, match="expected EC:"):
        parity_of(text)


def test_the_parity_to_form_sets_with() -> None:
    """Either setting names it; both must say the same."""
    assert [wanted_parity(-1, ""), wanted_parity(3, ""), wanted_parity(-1, "EC:3")] == [-1, 3, 3]
    assert wanted_parity(3, "EC:3") == 3
    with pytest.raises(ValueError, match=r"node\.parity is 2, storage_class\.standard is EC:3: give one"):
        wanted_parity(2, "EC:3")


def test_quorums_of_all_classes_meet() -> None:
    """Whatever two versions of a key have, drives that acknowledge one meet any that acknowledge the other,
    and the voters of the set.
    """
    for n in range(1, 17):
        for m in range(n // 2 + 1):
            own = write_quorum(n - m, m)
            classes = [Geometry(n - c, c, 1) for c in range(min(1, m), m + 1)]
            for one, other in product(classes, classes):
                assert quorum_of(one) + quorum_of(other) > n
            for one in classes:
                assert quorum_of(one) >= max(own, one.k)
                assert quorum_of(one) + voters_needed(n - m, m) > n


def test_a_text_is_judged_where_it_is_set() -> None:
    """The table refuses it with the same sentence."""
    for field in attrs.fields(StorageClassSettings):
        with pytest.raises(ValueError, match="expected EC:"):
            StorageClassSettings(**{field.name: "EC2"})
