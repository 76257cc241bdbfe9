"""What the gate expects of the models' tests is what the project declares, whatever was run."""

from __future__ import annotations

from pathlib import Path

import pytest

from encours.errors import FatalError
from encours.quality.model_tests import expected_tests

MODELS = """
models:
  - name: dim_customer
    data_tests:
      - unique_key: {name: dim_customer_key, arguments: {columns: [customer_id]}}
      - never_null:
          name: dim_customer_filled
          config: {enabled: false}
    columns:
      - name: entity_id
        data_tests:
          - relationships: {name: dim_customer_entity_exists}
      - name: siren
  - name: dim_entity
"""


def project_with(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def named(kind: str, table: str, test: str) -> str:
    return f"{kind}: [{{name: {table}, data_tests: [{{unique_key: {{name: {test}}}}}]}}]"


def test_tests_of_tables_and_columns_are_expected_also_where_one_is_switched_off(
    tmp_path: Path,
) -> None:
    project = project_with(tmp_path, {"models/core/_core__models.yml": MODELS})

    assert expected_tests(project) == (
        ("dim_customer", "dim_customer_key"),
        ("dim_customer", "dim_customer_filled"),
        ("dim_customer", "dim_customer_entity_exists"),
    )


def test_tests_between_tables_and_of_seeds_are_expected(tmp_path: Path) -> None:
    project = project_with(
        tmp_path,
        {
            "tests/buckets_add_up.sql": "select 1",
            "tests/generic/unique_key.sql": "select 1",
            "seeds/_seeds.yml": named("seeds", "currencies", "currencies_key"),
        },
    )

    assert set(expected_tests(project)) == {
        ("across_models", "buckets_add_up"),
        ("currencies", "currencies_key"),
    }


def test_views_of_a_source_that_was_never_read_are_not_expected_and_all_others_are(
    tmp_path: Path,
) -> None:
    staging = {
        f"models/staging/{source}/_{source}__models.yml": named("models", f"stg_{source}", source)
        for source in ("odoo", "sage_100", "sage_accounting")
    }

    found = expected_tests(project_with(tmp_path, staging), unread=["odoo", "sage_accounting"])

    assert found == (("stg_sage_100", "sage_100"),)


@pytest.mark.parametrize("test", ["unique_key", "unique_key: {arguments: {columns: [a]}}"])
def test_a_test_without_a_name_is_a_broken_installation(tmp_path: Path, test: str) -> None:
    text = f"models: [{{name: dim_entity, data_tests: [{{{test}}}]}}]"
    project = project_with(tmp_path, {"models/core/_core__models.yml": text})

    with pytest.raises(FatalError, match="dim_entity: a test without a name"):
        expected_tests(project)
