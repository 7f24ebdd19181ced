"""Monitoring of a real node: Prometheus reads it, the rules and the dashboard ask for what is there, and a
person sees on one screen how things stand.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest

from rustfs_node.cli.asking import ask
from rustfs_node.cli.main import main
from rustfs_proto.metrics.families import OWN
from tests.clients import tools
from tests.kit.collector import Collector
from tests.kit.node import RunningNode
from tests.kit.prometheus import RULES, prometheus
from tests.kit.scraping import fetch, scrape

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "etc/grafana/rustfs-node.json"
DATA_S = 30.0
ENVIRONMENT = {"RUSTFS_NODE_ACCEPTORS": "2", "RUSTFS_ACCEPTOR_METRICS_DEADLINE_S": "1"}


@pytest.fixture(scope="module")
def collector():
    """Takes the traces of the node."""
    with Collector() as collecting:
        yield collecting


@pytest.fixture(scope="module")
def node(tmp_path_factory, collector):
    """A node of four drives and two acceptors that has served some requests."""
    environment = ENVIRONMENT | {"RUSTFS_ACCEPTOR_OTLP_ENDPOINT": collector.url}
    with RunningNode(tmp_path_factory.mktemp("node"), environment=environment) as running:
        load(running)
        yield running


def load(node: RunningNode) -> None:
    """A little of everything."""
    s3 = node.boto3()
    if "bucket" not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket="bucket")
    for number in range(10):
        s3.put_object(Bucket="bucket", Key=f"k{number}", Body=b"x" * 4096)
        s3.get_object(Bucket="bucket", Key=f"k{number}")["Body"].read()
    s3.put_object(Bucket="bucket", Key="large", Body=b"x" * 3_000_000)
    s3.get_object(Bucket="bucket", Key="large")["Body"].read()


def test_every_process_tells_of_itself(node):
    """Both acceptors, the set worker and each drive, with what it uses of the machine."""
    lines = scrape(node).splitlines()
    names = {"acceptor-0", "acceptor-1", "set-0", *(f"drive-0-{slot}" for slot in range(4))}
    for series in ("rustfs_up", "rustfs_process_resident_memory_bytes", "rustfs_process_start_time_seconds"):
        found = [line for line in lines if line.startswith(f"{series}{{")]
        assert len(found) == len(names)
        assert all(any(f'process="{name}"' in line for line in found) for name in names)
        assert all(float(line.split()[-1]) > 0 for line in found)
    assert "minio_system_process_cpu_total_seconds" in scrape(node, "/minio/metrics/v3/system/process")


def test_a_drive_that_hangs_is_told_as_down(node):
    """Its worker is stopped: the scrape is answered in time, with all others."""
    worker = node.worker_pids()["drive-0-1"]
    os.kill(worker, signal.SIGSTOP)
    try:
        lines = scrape(node).splitlines()
    finally:
        os.kill(worker, signal.SIGCONT)
    found = [line for line in lines if line.startswith("rustfs_up{")]
    up = {line.split('process="')[1].split('"')[0]: line[-1] for line in found}
    assert up.pop("drive-0-1") == "0"
    assert set(up.values()) == {"1"}


def test_promtool_has_nothing_to_complain_of(node):
    """The text is right and keeps to Prometheus' customs; so do the rules and the example."""
    promtool = tools.program("promtool")
    subprocess.run([promtool, "check", "metrics"], input=scrape(node), text=True, check=True, timeout=30)
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True, timeout=30)
    example = str(ROOT / "etc/prometheus/prometheus.yml")
    subprocess.run([promtool, "check", "config", "--syntax-only", example], check=True, timeout=30)


def test_alerts_fire_when_they_should():
    """Of a set at its write quorum, below it, a drive that is away and a process that is down."""
    promtool, cases = tools.program("promtool"), Path(__file__).with_name("rules_test.yml")
    subprocess.run([promtool, "test", "rules", str(cases)], check=True, timeout=60, cwd=cases.parent)


def test_rules_and_dashboard_ask_for_what_there_is():
    """Every name in an expression is that of a family, or of one of the series of a histogram."""
    names = {family.name for family in OWN}
    names |= {f"{name}{end}" for name in names for end in ("_bucket", "_sum", "_count")}
    asked = {word for text in (RULES.read_text(), DASHBOARD.read_text()) for word in series_in(text)}
    assert len(asked) > 20
    assert asked - names == set()


def series_in(text: str) -> set[str]:
    """The words of a text that are names of our series."""
    words = "".join(character if character.isalnum() or character == "_" else " " for character in text)
    return {word for word in words.split() if word.startswith("rustfs_")}


