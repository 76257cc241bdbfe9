"""The home's own policy choices: `<home>/policies.yml`, checked against the policy seed.

```yaml
unapplied: oldest_first        # for the whole home
entities:
  "123456789":                 # for one entity, before what the home chose
    bucket_limits: 15|30|60
```
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import yaml

from encours.errors import BadInput
from encours.settings import Settings, project_root

ENTITIES = "entities"
RANGE = re.compile(r"(\d+)\.\.(\d+)")
DECIMAL_RANGE = re.compile(r"decimal (\d+)\.\.(\d+)")
LIMITS_COUNT = re.compile(r"(\d+) to (\d+) rising limits")
# Days: five digits are more than 270 years.
LIMIT = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True)
class Choice:
    """What the home (entity_id None) or one of its entities chose instead of the default."""

    entity_id: str | None
    policy: str
    value: str


@dataclass(frozen=True)
class Policy:
    """A row of the seed: what may be chosen, and whether an entity may choose for itself."""

    name: str
    allowed_values: str
    is_of_the_home: bool


def read_choices(settings: Settings) -> tuple[Choice, ...]:
    """The choices of this home; empty without the file. BadInput names the entry to mend."""
    path = settings.home / "policies.yml"
    if not path.exists():
        return ()
    try:
        # Scalars stay as they are written: 012345678 is a SIREN, `in` and `no` are words.
        content = yaml.load(path.read_bytes(), Loader=yaml.BaseLoader) or {}
    except yaml.YAMLError as error:
        raise BadInput("is not valid YAML", where=str(path), mend="see DECISIONS.md") from error
    if not isinstance(content, dict):
        raise BadInput("must map policies to values", where=str(path), mend="see DECISIONS.md")
    return tuple(_choices(path, content, read_policies()))


def read_policies() -> dict[str, Policy]:
    """The policies by name, from the seed that dbt loads."""
    seed = project_root() / "dbt_project" / "seeds" / "policies.csv"
    with open(seed, newline="") as file:
        return {
            row["policy"]: Policy(row["policy"], row["allowed_values"], row["level"] == "home")
            for row in csv.DictReader(file)
        }


def _choices(
    path: Path, content: Mapping[str, object], policies: Mapping[str, Policy]
) -> Iterator[Choice]:
    for name, value in content.items():
        if name != ENTITIES:
            yield Choice(None, name, _checked(path, "", name, value, policies))
    of_entities = content.get(ENTITIES) or {}
    if not isinstance(of_entities, dict):
        raise BadInput(
            f"{ENTITIES} must map entity_ids to their choices",
            where=str(path),
            mend="see DECISIONS.md",
        )
    for entity_id, choices in of_entities.items():
        if not isinstance(choices, dict) or not entity_id.strip():
            raise BadInput(
                f"{ENTITIES}: '{entity_id}' must map policies to values",
                where=str(path),
                mend="an entity_id, and its choices below it",
            )
        for name, value in choices.items():
            place = f"{ENTITIES}: {entity_id}: "
            yield Choice(entity_id.strip(), name, _checked(path, place, name, value, policies))


def _checked(
    path: Path, place: str, name: str, value: object, policies: Mapping[str, Policy]
) -> str:
    policy = policies.get(name)
    if policy is None:
        raise BadInput(
            f"{place}unknown policy '{name}'",
            where=str(path),
            mend=f"one of {', '.join(sorted(policies))}",
        )
    if place and policy.is_of_the_home:
        raise BadInput(
            f"{place}{name} holds for the whole home", where=str(path), mend="set it at the top"
        )
    text = value.strip() if isinstance(value, str) else str(value)
    if not isinstance(value, str) or not _fits(text, policy.allowed_values):
        raise BadInput(
            f"{place}{name} cannot be '{text}'", where=str(path), mend=f"use {_told(policy)}"
        )
    return text


def _fits(text: str, allowed: str) -> bool:
    if bounds := RANGE.fullmatch(allowed):
        is_whole = re.fullmatch(r"[0-9]{1,9}", text) is not None
        return is_whole and int(bounds[1]) <= int(text) <= int(bounds[2])
    if bounds := DECIMAL_RANGE.fullmatch(allowed):
        is_decimal = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) is not None
        return is_decimal and Decimal(bounds[1]) <= Decimal(text) <= Decimal(bounds[2])
    if bounds := LIMITS_COUNT.fullmatch(allowed):
        parts = text.split("|")
        if not all(LIMIT.fullmatch(part) for part in parts):
            return False
        limits = [int(part) for part in parts]
        is_rising = all(low < high for low, high in pairwise(limits))
        return is_rising and int(bounds[1]) <= len(limits) <= int(bounds[2])
    return text in allowed.split("|")


def _told(policy: Policy) -> str:
    if LIMITS_COUNT.fullmatch(policy.allowed_values):
        return f"{policy.allowed_values} such as 30|60|90|120"
    return policy.allowed_values
