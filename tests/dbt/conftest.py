"""The project compiled without a database, and built on the demo books with one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from built_warehouse import AS_OF_DATE, BuiltWarehouse, Target, load_demo_books
from dbt_project_files import WITHOUT_DATABASE, read_manifest, run_dbt

from encours.settings import Settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("compile")
    compiling = run_dbt(["compile", *WITHOUT_DATABASE], folder)
    assert compiling.returncode == 0, compiling.stdout
    return read_manifest(folder)


@pytest.fixture(scope="session")
def target(warehouse_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """Where dbt may work, with nothing built there yet."""
    from encours.transform.dbt import Build
    from encours.warehouse.connections import open_warehouse, parse_url

    url = open_warehouse(warehouse_home).pipeline_url
    build = Build("build", AS_OF_DATE, datetime.now(UTC))
    server = parse_url(url)
    environment = {
        "ENCOURS_DBT_HOST": server.host,
        "ENCOURS_DBT_PORT": str(server.port),
        "ENCOURS_DBT_USER": server.user,
        "ENCOURS_DBT_PASSWORD": server.password,
        "ENCOURS_DBT_DATABASE": server.database,
        "ENCOURS_DBT_SCHEMA": build.candidate_schema,
        "DO_NOT_TRACK": "1",
    }
    return Target(url, tmp_path_factory.mktemp("build"), build.vars, environment)


@pytest.fixture(scope="session")
def built_warehouse(
    warehouse_home: Settings, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> BuiltWarehouse:
    receivable = load_demo_books(warehouse_home, target.url, tmp_path_factory.mktemp("books"))
    # What was known then: not before it is loaded.
    variables = {**target.variables, "known_on": datetime.now(UTC).isoformat()}
    building = run_dbt(
        ["build"], target.folder, variables=variables, environment=target.environment
    )
    return BuiltWarehouse(
        target.url, target.folder, variables, target.environment, receivable, building.stdout
    )
