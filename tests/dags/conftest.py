"""What Airflow sees in dags/, read once for all tests: importing Airflow takes seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from encours.settings import project_root

# A path that does not depend on the working folder: an empty bag would pass every policy.
DAGS = project_root() / "dags"
FACTS = Path(__file__).with_name("bag_facts.py")


@pytest.fixture(scope="session")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("airflow")
    environment = {
        **{name: value for name, value in os.environ.items() if "ENCOURS" not in name},
        "AIRFLOW_HOME": str(folder / "airflow"),
        "ENCOURS_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project_root() / "plugins"),
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        # Nobody listens on port 1.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://none:none@127.0.0.1:1/none",
    }
    process = subprocess.run(
        [sys.executable, str(FACTS), str(DAGS)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    facts: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    facts["home_was_made"] = (folder / "home").exists()
    return facts
