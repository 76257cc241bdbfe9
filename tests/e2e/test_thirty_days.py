"""Thirty legitimate days in a row are all published: new customers, a new company, a month end,
August, Sundays, a large contract, a large debt that is written off.

make soak
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps

from corruptions.legitimate_days import DAYS, WRITE_OFF_DAY, Month, announce_the_write_off
from encours.orchestration import build
from encours.settings import Settings

pytestmark = pytest.mark.soak

# Every so many days by the command, which costs half a minute of imports more than its steps.
BY_COMMAND = 10


@pytest.mark.timeout(7200)
def test_thirty_legitimate_days_are_all_published(
    home: Settings, tmp_path: Path, record_property: Any
) -> None:
    month = Month(tmp_path)
    held = {}
    for number, day in enumerate(month.days(), start=1):
        folder = month.cut(day)
        if day == WRITE_OFF_DAY:
            announce_the_write_off(home.home)
        if number % BY_COMMAND == 0:
            ran = steps.encours(
                home, "run", "--files", folder, "--as-of", day.isoformat(), "--json"
            )
            reasons = [] if ran.exit_status == 0 else [ran.stderr]
        else:
            run_id = steps.ingest_files(home, folder)
            opened = steps.build_candidate(home, run_id, as_of=day)
            decision = steps.judge(home, opened)
            reasons = [] if decision == "publish" else reasons_of(home, run_id)
            if not reasons:
                build.publish_marts(home, run_id)
        print(f"{day:%a %d %b}: {reasons or 'published'}", flush=True)
        if reasons:
            held[day.isoformat()] = reasons

    record_property("days", DAYS)
    record_property("false_holds", len(held))
    assert held == {}, json.dumps(held, indent=1)


def reasons_of(home: Settings, run_id: str) -> list[str]:
    ((reasons,),) = steps.rows(
        home,
        "select reasons from ops.verdict where run_id = %s order by verdict_id desc limit 1",
        run_id,
    )
    return list(reasons)
