"""Renewing tokens: once, stored before use, and never shown."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from token_endpoint import StoreInMemory, TokenEndpoint, serving

from encours.clients.oauth import Application, RenewedToken, Tokens, how_to_authorise
from encours.errors import EncoursError, FatalError, RetryableError

NAME = "encours_sage_accounting"
FIRST = Tokens("canary-access-0", "canary-refresh-0")
ANSWERED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with serving(TokenEndpoint()) as endpoint:
        yield endpoint


def application(endpoint: TokenEndpoint, *, wants_basic: bool = False) -> Application:
    return Application(
        authorize_url="https://vendor.example/authorize?filter=apiv3.1",
        token_url=endpoint.url,
        client_id="app",
        client_secret="canary-secret",
        redirect_uri="https://here.example/back",
        scopes=("readonly",),
        wants_basic=wants_basic,
    )


def bearer(token: RenewedToken) -> str:
    return token.headers()["Authorization"].removeprefix("Bearer ")


# ---------------------------------------------------------------- what is asked


def test_page_to_authorize_keeps_what_the_vendor_put_into_its_address(
    endpoint: TokenEndpoint,
) -> None:
    page = urlsplit(application(endpoint).page_to_authorize("state-1"))

    assert {name: values[0] for name, values in parse_qs(page.query).items()} == {
        "filter": "apiv3.1",
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "https://here.example/back",
        "scope": "readonly",
        "state": "state-1",
    }


def test_stand_in_on_this_machine_may_be_authorised_without_tls(endpoint: TokenEndpoint) -> None:
    stand_in = replace(application(endpoint), authorize_url="http://127.0.0.1:1/authorize")

    assert stand_in.page_to_authorize("s").startswith("http://127.0.0.1:1/authorize?")


def test_code_is_exchanged_with_the_credentials_in_the_body(endpoint: TokenEndpoint) -> None:
    endpoint.good = "code-1"

    tokens = application(endpoint).first_tokens(NAME, "code-1")

    assert endpoint.asked == [
        {
            "grant_type": "authorization_code",
            "code": "code-1",
            "redirect_uri": "https://here.example/back",
            "client_id": "app",
            "client_secret": "canary-secret",
        }
    ]
    assert tokens == Tokens("canary-access-1", "canary-refresh-1", ANSWERED_AT + timedelta(0, 300))


def test_secret_is_in_the_header_only_where_the_vendor_wants_basic(endpoint: TokenEndpoint) -> None:
    application(endpoint, wants_basic=True).next_tokens(NAME, FIRST)

    assert endpoint.asked == [{"grant_type": "refresh_token", "refresh_token": "canary-refresh-0"}]
    sent = endpoint.headers[0]["authorization"]
    assert sent == "Basic " + base64.b64encode(b"app:canary-secret").decode()


def test_no_other_credentials_of_the_machine_are_sent(
    endpoint: TokenEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    application(endpoint).next_tokens(NAME, FIRST)

    assert "authorization" not in endpoint.headers[0]


# ---------------------------------------------------------------- what is answered


def test_refresh_token_lives_on_where_the_vendor_sends_no_new_one(endpoint: TokenEndpoint) -> None:
    endpoint.instead = (200, b'{"access_token": "a", "token_type": "bearer"}')

    assert application(endpoint).next_tokens(NAME, FIRST) == Tokens("a", "canary-refresh-0")


@pytest.mark.parametrize(
    ("status", "body", "error", "line"),
    [
        (400, b'{"error": "invalid_grant"}', FatalError, "refused or was used up (invalid_grant)"),
        (401, b'{"error": "invalid_client"}', FatalError, "id or secret is refused"),
        (400, b'{"error": "canary words"}', FatalError, "was used up (unknown)"),
        (400, b'{"error": {"canary": 1}}', FatalError, "was used up (unknown)"),
        (400, b"canary", FatalError, "answered 400 in an unknown form"),
        (302, b"", FatalError, "answered 302 in an unknown form"),
        (403, b"<html>canary</html>", FatalError, "answered 403 in an unknown form"),
        (429, b'{"error": "slow_down"}', RetryableError, "says 429"),
        (503, b"canary", RetryableError, "says 503"),
        (200, b"<html>canary</html>", RetryableError, "did not answer in JSON"),
        (200, b'{"access_token": "canary', RetryableError, "did not answer in JSON"),
        (200, b'["canary"]', RetryableError, "did not answer in JSON"),
        (200, b'{"token_type": "canary"}', FatalError, "without a token"),
        (200, b'{"access_token": {"canary": 1}}', FatalError, "without a token"),
    ],
)
def test_refused_renewal_is_one_line_without_what_was_sent_or_said(
    endpoint: TokenEndpoint, status: int, body: bytes, error: type[EncoursError], line: str
) -> None:
    endpoint.instead = (status, body)

    with pytest.raises(error) as raised:
        application(endpoint).next_tokens(NAME, FIRST)

    assert line in str(raised.value)
    assert str(raised.value).startswith(NAME)
    assert "\n" not in str(raised.value)
    assert "canary" not in repr(raised.value)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("encours_sage_accounting", "encours connect sage_accounting"),
        ("encours_sage_accounting__lyon", "encours connect sage_accounting --entity lyon"),
    ],
)
def test_refused_refresh_token_says_how_to_authorise_this_connection(
    endpoint: TokenEndpoint, name: str, command: str
) -> None:
    endpoint.good = "another"

    with pytest.raises(FatalError) as raised:
        application(endpoint).next_tokens(name, FIRST)

    assert str(raised.value).endswith(f"authorise again with {command}")
    assert how_to_authorise(name) == command


def test_endpoint_that_is_not_there_may_be_there_later(endpoint: TokenEndpoint) -> None:
    gone = replace(application(endpoint), token_url="http://127.0.0.1:9/token")

    with pytest.raises(RetryableError, match="gave no answer") as raised:
        gone.next_tokens(NAME, FIRST)

    assert raised.value.__context__ is None


def test_answer_without_a_date_tells_no_expiry(endpoint: TokenEndpoint) -> None:
    endpoint.date = "yesterday"

    assert application(endpoint).next_tokens(NAME, FIRST).expires_at is None


# ---------------------------------------------------------------- one writer, stored before use


def test_new_pair_is_stored_before_it_is_sent(endpoint: TokenEndpoint) -> None:
    store = StoreInMemory(FIRST)
    token = RenewedToken(NAME, store, application(endpoint))

    token.renew()

    assert store.read().access_token == bearer(token) == "canary-access-1"


def test_many_that_renew_at_once_spend_one_refresh_token(endpoint: TokenEndpoint) -> None:
    store = StoreInMemory(FIRST)
    tokens = [RenewedToken(NAME, store, application(endpoint)) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(RenewedToken.renew, tokens))

    assert len(endpoint.asked) == 1
    assert {bearer(token) for token in tokens} == {"canary-access-1"}


def test_pair_that_another_process_renewed_is_taken_over(endpoint: TokenEndpoint) -> None:
    store = StoreInMemory(FIRST)
    mine = RenewedToken(NAME, store, application(endpoint))
    RenewedToken(NAME, store, application(endpoint)).renew()

    mine.renew()

    assert len(endpoint.asked) == 1
    assert bearer(mine) == "canary-access-1"


def test_pair_lost_before_it_was_stored_asks_for_a_person_at_the_next_run(
    endpoint: TokenEndpoint,
) -> None:
    class StoreThatDies(StoreInMemory):
        def renew(self, spent: Tokens, exchange: Callable[[Tokens], Tokens]) -> Tokens:
            exchange(spent)
            raise KeyboardInterrupt

    dying = StoreThatDies(FIRST)
    with pytest.raises(KeyboardInterrupt):
        RenewedToken(NAME, dying, application(endpoint)).renew()
    next_run = RenewedToken(NAME, StoreInMemory(dying.read()), application(endpoint))

    with pytest.raises(FatalError, match=r"was used up .* encours connect sage_accounting"):
        next_run.renew()


# ---------------------------------------------------------------- renewed before it dies


@pytest.mark.parametrize(
    ("seconds_left", "renewals"), [(300, 0), (31, 0), (30, 1), (0, 1), (-600, 1)]
)
def test_token_is_renewed_before_it_dies_by_the_vendors_clock(
    endpoint: TokenEndpoint, seconds_left: int, renewals: int
) -> None:
    expiry = ANSWERED_AT + timedelta(seconds=seconds_left)
    store = StoreInMemory(replace(FIRST, expires_at=expiry))
    token = RenewedToken(NAME, store, application(endpoint))
    token.note(ANSWERED_AT)

    sent = bearer(token)

    assert len(endpoint.asked) == renewals
    assert sent == f"canary-access-{renewals}"


def test_clock_of_this_machine_renews_nothing(endpoint: TokenEndpoint) -> None:
    store = StoreInMemory(replace(FIRST, expires_at=datetime(1990, 1, 1, tzinfo=UTC)))
    token = RenewedToken(NAME, store, application(endpoint))
    token.note(None)

    assert bearer(token) == "canary-access-0"


def test_token_of_unknown_lifetime_is_renewed_only_when_it_is_refused(
    endpoint: TokenEndpoint,
) -> None:
    token = RenewedToken(NAME, StoreInMemory(FIRST), application(endpoint))
    token.note(ANSWERED_AT + timedelta(days=30))

    assert bearer(token) == "canary-access-0"


# ---------------------------------------------------------------- never shown


def test_nothing_secret_is_logged_or_shown(
    endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = application(endpoint)
    store = StoreInMemory(FIRST)
    token = RenewedToken(NAME, store, app)

    token.renew()
    endpoint.good = "another"
    with pytest.raises(FatalError) as raised:
        token.renew()

    shown = [caplog.text, repr(app), repr(store.read()), repr(token), repr(raised.value)]
    assert "canary" not in "\n".join(shown)
