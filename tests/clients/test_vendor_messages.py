"""What a vendor says of a refusal is shown as far as it tells nothing of anyone."""

from __future__ import annotations

import pytest

from encours.clients.json_numbers import write_json
from encours.clients.vendor_messages import refusal, vendor_words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"error": "Not found", "status": 404}, "Not found"),
        ({"code": 22, "field": "cursor", "message": "Invalid cursor"}, "code 22, Invalid cursor"),
        (
            {"ErrorNumber": 10, "Message": "Invalid order", "Type": "ValidationException"},
            "code 10, Invalid order, ValidationException",
        ),
        (
            {"Fault": {"Error": [{"Message": "Invalid query", "code": "4000"}], "type": "other"}},
            "Invalid …, code 4000",
        ),
        (
            [{"$dataCode": "RecordNotFoundError", "$message": "record not found"}],
            "RecordNotFoundError, record not found",
        ),
        (
            {"error": {"code": 403, "message": "Forbidden: access denied"}},
            "code 403, Forbidden access denied",
        ),
        (
            {"error": "invalid_grant", "error_description": "Token expired"},
            "invalid_grant, Token expired",
        ),
        ({"exc_type": "PermissionError", "exception": "Traceback of it"}, "PermissionError"),
        ("Not found", ""),
        ([], ""),
        (None, ""),
    ],
)
def test_shapes_of_vendors(value: object, shown: str) -> None:
    assert refusal(write_json(value)) == shown


def test_text_that_is_not_json_is_not_shown() -> None:
    assert refusal(b"Too many requests") == ""


def test_names_and_tokens_become_an_ellipsis() -> None:
    said = "The customer 'Atelier Nord' with token eyJhbGciOi.x is not valid"

    assert vendor_words(said) == "The customer … with token … is not valid"


def test_message_of_which_little_is_left_is_not_shown() -> None:
    assert vendor_words("Atelier Nord existe pas") == ""


def test_parameters_of_our_own_request_may_come_back_but_not_their_values() -> None:
    request = "/contacts?BuyerName=Zyxwolff"

    assert vendor_words("Unknown field BuyerName", request) == "Unknown field BuyerName"
    assert vendor_words("Unknown customer Zyxwolff", request) == "Unknown customer …"


def test_code_that_is_not_short_is_not_shown() -> None:
    assert refusal(b'{"code": "eyJhbGciOiJ9", "name": "C00012"}') == ""


def test_long_message_is_cut() -> None:
    assert len(vendor_words("invalid field " * 100)) == 160
