"""The README's table of sources says what is registered."""

from __future__ import annotations

import pytest

from encours.settings import project_root
from encours.sources.registry import API_SOURCES
from encours.sources.source import ApiSource


def row(source: ApiSource) -> str:
    unknown = "; ".join(source.cannot_know)
    return f"| `{source.key}` | {source.title} | {source.standing} | {unknown} |"


@pytest.mark.parametrize("source", API_SOURCES.values(), ids=API_SOURCES.keys())
def test_readme_says_what_a_source_cannot_know(source: ApiSource) -> None:
    assert row(source) in (project_root() / "README.md").read_text().splitlines()


@pytest.mark.parametrize("key", API_SOURCES)
def test_french_readme_names_every_source(key: str) -> None:
    assert f"| `{key}` |" in (project_root() / "README.fr.md").read_text()


def test_every_source_states_its_standing_and_limits() -> None:
    assert {source.standing for source in API_SOURCES.values()} <= {"verified", "beta"}
    assert all(source.cannot_know for source in API_SOURCES.values())
