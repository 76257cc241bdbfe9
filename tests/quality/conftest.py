"""A throwaway warehouse with the good candidate; the slow import is paid once per session."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from candidate import SCHEMAS, execute

from encours.quality.checkpoint import CheckResult, run_suites
from encours.quality.suites import Suite
from encours.settings import Settings
from encours.warehouse import connections, embedded

GOOD_CANDIDATE = Path(__file__).with_name("good_candidate.sql")


@pytest.fixture(scope="session")
def warehouse_url() -> Iterator[str]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-quality-") as folder:
        settings = Settings(home=Path(folder))
        try:
            yield connections.open_warehouse(settings).pipeline_url
        finally:
            embedded.stop(settings)


@pytest.fixture
def candidate(warehouse_url: str) -> str:
    """The URL of a warehouse that holds the good candidate, fresh for this test."""
    execute(warehouse_url, GOOD_CANDIDATE.read_text(encoding="utf-8"))
    return warehouse_url


@pytest.fixture
def audit(candidate: str) -> Callable[..., dict[str, CheckResult]]:
    """Runs suites on the candidate: results by check name, which must be unique among them."""

    def run(
        *suites: Suite, published_schema_exists: bool = True, timeout_seconds: int = 20
    ) -> dict[str, CheckResult]:
        results = run_suites(
            suites,
            database_url=candidate,
            schemas=SCHEMAS,
            published_schema_exists=published_schema_exists,
            timeout_seconds=timeout_seconds,
        )
        found = {result.check_name: result for result in results}
        assert len(found) == len(results)
        return found

    return run
