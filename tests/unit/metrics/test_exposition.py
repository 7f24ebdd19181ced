"""The text that Prometheus reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rustfs_node.metering import Distribution, Meter
from rustfs_proto.metrics.exposition import number, render
from rustfs_proto.metrics.families import Family, Kind
from rustfs_proto.wire.metrics_ops import Measure

COUNTS = Family("counts_total", Kind.COUNTER, "Counts.")
TIMES = Family("times", Kind.HISTOGRAM, "Times.")


def test_a_family_is_told_once_with_all_its_series() -> None:
    """Help and type come first, then every series, wherever they stood; what is no family is left out."""
    series = [
        Measure("counts_total", 3, {"a": "x"}),
        Measure("of_a_later_release", 1),
        Measure("counts_total", 0.5),
    ]
    assert render([TIMES, COUNTS], series) == (
        '# HELP counts_total Counts.\n# TYPE counts_total counter\ncounts_total{a="x"} 3\ncounts_total 0.5\n'
    )


def test_buckets_of_a_histogram_add_up() -> None:
    """Each bound counts what is not above it, the bound itself included, and the last one everything."""
    times = Distribution((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7):
        times.add(value)
    assert render([TIMES], [times.spread("times", {"d": "1"})]).splitlines()[2:] == [
        'times_bucket{d="1",le="0.1"} 2',
        'times_bucket{d="1",le="1"} 3',
        'times_bucket{d="1",le="+Inf"} 4',
        'times_sum{d="1"} 7.65',
        'times_count{d="1"} 4',
    ]


def test_labels_are_escaped() -> None:
    """A bucket or folder with quotes, backslashes or line ends cannot make up series."""
    told = render([COUNTS], [Measure("counts_total", 1, {"a": 'x"} 5\n\\'})])
    assert told.splitlines()[2:] == ['counts_total{a="x\\"} 5\\n\\\\"} 1']


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_numbers_lose_nothing(value: float) -> None:
    """What is read back is what was counted."""
    assert float(number(value)) == value


def test_a_meter_reads_its_sources_when_asked() -> None:
    """Nothing is kept of an earlier reading."""
    meter, count = Meter("drive-0-0"), [1]
    meter.add(lambda: [Measure("counts_total", count[0])])
    assert meter.read().measures[0].value == 1
    count[0] = 5
    assert (meter.read().process, meter.read().measures[0].value) == ("drive-0-0", 5)
