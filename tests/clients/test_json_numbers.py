"""Fractions survive JSON in both directions, and an error quotes nothing of the text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from encours.clients.json_numbers import read_json, write_json
from encours.errors import EncoursError, FatalError, RetryableError


@pytest.mark.parametrize("digits", ["1.10", "0.1", "-0.05", "12345678901234567890.12", "1E+3"])
def test_fraction_keeps_its_digits(digits: str) -> None:
    value = read_json(digits.encode())

    assert value == Decimal(digits)
    assert isinstance(value, Decimal)
    assert write_json(value) == digits.encode()


def test_whole_number_stays_whole() -> None:
    assert read_json(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_same_value_gives_the_same_bytes() -> None:
    assert (
        write_json(read_json(b'{"b": [1, 1.0], "a": "\\u00e9"}'))
        == '{"a":"é","b":[1,1.0]}'.encode()
    )


def test_byte_order_mark_and_blanks_are_no_content() -> None:
    assert read_json(b"\xef\xbb\xbf \n[1]\n") == [1]


@pytest.mark.parametrize("body", [b"", b" ", b'{"a', b"[1,", b'"', b"<html>", b"\n<!doctype html>"])
def test_text_that_breaks_off_or_is_a_page_may_be_whole_the_next_time(body: bytes) -> None:
    with pytest.raises(RetryableError):
        read_json(body)


@pytest.mark.parametrize("body", [b"Hello", b"[1]x", b"NaN", b'"\xe9"', b"[" * 100_000 + b"1"])
def test_text_that_is_not_json_is_fatal(body: bytes) -> None:
    with pytest.raises(FatalError):
        read_json(body)


@pytest.mark.parametrize("body", [b'{"Zyxwolff', b"Zyxwolff", b"<Zyxwolff", b'"Zyxwolff\xe9"'])
def test_error_quotes_nothing(body: bytes) -> None:
    with pytest.raises(EncoursError) as error:
        read_json(body)

    assert "Zyxwolff" not in str(error.value)
    assert error.value.__context__ is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_decimal_that_is_no_number_is_not_written(number: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        write_json({"amount": Decimal(number)})


def test_text_may_say_nan() -> None:
    assert write_json("NaN") == b'"NaN"'
