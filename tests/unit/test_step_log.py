"""The line that every step leaves in the log."""

from __future__ import annotations

import re

import pytest

from encours.clients.rate_limits import QuotaReached
from encours.errors import FatalError, QualityHold
from encours.orchestration import step_log


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [re.sub(r"seconds=\d+\.\d", "seconds=0", line) for line in caplog.messages]


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "encours.steps")


def test_step_that_is_done_tells_its_rows(caplog: pytest.LogCaptureFixture) -> None:
    with step_log.logged_step("load_raw", {"run_id": "r", "connection_id": "encours_odoo"}) as step:
        step.ends_with({"run_id": "r", "row_count": 12})

    assert lines(caplog) == [
        "encours.step run_id=r step=load_raw connection=encours_odoo status=done seconds=0 rows=12"
    ]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QualityHold("why"), "held"),
        (QuotaReached("quota", seconds=60, until=None), "waiting"),
        (FatalError("why"), "failed"),
        (KeyboardInterrupt(), "failed"),
    ],
)
def test_step_that_does_not_end_well_says_how_and_not_why(
    caplog: pytest.LogCaptureFixture, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), step_log.logged_step("publish_marts", {"run_id": "r"}):
        raise error

    (line,) = lines(caplog)
    assert line.endswith(f"status={status} seconds=0 error={type(error).__name__}")
    assert "why" not in line


@pytest.mark.parametrize(
    ("result", "count"),
    [
        ({"mart_dso": 3, "dim_customer": 4}, 7),
        ({"row_count": 5, "run_id": "r"}, 5),
        ({}, None),
        ({"entity": "lyon"}, None),
        ("publish", None),
        (None, None),
    ],
)
def test_rows_are_those_that_the_result_counts(result: object, count: int | None) -> None:
    assert step_log.row_count(result) == count
