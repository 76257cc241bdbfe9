"""Number options of a connection."""

from __future__ import annotations

import pytest

from encours.clients.api import Access
from encours.errors import FatalError


def access(**options: str) -> Access:
    return Access("encours_books", "main", "", options=options)


@pytest.mark.parametrize("options", [{}, {"page_size": ""}])
def test_option_that_is_absent_or_empty_has_its_default(options: dict[str, str]) -> None:
    assert access(**options).number("page_size", 1000, 200) == 200
    assert access(**options).number("page_size", 1000, None) is None


@pytest.mark.parametrize("size", [1, 999, 1000])
def test_option_counts_before_its_default(size: int) -> None:
    assert access(page_size=str(size)).number("page_size", 1000, 200) == size


@pytest.mark.parametrize("text", ["0", "1001", "-1", "1.5", "many", " 1", "٣", "1\n"])
def test_option_that_is_no_such_number_is_refused(text: str) -> None:
    line = "^encours_books: page_size in the connection's extra is no number from 1 to 1000$"
    with pytest.raises(FatalError, match=line):
        access(page_size=text).number("page_size", 1000, 200)
