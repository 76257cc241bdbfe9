"""The benches run, at a size that takes seconds; `make bench` measures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import extraction, fec_load, flat_files, full_build

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-bench-") as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


def test_invoices_are_read_from_an_api_and_loaded(folder: Path) -> None:
    figures = extraction.volume(folder, 450)

    # Four records of other streams come with them.
    assert figures["invoices"] == 454
    assert figures["megabytes"] > 0


def test_lines_of_a_ledger_are_loaded_beside_a_plain_copy(folder: Path) -> None:
    figures = fec_load.measure(folder, 1000)

    assert figures["lines"] == 1000
    assert figures["plain_copy_s"] > 0 < figures["land_and_load_s"]


def test_flat_files_are_loaded_beside_a_plain_copy(folder: Path) -> None:
    books = flat_files.write_books(folder / "books", 100)

    figures = flat_files.measure(folder, books, with_dlt=False)

    assert figures["ratio"] > 0


@pytest.mark.soak
def test_first_run_and_that_of_the_next_day_are_measured(folder: Path) -> None:
    books = flat_files.write_books(folder / "books", 1000)

    figures = full_build.measure(folder, books)

    assert figures["published"] == 2
    assert figures["positions"] > figures["partial_settlements"] > 0
    assert figures["loading_s"] > 0 < figures["next_day_loading_s"]
    assert figures["peak_mb"] > 10
