"""Every block of commands in the documents is run as it stands, or says here why not."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, read_page, read_pages
from tests.docs.program import environment, inherited, run_script, serving
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode, free_port

# What a document writes, and what stands there in a test. `{folder}` is the test's own, also its home folder.
STANDS_FOR = (
    ("http://127.0.0.1:9000", "http://127.0.0.1:{port}"),
    (" :9000", " 127.0.0.1:{port}"),
    ("/mnt/", "{folder}/mnt/"),
    ("AWS_ACCESS_KEY_ID=...", f"AWS_ACCESS_KEY_ID={ACCESS_KEY}"),
    ("AWS_SECRET_ACCESS_KEY=...", f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}"),
)
# Blocks by page and first line.
SERVES = {
    ("README.md", "rustfs-node serve --address :9000 /mnt/drive{1...8}"),
    ("docs/operations.md", "rustfs-node serve --address :9000 /mnt/drive{1...8}"),
}
# One after the other in one shell, beside a running node.
SESSION = (
    ("README.md", "export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... AWS_DEFAULT_REGION=us-east-1"),
    ("README.md", "aws --endpoint-url http://127.0.0.1:9000 s3 mb s3://photos"),
    ("README.md", "import boto3"),
)
# Asked of a running node, with the owner's keys, and words of what is answered.
ASKED = {
    ("docs/operations.md", "rustfs-node ctl census"): ("full", "everything"),
    ("docs/operations.md", "rustfs-node ctl scrub status"): ("last full scrub", "read, ordered"),
}
NOT_RUN_HERE = {
    ("README.md", "make run"): "test_make_run.py runs it in a clean copy of the tree",
    ("README.md", "make test"): "it is this suite",
    ("docs/performance.md", "python -m bench node /mnt"): "test_bench.py runs it with small budgets",
    ("README.md", "rustfs-node serve http://node{1...4}:9000/data{1...4}"): "it needs four machines",
    ("docs/deployment.md", "rustfs-node serve http://node{1...4}:9000/data{1...4}"): "it needs four machines",
    (
        "docs/deployment.md",
        "rustfs-node serve http://node{1...4}:9000/data{1...4} http://node{5...8}:9000/data{1...8}",
    ): "it needs eight",
    (
        "docs/deployment.md",
        (
            "rustfs-node serve http://node{1...4}:9000/data{1...4} http://node{1...4}:9000/data{5...8}"
            " http://node{5...6}:9000/data{1...8}"
        ),
    ): "it needs six, and tests/cluster does it with four",
    (
        "docs/deployment.md",
        "useradd --system --home-dir /var/lib/rustfs-node --shell /usr/sbin/nologin rustfs-node",
    ): ("it formats disks"),
    ("docs/deployment.md", "install -d -m 0700 /etc/rustfs-node"): "test_deployment.py runs it elsewhere",
    ("docs/deployment.md", "systemctl daemon-reload"): "it is systemd's",
    ("docs/deployment.md", "rustfs-node ctl status --endpoint http://node1:9000"): "as in operations.md",
    ("docs/deployment.md", 'echo "set server nodes/node2 state drain" | socat - /run/haproxy/admin.sock'): (
        "tests/cluster/test_restarts.py sends it"
    ),
    ("docs/deployment.md", "for node in node1 node2 node3 node4; do"): (
        "tests/cluster/test_restarts.py runs it under load"
    ),
    ("docs/deployment.md", "export RUSTFS_ACCESS_KEY=trial RUSTFS_SECRET_KEY=trial-secret-key"): (
        "test_deployment.py runs it at other addresses"
    ),
    ("docs/monitoring.md", "rustfs-node ctl status --endpoint http://node1:9000 --credentials-file FILE"): (
        "tests/node/test_monitoring.py asks its own node"
    ),
    ("docs/monitoring.md", "rustfs-node ctl usage --endpoint http://node1:9000 --credentials-file FILE"): (
        "tests/node/test_monitoring.py asks its own node"
    ),
    ("docs/monitoring.md", "rustfs-node ctl metrics-token --credentials-file FILE"): (
        "tests/node/test_monitoring.py makes tokens"
    ),
    **{
        ("docs/runbooks.md", block.first_line): "test_runbooks.py runs it"
        for block in read_page("docs/runbooks.md").blocks
        if block.language == "sh"
    },
    ("docs/runbooks.md", "export RUSTFS_ACCESS_KEY=... RUSTFS_SECRET_KEY=..."): "the tests have a key pair",
    ("docs/testing.md", "make simulate SEEDS=1-1000"): "hours; the suite runs the same with small budgets",
}
# Indented, but to be looked at; test_names.py asks whether what README's picture names is there.
PICTURES = {("README.md", "rustfs_proto/"), ("docs/operations.md", "supervisor")}
PROGRAMS = re.compile(r"(?m)^\s*(sudo|rustfs-node|make|pip|python3?|aws|systemctl|export|curl|mkdir|mount)\b")


def all_blocks() -> dict[tuple[str, str], Block]:
    """Blocks by page and first line; a picture by the first word of that."""
    found: dict[tuple[str, str], Block] = {}
    for page in read_pages():
        for block in page.blocks:
            name = (page.name, block.first_line)
            picture = (page.name, block.first_line.split()[0])
            key = picture if picture in PICTURES else name
            assert key not in found, (
                f"{page.name}:{block.line}: begins like the block in line {found[key].line}"
            )
            found[key] = block
    return found


def as_run(block: Block, folder: Path, port: int) -> str:
    """The text of a block with the test's own places in it."""
    text = block.text
    for written, stands in STANDS_FOR:
        text = text.replace(written, stands.format(folder=folder, port=port))
    return text


