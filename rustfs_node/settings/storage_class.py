"""The [storage_class] table: how many parity shards objects have, by the x-amz-storage-class they are written
with.
"""

from __future__ import annotations

from typing import Any

import attrs

from rustfs_proto.erasure.storage_classes import parity_of


def _check(_instance: Any, _attribute: attrs.Attribute[str], value: str) -> None:
    if value:
        parity_of(value)


def _parity() -> Any:
    return attrs.field(default="", validator=_check)


@attrs.frozen
class StorageClassSettings:
    """Texts such as EC:2, one for each name that the header may have. What is written keeps what it had."""

    standard: str = _parity()
    """Parity shards of STANDARD and of every class of which nothing is said here, as EC:2: those of the
    erasure sets, fixed when their drives are first formatted, as by node.parity. Empty: as that says."""

    reduced_redundancy: str = _parity()
    """Parity shards of REDUCED_REDUNDANCY, from EC:1 to those of STANDARD. Fewer take less space, and as few
    drives may then be lost. Empty: EC:1, or EC:0 where STANDARD has none."""

    standard_ia: str = _parity()
    """The same of STANDARD_IA. Empty, here and below: as STANDARD."""

    onezone_ia: str = _parity()
    """Parity shards of ONEZONE_IA."""

    intelligent_tiering: str = _parity()
    """Parity shards of INTELLIGENT_TIERING."""

    glacier: str = _parity()
    """Parity shards of GLACIER."""

    glacier_ir: str = _parity()
    """Parity shards of GLACIER_IR."""

    deep_archive: str = _parity()
    """Parity shards of DEEP_ARCHIVE."""

    outposts: str = _parity()
    """Parity shards of OUTPOSTS."""

    snow: str = _parity()
    """Parity shards of SNOW."""

    express_onezone: str = _parity()
    """Parity shards of EXPRESS_ONEZONE."""

    fsx_openzfs: str = _parity()
    """Parity shards of FSX_OPENZFS."""

    fsx_ontap: str = _parity()
    """Parity shards of FSX_ONTAP."""

    aws_backup_warm: str = _parity()
    """Parity shards of AWS_BACKUP_WARM."""

    aws_backup_low_cost_warm: str = _parity()
    """Parity shards of AWS_BACKUP_LOW_COST_WARM."""

    def by_name(self) -> dict[str, str]:
        """The texts by the names of the classes."""
        return {field.name.upper(): getattr(self, field.name) for field in attrs.fields(type(self))}
