"""What the yml files of the dbt project declare: tests, and the columns of published tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from encours.settings import project_root

# Ten times as quick where the library was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def declared(path: Path) -> Mapping[str, Any]:
    """What a yml file of the dbt project says, its lists by their heading; empty if nothing."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER) or {}


@cache
def core_columns() -> Mapping[str, Mapping[str, str]]:
    """Table of layer core → column → type, in the order of the table."""
    path = project_root() / "dbt_project" / "models" / "core" / "_core__models.yml"
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for model in declared(path)["models"]
    }
