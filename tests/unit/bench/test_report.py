"""The tables: rates, ratios, processor time by role, bounds."""

from bench.report import Claim, claims_table, first_outcome, ratio, table
from bench.work import Endpoint, Outcome, RoleTime, Work


def outcome(operations: int, **roles: RoleTime) -> Outcome:
    latencies_s = tuple(number / 1000 for number in range(1, operations + 1))
    return Outcome(operations, 0, 0, 2.0, 4096, latencies_s, roles)


def endpoint(name: str) -> Endpoint:
    return Endpoint(name, "127.0.0.1", 9000, "key", "secret", "bench")


ROLES = {"acceptor": RoleTime(2, 0.04), "set": RoleTime(1, 0.008), "drive": RoleTime(4, 0.016)}
ROWS = [
    (
        Work("put", 4096, 32, 2.0),
        [
            (endpoint("node"), outcome(100, **ROLES)),
            (endpoint("bare"), outcome(400, server=RoleTime(1, 0.1))),
        ],
    ),
    (Work("list", 0, 32, 2.0, bucket_keys=10_000), [(endpoint("node"), outcome(10))]),
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_says_how_fast_it_was_and_how_fast_compared_with_the_others():
    """Rate, throughput, quantiles and the ratio to every other endpoint of the run stand in a row."""
    head, _, node, bare, listing = map(cells, table(ROWS).splitlines())
    row = dict(zip(head, node, strict=True))
    assert row["work"] == "put 4 KiB x32" and row["endpoint"] == "node"
    assert float(row["ops/s"]) == 50 and row["of bare"] == "0.25"
    assert float(row["p50 ms"]) == 51 and float(row["p99 ms"]) == 100
    assert dict(zip(head, bare, strict=True))["of bare"] == ""
    assert dict(zip(head, listing, strict=True))["work"] == "list 1000 of 10,000 x32"


def test_processor_time_is_told_for_each_role():
    """An operation meets one acceptor and one set worker, and every drive worker."""
    found = first_outcome(ROWS, "put 4 KiB x32")
    assert [round(found.cpu_us(role)) for role in ("acceptor", "set", "drive")] == [400, 80, 40]
    assert round(found.cpu_us()) == 640
    assert outcome(10).cpu_us("set") == 0


def test_ratios_are_of_the_first_endpoint_to_the_one_named():
    """That is what bounds are held against."""
    assert ratio(ROWS, "put 4 KiB x32", "bare") == 0.25


def test_a_bound_that_is_missed_is_told_so():
    """Bounds hold from below, from above, and on the mark."""
    claims = [Claim("a", 0.5, at_least=0.5), Claim("b", 1.51, at_most=1.5), Claim("c", 0.2, at_least=0.25)]
    assert [claim.holds for claim in claims] == [True, False, False]
    assert [line.split("|")[-2].strip() for line in claims_table(claims).splitlines()[2:]] == [
        "holds",
        "MISSED",
        "MISSED",
    ]


def test_a_run_without_operations_has_no_figures():
    """Nothing is divided by nothing."""
    empty = Outcome(0, 0, 0, 0.0, 4096, ())
    assert (empty.rate, empty.quantile_ms(0.99), empty.cpu_us()) == (0.0, 0.0, 0.0)
