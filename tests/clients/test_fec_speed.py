"""A large FEC is read and encoded in seconds, in memory that does not grow with the file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import fec_samples as samples
import pytest

MEASURE = """
import json, sys, time
from pathlib import Path
from encours.clients.fec import FecTally, inspect_fec, read_fec
from encours.clients.fec_columns import OUTPUT_COLUMNS
from encours.loading.encoding import encode_columns

tally, size = FecTally(), 0
for table in read_fec(inspect_fec(Path(sys.argv[1])), tally):
    size += len(encode_columns(table, OUTPUT_COLUMNS))
# Not ru_maxrss, which survives exec and so counts the memory of the test runner.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps({
    "lines": tally.line_count,
    "cpu_seconds": time.process_time(),
    "peak_mb": peak,
    "bytes": size,
    "pandas": "pandas" in sys.modules,
}))
"""


def measured(path: Path) -> dict[str, float]:
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    values: dict[str, float] = json.loads(result.stdout)
    return values


@pytest.mark.slow
@pytest.mark.soak
def test_a_million_lines_take_seconds_and_bounded_memory(tmp_path: Path) -> None:
    path = samples.write_large(tmp_path / samples.NAME, 1_000_000)

    found = measured(path)

    # 5 to 6 s of processor time when the machine is shared; a loop in Python takes a minute.
    assert found["lines"] >= 1_000_000
    assert found["cpu_seconds"] < 15
    assert found["peak_mb"] < 300
    # Importing pandas alone would cost two seconds.
    assert not found["pandas"]
