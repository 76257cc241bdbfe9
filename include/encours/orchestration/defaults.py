"""What all DAGs have in common: owner, retries by kind of error, limits, and how failures end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from encours.clients.rate_limits import QuotaReached
from encours.errors import EncoursError, RetryableError
from encours.orchestration.failures import forget_failure, keep_failure
from encours.orchestration.notifier import AlertNotifier
from encours.settings import load_settings

P = ParamSpec("P")
R = TypeVar("R")

START_DATE = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = "data-engineering"
UNNAMED_RUN = "unnamed"
# For the task that shows that what failed before works again: the last one of a DAG.
RECOVERY = AlertNotifier("success")


def defaults(owner: str = OWNER) -> dict[str, Any]:
    """default_args of every DAG. A task is tried again only where `guarded` lets it."""
    return {
        "owner": owner,
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": AlertNotifier(),
    }


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into Airflow's: only a RetryableError is worth another try, and after a
    reached quota the try comes when the vendor answers again, with nothing occupied meanwhile.

    The failure is kept in the run's folder, so that whoever started the run can say in one line
    what happened. The task takes its `request` (a mapping with `run_id`) by keyword.
    """

    @wraps(function)
    def task(*args: P.args, **kwargs: P.kwargs) -> R:
        settings = load_settings()
        request = kwargs.get("request")
        run_id = str(request["run_id"]) if isinstance(request, dict) else UNNAMED_RUN
        forget_failure(settings, run_id)
        try:
            return function(*args, **kwargs)
        except QuotaReached as error:
            keep_failure(settings, run_id, error)
            if _is_waited_for():
                raise
            # Retries would be used up long before the vendor answers again.
            raise AirflowRescheduleException(
                datetime.now(UTC) + timedelta(seconds=error.seconds)
            ) from error
        except RetryableError as error:
            keep_failure(settings, run_id, error)
            raise
        except EncoursError as error:
            keep_failure(settings, run_id, error)
            raise AirflowFailException(str(error)) from error
        except Exception as error:
            keep_failure(settings, run_id, error)
            raise

    return task


def _is_waited_for() -> bool:
    """Whether a person waits for the run: it then has no retries (in_process)."""
    return not get_current_context()["task"].retries
