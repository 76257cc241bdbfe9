"""Numbers and signs as each language writes them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from encours.typography import number, percent, typeset


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0, "0", "0"),
        (12345, "12\u202f345", "12,345"),
        (Decimal("12.50"), "12,50", "12.50"),
        (Decimal("-1234567.1"), "-1\u202f234\u202f567,1", "-1,234,567.1"),
        (Decimal("1E+3"), "1\u202f000", "1,000"),
        (Decimal("0.0000001"), "0,0000001", "0.0000001"),
    ],
)
def test_number_shows_every_digit_that_it_has(
    value: int | Decimal, french: str, english: str
) -> None:
    assert number(value, "fr") == french
    assert number(value, "en") == english


def test_average_with_more_digits_than_a_usual_decimal_is_written() -> None:
    average = Decimal("123456789012.123456789012345678901")

    assert number(average, "en") == "123,456,789,012.123456789012345678901"


@pytest.mark.parametrize(
    ("ratio", "french", "english"),
    [("0.3125", "31,2\u00a0%", "31.2%"), ("12", "1\u202f200,0\u00a0%", "1,200.0%")],
)
def test_ratio_is_told_in_per_cent(ratio: str, french: str, english: str) -> None:
    assert percent(Decimal(ratio), "fr") == french
    assert percent(Decimal(ratio), "en") == english


@pytest.mark.parametrize(
    ("plain", "typeset_text"),
    [
        ("Échec : {place}", "Échec\u00a0: {place}"),
        ("« lu » ; relu ?", "«\u00a0lu\u00a0»\u00a0; relu\u00a0?"),
        ("plus de 5 %", "plus de 5\u00a0%"),
        ("0 à 3 660 jours, 30 jours", "0 à 3\u202f660 jours, 30 jours"),
        ("http://host:80/page?run=1", "http://host:80/page?run=1"),
    ],
)
def test_french_signs_stay_on_the_line_of_their_word(plain: str, typeset_text: str) -> None:
    assert typeset(plain) == typeset_text
