"""Time, chance, files, threads, sockets and processes are touched at few named places.

Everything else takes them as arguments, so that a whole cluster runs in one simulated process, the same way
each time. The rule resolves imported names (`from time import monotonic as now` is seen), and it judges every
mention, not only calls: a function handed on is a function used.
"""

from __future__ import annotations

import ast

from tests.tidy.source import Violation, imports_of, is_code, is_inside, parse

_OS_FILE_CALLS = (
    "access chdir chmod chown close copy_file_range dup dup2 fchmod fchown fdatasync fdopen fstat"
    " fstatvfs fsync ftruncate getxattr lchown link listdir listxattr lseek lstat makedirs"
    " memfd_create mkdir mkfifo mknod open path.exists path.getmtime path.getsize path.isdir"
    " path.isfile path.islink path.ismount path.lexists path.realpath path.samefile pipe pipe2"
    " posix_fadvise posix_fallocate pread preadv pwrite pwritev read readlink readv remove removedirs"
    " removexattr rename renames replace rmdir scandir sendfile setxattr splice stat statvfs symlink"
    " sync truncate umask unlink utime walk write writev"
)
_OS_PROCESS_CALLS = (
    "_exit abort execl execle execlp execv execve execvp execvpe fork forkpty kill killpg nice"
    " pidfd_open popen posix_spawn posix_spawnp sched_setaffinity setpgid setpriority setsid spawnv"
    " spawnve system wait wait3 wait4 waitid waitpid"
)
_TIMERS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")

# For each kind of outside world its names, in full; a name stands for everything below it too.
BANNED: dict[str, frozenset[str]] = {
    "files": frozenset(
        {
            *("open", "io.open", "glob", "shutil", "tempfile", "fcntl", "pathlib.Path", "pathlib.PosixPath"),
            *("trio.Path", "trio.open_file", "trio.wrap_file"),
            *(f"os.{name}" for name in _OS_FILE_CALLS.split()),
        }
    ),
    "sockets": frozenset(
        {
            *("socket", "socketserver", "trio.socket", "trio.SocketStream", "trio.SocketListener"),
            *("trio.open_tcp_stream", "trio.open_tcp_listeners", "trio.open_unix_socket"),
            *("trio.serve_tcp", "trio.serve_listeners"),
        }
    ),
    "zmq": frozenset({"zmq"}),
    "clock": frozenset(
        {
            *(f"time.{name}{unit}" for name in _TIMERS for unit in ("", "_ns")),
            *("time.sleep", "time.clock_gettime", "time.clock_gettime_ns", "email.utils.localtime"),
            *(
                "datetime.datetime.now",
                "datetime.datetime.utcnow",
                "datetime.datetime.today",
                "datetime.date.today",
            ),
        }
    ),
    "randomness": frozenset(
        {"random", "secrets", "uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getrandom", "ssl.RAND_bytes"}
    ),
    "threads": frozenset(
        {
            *("threading", "_thread", "queue", "concurrent.futures", "multiprocessing"),
            *("trio.to_thread", "trio.from_thread"),
        }
    ),
    "processes": frozenset(
        {
            *("subprocess", "signal.signal", "signal.set_wakeup_fd"),
            *("trio.run_process", "trio.lowlevel.open_process"),
            *(f"os.{name}" for name in _OS_PROCESS_CALLS.split()),
        }
    ),
    "environment": frozenset(
        {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "sys.argv"}
    ),
}

# Where which kinds are at home. A row without a good reason is a bug in the row.
HOMES: dict[str, tuple[str, frozenset[str]]] = {
    "rustfs_node/seams/": (
        "these are the places",
        frozenset({"files", "clock", "randomness", "threads", "processes", "environment"}),
    ),
    "rustfs_node/seams/forking.py": (
        "the line between the supervisor and the process that forks its workers",
        frozenset({"sockets"}),
    ),
    "rustfs_node/forge.py": (
        "that process: it takes over its end of the line and hands it to the seam",
        frozenset({"sockets"}),
    ),
    "rustfs_node/bus/": (
        "the one owner of ZeroMQ sockets; a simulation uses the memory transport beside it",
        frozenset({"zmq", "sockets"}),
    ),
    "rustfs_node/acceptor/net": (
        "listeners and the transports over their sockets; everything above speaks to a transport",
        frozenset({"sockets"}),
    ),
    "rustfs_node/supervisor/": (
        "starts, watches and signals processes, and tells systemd through its socket; it handles no data",
        frozenset({"processes", "environment", "sockets"}),
    ),
    "rustfs_node/role.py": (
        "the frame of every process: arguments, the environment and the line to its supervisor",
        frozenset({"processes", "environment"}),
    ),
    "rustfs_node/cli/asking.py": (
        "what commands ask of a running node, by HTTP or by its own socket",
        frozenset({"sockets"}),
    ),
    "rustfs_node/cli/": (
        "the edge to a person's shell, before any worker exists",
        frozenset({"files", "environment", "processes"}),
    ),
}


def check_seams(source: str, path: str) -> list[Violation]:
    """The outside world is mentioned only where it is at home."""
    if not is_code(path):
        return []
    at_home = {kind for prefix, (_, kinds) in HOMES.items() if is_inside(path, (prefix,)) for kind in kinds}
    tree = parse(source)
    names = imports_of(tree)
    found: list[Violation] = []
    for node in mentions(tree):
        full = full_name(node, names)
        kind = kind_of(full)
        if kind is not None and kind not in at_home:
            found.append(Violation(path, node.lineno, f"{full}: {kind} only through rustfs_node.seams"))
    return found


def mentions(tree: ast.Module) -> list[ast.Attribute | ast.Name]:
    """Every dotted name that is read, once, at its full length: `os.path.exists` but not its `os.path`."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and id(node) not in inner
        and isinstance(node.ctx, ast.Load)
    ]


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """The dotted name with its first part resolved by the imports; "" where it starts at a value."""
    if isinstance(node, ast.Name):
        # A builtin needs no import; any other name without an import is a value of the module.
        return names.get(node.id, "open" if node.id == "open" else "")
    if isinstance(node, ast.Attribute):
        before = full_name(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return ""


def kind_of(full: str) -> str | None:
    """Which outside world a full name belongs to, by itself or by anything above it."""
    parts = full.split(".")
    above = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return next((kind for kind, banned in BANNED.items() if banned & above), None)
