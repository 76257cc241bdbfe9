"""The command lines that dbt gets: pure, no dbt, no database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from encours.settings import project_root
from encours.transform.dbt import LAYERS, TESTS, Build, layer_arguments, rebuild_of

BUILD = Build("run-1", date(2024, 2, 29), datetime(2024, 3, 1, 6, 30, tzinfo=UTC))
FOLDER = Path("home") / "runs" / "run-1"


def arguments(layer: str, build: Build = BUILD) -> list[str]:
    return layer_arguments(build, layer, FOLDER)


def option(given: list[str], name: str) -> str:
    assert given.count(name) == 1
    return given[given.index(name) + 1]


def selected(given: list[str]) -> list[str]:
    """The values of --select: what follows it up to the next option."""
    after = given[given.index("--select") + 1 :]
    return after[: next(place for place, word in enumerate(after) if word.startswith("--"))]


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_builds_its_models_without_their_tests(layer: str) -> None:
    given = arguments(layer)

    assert given[:5] == [
        "build",
        *("--exclude-resource-type", "test"),
        *("--exclude-resource-type", "unit_test"),
    ]
    assert selected(given) == list(LAYERS[layer])


def test_what_a_layer_names_is_not_built_again_by_the_next_ones() -> None:
    named = [name for name in LAYERS["canonical"] if ":" not in name]

    given = arguments("core")
    start = given.index("--exclude") + 1

    assert "customer_digests" in named
    assert given[start : start + len(named)] == named
    assert given[start + len(named)].startswith("--")


def test_tests_run_all_data_tests_and_no_unit_test() -> None:
    given = arguments(TESTS)

    assert given[:3] == ["test", "--exclude-resource-type", "unit_test"]
    assert "--select" not in given
    assert "--exclude" not in given


def test_every_folder_of_models_belongs_to_one_layer() -> None:
    models = project_root() / "dbt_project" / "models"
    folders = {
        "fqn:" + path.parent.relative_to(models).as_posix().replace("/", ".")
        for path in models.rglob("*.sql")
    }

    for folder in folders:
        layers = [
            layer
            for layer, paths in LAYERS.items()
            if any(folder == path or folder.startswith(f"{path}.") for path in paths)
        ]
        assert len(layers) == 1, folder


def test_seeds_are_loaded_with_the_first_layer() -> None:
    assert [layer for layer, paths in LAYERS.items() if "resource_type:seed" in paths] == [
        next(iter(LAYERS))
    ]


def test_variables_carry_both_dates_and_the_run() -> None:
    assert json.loads(option(arguments("core"), "--vars")) == {
        "run_id": "run-1",
        "as_of_date": "2024-02-29",
        "known_on": "2024-03-01T06:30:00+00:00",
        "staging_schema": "staging",
        "reference_schema": "reference",
        "intermediate_schema": "intermediate",
        "previous_schema": "previous",
        "choices_schema": "ops",
    }


def test_same_build_gives_the_same_command_line() -> None:
    assert arguments("core") == arguments("core")


def test_project_is_found_from_any_folder() -> None:
    for name in ("--project-dir", "--profiles-dir"):
        path = Path(option(arguments("marts"), name))

        assert path.is_absolute()
        assert (path / "dbt_project.yml").is_file()


def test_what_dbt_writes_stays_in_the_folder_of_the_run() -> None:
    given = arguments("core")

    assert Path(option(given, "--target-path")).is_relative_to(FOLDER)
    assert Path(option(given, "--log-path")).is_relative_to(FOLDER)


def test_no_credential_is_on_the_command_line() -> None:
    assert not [word for word in arguments(TESTS) if "password" in word or "postgres" in word]


def test_rebuild_keeps_out_of_every_schema_of_a_build() -> None:
    rebuilt = rebuild_of(BUILD, "march")

    used = {rebuilt.candidate_schema, *(v for k, v in rebuilt.vars.items() if k.endswith("schema"))}
    taken = {BUILD.candidate_schema, *(v for k, v in BUILD.vars.items() if k.endswith("schema"))}
    assert used == {"march", "march_work", "march_previous"}
    assert used.isdisjoint(taken)
    assert (rebuilt.as_of_date, rebuilt.known_on) == (BUILD.as_of_date, BUILD.known_on)
