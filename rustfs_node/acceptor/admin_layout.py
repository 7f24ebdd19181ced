"""The operator's requests about the layout, among those of `admin`.

GET  layout                         where slots are, and the change under way
GET  layout/plan?leaving=1,2        what a change would do
POST rebalance/start?leaving=1,2    order it; without `leaving` what was left stays so
POST rebalance/stop                 cancel it
POST pools/decommission?pool=1      order that a pool is left, beside those that are
"""

from __future__ import annotations

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.moves.layout import Layouts
from rustfs_proto.erasure.rebalancing import RebalanceError
from rustfs_proto.s3.errors import S3Error

LAYOUT_REQUESTS = frozenset(
    {
        ("GET", "layout"),
        ("GET", "layout/plan"),
        ("POST", "rebalance/start"),
        ("POST", "rebalance/stop"),
        ("POST", "pools/decommission"),
    }
)
"""Method and name."""


async def answer_layout(
    asked: tuple[str, str], params: dict[str, str], services: Services, trace: str
) -> dict[str, object]:
    """Do what is asked; raises S3Error, `Fault`."""
    try:
        return await _told(services.layouts, asked, params, trace)
    except RebalanceError as error:
        raise S3Error("InvalidRequest", f"{error}.") from error


async def _told(
    layouts: Layouts, asked: tuple[str, str], params: dict[str, str], trace: str
) -> dict[str, object]:
    match asked:
        case ("GET", "layout"):
            return layouts.told(await layouts.standing(trace))
        case ("GET", "layout/plan"):
            change = layouts.planned(await layouts.standing(trace), _leaving(layouts, params))
        case ("POST", "rebalance/start"):
            change = await layouts.begin(_leaving(layouts, params), trace)
        case ("POST", "pools/decommission"):
            kept = (await layouts.standing(trace)).kept.change
            already = frozenset() if kept is None else kept.leaving
            leaving = layouts.sets_of(_numbers(params.get("pool", "")))
            change = await layouts.begin(already | leaving, trace)
        case _:
            change = await layouts.cancel(trace)
    return layouts.told_change(change, change.slots_begun)


def _leaving(layouts: Layouts, params: dict[str, str]) -> frozenset[int] | None:
    return layouts.sets_of(_numbers(params["leaving"])) if "leaving" in params else None


def _numbers(text: str) -> list[int]:
    """Numbers between commas."""
    try:
        return [int(number) for number in text.split(",") if number]
    except ValueError as error:
        raise RebalanceError(f"{text!r} names no pools: write their numbers, with commas between") from error
