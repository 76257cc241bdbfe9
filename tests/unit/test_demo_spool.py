"""Lines that come back in order, however many chunks they went through."""

from __future__ import annotations

from pathlib import Path

import pytest

from encours.demo import spool
from encours.demo.spool import Spools


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_LINES_IN_MEMORY", 7)
    monkeypatch.setattr(spool, "_MOST_CHUNKS", 3)


@pytest.mark.usefixtures("small_memory")
def test_lines_come_back_sorted_by_key(tmp_path: Path) -> None:
    spools = Spools(tmp_path)
    for number in range(200):
        spools.add("a" if number % 3 else "b", f"{number * 77 % 200:04d} é\x1fx")

    taken = {key: list(spools.take(key)) for key in ("a", "b")}

    assert taken["a"] == sorted(f"{n * 77 % 200:04d} é\x1fx" for n in range(200) if n % 3)
    assert taken["b"] == sorted(f"{n * 77 % 200:04d} é\x1fx" for n in range(200) if not n % 3)


@pytest.mark.usefixtures("small_memory")
def test_chunks_are_merged_so_that_few_files_are_open(tmp_path: Path) -> None:
    spools = Spools(tmp_path)
    most = 0
    for number in range(300):
        spools.add("a", f"{number:04d}")
        most = max(most, len(list(tmp_path.iterdir())))

    assert most <= 4
    assert len(list(spools.take("a"))) == 300
    assert list(tmp_path.iterdir()) == []


def test_unknown_key_has_no_lines(tmp_path: Path) -> None:
    assert list(Spools(tmp_path).take("nothing")) == []
