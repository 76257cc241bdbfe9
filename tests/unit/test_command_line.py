"""What the command does with its arguments before it reads them."""

from __future__ import annotations

import pytest

from encours.cli import without_url

URL = "postgresql://loader:sesame@db/books"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--warehouse", URL, "--json"],
        ["run", f"--warehouse={URL}", "--json"],
        ["--warehouse", URL, "run", "--json"],
    ],
)
def test_warehouse_is_taken_out_of_the_arguments(arguments: list[str]) -> None:
    assert without_url(arguments) == (["run", "--json"], URL)


def test_other_arguments_stay_as_they_are() -> None:
    arguments = ["sql", "select '--warehouse'", "--", "--warehouse", URL]

    assert without_url(arguments) == (arguments, None)
