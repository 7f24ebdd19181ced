"""How a deployment stands, in words for a person: whether data is safe, what is wrong, what to do.

Made from the document that `/minio/admin/v3/info` answers; says nothing that does not stand there.
"""

from __future__ import annotations

from collections.abc import Iterator

from rustfs_node.cli.asking import Document

_ALMOST_FULL = 0.9
_CLOCK_OFF_S = 10.0
"""More than an answer of other nodes takes at most; S3 refuses requests of clients that are 900 s off."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")

_REMEDIES = {
    "offline": "see that its node runs, that its disk is mounted, and what the node's log says of it",
    "faulty": "look at the disk (dmesg, smartctl), then replace it (rustfs-node ctl drive replace),"
    " or take it back as it is (rustfs-node ctl drive online)",
    "slow": "if it stays so, look at the disk (dmesg, smartctl, iostat -x); it is read last meanwhile",
    "healing": "wait, and leave the other drives of its set alone until it is done",
}


_LET_GO = "nothing, if it still has to stay away: somebody wanted it so"
_LEFT_OUT = "as it says there, then have it served (rustfs-node ctl drive online)"


def describe(info: Document) -> list[str]:
    """One screen."""
    drives = [drive for server in info["servers"] for drive in server["drives"]]
    sets = list(info["pools"]["0"].values())
    lines = [_summary(info, drives, sets)]
    lines += [line for one in sets for line in _set(one)]
    lines += [line for server in info["servers"] for line in _server(server)]
    lines += _releases(info["servers"])
    lines += [line for drive in drives for line in _drive(drive)]
    return lines


def _counted(drives: list[Document], what: str) -> int:
    """Of drives that serve: where a disk is away its folder lies on another one."""
    return sum(drive.get(what, 0) for drive in drives if drive["state"] == "ok")


def _summary(info: Document, drives: list[Document], sets: list[Document]) -> str:
    counts = ", ".join(
        [_count(len(info["servers"]), "node"), _count(len(sets), "set"), _count(len(drives), "drive")]
    )
    free, total = (size(_counted(drives, what)) for what in ("availspace", "totalspace"))
    return f"deployment {info['deploymentID']}: {counts}, {free} of {total} free"


def _set(one: Document) -> Iterator[str]:
    name, serving = f"set {one['id']}", f"{one['onlineDrives']} of {one['drives']} drives serve"
    if one["onlineDrives"] < one["readQuorum"]:
        yield f"{name}: NOT READABLE: {serving}, reads need {one['readQuorum']}"
        yield "  do: bring drives back, and format none"
    elif one["onlineDrives"] < one["writeQuorum"]:
        yield f"{name}: NOT WRITABLE: {serving}, writes need {one['writeQuorum']}; what is stored can be read"
        yield "  do: bring drives back, or replace those that are lost (rustfs-node ctl drive replace)"
    else:
        yield f"{name}: {_safety(one)}: {serving}, {_spare(one)} before writes stop"


def _safety(one: Document) -> str:
    is_whole = one["onlineDrives"] == one["drives"] and not one["healDisks"]
    return "safe" if is_whole else "DEGRADED"


def _spare(one: Document) -> str:
    spare = one["onlineDrives"] - one["writeQuorum"]
    return f"{spare} more may fail" if spare else "NO MORE MAY FAIL"


def _server(server: Document) -> Iterator[str]:
    if server["state"] != "online":
        yield f"node {server['endpoint']}: OFFLINE"
        yield "  do: see that it runs and that this node reaches it; every other node serves meanwhile"
    elif silent := _silent(server):
        yield f"node {server['endpoint']}: SILENT: {', '.join(silent)} gave no answer"
        yield "  do: see the node's log (worker_died, worker_hung); whatever did is started again by itself"
    ahead_s = server.get("clockAheadSeconds", 0.0)
    if abs(ahead_s) > _CLOCK_OFF_S:
        off = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'}"
        yield f"node {server['endpoint']}: CLOCK OFF: {off} that of the node asked"
        yield "  do: have both set their clocks by the same time servers (chronyc tracking, timedatectl)"


def _silent(server: Document) -> list[str]:
    """Processes that gave no answer, without the workers of drives that are told by themselves."""
    told = {
        f"drive-{drive['set_index']}-{drive['disk_index']}" for drive in server["drives"] if _is_let_go(drive)
    }
    return [name for name in server.get("silentProcesses", []) if name not in told]


def _is_let_go(drive: Document) -> bool:
    return drive["state"] == "offline" and "taken offline" in drive.get("reason", "")


def _releases(servers: list[Document]) -> Iterator[str]:
    found = sorted({server["version"] for server in servers if "version" in server})
    if len(found) > 1:
        yield f"nodes: MIXED RELEASES: {', '.join(found)}"
        yield "  do: bring all nodes to the same release, one after the other"


def _drive(drive: Document) -> Iterator[str]:
    name = f"drive {drive['endpoint']} (set {drive['set_index']}, slot {drive['disk_index']})"
    why = f": {drive['reason']}" if "reason" in drive else ""
    if drive["state"] != "ok":
        yield f"{name}: {drive['state'].upper()}{why}"
        yield f"  do: {_remedy(drive)}"
    elif why or drive["healing"]:
        state = "healing" if drive["healing"] else "slow"
        yield f"{name}: {state}{why}"
        yield f"  do: {_REMEDIES[state]}"
    total = drive.get("totalspace", 0)
    if drive.get("full"):
        yield f"{name}: FULL: {size(drive['availspace'])} of {size(total)} free, it takes only removals"
        yield "  do: remove objects, free its file system of what else is on it, or add a pool"
    elif total and drive["usedspace"] > _ALMOST_FULL * total:
        yield f"{name}: ALMOST FULL: {size(drive['availspace'])} of {size(total)} free"
        yield "  do: remove objects or add a pool before it is full; then it takes only removals"


def _remedy(drive: Document) -> str:
    """Of a drive that was left out the reason is a whole sentence, which says what to do."""
    if _is_let_go(drive):
        return _LET_GO
    was_left_out = drive["state"] == "offline" and drive.get("reason", "").startswith("drive ")
    return _LEFT_OUT if was_left_out else _REMEDIES[drive["state"]]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def size(size_bytes: int) -> str:
    """Bytes as people read them."""
    value, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:  # noqa: B007 - the last one is what is wanted
        if value < 1024:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == _UNITS[0] else f"{value:.1f} {unit}"
