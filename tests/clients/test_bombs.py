"""Small inputs that unpack to gigabytes are refused in one line and in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bombs
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bombs")]

# Unpacked, each is far beyond; making them takes a part of it.
MOST_MEGABYTES = 600


@pytest.fixture(scope="module")
def outcome() -> dict[str, Any]:
    folder = str(Path(bombs.__file__).parent)
    done = subprocess.run(
        [sys.executable, bombs.__file__],
        env={**os.environ, "PYTHONPATH": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_bomb_is_refused_in_one_line(outcome: dict[str, Any], name: str) -> None:
    line = outcome["refused"].get(name, "")

    assert line
    assert "\n" not in line


def test_refusing_them_takes_little_memory(outcome: dict[str, Any]) -> None:
    assert outcome["megabytes"] < MOST_MEGABYTES
