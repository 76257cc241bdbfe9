"""One running home per worker for the tests of the whole, emptied before each module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse_steps import empty

from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse


@pytest.fixture(scope="session")
def running_home() -> Iterator[Settings]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-whole-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder))
        try:
            open_warehouse(settings)
            yield settings
        finally:
            embedded.stop(settings)


@pytest.fixture(scope="module")
def home(running_home: Settings) -> Settings:
    """An empty home for the tests of a module, which share what they put into it."""
    empty(running_home)
    return running_home
