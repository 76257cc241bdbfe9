"""The limits of the gate are data: each has its reason, and nothing is without one."""

from __future__ import annotations

import csv
import re

from encours.settings import project_root
from encours.sources.registry import SOURCES

SEEDS = project_root() / "dbt_project" / "seeds"
EXPECTATIONS = project_root() / "expectations"


def seed(name: str) -> list[dict[str, str]]:
    with open(SEEDS / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_source_has_a_freshness_limit() -> None:
    assert {row["source"] for row in seed("freshness")} == set(SOURCES)


def test_every_limit_says_why() -> None:
    rows = [*seed("freshness"), *seed("thresholds")]

    assert [row for row in rows if len(row["reason"]) < 40] == []


def test_every_measure_that_can_hold_is_asked_for_by_a_check() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in EXPECTATIONS.glob("*/*.yml"))
    asked = set(re.findall(r"measure = '(\w+)'", text))

    assert {row["measure"] for row in seed("thresholds") if row["hold_above"]} <= asked


def test_limits_that_hold_are_not_below_those_that_report() -> None:
    rows = [row for row in seed("thresholds") if row["hold_above"]]

    assert [row for row in rows if float(row["hold_above"]) < float(row["warn_above"])] == []
