"""The home's own choices: `<home>/policies.yml`, checked against the seeds of policies, thresholds.

```yaml
unapplied: oldest_first        # for the whole home
outstanding_hold_above: 3      # a limit of the gate: MEASURE_warn_above or MEASURE_hold_above
entities:
  "123456789":                 # for one entity, before what the home chose
    bucket_limits: 15|30|60
announced:                     # a jump that people know of, for some days
  - measure: outstanding
    entity: "123456789"        # every entity if absent
    from: 2026-01-10
    until: 2026-01-31
    reason: contract with the region, 2 million a month
```
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import yaml

from encours.errors import BadInput
from encours.settings import Settings, project_root

ENTITIES = "entities"
ANNOUNCED = "announced"
# Who needs longer changes the limit, or releases: an announcement is no way to be rid of a check.
LONGEST_ANNOUNCEMENT_DAYS = 92
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


@dataclass(frozen=True)
class Announcement:
    """A jump of a measure that people know of: of one entity or of all (None), for some days."""

    entity_id: str | None
    measure: str
    starts_on: date
    ends_on: date
    reason: str


def read_choices(settings: Settings) -> tuple[Choice, ...]:
    """The choices of this home; empty without the file. BadInput names the entry to mend."""
    path, content = _read(settings)
    chosen = {name: value for name, value in content.items() if name != ANNOUNCED}
    return tuple(_choices(path, chosen, read_policies() | read_limits()))


def read_announcements(settings: Settings) -> tuple[Announcement, ...]:
    """The announced jumps, ended ones too. BadInput names the entry to mend."""
    path, content = _read(settings)
    entries = content.get(ANNOUNCED) or []
    if not isinstance(entries, list):
        raise BadInput(
            f"{ANNOUNCED} must be a list", where=str(path), mend="one entry for each jump"
        )
    measures = {row["measure"]: row["may_be_announced"] == "true" for row in _seed("thresholds")}
    return tuple(
        _announcement(path, number, entry, measures)
        for number, entry in enumerate(entries, start=1)
    )


def _read(settings: Settings) -> tuple[Path, Mapping[str, object]]:
    path = settings.home / "policies.yml"
    if not path.exists():
        return path, {}
    try:
        # Scalars stay as they are written: 012345678 is a SIREN, `in` and `no` are words.
        content = yaml.load(path.read_bytes(), Loader=yaml.BaseLoader) or {}
    except yaml.YAMLError as error:
        raise BadInput("is not valid YAML", where=str(path), mend="see DECISIONS.md") from error
    if not isinstance(content, dict):
        raise BadInput("must map policies to values", where=str(path), mend="see DECISIONS.md")
    return path, content


def read_policies() -> dict[str, Policy]:
    """The policies by name, from the seed that dbt loads."""
    return {
        row["policy"]: Policy(row["policy"], row["allowed_values"], row["level"] == "home")
        for row in _seed("policies")
    }


def read_limits() -> dict[str, Policy]:
    """The limits of the gate by name; each entity may have its own."""
    return {
        name: Policy(name, "decimal 0..1000000", is_of_the_home=False)
        for row in _seed("thresholds")
        for name in (f"{row['measure']}_warn_above", f"{row['measure']}_hold_above")
    }


def _seed(name: str) -> list[dict[str, str]]:
    with open(project_root() / "dbt_project" / "seeds" / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def _announcement(
    path: Path, number: int, entry: object, measures: Mapping[str, bool]
) -> Announcement:
    """`measures` says which measures there are, and whether one may be announced."""

    def refused(what: str, mend: str) -> BadInput:
        return BadInput(f"{ANNOUNCED}: entry {number}: {what}", where=str(path), mend=mend)

    keys = {"measure", "entity", "from", "until", "reason"}
    if not isinstance(entry, dict) or not keys - {"entity"} <= entry.keys() <= keys:
        raise refused("is not complete", "give measure, from, until, reason, and entity for one")
    if not all(isinstance(value, str) and value.strip() for value in entry.values()):
        raise refused("holds an empty value", "say what, from when, until when and why")
    measure = entry["measure"]
    if not measures.get(measure):
        what = "cannot be announced" if measure in measures else "is no measure"
        announceable = sorted(name for name, may_be in measures.items() if may_be)
        raise refused(f"'{measure}' {what}", f"one of {', '.join(announceable)}")
    try:
        first, last = (date.fromisoformat(entry[key]) for key in ("from", "until"))
    except ValueError:
        raise refused("from and until are no dates", "write them as 2026-01-31") from None
    if not 0 <= (last - first).days <= LONGEST_ANNOUNCEMENT_DAYS:
        raise refused(
            f"it lasts from {first} until {last}",
            f"an end on or after the start, at most {LONGEST_ANNOUNCEMENT_DAYS} days later",
        )
    entity_id = entry.get("entity")
    return Announcement(
        entity_id.strip() if entity_id else None,
        measure,
        first,
        last,
        " ".join(entry["reason"].split()),
    )


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
