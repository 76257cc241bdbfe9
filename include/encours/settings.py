"""Where this installation lives: the environment is read here, once, and frozen.

Two homes share nothing, so every path of a run comes from a `Settings` value and never from
a module-level constant.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = ".encours"
LANGUAGES = ("fr", "en")


@dataclass(frozen=True)
class Settings:
    """One installation. `warehouse_url` is None when the embedded PostgreSQL is used."""

    home: Path
    warehouse_url: str | None = None
    language: str = "fr"

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
    )


def project_root() -> Path:
    """The checkout that holds dags/, dbt_project/ and expectations/ (the package is installed
    editable, or found through PYTHONPATH in the server installation)."""
    return Path(__file__).resolve().parents[2]
