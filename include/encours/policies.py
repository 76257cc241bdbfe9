"""The home's own policy choices: `<home>/policies.yml`, checked against the policy seed.

```yaml
fec_matching: fifo
default_payment_days: 45
```
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from encours.errors import BadInput
from encours.settings import Settings, project_root

RANGE = re.compile(r"(\d+)\.\.(\d+)")


def read_choices(settings: Settings) -> dict[str, str]:
    """Policy → value of this home; empty without the file. BadInput names the entry to mend."""
    path = settings.home / "policies.yml"
    if not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_bytes()) or {}
    except yaml.YAMLError as error:
        raise BadInput("is not valid YAML", where=str(path), mend="see DECISIONS.md") from error
    if not isinstance(content, dict):
        raise BadInput("must map policies to values", where=str(path), mend="see DECISIONS.md")
    allowed = read_allowed_values()
    return {str(name): _checked(path, str(name), value, allowed) for name, value in content.items()}


def read_allowed_values() -> dict[str, str]:
    """Policy → what it may be: `a|b` or `lowest..highest`, from the seed that dbt loads."""
    seed = project_root() / "dbt_project" / "seeds" / "policies.csv"
    with open(seed, newline="") as file:
        return {row["policy"]: row["allowed_values"] for row in csv.DictReader(file)}


def _checked(path: Path, name: str, value: object, allowed: Mapping[str, str]) -> str:
    if name not in allowed:
        raise BadInput(
            f"unknown policy '{name}'", where=str(path), mend=f"one of {', '.join(sorted(allowed))}"
        )
    # YAML reads a bare yes/no/in/out as it likes: compare what was written.
    text = str(value).strip()
    bounds = RANGE.fullmatch(allowed[name])
    fits = (
        text.isascii() and text.isdigit() and int(bounds[1]) <= int(text) <= int(bounds[2])
        if bounds
        else text in allowed[name].split("|")
    )
    if not fits:
        raise BadInput(f"{name} cannot be '{text}'", where=str(path), mend=f"use {allowed[name]}")
    return text
