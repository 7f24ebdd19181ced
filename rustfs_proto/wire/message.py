"""What every message of the bus is: a value that is encoded as a map without what is as by default.

msgspec's structs and not attrs, as everywhere else: a small object's way makes a dozen of them.
"""

from __future__ import annotations

import msgspec


# Messages are trees of plain values: the garbage collector never has to look at them.
class Message(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Base of all requests, notices, replies and of what they are made of."""
