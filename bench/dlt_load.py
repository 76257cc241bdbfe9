"""The same flat files through dlt by its fastest way into PostgreSQL: Arrow tables, and CSV files
that dlt hands to COPY. Runs in an environment of its own (requirements/bench.txt).

dlt compresses its intermediate files unless it is told not to, which is most of its time here: the
caller says which of the two is measured, by dlt's own variable.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK_BYTES = 8 << 20


def load(url: str, books: Path, state: Path, schema: str) -> dict[str, float]:
    """Rows of all files and the seconds from reading them to the end of the load."""
    import dlt
    import pyarrow.csv  # noqa: F401
    from dlt.destinations import postgres

    started = time.monotonic()
    resources = [
        dlt.resource(_tables(path), name=path.stem, write_disposition="append")
        for path in sorted(books.glob("*.csv"))
    ]
    pipeline = dlt.pipeline(
        "bench", destination=postgres(url), dataset_name=schema, pipelines_dir=str(state)
    )
    pipeline.run(resources, loader_file_format="csv").raise_on_failed_jobs()
    counts = pipeline.last_trace.last_normalize_info.row_counts
    rows = sum(count for name, count in counts.items() if not name.startswith("_dlt"))
    return {"rows": rows, "seconds": time.monotonic() - started}


def _tables(path: Path) -> Iterator[Any]:
    """Every column as text, like the COPY that it is measured against."""
    import pyarrow as pa
    from pyarrow import csv

    with open(path, encoding="utf-8") as file:
        names = file.readline().strip().split(",")
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch])


if __name__ == "__main__":
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    print(json.dumps(load(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])))
