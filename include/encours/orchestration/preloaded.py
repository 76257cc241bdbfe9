"""What tasks of a scheduler find imported: the process that forks its workers imports it once.

Named by `[scheduler] mp_forkserver_preload` (airflow_home); nobody else imports it. Airflow, dbt
and Great Expectations take fifteen seconds of a core, which every task would spend again.
"""

from __future__ import annotations

import airflow.dag_processing.dagbag
import airflow.executors.local_executor
import airflow.sdk.execution_time.supervisor
import airflow.sdk.execution_time.task_runner  # noqa: F401

from encours.allocator import collect_seldom
from encours.orchestration import (  # noqa: F401
    build,
    defaults,
    extract,
    inbox_files,
    ingest,
    lineage,
    maintenance,
)
from encours.quality import checkpoint
from encours.transform import dbt_server

collect_seldom()
checkpoint.import_library()
dbt_server.preload()