def test_every_block_is_run_or_says_why_not():
    """Commands in the documents and those in the tables above are the same; a plain fence holds a picture."""
    commands = {name for name, block in all_blocks().items() if block.language}
    assert commands == SERVES | set(SESSION) | set(ASKED) | set(NOT_RUN_HERE) | PICTURES


def test_pictures_hold_no_commands():
    """A block that is never run does not look as if it could be."""
    for name, block in all_blocks().items():
        if not block.language or name in PICTURES:
            assert not PROGRAMS.search(block.text), f"{name}: commands stand in an indented block"


def test_every_stand_in_is_needed():
    """Each row of the table of stand-ins changes something."""
    text = "\n".join(block.text for name, block in all_blocks().items() if name in SERVES | set(SESSION))
    assert [written for written, _ in STANDS_FOR if written not in text] == []


@pytest.mark.parametrize("text", sorted({line for _, line in SERVES}))
def test_serving_as_written(text, tmp_path):
    """`rustfs-node serve` as the documents write it serves all its drives, and keeps a generated key pair
    where docs/operations.md says, unseen.
    """
    block = next(block for name, block in all_blocks().items() if name in SERVES and name[1] == text)
    (tmp_path / "mnt").mkdir()
    env = environment(
        tmp_path / "programs",
        HOME=str(tmp_path),
        RUSTFS_NODE_FORMAT_FREE_BYTES_MIN="0",
        RUSTFS_DRIVE_SEGMENT_ZERO_FILL="false",
    )
    with serving(as_run(block, tmp_path, free_port()), tmp_path, env) as served:
        served.read_until("list_buckets", 120)
        assert "8 in 1 erasure set(s), 4+4" in served.said
        deployment = re.findall(r"deployment +(\S+)", served.said)[0]
        kept = tmp_path / ".local/state/rustfs-node" / f"credentials-{deployment[:8]}.toml"
        assert f"credentials  {kept} (generated just now)" in served.said
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        secret = re.findall(r'secret_key = "(.+)"', kept.read_text())[0]
        assert secret not in served.said + served.log.read_text()
        assert served.stop() == 0
    assert sorted(path.name for path in (tmp_path / "mnt").iterdir()) == [f"drive{n}" for n in range(1, 9)]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


def test_the_session_of_the_readme(node, tmp_path):
    """The lines of "Use it", pasted one after the other, store and read what they say."""
    pictures = {"2024/beach.jpg": b"sand" * 5000, "dog.jpg": b"woof"}
    for name, content in pictures.items():
        (tmp_path / "Pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "Pictures" / name).write_bytes(content)
    (tmp_path / "cat.jpg").write_bytes(b"purr, and so on")
    blocks = all_blocks()
    script = ""
    for name in SESSION:
        text = as_run(blocks[name], tmp_path, node.port)
        script += f"python3 - <<'END'\n{text}\nEND\n" if blocks[name].language == "python" else f"{text}\n"
    said = run_script(script, tmp_path, environment(tmp_path / "programs", HOME=str(tmp_path)))
    assert said.endswith("b'purr, and '\n")
    s3 = node.boto3()
    stored = {o["Key"]: o["Size"] for o in s3.list_objects_v2(Bucket="photos")["Contents"]}
    assert stored == {name: len(content) for name, content in pictures.items()} | {"cat.jpg": 15}
    for name, content in pictures.items():
        assert s3.get_object(Bucket="photos", Key=name)["Body"].read() == content


def test_health_paths_answer(node):
    """Every health path that a document names answers 200; one asks whether the node can be done without."""
    paths = {span for page in read_pages() for span in page.spans if re.match(r"/(minio/)?health\b", span)}
    assert {"/health", "/minio/health/live", "/minio/health/cluster"} <= paths
    wanted = {path: 412 if "maintenance" in path else 200 for path in paths}
    assert {path: node.get_status(path) for path in paths} == wanted


def test_ctl_status_agrees(node, tmp_path):
    """`rustfs-node ctl status` of docs/operations.md says of a healthy node that all is well; below, on a
    busy machine, that a drive missed a write, which will be made up.
    """
    assert "rustfs-node ctl status" in read_page("docs/operations.md").spans
    command = f"rustfs-node ctl status --endpoint {node.url}"
    said = run_script(command, tmp_path, environment(tmp_path / "programs")).splitlines()
    assert len(said) >= 4 and all(" ok " in line for line in said[:4])
    assert all("wait to be healed" in line for line in said[4:])


def test_the_owner_asks_as_written(node, tmp_path):
    """Commands that order something of a healthy node, or ask it, end well."""
    keys = {"RUSTFS_ACCESS_KEY": ACCESS_KEY, "RUSTFS_SECRET_KEY": SECRET_KEY}
    for name, words in ASKED.items():
        script = re.sub(r"(?m)$", f" --endpoint {node.url}", all_blocks()[name].text.strip())
        said = run_script(f"set -e\n{script}", tmp_path, environment(tmp_path / "programs", **keys))
        assert all(word in said for word in words)


@pytest.mark.parametrize(
    "command",
    sorted({span for page in read_pages() for span in page.spans if span.startswith("make ")}),
)
def test_make_commands_exist(command):
    """What the prose says about `make` is understood by it: the target, and the variables it is given."""
    words = [word for word in shlex.split(command) if word != "..."]
    dry = ["make", "--dry-run", "--always-make", *words[1:]]
    done = subprocess.run(
        dry, cwd=ROOT, env=inherited(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for word in words[1:]:
        name, equals, value = word.partition("=")
        assert not equals or value in done.stdout, f"{name} changes nothing about {command}"
