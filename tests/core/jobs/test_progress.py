from __future__ import annotations

from diorama.jobs.eta import remaining
from diorama.jobs.progress import Gauge
from diorama.jobs.records import JobStatus
from hypothesis import given
from hypothesis import strategies as st

stages = st.sampled_from(["downloading", "loading_model", "generating", "saving"])
fractions = st.one_of(st.none(), st.floats())


@given(st.lists(st.tuples(stages, fractions), max_size=40))
def test_progress_stays_within_bounds_and_never_falls(reports):
    gauge, last = Gauge(JobStatus.QUEUED), 0.0
    for stage, fraction in reports:
        gauge.report(stage, fraction, "", {})
        assert last <= gauge.percent <= 99.0
        assert gauge.status == stage
        last = gauge.percent


def test_stages_share_the_bar():
    gauge = Gauge(JobStatus.QUEUED)
    seen = []
    for stage, fraction in (("downloading", 1), ("loading_model", 1), ("generating", 0.5), ("generating", 1)):
        gauge.report(stage, fraction, "", {})
        seen.append(gauge.percent)
    assert seen == [30.0, 40.0, 67.5, 95.0]


def test_a_download_has_the_bar_for_itself():
    gauge = Gauge(JobStatus.DOWNLOADING)
    seen = []
    for fraction in (0.0, 0.5, 1.0):
        gauge.report("downloading", fraction, "", {})
        seen.append(gauge.percent)
    assert seen == [0.0, 49.5, 99.0]


def test_a_message_stays_until_the_next_or_another_stage():
    gauge = Gauge(JobStatus.QUEUED)
    gauge.report("loading_model", None, "Loading.", {"bytes_done": 1})
    gauge.report("loading_model", 0.5, "", {})
    assert (gauge.message, gauge.numbers) == ("Loading.", {})
    gauge.report("generating", None, "", {})
    assert gauge.message == ""


def test_remaining_time():
    assert remaining(None, 5.0, None) is None
    assert remaining(None, 5.0, 0.01) is None
    assert remaining(20.0, 5.0, None) == 15.0
    assert remaining(20.0, 50.0, None) is None, "it takes longer than ever before"
    assert remaining(20.0, 5.0, 0.5) == 5.0
