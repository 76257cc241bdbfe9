"""The counts of all kills of a soak, printed at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from killed_runs import Tally


@pytest.fixture(scope="session")
def tally() -> Iterator[Tally]:
    counted = Tally()
    yield counted
    print(f"\n{counted.told()}")
