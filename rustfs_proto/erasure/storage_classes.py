"""How many parity shards an object has by its storage class.

Rules. STANDARD has the parity of its set, which is fixed when the drives are first formatted, and so has
every class of which nothing else is configured. A class may have less, never more: what has less needs at
least as many drives to be acknowledged, so that quorums of one key meet whatever its versions' classes are.
Where the set has parity no class goes without: one drive that is away would stop its writes and its reads.

S3 User Guide, storage classes; the texts (EC:2) and the default of REDUCED_REDUNDANCY are MinIO's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

STANDARD = "STANDARD"
_DEFAULTS = {"REDUCED_REDUNDANCY": 1}


def parity_of(text: str) -> int:
    """The number in a text such as EC:2. Raises ValueError."""
    match = re.fullmatch(r"EC:([0-9]{1,2})", text)
    if match is None:
        raise ValueError(f"expected EC: and a number of parity shards, as EC:2, found {text!r}")
    return int(match[1])


def wanted_parity(node_parity: int, standard: str) -> int:
    """The parity to form sets with, by the two settings that may name it; -1: none is named. Raises
    ValueError where they differ.
    """
    if not standard:
        return node_parity
    parity = parity_of(standard)
    if node_parity not in {-1, parity}:
        raise ValueError(
            f"node.parity is {node_parity}, storage_class.standard is {standard}: give one of them,"
            " or both the same"
        )
    return parity


def class_parities(configured: Mapping[str, str], set_parity: int) -> dict[str, int]:
    """Parity shards of each class that has fewer than the set. `configured`: a text such as EC:2 by the name
    of the class, empty where nothing is said. Raises ValueError.
    """
    parities = {name: min(parity, set_parity) for name, parity in _DEFAULTS.items()}
    for name, text in configured.items():
        if text:
            parities[name] = _checked(name, text, set_parity)
    return {name: parity for name, parity in parities.items() if parity < set_parity}


def _checked(name: str, text: str, set_parity: int) -> int:
    parity = parity_of(text)
    least = set_parity if name == STANDARD else min(1, set_parity)
    if least <= parity <= set_parity:
        return parity
    setting = f"storage_class.{name.lower()}"
    if name == STANDARD:
        raise ValueError(
            f"{setting} is {text}, the drives were formatted with EC:{set_parity}, which stays: say that"
        )
    choice = f"from EC:{least} to EC:{set_parity}" if least < set_parity else f"EC:{set_parity}"
    raise ValueError(f"{setting} is {text}: for a set with {set_parity} parity shards choose {choice}")
