"""A million documents: rows per second of one core, and memory that does not grow with the file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 1_000_000
# A third of what an idle core does, so that a busy machine passes and a per-row loop does not.
LEAST_ROWS_PER_SECOND = 100_000
MOST_MEBIBYTES = 250

# pandas is imported by pyarrow on the first scalar, whoever needs it or not: not counted as time.
MEASURE = """
import json, sys, time
from pathlib import Path
import pandas, pyarrow.compute, pyarrow.csv
from encours.clients.flat_files import ControlTotals, inspect_directory, read_stream

(file,) = inspect_directory(Path(sys.argv[1]))
totals = ControlTotals()
start = time.process_time()
for batch in read_stream(file):
    totals = totals.plus(batch)
seconds = time.process_time() - start
# Not ru_maxrss, which survives exec and so counts the memory of the test runner.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([totals.rows_read, totals.rows_refused, totals.rows_read / seconds, peak]))
"""


def write_documents(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(
            "document_id;document_type;document_number;customer_id;issue_date;due_date;"
            "currency_code;amount_incl_tax;amount_excl_tax;exchange_rate;status;Affaire\n"
        )
        for number in range(rows):
            day = f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}"
            handle.write(
                f"D{number};invoice;FA-2024-{number:07d};C{number % 5000:05d};{day};{day};EUR;"
                f"{number % 99991}.{number % 100:02d};{number % 79999}.00;;posted;"
                f'"Résidence n° {number % 97}"\n'
            )


@pytest.mark.slow
def test_a_million_documents_are_read_fast_and_in_bounded_memory(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents.csv", ROWS)

    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )

    rows, refused, rows_per_second, mebibytes = json.loads(answer.stdout)
    assert (rows, refused) == (ROWS, 0)
    assert rows_per_second > LEAST_ROWS_PER_SECOND
    assert mebibytes < MOST_MEBIBYTES
