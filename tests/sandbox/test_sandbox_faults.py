"""Each fault, as a caller meets it."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests
from tiny_stand_in import NOW, Caller

from encours.errors import BadInput
from encours.sandbox.books import Document
from encours.sandbox.faults import change_field, parse_fault
from encours.sandbox.server import Sandbox

# ------------------------------------------------------------------ when a fault strikes


def test_a_fault_strikes_after_so_many_requests_and_so_many_times(
    sandbox: Sandbox, caller: Caller
) -> None:
    fault = sandbox.faults.add("server_error", times=2, after=1)

    statuses = [caller.get("/me").status_code for _ in range(4)]

    assert statuses == [200, 500, 500, 200]
    assert fault.struck == 2


def test_a_fault_concerns_the_paths_it_was_added_for(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("server_error", on="/tiny/documents*")

    assert caller.get("/me").status_code == 200
    assert caller.get("/documents/F1").status_code == 500


def test_a_fault_may_concern_the_requests_that_a_test_picks(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.faults.add("server_error", on=lambda call: "page=2" in call.query)

    assert [caller.get("/documents", page).status_code for page in (1, 2, 3)] == [200, 500, 200]


def test_a_removed_fault_strikes_no_more(sandbox: Sandbox, caller: Caller) -> None:
    fault = sandbox.faults.add("server_error")

    sandbox.faults.remove(fault)

    assert caller.get("/me").status_code == 200


def test_several_faults_strike_one_request(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("clock_skew", seconds=-60)
    sandbox.faults.add("html_page")

    answer = caller.get("/me")

    assert answer.text.startswith("<!DOCTYPE html>")
    assert parsedate_to_datetime(answer.headers["Date"]) == NOW - timedelta(minutes=1)


# ------------------------------------------------------------------ instead of an answer


def test_a_storm_of_429_states_the_seconds_in_the_vendors_shape(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.faults.add("too_many_requests", times=2, retry_after=7)

    answers = [caller.get("/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].text, answers[0].headers["Retry-After"]) == ("tiny: slow down", "7")


def test_a_storm_of_429_states_the_date_by_the_sources_clock(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.faults.add("too_many_requests", retry_after=90, form="date")

    answer = caller.get("/me")

    assert parsedate_to_datetime(answer.headers["Retry-After"]) == NOW + timedelta(seconds=90)
    assert parsedate_to_datetime(answer.headers["Date"]) == NOW


def test_a_storm_of_429_may_state_nothing(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("too_many_requests", form="none")

    assert "Retry-After" not in caller.get("/me").headers


def test_a_server_error_has_the_status_that_is_asked_for(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("server_error", status=503, body="maintenance")

    answer = caller.get("/me")

    assert (answer.status_code, answer.text) == (503, "maintenance")


def test_an_answer_that_hangs_outlasts_the_callers_patience(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.faults.add("hang")

    with pytest.raises(requests.ReadTimeout):
        caller.get("/me", timeout=0.05)
    assert caller.get("/me").status_code == 200


def test_an_answer_that_hangs_comes_in_the_end(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("hang", seconds=0.01)

    assert caller.get("/me").json() == {"company": "999000001"}


def test_an_html_page_comes_with_status_200(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("html_page")

    answer = caller.get("/me")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_deleted_id_is_gone_and_others_are_not(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("deleted_id", id="F2")

    assert [caller.get(f"/documents/F{number}").status_code for number in (1, 2, 3, 2)] == [
        200, 404, 200, 404,
    ]  # fmt: skip
    assert caller.get("/documents/F2").json() == {"error": "gone"}


def test_without_an_id_the_first_one_asked_for_is_gone(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("deleted_id")

    paths = ["/documents", "/documents/F3", "/documents/F1", "/documents/F3"]
    assert [caller.get(path).status_code for path in paths] == [200, 404, 200, 404]


# ------------------------------------------------------------------ half an answer


def test_a_reset_closes_the_connection_in_mid_body(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("reset")

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="more expected"):
        caller.get("/documents")
    assert caller.get("/documents").status_code == 200


def test_a_truncated_body_has_a_length_that_agrees_with_it(
    sandbox: Sandbox, caller: Caller
) -> None:
    sandbox.faults.add("truncated")

    answer = caller.get("/documents")

    assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(answer.content)


# ------------------------------------------------------------------ another answer


def test_a_repeated_page_is_the_one_before(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("repeated_page")

    assert [caller.ids(page) for page in (1, 2, 3)] == [["F5", "F4"], ["F5", "F4"], ["F1"]]


def test_rows_move_between_pages(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("moving_rows")

    first, second = caller.ids(1), caller.ids(2)

    assert (first, second) == (["F5", "F4"], ["F4", "F3"])


def test_the_books_may_change_in_any_way_between_pages(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("moving_rows", change=lambda world: world.delete(Document, "F5"))

    first, second = caller.ids(1), caller.ids(2)

    assert (first, second) == (["F5", "F4"], ["F2", "F1"])


def test_a_dead_token_is_refused_until_it_is_refreshed(sandbox: Sandbox, caller: Caller) -> None:
    desk = sandbox.desk("tiny")
    grant = desk.issue()
    caller.token = grant.access_token
    sandbox.faults.add("dead_token", after=1)

    statuses = [caller.get("/me").status_code for _ in range(3)]
    renewed = desk.refresh(grant.refresh_token)

    assert statuses == [200, 401, 401]
    assert renewed is not None
    caller.token = renewed.access_token
    assert caller.get("/me").status_code == 200


def test_a_switched_account_opens_another_company(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("switched_account", after=1)

    companies = [caller.get("/me").json()["company"] for _ in range(3)]

    assert companies == ["999000001", "999000027", "999000027"]


def test_the_clock_of_the_source_may_be_ahead(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("clock_skew", seconds=600)

    dates = [parsedate_to_datetime(caller.get("/me").headers["Date"]) for _ in range(2)]

    assert dates == [NOW + timedelta(minutes=10)] * 2


# ------------------------------------------------------------------ another body


def items(caller: Caller) -> list[dict[str, object]]:
    found: list[dict[str, object]] = caller.get("/documents").json()["items"]
    return found


def test_an_unknown_value_stands_where_the_test_says(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("unknown_value", field="items.0.status", value="frozen")

    assert [item["status"] for item in items(caller)] == ["frozen", "posted"]


def test_the_stand_in_says_which_field_a_fault_concerns(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.desk("tiny").usual_fields["unknown_value"] = "items.*.currency"
    sandbox.faults.add("unknown_value")

    assert [item["currency"] for item in items(caller)] == ["sandbox_unknown"] * 2


def test_a_new_field_is_put_into_each_record(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("new_field", field="items.*.mood", value="good")

    assert [item["mood"] for item in items(caller)] == ["good", "good"]


def test_a_new_field_may_be_one_of_the_answer_itself(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("new_field", field="mood")

    assert caller.get("/me").json() == {"company": "999000001", "mood": "sandbox_new"}


def test_a_missing_field_is_gone_from_each_record(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("missing_field", field="items.*.customer.id")

    assert [item["customer"] for item in items(caller)] == [{}, {}]


def test_a_number_becomes_text(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("other_type", field="items.*.amount")

    assert [item["amount"] for item in items(caller)] == ["500.10", "400.10"]


def test_text_becomes_a_number(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("other_type", field="items.*.currency", times=1)

    assert [item["currency"] for item in items(caller)] == [12345, 12345]
    assert [item["currency"] for item in items(caller)] == ["EUR", "EUR"]


def test_a_body_may_be_rewritten_by_a_function(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("rewritten", change=lambda body: {**body, "items": []})

    assert items(caller) == []


def test_numbers_that_are_not_concerned_keep_their_digits(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.faults.add("new_field")

    assert '"amount":500.10' in caller.get("/documents").text


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("a", {"a": "!", "b": [{"a": 2}, {"c": {"a": 3}}]}),
        ("b.*.a", {"a": 1, "b": [{"a": "!"}, {"c": {"a": 3}}]}),
        ("b.1.c.a", {"a": 1, "b": [{"a": 2}, {"c": {"a": "!"}}]}),
        ("**.a", {"a": "!", "b": [{"a": "!"}, {"c": {"a": "!"}}]}),
        ("b.**.a", {"a": 1, "b": [{"a": "!"}, {"c": {"a": "!"}}]}),
        ("z.a", {"a": 1, "b": [{"a": 2}, {"c": {"a": 3}}]}),
    ],
)
def test_a_path_names_fields_of_a_body(path: str, changed: object) -> None:
    body = {"a": 1, "b": [{"a": 2}, {"c": {"a": 3}}]}

    assert change_field(body, path, lambda _: "!") == changed


def test_a_path_may_take_list_elements_out() -> None:
    assert change_field({"b": [1, 2, 3]}, "b.0", None) == {"b": [2, 3]}


# ------------------------------------------------------------------ in a line of the command


def test_a_fault_is_read_from_a_line() -> None:
    assert parse_fault("truncated") == {"name": "truncated"}
    assert parse_fault("hang:2,seconds=0.5,on=/tiny/*,after=3") == {
        "name": "hang", "times": 2, "seconds": 0.5, "on": "/tiny/*", "after": 3,
    }  # fmt: skip


def test_an_id_of_digits_stays_text() -> None:
    assert parse_fault("deleted_id,id=42") == {"name": "deleted_id", "id": "42"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hang:many", "'many' is not a number"),
        ("hang,seconds", r"cannot be read \(NAME"),
        ("rewritten,change=x", "in tests only"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused(line: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_fault(line)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("earthquake", {}, "there is no fault 'earthquake' .*truncated"),
        ("hang", {"share": 1}, r"hang cannot be had with share \(seconds=NUMBER\)"),
        ("too_many_requests", {"form": "weeks"}, "seconds, date or none"),
    ],
)
def test_an_unknown_fault_or_option_is_refused(
    sandbox: Sandbox, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        sandbox.faults.add(name, **options)
