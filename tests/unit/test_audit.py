"""What the audit of locked versions says of the answers of pip-audit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from encours.settings import project_root

GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {
    "name": "bad",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}],
}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("versions", "status", "status_of_all", "last_line"),
    [
        ([GOOD], 0, 0, "0 known vulnerabilities; the service knows 1 of 1 locked versions"),
        ([GOOD, UNKNOWN], 0, 1, "0 known vulnerabilities; the service knows 1 of 2 locked"),
        ([GOOD, BAD], 1, 1, "1 known vulnerabilities; the service knows 2 of 2 locked versions"),
        (None, 0, 1, "no version was asked about: ERROR: the service is away"),
    ],
)
def test_vulnerability_fails_and_silence_is_told(
    tmp_path: Path,
    versions: list[dict[str, Any]] | None,
    status: int,
    status_of_all: int,
    last_line: str,
) -> None:
    pip_audit = tmp_path / "pip-audit"
    answer = "" if versions is None else json.dumps({"dependencies": versions, "fixes": []})
    (tmp_path / "answer").write_text(answer)
    pip_audit.write_text(
        f"#!/bin/sh\ncat {tmp_path / 'answer'}\necho 'ERROR: the service is away' >&2\nexit 1\n"
    )
    pip_audit.chmod(0o755)

    usual, strict = (audit(pip_audit, *options) for options in ((), ("--all",)))

    assert (usual.returncode, strict.returncode) == (status, status_of_all)
    assert last_line in usual.stdout.splitlines()[-1]
    assert ("bad 2.0: PYSEC-0000-1, mended in 2.1" in usual.stdout) == (BAD in (versions or []))


def audit(pip_audit: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = project_root() / "requirements" / "audit.py"
    return subprocess.run(
        [sys.executable, str(script), str(pip_audit), "requirements.txt", *options],
        capture_output=True,
        text=True,
        check=False,
    )
