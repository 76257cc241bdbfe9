"""A request gives a whole answer within its bounds, or one of our errors that tells no secret."""

from __future__ import annotations

import gzip
import logging
import threading
import traceback
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Answer, Asked, as_json, serve

from encours.clients.http import (
    ApiSession,
    Fault,
    FaultKind,
    Limits,
    QuotaReached,
    Response,
    pause_at_reset,
    pause_when_spent,
)
from encours.errors import EncoursError, FatalError, RetryableError

OF_LYON = "encours_books__lyon"
BUSY = Answer(429, b"slow down, please")


def answered(seconds: int = 0) -> datetime:
    return datetime(2026, 10, 1, 10, 0, seconds, tzinfo=UTC)


# What a request says and what comes back


def test_answer_is_read_with_exact_fractions() -> None:
    with serve(Answer(body=b'{"amount": 1.10}')) as served:
        assert served.session().get("/invoices").json() == {"amount": Decimal("1.10")}


def test_exchange_holds_request_body_moment_and_total() -> None:
    with serve(as_json([1])) as served:
        exchange = served.session().get("/invoices", {"page": "2", "q": "é"}).exchange(7)

    assert exchange.request == "/invoices?page=2&q=%C3%A9"
    assert exchange.body == b"[1]"
    assert exchange.answered_at == answered()
    assert exchange.stated_total == 7


def test_answer_without_a_date_has_no_moment() -> None:
    with serve(Answer(headers={"Date": ""})) as served:
        assert served.session().get("/invoices").answered_at is None


def test_secret_parameters_are_sent_and_not_kept() -> None:
    with serve(as_json([])) as served:
        answer = served.session().get("/invoices?access_token=a1", {"api_key": "b2", "page": "1"})

    assert served.asked[0].target == "/invoices?access_token=a1&api_key=b2&page=1"
    assert answer.request == "/invoices?access_token=hidden&api_key=hidden&page=1"


def test_path_comes_after_that_of_the_base_address() -> None:
    with serve(as_json([])) as served:
        served.session(base_url=served.server.url + "/api/v2/").get("/Payment Entry/ACC-1")

    assert served.asked[0].target == "/api/v2/Payment%20Entry/ACC-1"


def test_posted_json_has_sorted_keys_and_numbers() -> None:
    with serve(as_json([])) as served:
        answer = served.session().post("/search", json={"b": Decimal("1.10"), "a": 1}, asked="b,a")

    assert served.asked[0].body == b'{"a":1,"b":1.10}'
    assert served.asked[0].headers["content-type"] == "application/json"
    assert answer.request == "/search b,a"


def test_posted_mapping_is_a_form() -> None:
    with serve(as_json([])) as served:
        served.session().post("/token", data={"grant_type": "refresh token"})

    assert served.asked[0].body == b"grant_type=refresh+token"
    assert served.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_headers_are_asked_for_before_each_request() -> None:
    tokens = iter(["one", "two"])
    with serve(as_json([])) as served:
        session = served.session(headers=lambda: {"Authorization": next(tokens)})
        session.get("/a")
        session.get("/a", headers={"If-Modified-Since": "x"})

    assert [asked.headers["authorization"] for asked in served.asked] == ["one", "two"]
    assert served.asked[1].headers["if-modified-since"] == "x"


