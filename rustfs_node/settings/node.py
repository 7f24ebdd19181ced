"""The [node] table: which drives, whose credentials, and how the processes are watched."""

from __future__ import annotations

import attrs

_AT_LEAST_ONE = attrs.validators.ge(1)
_POSITIVE = attrs.validators.gt(0.0)
_NOT_NEGATIVE = attrs.validators.ge(0)

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "human", "json")

RELOADABLE = {"reload": True}
"""Metadata of a setting that SIGHUP takes over without a restart."""


@attrs.frozen
class NodeSettings:
    """Values as a person writes them; relative paths are taken from the folder the program was started in."""

    volumes: tuple[str, ...] = attrs.field(default=())
    """Folders, one per drive, ellipses allowed: ["/data{1...4}"]. Arguments of `serve` replace it."""

    access_key: str = attrs.field(default="")
    """The owner's access key, at least 3 characters; empty: from access_key_file or credentials_file."""

    secret_key: str = attrs.field(default="", repr=False)
    """The owner's secret key, at least 8 characters; a file is a better place for it than this one."""

    access_key_file: str = attrs.field(default="")
    """File whose first line is the access key, as secrets are mounted into containers."""

    secret_key_file: str = attrs.field(default="")
    """File whose first line is the secret key."""

    credentials_file: str = attrs.field(default="")
    """TOML file with access_key and secret_key, generated with mode 0600 where no credentials are given at
    all; empty: credentials.toml in $STATE_DIRECTORY, else under $XDG_STATE_HOME/rustfs-node."""

    runtime_dir: str = attrs.field(default="")
    """Folder of the sockets between the processes, mode 0700; empty: $RUNTIME_DIRECTORY, else under
    /run/user/<uid>, else a new folder under the system's temporary one. Socket paths must stay below 108
    bytes, so keep it short."""

    parity: int = attrs.field(default=-1, validator=attrs.validators.ge(-1))
    """Parity shards of each erasure set, 0 to half its drives, fixed when the drives are first formatted;
    -1: by size of the set, 1 drive 0, 2-3 drives 1, 4-5 drives 2, 6-7 drives 3, 8-16 drives 4."""

    set_drives: int = attrs.field(default=0, validator=_NOT_NEGATIVE)
    """Drives per erasure set, 1 to 16, a divisor of the number of drives, fixed when they are first
    formatted; 0: one set up to 16 drives, beyond that by the sizing rules."""

    acceptors: int = attrs.field(default=1, validator=_AT_LEAST_ONE)
    """Acceptor processes that share the port; one more for each core that requests alone keep busy."""

    log_level: str = attrs.field(
        default="info", metadata=RELOADABLE, validator=attrs.validators.in_(LOG_LEVELS)
    )
    """The least of debug, info, warning, error that is logged."""

    log_format: str = attrs.field(default="auto", validator=attrs.validators.in_(LOG_FORMATS))
    """human, json, or auto: human-readable on a terminal, JSON otherwise."""

    log_lines_kept: int = attrs.field(default=200, validator=_NOT_NEGATIVE)
    """Last lines of the log that each process keeps in memory for `rustfs-node ctl logs`: of requests and of
    each level by itself, so that a stream of requests does not push out the one error before it. 200 are some
    hundred kilobytes in the busiest process. 0: none."""

    format_free_bytes_min: int = attrs.field(default=1 << 30, validator=_NOT_NEGATIVE)
    """Bytes: a drive with less free space is not taken into a deployment: drive.reserve_bytes and the first
    log segments alone would fill it."""

    start_free_bytes_min: int = attrs.field(default=1 << 20, validator=_NOT_NEGATIVE)
    """Bytes: a formatted drive with less free space is left out. Deletes are what a full drive is for, so
    this is only what its index needs to write at all."""

    auto_replace: bool = attrs.field(default=False)
    """Whether a new and empty file system that is mounted at the folder of a drive becomes the slot's new
    drive without `ctl drive replace`. Off: what is formatted is decided by an operator."""

    auto_replace_look_s: float = attrs.field(default=5.0, validator=_POSITIVE)
    """How often the kernel's table of mounts is looked at for that; a file system has to be there twice."""

    lock_wait_s: float = attrs.field(default=5.0, validator=_POSITIVE)
    """Seconds that a start waits for a drive or an address that another process holds: the workers of a node
    that was killed need a moment to go."""

    start_deadline_s: float = attrs.field(default=60.0, validator=_POSITIVE)
    """Seconds until the node serves with the workers that are ready. Where those are too few it gives up if
    the others have failed, and goes on waiting for those that still work, as at a rebuild of their index."""

    stop_deadline_s: float = attrs.field(default=20.0, validator=_POSITIVE)
    """Seconds that acceptors, then set workers, then drive workers have to finish what they began, each;
    after that they are killed, which loses nothing that was acknowledged."""

    beat_interval_s: float = attrs.field(default=1.0, validator=_POSITIVE)
    """Seconds between the signs of life that every process gives to the supervisor."""

    rest_s: float = attrs.field(default=5.0, validator=_POSITIVE)
    """Seconds with next to nothing to do after which a process gives the memory that it freed back to the
    system; while it works it keeps it, because fresh memory costs more than erasure coding."""

    collect_after_objects: int = attrs.field(default=5000, validator=attrs.validators.gt(0))
    """New objects after which Python looks for garbage in circles. Nothing here makes such garbage as a rule,
    and looking for it after 700, Python's default, costs some percent of every request."""

    hang_after_s: float = attrs.field(default=60.0, validator=_POSITIVE)
    """Seconds without a sign of life after which a process is killed and started again; long enough for a
    machine that swaps or a drive that retries a bad sector."""

    restart_delay_first_s: float = attrs.field(default=0.02, validator=_POSITIVE)
    """Seconds before a process that died is started again; doubled with every further death. Most deaths are
    single ones, and clients wait meanwhile."""

    restart_delay_max_s: float = attrs.field(default=1.0, validator=_POSITIVE)
    """Seconds that the delay never exceeds: the longest that a repaired cause stays unnoticed. A start is a
    fork of a warm process, so that one each second costs a few percent of one processor."""

    restart_calm_s: float = attrs.field(default=5.0, validator=_POSITIVE)
    """Seconds a process must have been ready for its earlier deaths to be forgotten: several times what a
    start costs, so that one which dies again and again wastes little of the machine."""
