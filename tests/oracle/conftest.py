"""One server for the ledgers of this folder; every test brings its own books."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from encours.settings import Settings
from encours.warehouse import embedded
from oracle.workshop import Workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-oracle-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder))
        try:
            workshop = Workshop(settings)
            yield workshop
            workshop.close()
        finally:
            embedded.stop(settings)