def test_password_file_of_the_machine_is_not_used(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serve(as_json([])) as served:
        session = served.session()
        session._session.trust_env = True  # as for a host that is not this machine
        session.get("/a")

    assert served.asked[0].headers["authorization"] == "Bearer first-token"


def test_cookies_are_not_kept() -> None:
    with serve(as_json([], Set_Cookie="sid=1; Path=/")) as served:
        session = served.session()
        session.get("/a")
        session.get("/a")

    assert "cookie" not in served.asked[1].headers


def test_connection_is_used_again() -> None:
    with serve(as_json([])) as served:
        session = served.session()
        for _ in range(3):
            session.get("/a")

        assert served.server.connections == 1


def test_compressed_answer_is_read_whole() -> None:
    body = b'["' + b"x" * 300_000 + b'"]'
    packed = Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    with serve(packed) as served:
        assert served.session().get("/a").body == body


def test_answer_in_chunks_is_read_whole() -> None:
    chunks = Answer(
        body=b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
        headers={"Transfer-Encoding": "chunked", "Content-Length": ""},
    )
    with serve(chunks) as served:
        assert served.session().get("/a").json() == [1, 2]


def test_certificates_are_checked() -> None:
    session = ApiSession("b", "https://example.org", headers=dict, limits=Limits(1, 1))

    assert session._session.verify is True


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org",
        "ftp://example.org",
        "example.org",
        "https://",
        "https://user:pass@example.org",
        "https://example.org?key=1",
        "https://[example.org",
    ],
)
def test_address_that_would_tell_secrets_is_refused(address: str) -> None:
    with pytest.raises(FatalError, match=r"^books_1: .*correct the connection's host") as refused:
        ApiSession("books_1", address, headers=dict, limits=Limits(1, 1))

    assert "pass" not in str(refused.value)


def test_plain_http_is_allowed_where_the_connection_says_so() -> None:
    ApiSession("b", "http://odoo.lan", headers=dict, limits=Limits(1, 1), allow_http=True)


def test_path_with_a_host_is_refused() -> None:
    with serve(as_json([])) as served, pytest.raises(FatalError, match="holds no host"):
        served.session().get("https://elsewhere.example/invoices")

    assert served.asked == []


# Tokens


def test_token_that_died_is_renewed_once_and_the_request_repeated() -> None:
    token = ["old"]
    renewals: list[int] = []

    def renew() -> bool:
        renewals.append(1)
        token[0] = "new"
        return True

    def answer(asked: Asked) -> Answer:
        return as_json([1]) if asked.headers["authorization"] == "new" else as_json({}, 401)

    with serve(answer) as served:
        session = served.session(headers=lambda: {"Authorization": token[0]}, renew=renew)

        assert session.get("/a").json() == [1]
        assert session.get("/a").json() == [1]
    assert len(renewals) == 1
    assert served.clock.slept == []


def test_second_401_names_the_connection_and_how_to_mend_it() -> None:
    renewals: list[int] = []
    with serve(as_json({}, 401)) as served:
        session = served.session(name=OF_LYON, renew=lambda: renewals.append(1) is None)

        with pytest.raises(FatalError) as refused:
            session.get("/a")

    assert str(refused.value) == (
        f"{OF_LYON}: /a: the access was refused (encours connect books --entity lyon)"
    )
    assert len(renewals) == 1
    assert len(served.asked) == 2


@pytest.mark.parametrize("renew", [None, lambda: False])
def test_401_without_another_token_is_not_repeated(renew: Any) -> None:
    with serve(as_json({}, 401)) as served, pytest.raises(FatalError):
        served.session(renew=renew).get("/a")

    assert len(served.asked) == 1


def test_403_is_fatal_without_renewing() -> None:
    with (
        serve(as_json({}, 403)) as served,
        pytest.raises(FatalError, match=r"answered 403 \(encours connect books --entity lyon\)"),
    ):
        served.session(name=OF_LYON, renew=pytest.fail).get("/a")


