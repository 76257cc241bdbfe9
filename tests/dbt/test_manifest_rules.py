"""Rules of the house over what dbt understood of the project; no database."""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dbt_project_files import PROJECT, VARS, WITHOUT_DATABASE, code_of, run_dbt

from encours.quality.model_tests import expected_tests
from encours.quality.reasons import reason_of
from encours.quality.results import ACROSS_MODELS
from encours.warehouse.previous import CARRIED, CARRIED_FACTS
from figures_page import ENGLISH, read_page

pytestmark = pytest.mark.xdist_group("dbt")

# Marts that speak of the as-of date only, and one of what changed since the last publication.
NOT_CARRIED = {
    "mart_aged_balance_by_issue_date",
    "mart_alerts",
    "mart_restatements",
    "mart_top_debtors",
    "mart_top_overdue_invoices",
}


def models(manifest: dict[str, Any], *folders: str) -> list[dict[str, Any]]:
    found = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and (not folders or node["fqn"][1] in folders)
    ]
    assert found
    return found


def data_tests(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]


def attached(manifest: dict[str, Any], kind: str) -> set[str]:
    """Models that have a generic test of this kind."""
    return {
        test["attached_node"]
        for test in data_tests(manifest)
        if (test.get("test_metadata") or {}).get("name") == kind
    }


def key_tested_by(node: dict[str, Any]) -> str | None:
    """The table that a model names as the one whose key test covers its rows."""
    name = node["config"].get("meta", {}).get("key_tested_by")
    return f"model.encours.{name}" if name else None


def is_key_tested_by_a_neighbour(manifest: dict[str, Any], unique_id: str) -> bool:
    """Whether the rows of a view are stored by a neighbour, or those of a published fact that are
    not taken over by its parent; which has a key test or is itself covered so."""
    node = manifest["nodes"][unique_id]
    stored = key_tested_by(node)
    neighbours = set(manifest["parent_map"][unique_id])
    if node["config"]["materialized"] == "view":
        neighbours.update(manifest["child_map"][unique_id])
    elif node["name"] not in CARRIED_FACTS:
        return False
    return stored in neighbours and (
        stored in attached(manifest, "unique_key") or is_key_tested_by_a_neighbour(manifest, stored)
    )


def test_every_model_and_seed_has_a_key_test(manifest: dict[str, Any]) -> None:
    tables = {
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed") and key_tested_by(node) is None
    }

    assert tables - attached(manifest, "unique_key") == set()


def test_rows_without_a_key_test_are_stored_by_a_neighbour_with_one(
    manifest: dict[str, Any],
) -> None:
    named = [
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and key_tested_by(node) is not None
    ]

    assert named
    assert [name for name in named if not is_key_tested_by_a_neighbour(manifest, name)] == []


def test_marts_of_month_ends_are_carried_over(manifest: dict[str, Any]) -> None:
    """A build works out some of the month ends: a mart not carried would lose the others."""

    @functools.cache  # there are millions of ways through the project
    def follows(unique_id: str, model: str) -> bool:
        parents = manifest["parent_map"].get(unique_id, ())
        return model in parents or any(follows(parent, model) for parent in parents)

    dated = {
        model["name"]: sorted({"as_of_date", "period_end_date"} & set(model["columns"]))
        for model in models(manifest, "core", "marts")
        if follows(model["unique_id"], "model.encours.int_reporting_dates")
    }
    carried = {name: columns for name, columns in dated.items() if columns}

    assert set(carried) - set(CARRIED) == NOT_CARRIED
    assert {name: column for name, column in CARRIED.items() if column not in carried[name]} == {}


def test_every_model_and_source_is_described(manifest: dict[str, Any]) -> None:
    described = [*models(manifest), *manifest["sources"].values()]

    assert [node["name"] for node in described if not node["description"]] == []


def test_tables_with_figures_show_them_with_formula_and_example(manifest: dict[str, Any]) -> None:
    shown = {model["name"]: model["description"] for model in models(manifest, "core", "marts")}
    page = read_page(ENGLISH)

    assert [
        figure
        for figure in page.figures
        for table in figure.tables
        if f"| `{figure.column}` | {figure.sentence} | {figure.formula} |" not in shown[table]
    ] == []
    assert [e for e in page.examples if f"{e.table}: {e.condition}\n" not in shown[e.table]] == []


def test_published_tables_have_enforced_contracts(manifest: dict[str, Any]) -> None:
    published = models(manifest, "core", "marts")

    assert [m["name"] for m in published if not m["config"]["contract"]["enforced"]] == []
    assert [m["name"] for m in published if m["config"]["materialized"] != "table"] == []


def test_every_published_column_is_typed_and_described(manifest: dict[str, Any]) -> None:
    bare = [
        f"{model['name']}.{column['name']}"
        for model in models(manifest, "core", "marts")
        for column in model["columns"].values()
        if not (column["data_type"] and column["description"])
    ]

    assert bare == []


def test_published_money_is_numeric_without_a_scale(manifest: dict[str, Any]) -> None:
    types = {
        column["data_type"]
        for model in models(manifest, "core", "marts")
        for column in model["columns"].values()
        if column["name"].endswith("amount")
    }

    assert types == {"numeric"}


