"""Pages of all sets that hold together, as far as renames are concerned.

Sets are asked at different moments, and a rename that comes in between would show both of its keys, or
neither. So where one was lately, all are asked three times: if no drive that was heard has seen any step of a
rename from the first time to the last, none has happened in between, and what was told in the middle is true
of one moment.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from rustfs_node.acceptor.call import Call
from rustfs_proto.wire.faults import Fault, FaultCode

_TIMES = 3


class Page(Protocol):
    """A set's page, and what it says of renames."""

    @property
    def renames(self) -> tuple[tuple[int, int], ...]: ...


P = TypeVar("P", bound=Page)


async def ask_steadily(call: Call, request: object, answer: type[P]) -> list[P]:
    """The page of each set, by index. Raises `Fault`, OVERLOADED where renames never cease."""
    heard: list[list[P]] = []
    for _ in range(call.services.settings.rename_listings):
        pages = await call.sets.ask_all(request, answer, trace=call.request_id)
        heard = [*heard[1 - _TIMES :], pages]
        told = [[page.renames for page in one] for one in heard]
        if not any(told[-1]):
            return pages
        if len(heard) == _TIMES and all(one == told[0] for one in told):
            return heard[1]
    raise Fault(FaultCode.OVERLOADED, "objects of the bucket are renamed faster than they can be listed")