def test_threads_that_meet_a_dead_token_renew_it_once() -> None:
    token = ["old"]
    renewals: list[int] = []
    both_refused = threading.Barrier(2, timeout=10)

    def renew() -> bool:
        renewals.append(1)
        token[0] = "new"
        return True

    def answer(asked: Asked) -> Answer:
        if asked.headers["authorization"] == "new":
            return as_json([1])
        both_refused.wait()
        return as_json({}, 401)

    with serve(answer) as served:
        session = served.session(
            headers=lambda: {"Authorization": token[0]},
            renew=renew,
            limits=Limits(1000, 1, concurrent=2),
        )
        threads = [threading.Thread(target=session.get, args=("/a",)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    assert len(renewals) == 1
    assert len(served.asked) == 4


# Faults that pass


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(BUSY, id="too many requests, in plain text"),
        pytest.param(Answer(500, b"<h1>Oops</h1>"), id="server error"),
        pytest.param(Answer(503, b""), id="maintenance"),
        pytest.param(Answer(body=b'["abc"]', sent=3), id="shorter than it said"),
        pytest.param(Answer(body=b'["abc"]', sent=3, resets=True), id="reset in mid-body"),
        pytest.param(Answer(closes=True), id="closed before the answer"),
        pytest.param(Answer(body=b'["abc'), id="truncated JSON"),
        pytest.param(Answer(body=b""), id="empty"),
        pytest.param(Answer(body=b" <!doctype html><p>Error"), id="web page with status 200"),
        pytest.param(Answer(body=b"Service unavailable"), id="text with status 200"),
        pytest.param(Answer(body=b"x", headers={"Content-Encoding": "gzip"}), id="broken gzip"),
        pytest.param(Answer(429, b'{"message": ', sent=3), id="refusal that breaks off"),
    ],
)
def test_passing_fault_is_tried_again(fault: Answer) -> None:
    with serve(fault, fault, as_json([1])) as served:
        assert served.session().get("/a").json() == [1]

    assert len(served.asked) == 3
    assert served.clock.slept == [0.5, 1.0]


def test_silent_server_is_tried_again() -> None:
    with serve(Answer(hangs=True), as_json([1])) as served:
        assert served.session(patience={"read_seconds": 0.2}).get("/a").json() == [1]


def test_waits_double_up_to_a_bound_and_vary() -> None:
    patience = {"attempts": 6, "first_wait": 1.0, "longest_wait": 10.0, "draw": lambda: 0.5}
    with serve(BUSY) as served, pytest.raises(RetryableError):
        served.session(patience=patience).get("/a")

    assert served.clock.slept == [0.75, 1.5, 3.0, 6.0, 7.5]


def test_tries_are_bounded() -> None:
    with serve(Answer(500, b"")) as served, pytest.raises(RetryableError) as given_up:
        served.session(patience={"attempts": 4}).get("/a", {"token": "t"})

    assert str(given_up.value) == "books_1: /a: answered 500, after 4 tries (run again later)"
    assert len(served.asked) == 4


def test_time_is_bounded() -> None:
    with serve(BUSY) as served, pytest.raises(RetryableError):
        served.session(patience={"attempts": 1000, "seconds": 60.0}).get("/a")

    assert 30 < sum(served.clock.slept) <= 60


def test_server_that_is_not_there_is_a_passing_fault() -> None:
    with (
        serve(as_json([])) as served,
        pytest.raises(RetryableError, match=r"no connection, or it was closed .* 2 tries"),
    ):
        served.session(base_url="http://127.0.0.1:9", patience={"attempts": 2}).get("/a")


def test_web_page_that_stays_is_retryable() -> None:
    with serve(Answer(body=b"<html>")) as served, pytest.raises(RetryableError, match="web page"):
        served.session().get("/a")


def test_text_that_stays_is_fatal() -> None:
    with serve(Answer(body=b"Hello")) as served, pytest.raises(FatalError, match="not JSON"):
        served.session().get("/a")


def test_other_forms_are_left_alone_when_told() -> None:
    with serve(Answer(body=b"<a/>")) as served:
        answer = served.session(reads="any").get("/a")

    assert answer.body == b"<a/>"
    with pytest.raises(RetryableError, match="web page"):
        answer.json()


def test_answer_without_content_has_no_value() -> None:
    with serve(Answer(204, b"")) as served:
        assert served.session().get("/a").json() is None


