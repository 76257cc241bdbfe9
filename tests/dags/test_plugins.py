"""What plugins/ registers with Airflow, and that it costs a task nothing."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("dags")


def test_no_plugin_fails_to_load(bag: dict[str, Any]) -> None:
    assert bag["plugins"]["import_errors"] == {}


def test_gate_page_is_served_and_stands_in_the_navigation(bag: dict[str, Any]) -> None:
    assert bag["plugins"]["prefixes"] == ["/encours"]
    (view,) = bag["plugins"]["views"]
    # Relative: Airflow may answer below a path of a proxy.
    assert (view["href"], view["destination"]) == ("encours/gate", "nav")


def test_task_that_publishes_links_to_the_gate_page(bag: dict[str, Any]) -> None:
    assert bag["plugins"]["links"] == ["Encours"]


def test_plugins_load_nothing_that_tasks_do_not_need(bag: dict[str, Any]) -> None:
    """Every task and service loads the plugins; only the API server shows pages."""
    heavy = {"dbt", "great_expectations", "pandas", "fastapi", "babel", "jinja2", "encours"}

    assert heavy.isdisjoint(bag["plugins"]["packages"])
