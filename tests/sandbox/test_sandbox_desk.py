"""Tokens, limits and the record of calls."""

from __future__ import annotations

from datetime import timedelta

from tiny_stand_in import Caller, refuse, small_world

from encours.sandbox.desk import Call, CallLog, Desk, Limit
from encours.sandbox.server import Sandbox


class Seconds:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def desk() -> Desk:
    return Desk("tiny", small_world(), Seconds())


# ------------------------------------------------------------------ tokens


def test_the_token_of_the_demo_is_good_and_an_unknown_one_is_not() -> None:
    assert [desk().check("sandbox"), desk().check("other"), desk().check("")] == [
        True,
        False,
        False,
    ]


def test_a_token_dies_at_its_moment_of_the_worlds_clock() -> None:
    one = desk()
    token = one.issue(lives=timedelta(minutes=30)).access_token

    good = one.check(token)
    one.world.clock += timedelta(minutes=30)

    assert (good, one.check(token)) == (True, False)


def test_a_token_dies_after_its_uses() -> None:
    one = desk()
    token = one.issue(uses=2).access_token

    assert [one.check(token) for _ in range(3)] == [True, True, False]


def test_a_refresh_token_is_good_once_and_ends_its_access_token() -> None:
    one = desk()
    first = one.issue()

    second = one.refresh(first.refresh_token)

    assert second is not None
    assert one.refresh(first.refresh_token) is None
    assert [one.check(first.access_token), one.check(second.access_token)] == [False, True]


def test_a_refreshed_token_lives_as_long_as_the_first() -> None:
    one = desk()
    second = one.refresh(one.issue(uses=1).refresh_token)

    assert second is not None
    assert [one.check(second.access_token) for _ in range(2)] == [True, False]


def test_revoking_ends_access_tokens_and_spares_refresh_tokens() -> None:
    one = desk()
    grant = one.issue()

    one.revoke()

    assert not one.check(grant.access_token)
    assert not one.check("sandbox")
    assert one.refresh(grant.refresh_token) is not None


def test_a_refusal_of_the_stand_in_is_what_the_caller_gets(sandbox: Sandbox) -> None:
    answer = Caller(sandbox, token="wrong").get("/me")

    assert (answer.status_code, answer.json()) == (401, {"error": "bad token"})


# ------------------------------------------------------------------ limits


def test_a_limit_admits_so_many_in_any_window() -> None:
    limit = Limit(2, 5.0)

    admitted = [limit.admit(at) for at in (0.0, 3.0, 4.0, 5.0, 7.9, 8.0)]

    assert admitted == [True, True, False, True, False, True]


def test_a_standing_says_what_is_left_and_when_it_comes_back() -> None:
    limit = Limit(3, 5.0)
    limit.admit(1.0)

    standing = limit.standing(2.5)

    assert (standing.remaining, standing.resets_in, standing.retry_after) == (2, 3.5, 4)


def test_one_request_too_many_is_refused_in_the_vendors_shape(sandbox: Sandbox) -> None:
    seconds = Seconds()
    sandbox.serve(small_world(), monotonic=seconds)
    caller = Caller(sandbox)

    answers = [caller.get("/me") for _ in range(101)]
    seconds.now = 60.0
    later = caller.get("/me")

    assert {answer.status_code for answer in answers[:100]} == {200}
    assert answers[0].headers["X-Remaining"] == "99"
    assert (answers[100].status_code, answers[100].text) == (429, "tiny: slow down")
    assert answers[100].headers["Retry-After"] == "60"
    assert later.status_code == 200


def test_limits_can_be_left_out(sandbox: Sandbox) -> None:
    sandbox.serve(small_world(), limits=False, monotonic=Seconds())
    caller = Caller(sandbox)

    assert {caller.get("/me").status_code for _ in range(101)} == {200}


def test_too_many_at_once_are_refused() -> None:
    one = desk()
    one.limit_at_once(2, refuse=refuse)

    within, beyond = one.admit(0.0, at_once=2), one.admit(0.0, at_once=3)

    assert within is None
    assert beyond is not None
    assert (beyond.status_code, one.busiest) == (429, 3)


# ------------------------------------------------------------------ the record of calls


def test_every_call_is_written_down_with_its_query(sandbox: Sandbox, caller: Caller) -> None:
    caller.get("/documents", page=2)
    caller.get("/nothing")

    calls = sandbox.desk("tiny").calls
    assert [(call.method, call.path, call.query) for call in calls] == [
        ("GET", "/tiny/documents", "page=2"),
        ("GET", "/tiny/nothing", ""),
    ]
    assert len(calls.of("/tiny/documents*")) == calls.by_path()["/tiny/documents"] == 1


def test_the_record_knows_the_busiest_window() -> None:
    calls = CallLog(Call(at, "GET", "/tiny/me", "") for at in (0.0, 1.0, 4.9, 5.0, 5.5, 12.0))

    assert calls.most_within(5.0) == 4


# ------------------------------------------------------------------ connections


def test_a_connection_holds_what_the_stand_in_asks_for() -> None:
    one = desk()
    one.path, one.login, one.options = "/api/v2", "admin", {"database": "sandbox"}

    assert one.connection("http://127.0.0.1:1/tiny") == {
        "conn_type": "http",
        "host": "http://127.0.0.1:1/tiny/api/v2",
        "login": "admin",
        "password": "sandbox",
        "extra": {"entity_id": "main", "database": "sandbox"},
    }