def test_trickle_ends() -> None:
    def slow(asked: Asked) -> Answer:
        served.clock.sleep(50)
        return as_json([1])

    with serve(slow) as served, pytest.raises(RetryableError, match="no answer in time"):
        served.session(patience={"seconds": 40.0}).get("/a")


# Quotas


def test_retry_after_in_seconds_is_obeyed() -> None:
    with serve(Answer(429, b"", {"Retry-After": "7"}), as_json([1])) as served:
        served.session().get("/a")

    assert served.clock.slept == [7.0]


def test_retry_after_as_a_date_counts_from_the_answers_own_date() -> None:
    busy = Answer(503, b"", {"Retry-After": "Thu, 01 Oct 2026 10:00:09 GMT"})
    with serve(busy, as_json([1])) as served:
        served.session().get("/a")

    assert served.clock.slept == [9.0]


@pytest.mark.parametrize("said", ["", "0", "-5", "soon", "Thu, 01 Oct 2026 09:00:00 GMT", "1e9"])
def test_unusable_retry_after_leaves_the_usual_wait(said: str) -> None:
    with serve(Answer(429, b"", {"Retry-After": said}), as_json([1])) as served:
        served.session().get("/a")

    assert served.clock.slept == [0.5]


def test_date_of_retry_after_is_nothing_without_a_date_to_count_from() -> None:
    later = {"Retry-After": "Thu, 01 Oct 2026 10:00:09 GMT", "Date": ""}
    with serve(Answer(429, b"", later), as_json([1])) as served:
        served.session().get("/a")

    assert served.clock.slept == [0.5]


def test_quota_that_outlasts_the_patience_is_told_without_sleeping() -> None:
    with (
        serve(Answer(429, b"", {"Retry-After": "36000"})) as served,
        pytest.raises(QuotaReached) as reached,
    ):
        served.session().get("/a")

    assert reached.value.seconds == 36000
    assert reached.value.until == datetime(2026, 10, 1, 20, tzinfo=UTC)
    assert "books_1: the request quota is used up until 2026-10-01 20:00:00 UTC" in str(
        reached.value
    )
    assert served.clock.slept == []
    assert len(served.asked) == 1


def test_request_after_a_reached_quota_is_not_even_sent() -> None:
    with serve(Answer(429, b"", {"Retry-After": "36000"})) as served:
        session = served.session()
        for _ in range(2):
            with pytest.raises(QuotaReached):
                session.get("/a")

    assert len(served.asked) == 1


def test_quota_with_an_absurd_wait_has_no_moment() -> None:
    with (
        serve(Answer(429, b"", {"Retry-After": "999999999999"})) as served,
        pytest.raises(QuotaReached) as reached,
    ):
        served.session().get("/a")

    assert reached.value.until is None


def test_rest_of_a_window_is_waited_for_when_nothing_remains() -> None:
    reset = str(int(answered(4).timestamp()))
    spent = as_json([], ratelimit_remaining="0", ratelimit_reset=reset)
    with serve(spent) as served:
        session = served.session(pause=pause_at_reset())
        session.get("/a")
        session.get("/a")

    assert served.clock.slept == [4.0]


def test_what_remains_is_used_without_waiting() -> None:
    with serve(as_json([], X_MinLimit_Remaining="1")) as served:
        session = served.session(pause=pause_when_spent("X-MinLimit-Remaining", 60))
        session.get("/a")
        session.get("/a")

    assert served.clock.slept == []


def test_spent_window_without_a_reset_is_waited_for_whole() -> None:
    with serve(as_json([], X_MinLimit_Remaining="0"), as_json([])) as served:
        session = served.session(pause=pause_when_spent("X-MinLimit-Remaining", 60))
        session.get("/a")
        session.get("/a")

    assert served.clock.slept == [60.0]


# Refusals


