"""What `encours run` imports besides Airflow, for the process that tests fork it from.

Airflow is left out: it reads its settings where it is imported, and each run has its own.
"""

from __future__ import annotations

import encours.orchestration.runs  # noqa: F401
from encours.quality import checkpoint
from encours.transform import dbt_server

checkpoint.import_library()
dbt_server.preload()
