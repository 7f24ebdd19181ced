"""What a node tells of itself and of the deployment, and to whom."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

TOLD = "What is told of a deployment"
TOKEN = "rustfs_proto/metrics/token.py"
STANDING = "rustfs_proto/metrics/standing.py"
TOKENS = "tests/unit/metrics/test_token.py"
NAMES = "tests/unit/metrics/test_minio_names.py"
TELLING = "tests/unit/bus/test_telling.py"

MONITORING = (
    PlantedBug(
        "token-signature-not-checked",
        TOKEN,
        "        if not hmac.compare_digest(_decoded(signature), _signature(secret_key, signed)):\n",
        "        if not _decoded(signature):\n",
        "Whoever knows the access key makes himself a token.",
        TOLD,
        f"{TOKENS}::test_others_are_not",
    ),
    PlantedBug(
        "token-never-expires",
        TOKEN,
        "told.nbf <= now_s < told.exp",
        "told.nbf <= now_s",
        "A token is good for ever.",
        TOLD,
        f"{TOKENS}::test_others_are_not",
    ),
    PlantedBug(
        "token-of-another-purpose",
        TOKEN,
        "told.sub == access_key and told.iss == ISSUER and",
        "told.sub == access_key and",
        "A token that was made for something else opens the metrics.",
        TOLD,
        f"{TOKENS}::test_others_are_not",
    ),
    PlantedBug(
        "drive-that-one-node-lost-is-well",
        STANDING,
        "        if known.is_serving and state not in SERVING:\n",
        "        if not known.is_serving and state in SERVING:\n",
        "A drive that a node cannot reach is told as serving, because another node reaches it.",
        TOLD,
        f"{NAMES}::test_the_worst_that_a_node_sees_counts",
    ),
    PlantedBug(
        "set-with-most-drives-counts",
        STANDING,
        '            online=min(seen["drives_online"]),\n',
        '            online=max(seen["drives_online"]),\n',
        "A set is told as better than one of its workers sees it.",
        TOLD,
        f"{NAMES}::test_the_worst_that_a_node_sees_counts",
    ),
    PlantedBug(
        "no-sets-told-as-no-drives",
        "rustfs_proto/metrics/minio_standing.py",
        "    if standing.sets:\n        yield from _whole_v2(standing)\n",
        "    yield from _whole_v2(standing)\n",
        "Where no set answers the cluster is told to have no drives and no bytes.",
        TOLD,
        f"{NAMES}::test_what_nobody_counted_is_absent",
    ),
    PlantedBug(
        "silent-process-left-out",
        "rustfs_node/bus/telling.py",
        "        return (ProcessMetrics(peer, fault=str(answer)),)\n",
        "        return ()\n",
        "A process that does not answer is not told as down, but not at all.",
        TOLD,
        f"{TELLING}::test_a_process_is_asked_for_those_behind_it",
    ),
    PlantedBug(
        "metrics-without-token",
        "rustfs_node/acceptor/metrics.py",
        "    if services.settings.metrics_auth == PUBLIC or request.is_local:\n",
        "    if services.settings.metrics_auth or request.is_local:\n",
        "Metrics are public whatever the configuration says.",
        TOLD,
        "tests/unit/acceptor/test_metrics.py::test_metrics_need_a_token",
    ),
    PlantedBug(
        "secrets-told",
        "rustfs_node/acceptor/admin_settings.py",
        "HIDDEN if value and not field.repr else value",
        "HIDDEN if value and not value else value",
        "Settings are told with the secrets among them.",
        TOLD,
        "tests/unit/cli/test_reports.py::test_secrets_are_not_told",
    ),
    PlantedBug(
        "listener-never-forgotten",
        "rustfs_node/acceptor/tracing.py",
        "if one.asked_s < limit_s",
        "if one.asked_s < 0 * limit_s",
        "Requests are kept for ever for somebody who followed them once.",
        TOLD,
        "tests/unit/acceptor/test_tracing.py::test_who_does_not_ask_again_is_forgotten",
    ),
    PlantedBug(
        "errors-pushed-out-by-requests",
        "rustfs_node/logs.py",
        '    ring = _REQUEST if event["event"] == _REQUEST else event["level"]\n',
        "    ring = _REQUEST\n",
        "The last lines of a busy acceptor are requests, and not the error before them.",
        TOLD,
        "tests/unit/cli/test_logs.py::test_the_last_lines_are_kept",
    ),
)