def test_refusal_is_one_line_in_the_vendors_words() -> None:
    body = {"error": "invalid_filter", "message": "Unknown field start_date", "code": 4001}
    with serve(as_json(body, 422)) as served, pytest.raises(FatalError) as refused:
        served.session().get("/a", {"start_date": "x"})

    assert str(refused.value) == (
        "books_1: /a: answered 422: invalid_filter, Unknown field start_date, code 4001"
    )
    assert len(served.asked) == 1


def test_status_that_the_client_handles_is_returned() -> None:
    with serve(as_json({"error": {"code": 404}}, 404)) as served:
        assert served.session().get("/a", handled=[404]).status == 404


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirection_is_not_followed(status: int) -> None:
    with serve(as_json([])) as elsewhere:
        away = elsewhere.server.url.replace("127.0.0.1", "localhost") + "/a?token=t"
        with (
            serve(Answer(status, b"", {"Location": away})) as served,
            pytest.raises(
                FatalError, match=f"answered {status}, a redirection to http://localhost"
            ) as refused,
        ):
            served.session().get("/a")

    assert elsewhere.asked == []
    assert "token" not in str(refused.value)


def test_answer_beyond_the_bound_is_fatal() -> None:
    with (
        serve(Answer(body=b"[" + b"1," * 100_000 + b"1]")) as served,
        pytest.raises(FatalError, match="longer than 1000 bytes"),
    ):
        served.session(longest_body=1000).get("/a")

    assert len(served.asked) == 1


def test_small_answer_that_unpacks_beyond_the_bound_is_fatal() -> None:
    bomb = Answer(body=gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})
    with serve(bomb) as served, pytest.raises(FatalError, match="longer than"):
        served.session(longest_body=100_000).get("/a")


@pytest.mark.parametrize(
    "fault", [Answer(500, b"<h1>Oops</h1>"), Answer(body=b"0123456789", sent=8, resets=True)]
)
def test_file_is_whole_whatever_a_try_before_left(fault: Answer, tmp_path: Path) -> None:
    with serve(fault, Answer(body=b"a;b\n")) as served:
        served.session(reads="any").download("/a", tmp_path / "ledger.txt")

    assert (tmp_path / "ledger.txt").read_bytes() == b"a;b\n"


def test_download_holds_no_more_than_a_chunk(tmp_path: Path) -> None:
    size = 16 * 1024 * 1024
    # The server is in this process: what it holds must be small.
    packed = Answer(body=gzip.compress(bytes(size)), headers={"Content-Encoding": "gzip"})
    with serve(packed) as served:
        session = served.session(reads="any")
        tracemalloc.start()
        held_before, _ = tracemalloc.get_traced_memory()
        session.download("/a", tmp_path / "ledger.txt")
        _, most_held = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert (tmp_path / "ledger.txt").stat().st_size == size
    assert most_held - held_before < size / 4


def test_disk_that_is_full_is_told_and_not_tried_again() -> None:
    with (
        serve(Answer(body=bytes(100_000))) as served,
        pytest.raises(FatalError, match="the disk of /dev/full is full: free some space"),
    ):
        served.session(reads="any").download("/a", Path("/dev/full"))

    assert len(served.asked) == 1


def test_file_that_cannot_be_opened_is_told_and_not_tried_again(tmp_path: Path) -> None:
    with (
        serve(Answer(body=b"1")) as served,
        pytest.raises(FatalError, match=f"cannot write to {tmp_path}: Is a directory"),
    ):
        served.session(reads="any").download("/a", tmp_path)

    assert len(served.asked) == 1


def test_error_with_status_200_is_recognised() -> None:
    def is_error(answer: Response) -> str | None:
        return "the session ended" if "fault" in answer.json() else None

    with serve(as_json({"fault": 1})) as served, pytest.raises(FatalError, match="session ended"):
        served.session(is_error=is_error).get("/a")


