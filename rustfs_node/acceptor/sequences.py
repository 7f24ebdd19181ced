"""Sequences as an acceptor orders them: in each set by one worker, and whichever node is asked finds them.

Nothing of them is kept here. What a worker does not know any more is told as lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from msgspec.structs import replace

from rustfs_node.acceptor.call import Services
from rustfs_proto.erasure.sequence_report import Report, report_of
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.sequence_ops import (
    SequenceItem,
    SequenceStart,
    SequencesTell,
    SequencesTold,
    SequenceStop,
    SequenceView,
)

_ID_BYTES = 8


@attrs.frozen
class Heard:
    """What the workers told: the views of each sequence by its id, versions that were gone over, with the
    index of their set, and the sets of which a worker does not answer.
    """

    views: Mapping[str, list[SequenceView]]
    items: Sequence[tuple[int, SequenceItem]]
    silent: frozenset[int]


async def hear(services: Services, name: str = "", items: int = 0) -> Heard:
    """Of all sequences, or of the one with that id; so many of its versions are taken from each set."""
    told = await services.sets.ask_workers(
        SequencesTell(name, items), SequencesTold, deadline_s=services.settings.health_deadline_s
    )
    views: dict[str, list[SequenceView]] = {}
    found = [(index, one) for index, one in told if isinstance(one, SequencesTold)]
    for _, one in found:
        for view in one.sequences:
            views.setdefault(view.id, []).append(view)
    silent = frozenset(index for index, one in told if isinstance(one, Fault))
    return Heard(views, [(index, item) for index, one in found for item in one.items], silent)


async def begin(services: Services, order: SequenceStart) -> str:
    """Begin it in the sets that it names; its id. Raises `Fault`, and then it goes on nowhere."""
    order = replace(order, id=services.randomness.token(_ID_BYTES).hex())
    sets, request_s = services.sets, services.settings.set_deadline_s
    try:
        for index in order.sets:
            await sets.ask_once(sets.doer(index), order, SequencesTold, trace="", deadline_s=request_s)
    except Fault:
        await stop(services, order.id)
        raise
    return order.id


async def stop(services: Services, name: str) -> None:
    """Stop it wherever it goes on. Raises `Fault` where a worker does not answer."""
    told = await services.sets.ask_workers(
        SequenceStop(name), SequencesTold, deadline_s=services.settings.health_deadline_s
    )
    faults = [one for _, one in told if isinstance(one, Fault) and one.code is not FaultCode.NOT_FOUND]
    if faults:
        raise faults[0]


def report(services: Services, heard: Heard, name: str) -> Report:
    """The document of one that was heard of."""
    return report_of(heard.views[name], heard.silent, services.clock.wall_ms())
