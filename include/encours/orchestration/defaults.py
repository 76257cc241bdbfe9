"""What all DAGs have in common: owner, retries by kind of error, limits, and how failures end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import (
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    get_current_context,
)
from airflow.sdk.exceptions import AirflowRescheduleException

from encours.clients.rate_limits import QuotaReached
from encours.errors import EncoursError, RetryableError
from encours.orchestration.failures import forget_failure, keep_failure
from encours.orchestration.notifier import AlertNotifier
from encours.orchestration.run_ids import checked_run_id
from encours.orchestration.step_log import logged_step
from encours.settings import load_settings

P = ParamSpec("P")
R = TypeVar("R")

START_DATE = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = "data-engineering"
UNNAMED_RUN = "unnamed"
# For the task that shows that what failed before works again: the last one of a DAG.
RECOVERY = AlertNotifier("success")

# The first rule that fits wins. What nobody foresaw is tried again: it may have been the machine.
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(RetryableError, RetryAction.RETRY, reason="it may pass"),
        RetryRule(EncoursError, RetryAction.FAIL, reason="trying again cannot help"),
    ]
)


def defaults(owner: str = OWNER) -> dict[str, Any]:
    """default_args of every DAG."""
    return {
        "owner": owner,
        "retries": 3,
        "retry_policy": RETRIES,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": AlertNotifier(),
    }


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """A step of ours: one line in the log when it ends, its failure kept for a person, and after a
    reached quota another try when the vendor answers again, with nothing occupied meanwhile.

    The failure is kept in the run's folder, so that whoever started the run can say in one line
    what happened. The task takes its `request` (a mapping with `run_id`) by keyword.
    """

    @wraps(function)
    def task(*args: P.args, **kwargs: P.kwargs) -> R:
        settings = load_settings()
        request = kwargs.get("request")
        facts = request if isinstance(request, dict) else {"run_id": UNNAMED_RUN}
        # It names the folder of the run, and what a DAG was asked passes through the metadata.
        run_id = checked_run_id(facts["run_id"])
        forget_failure(settings, run_id)
        try:
            with logged_step(function.__name__, facts) as step:
                return step.ends_with(function(*args, **kwargs))
        except QuotaReached as error:
            keep_failure(settings, run_id, error)
            if is_waited_for():
                raise
            # Retries would be used up long before the vendor answers again.
            raise AirflowRescheduleException(
                datetime.now(UTC) + timedelta(seconds=error.seconds)
            ) from error
        except Exception as error:
            keep_failure(settings, run_id, error)
            raise

    return task


def is_waited_for() -> bool:
    """Whether a person waits for the run: it then has no retries (in_process)."""
    return not get_current_context()["task"].retries