def expressions() -> list[str]:
    """Every query of the dashboard, with its variables as a person's screen would have them."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    targets = [one for panel in panels for one in panel.get("targets", ())]
    return [one["expr"].replace("$__rate_interval", "20s").replace("$job", ".*") for one in targets]


@pytest.mark.long
def test_prometheus_shows_what_the_dashboard_asks_for(node, tmp_path):
    """A real Prometheus scrapes the node with a token; after some load every query has data, and the rules
    are evaluated without an error.
    """
    with prometheus(tmp_path, [node]) as watcher:
        deadline_s, lacking = time.monotonic() + DATA_S, expressions()
        while lacking and time.monotonic() < deadline_s:
            load(node)
            lacking = [one for one in lacking if not watcher.has(one)]
        assert lacking == []
        rules = [one for group in watcher.get("rules")["groups"] for one in group["rules"]]
        assert len(rules) == RULES.read_text().count("- alert:")
        assert {one["health"] for one in rules} <= {"ok", "unknown"}


@pytest.fixture
def ctl(node, capsys, monkeypatch):
    """Runs `rustfs-node ctl`, with the key pair of the node in the environment or without: status and what
    was printed.
    """

    def run(*arguments: str, keys: bool = True) -> tuple[int, str, str]:
        for name, value in (("ACCESS_KEY", node.access_key), ("SECRET_KEY", node.secret_key)):
            if keys:
                monkeypatch.setenv(f"RUSTFS_{name}", value)
            else:
                monkeypatch.delenv(f"RUSTFS_{name}", raising=False)
        with pytest.raises(SystemExit) as ended:
            main(["ctl", *arguments])
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_ctl_logs_tells_the_last_lines_of_every_process(node, ctl):
    """Acceptors, set worker, drive workers and the supervisor, in the order of time."""
    status, shown, _ = ctl("logs", "-n", "3", "--json", "--endpoint", node.url)
    lines = [json.loads(line) for line in shown.splitlines()]
    assert status == 0
    names = {"acceptor-0", "acceptor-1", "set-0", *(f"drive-0-{slot}" for slot in range(4)), "supervisor"}
    assert {line["process"] for line in lines} == names
    assert max(sum(line["process"] == name for line in lines) for name in names) == 3
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)


def test_a_support_bundle_has_no_secret(node, ctl, tmp_path):
    """Whatever is in it, logs of all processes among it, the owner's secret key is not."""
    file = tmp_path / "bundle.tar.gz"
    assert ctl("support", "bundle", str(file), "--endpoint", node.url)[0] == 0
    with tarfile.open(file) as tar:
        parts = [tar.extractfile(one).read() for one in tar.getmembers()]
    assert len(parts) == 9
    assert sum(b"supervisor" in part for part in parts) > 0
    assert not any(node.secret_key.encode() in part for part in parts)


def test_ctl_trace_follows_the_requests_of_all_acceptors(node, ctl):
    """What ends while it runs is told, by whichever acceptor it was answered."""
    stop = threading.Event()

    def ask():
        while not stop.wait(0.02):
            with contextlib.closing(http.client.HTTPConnection(node.host, node.port)) as connection:
                connection.request("HEAD", "/bucket/k1")
                connection.getresponse().read()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        words = ("--seconds", "2", "--operation", "HeadObject", "--bucket", "bucket", "--errors", "--json")
        status, shown, _ = ctl("trace", *words, "--endpoint", node.url)
    finally:
        stop.set()
        thread.join()
    told = [json.loads(line) for line in shown.splitlines()]
    assert status == 0
    assert {(one["operation"], one["key"], one["status"]) for one in told} == {("HeadObject", "k1", 403)}
    assert {one["acceptor"] for one in told} == {"acceptor-0", "acceptor-1"}
    assert len({one["request_id"] for one in told}) == len(told)


def test_ctl_trace_tells_where_the_time_went(node, ctl):
    """With --hops each request has lines for the set worker and, below it, for the drives."""
    stop = threading.Event()

    def ask():
        s3 = node.boto3()
        while not stop.wait(0.02):
            s3.put_object(Bucket="bucket", Key="k1", Body=b"x" * 4096)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        status, shown, _ = ctl("trace", "--seconds", "2", "--hops", "--endpoint", node.url)
    finally:
        stop.set()
        thread.join()
    lines = shown.splitlines()
    assert status == 0
    assert any(" PutObject " in line for line in lines)
    assert any(" ms  set-0 PutSmall" in line for line in lines)
    assert any(" ms    drive-0-3 Commit" in line for line in lines)


def test_a_trace_of_a_client_is_followed_through_all_processes(node, collector):
    """A client that keeps its trace finds in it the request, the set worker's part below that, and the
    drives' below this; the share of the others does not matter. A collector that fails costs traces: they are
    counted.
    """
    s3 = node.boto3()
    trace = os.urandom(16).hex()

    def name_trace(request, **_kwargs):
        request.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"

    s3.meta.events.register("before-send.s3.PutObject", name_trace)
    s3.put_object(Bucket="bucket", Key="traced", Body=b"x" * 4096)
    found = collector.wait_trace(trace)
    by_name = {one["name"]: one for one in found}
    request, of_set = by_name["PutObject"], by_name["PutSmall"]
    commits = [one for one in found if one["name"] == "Commit"]
    assert (request["parent"], of_set["parent"]) == ("b7ad6b7169203331", request["id"])
    assert len(commits) >= 3 and {one["parent"] for one in commits} == {of_set["id"]}
    assert request["attributes"]["aws.s3.key"] == "traced" and request["service"] == "rustfs-node"
    assert 0 < of_set["took_ms"] <= request["took_ms"] + 1
    collector.status, lost = 400, 'reason="collector"'
    try:
        s3.put_object(Bucket="bucket", Key="traced", Body=b"x" * 4096)
        until_s = time.monotonic() + 60
        while not any(lost in one and not one.endswith(" 0") for one in scrape(node).splitlines()):
            assert time.monotonic() < until_s, "no lost trace was counted"
    finally:
        collector.status = 200


