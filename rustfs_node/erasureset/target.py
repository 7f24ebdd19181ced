"""Which row a write makes: a version of a key, as the bucket's versioning has it, or a row of an upload."""

from __future__ import annotations

import attrs

from rustfs_node.erasureset.state import SetState
from rustfs_proto.versions import NULL_VERSION, RANDOM_BYTES, Versioning, sub_of


# Not frozen: one is made for every write. Nobody changes it.
@attrs.define
class Target:
    """The row. `of_key`: what is written there is to be the current version of the key, whichever its others
    are.
    """

    bucket: str
    key: bytes
    sub: bytes = NULL_VERSION
    of_key: bool = False


def target_of(state: SetState, bucket: str, key: bytes, versioning: int, stamp: int) -> Target:
    """Where a new version with that stamp belongs."""
    if versioning == Versioning.ENABLED:
        return Target(bucket, key, sub_of(stamp, state.randomness.token(RANDOM_BYTES)), of_key=True)
    return Target(bucket, key, of_key=versioning == Versioning.SUSPENDED)
