"""Airflow's notifier of Encours: what its callbacks tell becomes incidents and messages.

One class for every callback: a task that failed for good (`on_failure_callback`), one that works
again (`on_success_callback`), a deadline that was missed (a DeadlineAlert, in the triggerer).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from airflow.sdk import BaseNotifier

from encours.orchestration import alerting
from encours.orchestration.alerting import FailedTask
from encours.orchestration.deadlines import earliest_zone
from encours.settings import Settings, load_settings

Event = Literal["failure", "success", "late"]


class AlertNotifier(BaseNotifier):  # type: ignore[misc] # (Airflow is not typed for us)
    """Tells people what happened, on the channels of the home; never raises."""

    def __init__(self, event: Event = "failure", context: Any = None) -> None:
        super().__init__(context)
        self.event = event

    def notify(self, context: Mapping[str, Any]) -> None:
        settings = load_settings()
        if self.event == "late":
            alerting.report_late(settings, _deadline(settings, context))
        elif self.event == "success":
            request = _request(context)
            alerting.report_success(
                settings, context["ti"].dag_id, str(request.get("connection_id", ""))
            )
        else:
            alerting.report_failure(settings, _failed_task(context))

    async def async_notify(self, context: Mapping[str, Any]) -> None:
        """The triggerer's loop must not wait for a database or a mail server."""
        await asyncio.to_thread(self.notify, context)


def _failed_task(context: Mapping[str, Any]) -> FailedTask:
    """What a failed task says of itself; one that was killed says little."""
    instance, request = context["ti"], _request(context)
    error = context.get("exception")
    return FailedTask(
        dag_id=instance.dag_id,
        task_id=instance.task_id,
        run_id=str(request.get("run_id", "")),
        connection_id=str(request.get("connection_id", "")),
        error=error if isinstance(error, BaseException) else None,
    )


def _request(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `request` that our tasks take by keyword, as it was rendered for this one."""
    task = getattr(context["ti"], "task", None) or context.get("task")
    request = (getattr(task, "op_kwargs", None) or {}).get("request")
    return request if isinstance(request, Mapping) else {}


def _deadline(settings: Settings, context: Mapping[str, Any]) -> datetime:
    """The moment that was missed, on the clock that it is meant on."""
    value = context["deadline"]["deadline_time"]
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(ZoneInfo(earliest_zone(settings.time_zones, moment)))
