"""What becomes of an error of ours in a task."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from encours.clients.rate_limits import QuotaReached
from encours.errors import BadInput, FatalError, QualityHold, RetryableError
from encours.orchestration.failures import read_failure
from encours.settings import load_settings

REQUEST = {"run_id": "run-1"}


def run_task(monkeypatch: pytest.MonkeyPatch, home: Path, error: Exception, retries: int) -> None:
    from encours.orchestration import defaults

    monkeypatch.setenv("ENCOURS_HOME", str(home))
    context = {"task": SimpleNamespace(retries=retries)}
    monkeypatch.setattr(defaults, "get_current_context", lambda: context)

    @defaults.guarded
    def task(request: dict[str, Any]) -> None:
        raise error

    task(request=REQUEST)


def quota() -> QuotaReached:
    return QuotaReached("the daily quota is used up", seconds=7200, until=None)


def test_task_that_meets_a_quota_comes_again_when_the_vendor_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from airflow.sdk.exceptions import AirflowRescheduleException

    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as moved:
        run_task(monkeypatch, tmp_path, quota(), retries=3)

    wait = moved.value.reschedule_date - before
    assert timedelta(seconds=7200) <= wait < timedelta(seconds=7260)


def test_person_who_waits_is_told_of_the_quota(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(QuotaReached):
        run_task(monkeypatch, tmp_path, quota(), retries=0)

    failure = read_failure(load_settings(tmp_path), "run-1")
    assert failure is not None
    assert failure.message == "the daily quota is used up"


def test_error_that_may_pass_is_left_to_the_retries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(RetryableError, match="try again"):
        run_task(monkeypatch, tmp_path, RetryableError("try again"), retries=3)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (RetryableError("the network"), "retry"),
        (BadInput("no such file", mend="look"), "fail"),
        (FatalError("the key is refused"), "fail"),
        (QualityHold("a total differs"), "fail"),
        (ZeroDivisionError(), "default"),
    ],
)
def test_kind_of_the_error_says_whether_it_is_tried_again(error: Exception, action: str) -> None:
    from encours.orchestration.defaults import RETRIES

    assert RETRIES.evaluate(error, try_number=1, max_tries=3).action.value == action


def test_failure_of_any_kind_is_kept_for_a_person(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(BadInput):
        run_task(monkeypatch, tmp_path, BadInput("no such file", mend="look"), retries=3)

    failure = read_failure(load_settings(tmp_path), "run-1")
    assert failure is not None
    assert (failure.message, failure.exit_status) == ("no such file (look)", 2)


def test_step_whose_request_names_another_folder_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    monkeypatch.setitem(REQUEST, "run_id", "../../elsewhere")

    with pytest.raises(BadInput, match=r"'\.\./\.\./elsewhere' cannot name a run"):
        run_task(monkeypatch, home, FatalError("the step ran"), retries=3)

    assert list(tmp_path.iterdir()) == []


def test_every_step_leaves_one_line_that_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "encours.steps"), pytest.raises(BadInput):
        run_task(monkeypatch, tmp_path, BadInput("of ACME", where="canary"), retries=3)

    assert [re.sub(r"seconds=\d+\.\d", "seconds=0", line) for line in caplog.messages] == [
        "encours.step run_id=run-1 step=task status=failed seconds=0 error=BadInput"
    ]