def test_by_the_nodes_own_socket_no_keys_are_needed(node, ctl, tmp_path):
    """Root asks for status, drives, healing and a support bundle without a key pair; S3 requests are signed
    there too, and where no node listens that is said.
    """
    local = ("--endpoint", node.local_endpoint)
    status, shown, hint = ctl("status", *local, keys=False)
    assert (status, hint) == (0, "") and "set 0: safe: 4 of 4 drives serve" in shown
    assert len(json.loads(ctl("drive", "list", "--json", *local, keys=False)[1])) == 4
    assert ctl("heal", "status", *local, keys=False)[0] == 0
    file = tmp_path / "bundle.tar.gz"
    assert ctl("support", "bundle", str(file), *local, keys=False)[0] == 0
    with tarfile.open(file) as tar:
        assert len(tar.getmembers()) == 9
    assert ask(node.local_endpoint, "/bucket/k1")[0] == "403"
    assert ask(node.local_endpoint, "/metrics")[0] == "200"
    status, said, _ = ctl("usage", "--endpoint", f"unix:{tmp_path}/admin", keys=False)
    assert status == 2 and f"no node listens at {tmp_path}/admin" in said


def test_ctl_status_shows_the_owner_sets_and_drives(node, ctl):
    """With the key pair one screen says whether data is safe; without it how to see that."""
    status, shown, _ = ctl("status", "--endpoint", node.url)
    assert status == 0
    assert "1 node, 1 set, 4 drives" in shown
    assert "set 0: safe: 4 of 4 drives serve, 1 more may fail" in shown
    told = json.loads(ctl("status", "--endpoint", node.url, "--json")[1])
    assert told["info"]["buckets"] == {"count": 1}
    status, shown, hint = ctl("status", "--endpoint", node.url, keys=False)
    # Below the checks may stand, on a busy machine, that a drive missed a write and is given it.
    lines = [line for line in shown.splitlines() if not line.startswith("set 0: about ")]
    assert (status, len(lines), "--credentials-file" in hint) == (0, 4, True)


def test_ctl_usage_tells_what_is_stored(node, ctl):
    """By bucket, and by prefix of one; a bucket that is not there is refused."""
    owner = ("--endpoint", node.url)
    until_s = time.monotonic() + 60
    while "\ncounted " not in (shown := ctl("usage", *owner)[1]):
        assert time.monotonic() < until_s, shown
    told = json.loads(ctl("usage", "--json", *owner)[1])
    assert told["setsUntold"] == []
    (bucket,) = told["bucketsUsageInfo"]
    assert "PREFIX" in ctl("usage", bucket, *owner)[1]
    assert ctl("usage", "nobody", *owner)[0] == 1


def test_ctl_makes_tokens(node, ctl, tmp_path):
    """What is printed opens the metrics; without a key pair the command says what it needs."""
    status, printed, _ = ctl("metrics-token", "--days", "1")
    assert status == 0
    assert fetch(f"{node.host}:{node.port}", "/metrics", printed.strip())
    file = tmp_path / "credentials.toml"
    file.write_text(f'access_key = "{node.access_key}"\nsecret_key = "{node.secret_key}"\n')
    file.chmod(0o600)
    status, printed, _ = ctl("metrics-token", "--credentials-file", str(file), keys=False)
    assert (status, printed.count(".")) == (0, 2)
    status, printed, hint = ctl("metrics-token", keys=False)
    assert (status, printed, "RUSTFS_ACCESS_KEY" in hint) == (2, "", True)
    assert ctl("metrics-token", "--days", "0")[0] == 2


def test_minio_py_reads_the_administration(node):
    """MinioAdmin's info is that of this node, and what is not there is refused as such."""
    minio = tools.module("minio")
    provider = tools.module("minio.credentials").StaticProvider(node.access_key, node.secret_key)
    admin = minio.MinioAdmin(endpoint=f"{node.host}:{node.port}", credentials=provider, secure=False)
    info = json.loads(admin.info())
    assert info["backend"]["onlineDisks"] == 4
    assert [server["state"] for server in info["servers"]] == ["online"]
    assert json.loads(admin.get_data_usage_info())["bucketsCount"] == info["buckets"]["count"]
    with pytest.raises(tools.module("minio.error").MinioAdminException, match="NotImplemented"):
        admin.user_list()
