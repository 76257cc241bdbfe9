"""Where this installation lives: the environment is read here, once, and frozen.

Two homes share nothing, so every path of a run comes from a `Settings` value and never from
a module-level constant.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from encours.errors import BadInput

DEFAULT_HOME = ".encours"
LANGUAGES = ("fr", "en")
DEFAULT_TIME_ZONE = "Europe/Paris"
NEVER = "never"


@dataclass(frozen=True)
class Settings:
    """One installation. `warehouse_url` is None when the embedded PostgreSQL is used."""

    home: Path
    warehouse_url: str | None = None
    language: str = "fr"
    # Address of Airflow's UI as people reach it, for links in messages.
    ui_url: str | None = None
    # By when, on their clocks, the marts are published every day; None where nobody waits.
    publish_by: time | None = time(7)
    time_zones: tuple[str, ...] = (DEFAULT_TIME_ZONE,)

    @property
    def postgres_dir(self) -> Path:
        return self.home / "postgres"

    @property
    def secrets_dir(self) -> Path:
        return self.home / "secrets"

    @property
    def landing_dir(self) -> Path:
        return self.home / "landing"

    @property
    def inbox_dir(self) -> Path:
        """Files dropped here are picked up by the scheduled ingest DAGs."""
        return self.home / "inbox"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def runs_dir(self) -> Path:
        """One folder per run: dbt target, logs, summary."""
        return self.home / "runs"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"


def load_settings(
    home: Path | str | None = None,
    warehouse_url: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from arguments first, then `ENCOURS_*` variables, then defaults."""
    env = os.environ if environment is None else environment
    chosen_home = Path(home or env.get("ENCOURS_HOME") or DEFAULT_HOME).expanduser().resolve()
    language = env.get("ENCOURS_LANGUAGE", "fr").lower()
    return Settings(
        home=chosen_home,
        warehouse_url=warehouse_url or env.get("ENCOURS_WAREHOUSE") or None,
        language=language if language in LANGUAGES else "fr",
        # Airflow's own setting is that of the services, which `encours up` and compose start.
        ui_url=env.get("ENCOURS_UI_URL") or env.get("AIRFLOW__API__BASE_URL") or None,
        publish_by=_clock_time(env.get("ENCOURS_PUBLISH_BY") or "07:00"),
        time_zones=_zones(env.get("ENCOURS_TIME_ZONES") or DEFAULT_TIME_ZONE),
    )


def _clock_time(text: str) -> time | None:
    if text.strip().lower() == NEVER:
        return None
    try:
        chosen = time.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(
            f"'{text}' is no time of day", where="ENCOURS_PUBLISH_BY", mend="07:00, or never"
        ) from error
    return chosen.replace(tzinfo=None)


def _zones(text: str) -> tuple[str, ...]:
    zones = tuple(zone.strip() for zone in text.split(",") if zone.strip())
    unknown = [zone for zone in zones if not _is_zone(zone)]
    if unknown or not zones:
        raise BadInput(
            f"'{unknown[0] if unknown else text}' is no time zone",
            where="ENCOURS_TIME_ZONES",
            mend="write it as Europe/Paris; several with commas",
        )
    return zones


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def project_root() -> Path:
    """The checkout that holds dags/, dbt_project/ and expectations/ (the package is installed
    editable, or found through PYTHONPATH in the server installation)."""
    return Path(__file__).resolve().parents[2]
