"""The dbt project as files and as the manifest of `dbt parse`, for the rules of the house."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
MACROS = sorted((PROJECT / "macros").rglob("*.sql"))
TESTS = sorted((PROJECT / "tests").rglob("*.sql"))

# What the profile asks for; nothing connects.
NOWHERE = {
    "ENCOURS_DBT_HOST": "127.0.0.1",
    "ENCOURS_DBT_PORT": "1",
    "ENCOURS_DBT_USER": "nobody",
    "ENCOURS_DBT_PASSWORD": "nothing",
    "ENCOURS_DBT_DATABASE": "nowhere",
    "DO_NOT_TRACK": "1",
}
WITHOUT_DATABASE = ("--no-introspect", "--no-populate-cache")
VARS = {
    "run_id": "r",
    "as_of_date": "2024-02-29",
    "known_on": "2024-03-01T00:00:00+00:00",
    "staging_schema": "staging",
    "reference_schema": "reference",
    "intermediate_schema": "intermediate",
    "previous_schema": "previous",
    "choices_schema": "ops",
}


def run_dbt(
    arguments: list[str],
    folder: Path,
    *,
    variables: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """dbt in a process of its own; it keeps global state that tests must not share."""
    return subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "dbt.cli.main", *arguments),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
            *("--vars", json.dumps(VARS if variables is None else variables)),
            *("--no-use-colors", "--no-partial-parse"),
        ],
        env={**os.environ, **(environment or NOWHERE)},
        capture_output=True,
        text=True,
        check=False,
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "target" / "manifest.json").read_text())
    return manifest


def code_of(sql: str) -> str:
    """SQL without comments, texts and Jinja expressions: what is left is code."""
    sql = re.sub(r"{#.*?#}", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"{{.*?}}", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", " ", sql)
    return re.sub(r"'[^']*'", " ", sql)


def failing(files: Iterable[Path], rule: Callable[[str], object]) -> list[str]:
    """The files whose text does not follow the rule."""
    return [str(path.relative_to(PROJECT)) for path in files if not rule(path.read_text())]
