"""The project compiled without a database, and built on the demo books with one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from built_warehouse import AS_OF_DATE, BuiltWarehouse, load_demo_books
from dbt_project_files import WITHOUT_DATABASE, read_manifest, run_dbt

from encours.settings import Settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("compile")
    compiling = run_dbt(["compile", *WITHOUT_DATABASE], folder)
    assert compiling.returncode == 0, compiling.stdout
    return read_manifest(folder)


@pytest.fixture(scope="session")
def built_warehouse(
    warehouse_home: Settings, tmp_path_factory: pytest.TempPathFactory
) -> BuiltWarehouse:
    from encours.transform.dbt import Build
    from encours.warehouse.connections import open_warehouse, parse_url

    url = open_warehouse(warehouse_home).pipeline_url
    receivable = load_demo_books(warehouse_home, url, tmp_path_factory.mktemp("books"))
    build = Build("build", AS_OF_DATE, datetime.now(UTC))
    target = parse_url(url)
    environment = {
        "ENCOURS_DBT_HOST": target.host,
        "ENCOURS_DBT_PORT": str(target.port),
        "ENCOURS_DBT_USER": target.user,
        "ENCOURS_DBT_PASSWORD": target.password,
        "ENCOURS_DBT_DATABASE": target.database,
        "ENCOURS_DBT_SCHEMA": build.candidate_schema,
        "DO_NOT_TRACK": "1",
    }
    folder = tmp_path_factory.mktemp("build")
    building = run_dbt(["build"], folder, variables=build.vars, environment=environment)
    return BuiltWarehouse(url, folder, build.vars, environment, receivable, building.stdout)