def test_quota_with_status_200_is_tried_again() -> None:
    def is_error(answer: Response) -> Fault | None:
        is_busy = answer.json() == "busy"
        return Fault("the API rate limit is exceeded", FaultKind.PASSING) if is_busy else None

    with serve(as_json("busy"), as_json([1])) as served:
        assert served.session(is_error=is_error).get("/a").json() == [1]


def test_dead_token_with_status_200_is_renewed() -> None:
    def is_error(answer: Response) -> Fault | None:
        is_dead = answer.json() == "dead"
        return Fault("the session ended", FaultKind.CREDENTIALS) if is_dead else None

    with serve(as_json("dead"), as_json([1])) as served:
        session = served.session(is_error=is_error, renew=lambda: True)

        assert session.get("/a").json() == [1]


def test_text_of_is_error_does_not_end_the_tries() -> None:
    with serve(as_json({"message": "busy"}, 429), as_json([1])) as served:
        session = served.session(
            is_error=lambda answer: "refused" if isinstance(answer.json(), dict) else None
        )

        assert session.get("/a").json() == [1]


# Secrets

TOKEN, CUSTOMER, PARAMETER = "tok-canary-8f3a", "Zyxwolff", "filtercanary"
LEAKY = f'{{"message": "token {TOKEN} of {CUSTOMER} is invalid", "error": "{CUSTOMER}"}}'.encode()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=LEAKY),
        Answer(400, LEAKY),
        Answer(401, LEAKY),
        Answer(403, LEAKY),
        Answer(429, LEAKY),
        Answer(429, LEAKY, {"Retry-After": "9999"}),
        Answer(500, LEAKY),
        Answer(302, LEAKY, {"Location": f"https://{CUSTOMER}@login.example/{TOKEN}"}),
        Answer(body=LEAKY[:-3]),
        Answer(body=b"<html>" + LEAKY),
        Answer(body=CUSTOMER.encode()),
        Answer(body=LEAKY, sent=20),
        Answer(body=LEAKY, resets=True, sent=20),
        Answer(body=LEAKY, headers={"Content-Encoding": "gzip"}),
    ],
)
def test_no_log_record_and_no_error_tells_a_secret(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    said = ""
    caplog.set_level(logging.DEBUG)
    with serve(answer) as served:
        session = served.session(headers=lambda: {"Authorization": f"Bearer {TOKEN}"})
        try:
            session.get("/invoices", {"filter": PARAMETER, "token": TOKEN})
        except EncoursError as error:
            said = "".join(traceback.format_exception(error)) + repr(error.__context__)

    told = said + "".join(record.getMessage() for record in caplog.records)
    assert "/invoices" in told
    assert not [secret for secret in (TOKEN, CUSTOMER, PARAMETER) if secret in told]
    assert not any(record.exc_info for record in caplog.records)


def test_unreachable_server_tells_no_parameter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(as_json([])) as served, pytest.raises(RetryableError) as given_up:
        served.session(base_url="http://127.0.0.1:9").get("/a", {"filter": PARAMETER})

    said = "".join(traceback.format_exception(given_up.value)) + caplog.text
    assert PARAMETER not in said
    assert given_up.value.__context__ is None


def test_token_that_no_header_may_hold_is_not_told() -> None:
    with serve(as_json([])) as served, pytest.raises(FatalError) as refused:
        served.session(headers=lambda: {"Authorization": f"{TOKEN}\nX: 1"}).get("/a")

    assert "credentials hold a sign" in str(refused.value)
    assert TOKEN not in "".join(traceback.format_exception(refused.value))


def test_request_is_logged_with_method_path_status_and_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with serve(as_json([])) as served:
        served.session().get("/invoices", {"page": "1"})

    assert [record.getMessage() for record in caplog.records] == ["GET /invoices 200 0 ms"]


def test_response_shows_no_body() -> None:
    with serve(Answer(body=LEAKY)) as served:
        assert CUSTOMER not in repr(served.session().get("/a"))