def test_every_published_amount_has_its_currency_in_the_row(manifest: dict[str, Any]) -> None:
    in_base_currency = re.compile(r"company|revalued|remainder|total$|difference|balance$")
    without = [
        f"{model['name']}.{name}"
        for model in models(manifest, "core", "marts")
        if model["name"] != "dim_customer"  # a limit in the base currency of its entity
        for name in model["columns"]
        if re.search(r"amount$|total$|difference|balance$", name) and "ratio" not in name
        if not {"currency_code", "company_currency_code"}
        & set(model["columns"]) - ({"currency_code"} if in_base_currency.search(name) else set())
    ]

    assert without == []


def test_every_test_says_why_in_one_sentence_or_two(manifest: dict[str, Any]) -> None:
    tests = data_tests(manifest)

    assert len(tests) > 100
    assert [test["name"] for test in tests if len(test["description"]) < 20] == []


def test_every_test_says_why_in_french_too(manifest: dict[str, Any]) -> None:
    checks = [
        ((test.get("attached_node") or ACROSS_MODELS).rpartition(".")[2], test["name"])
        for test in data_tests(manifest)
    ]

    assert [
        check for check in checks if reason_of(*check, why="", language="fr").language != "fr"
    ] == []


def test_the_gate_expects_every_test_that_dbt_knows(manifest: dict[str, Any]) -> None:
    known = {
        ((test.get("attached_node") or ACROSS_MODELS).rpartition(".")[2], test["name"])
        for test in data_tests(manifest)
    }

    assert set(expected_tests(PROJECT)) == known
    assert manifest["disabled"] == {}


def test_tests_of_staging_views_stand_beside_them(manifest: dict[str, Any]) -> None:
    """dbt leaves a test out with any view that it looks at: only those that the gate leaves out."""
    folders = {
        unique_id: str(Path(node["original_file_path"]).parent)
        for unique_id, node in manifest["nodes"].items()
        if node["original_file_path"].startswith("models/staging/")
    }

    assert folders
    assert [
        test["name"]
        for test in data_tests(manifest)
        for parent in test["depends_on"]["nodes"]
        if parent in folders and folders[parent] != str(Path(test["original_file_path"]).parent)
    ] == []


def test_severity_is_error_or_a_reasoned_warning(manifest: dict[str, Any]) -> None:
    severities = {t["name"]: t["config"]["severity"].lower() for t in data_tests(manifest)}

    # No amount depends on the parent of a customer: a person should look, nothing is wrong.
    assert {name for name, severity in severities.items() if severity != "error"} == {
        "dim_customer_parent_exists"
    }


def test_names_of_tests_are_unique(manifest: dict[str, Any]) -> None:
    names = Counter(test["name"] for test in data_tests(manifest))
    names.update(test["name"] for test in manifest["unit_tests"].values())

    assert [name for name, count in names.items() if count > 1] == []


def test_every_foreign_key_of_the_facts_is_tested(manifest: dict[str, Any]) -> None:
    tested = {
        (test["attached_node"].rpartition(".")[2], test["column_name"])
        for test in data_tests(manifest)
        if (test.get("test_metadata") or {}).get("name") == "relationships"
    }
    # An item belongs to one customer and a customer to one entity: one of the two is enough. The
    # rows of a fact that are taken over were tested when they were new.
    keys = {
        ((key_tested_by(model) or model["name"]).rpartition(".")[2], "customer_id")
        for model in models(manifest, "core")
        if model["name"].startswith("fct_") or model["name"] == "customer_attributes"
    } | {("dim_customer", "entity_id")}

    assert keys - tested == set()


def test_model_with_a_case_or_a_window_has_a_unit_test(manifest: dict[str, Any]) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    with_rules = {
        model["name"]
        for model in models(manifest)
        if re.search(r"\bcase\b|\bover \(", code_of(model["raw_code"]))
    }

    assert with_rules
    assert with_rules - tested == set()


def test_unit_tests_fix_the_dates_that_their_model_reads(manifest: dict[str, Any]) -> None:
    code = {model["name"]: model["raw_code"] for model in models(manifest)}
    unfixed = [
        test["name"]
        for test in manifest["unit_tests"].values()
        for variable in ("as_of_date", "known_on")
        if f"{variable}()" in code[test["model"]]
        and variable not in (test["overrides"] or {"vars": {}})["vars"]
    ]

    assert unfixed == []


def test_every_macro_is_documented(manifest: dict[str, Any]) -> None:
    own = [
        macro
        for macro in manifest["macros"].values()
        if macro["package_name"] == "encours" and not macro["name"].startswith("test_")
    ]

    assert own
    assert [macro["name"] for macro in own if not macro["description"]] == []
    assert [macro["name"] for macro in own if not macro["patch_path"]] == []


def test_staging_alone_reads_the_sources_of_rows(manifest: dict[str, Any]) -> None:
    readers = {
        model["name"]
        for model in models(manifest, "intermediate", "core", "marts")
        for source in model["depends_on"]["nodes"]
        if source.startswith("source.encours.raw_")
        and not source.endswith((".deliveries", ".readings"))
    }

    assert readers == set()


@pytest.mark.slow
def test_nothing_compiles_without_its_date(tmp_path: Path) -> None:
    variables = {name: value for name, value in VARS.items() if name != "as_of_date"}

    compiling = run_dbt(["compile", *WITHOUT_DATABASE], tmp_path, variables=variables)

    assert compiling.returncode != 0
    assert "'as_of_date' not found" in compiling.stdout
