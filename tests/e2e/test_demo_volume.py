"""The generator at volume: memory must not grow with the number of invoices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from encours.settings import project_root

INVOICES = 200_000
MOST_MEGABYTES = 300

_PROGRAM = """
import json, sys, time
from pathlib import Path
from encours.demo.books import DemoOptions, write_books
started = time.perf_counter()
summary = write_books(DemoOptions(int(sys.argv[1]), 36, 1, sys.argv[2]), Path(sys.argv[3]))
seconds = time.perf_counter() - started
# Not ru_maxrss, which survives exec and so counts the memory of the test runner.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps({"seconds": seconds, "megabytes": peak, "rows": dict(summary.rows)}))
"""


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("layout", ["csv", "parquet", "fec"])
def test_memory_stays_small_for_many_invoices(
    tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(project_root() / "include")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(INVOICES), layout, str(tmp_path / "books")],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )

    measured = json.loads(done.stdout)

    with capsys.disabled():
        rate = INVOICES / measured["seconds"]
        print(f"\n{layout}: {rate:,.0f} invoices/s, peak {measured['megabytes']:.0f} MB")
    assert measured["megabytes"] < MOST_MEGABYTES
    if layout != "fec":
        assert 0.95 < measured["rows"]["payments"] / (1.1 * INVOICES) < 1.05
        assert 0.95 < measured["rows"]["allocations"] / (1.3 * INVOICES) < 1.05
        assert measured["rows"]["customers"] == INVOICES // 20
