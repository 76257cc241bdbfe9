"""Peak memory of a process and its children; PostgreSQL's is left out."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.05
# Where seconds are measured as well: what a sample costs is lost in what they are.
RARE_SECONDS = 1.0


@dataclass(frozen=True)
class Measured:
    """`peak_bytes`: largest sum of unique memory (USS) of the process tree at one moment."""

    output: str
    errors: str
    exit_status: int
    seconds: float
    peak_bytes: int


def run_measured(command: Sequence[str], every: float = SAMPLE_SECONDS) -> Measured:
    """Run a command to its end and sample the memory of its tree `every` so many seconds."""
    process = psutil.Popen(list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak = 0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(every):
            peak = max(peak, _tree_bytes(process))

    sampler = threading.Thread(target=sample)
    sampler.start()
    started = time.monotonic()
    output, errors = process.communicate()
    done.set()
    sampler.join()
    ended = time.monotonic()
    return Measured(output.decode(), errors.decode(), process.returncode, ended - started, peak)


def _tree_bytes(process: psutil.Process) -> int:
    total = 0
    try:
        members = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in members:
        try:
            if "postgres" not in member.name():
                total += member.memory_full_info().uss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
