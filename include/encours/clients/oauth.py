"""Access tokens that are renewed: the OAuth 2.0 of Sage, Xero, QuickBooks and Pennylane.

Their refresh tokens rotate: each renewal kills the pair before it (RFC 6749 section 6; apis.md
sections 2 to 5 say for how long each lives). So one writer renews at a time, and the new pair is
stored before it is first used. Where a crash falls between the vendor's answer and the store, the
stored pair is dead, which the next run says in one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import requests
from oauthlib.common import add_params_to_uri, urldecode
from oauthlib.oauth2 import WebApplicationClient

from encours.clients import wire
from encours.errors import FatalError, RetryableError

if TYPE_CHECKING:
    from encours.clients.api import Access

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
# A token that would die while a request is under way is renewed before it.
MARGIN = timedelta(seconds=30)

# RFC 6749 section 5.2; a grant that is used up, expired or revoked is `invalid_grant`.
_REFUSED_APPLICATION = frozenset({"invalid_client", "unauthorized_client"})


@dataclass(frozen=True)
class Tokens:
    """A pair of tokens; `expires_at` by the vendor's clock, None where it did not say."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None = None


class TokenStore(Protocol):
    """Where the pair of one connection is kept, encrypted, for all processes."""

    def read(self) -> Tokens: ...

    def renew(self, spent: Tokens, exchange: Callable[[Tokens], Tokens]) -> Tokens:
        """The pair to use in place of `spent`: the stored one where another process has renewed it
        already, else that of `exchange`, stored before it is returned. One caller at a time."""
        ...


@dataclass(frozen=True)
class Application:
    """How one application is known to a vendor: where a person authorises it, where its tokens are
    issued, and whether it names itself there by Basic authentication or in the body."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str = ""
    scopes: tuple[str, ...] = ()
    wants_basic: bool = True

    def page_to_authorize(self, state: str) -> str:
        """The address that a person opens to let the application read the books."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": state,
        }
        # Not the library's own function: it refuses http, which a stand-in on this machine speaks.
        return str(add_params_to_uri(self.authorize_url, list(asked.items())))

    def first_tokens(self, connection_id: str, code: str) -> Tokens:
        """The pair that an authorisation code is worth, once."""
        body = self._protocol().prepare_request_body(
            code=code, redirect_uri=self.redirect_uri, include_client_id=not self.wants_basic
        )
        return self._ask(connection_id, body)

    def next_tokens(self, connection_id: str, spent: Tokens) -> Tokens:
        """The pair that follows; it kills `spent` where the vendor rotates."""
        body = self._protocol().prepare_refresh_body(refresh_token=spent.refresh_token)
        return self._ask(connection_id, body, spent.refresh_token)

    def _protocol(self) -> WebApplicationClient:
        return WebApplicationClient(self.client_id)

    def _ask(self, connection_id: str, body: str, refresh_token: str = "") -> Tokens:
        """One request. FatalError where the grant is refused: only a person can give another."""
        fields = dict(urldecode(body))
        if not self.wants_basic:
            fields |= {"client_id": self.client_id, "client_secret": self.client_secret}
        answer = self._answer(connection_id, fields)
        content = _content(answer)
        error = _error_code(content)
        if error is None and answer.status_code == 200:
            return _tokens(connection_id, answer, content, refresh_token)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise RetryableError(f"{connection_id}: the token endpoint says {answer.status_code}")
        if error in _REFUSED_APPLICATION:
            raise FatalError(
                f"{connection_id}: the application's id or secret is refused ({error}):"
                f" give them again with {how_to_authorise(connection_id)}"
            )
        if error is not None:
            raise FatalError(
                f"{connection_id}: the authorisation is refused or was used up ({error}):"
                f" authorise again with {how_to_authorise(connection_id)}"
            )
        raise FatalError(
            f"{connection_id}: the token endpoint answered {answer.status_code} in an unknown form:"
            " check its address"
        )

    def _answer(self, connection_id: str, fields: Mapping[str, str]) -> requests.Response:
        failure = ""
        with requests.Session() as session:
            # The environment names proxies; none stands before this machine.
            session.trust_env = not wire.is_loopback(urlsplit(self.token_url).hostname or "")
            try:
                return session.post(
                    self.token_url,
                    data=fields,
                    auth=(self.client_id, self.client_secret)
                    if self.wants_basic
                    else wire.unchanged,
                    headers={"Accept": "application/json"},
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                failure = type(error).__name__
        # Outside of the handler: the exception holds what was sent.
        raise RetryableError(f"{connection_id}: the token endpoint gave no answer ({failure})")


def how_to_authorise(connection_id: str) -> str:
    """The command that authorises a connection anew."""
    source, _, entity = connection_id.removeprefix("encours_").partition("__")
    return f"encours connect {source}" + (f" --entity {entity}" if entity else "")


def _content(answer: requests.Response) -> Any:
    """The decoded answer; None for what is no JSON."""
    try:
        return json.loads(answer.content)
    except ValueError:
        return None


def _error_code(content: Any) -> str | None:
    """The code of a refusal. Its description is the vendor's prose: it may quote what was sent."""
    code = content.get("error") if isinstance(content, dict) else None
    if code is None:
        return None
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else "unknown"


def _tokens(
    connection_id: str, answer: requests.Response, content: Any, refresh_token: str
) -> Tokens:
    """RetryableError for a page that stands in place of the answer."""
    if not isinstance(content, dict):
        raise RetryableError(f"{connection_id}: the token endpoint did not answer in JSON")
    access_token = content.get("access_token")
    # A vendor that sends no new one lets the old one live.
    next_one = content.get("refresh_token") or refresh_token
    if not isinstance(access_token, str) or not access_token or not isinstance(next_one, str):
        raise FatalError(f"{connection_id}: the token endpoint answered without a token")
    return Tokens(access_token, next_one, _expiry(answer, content.get("expires_in")))


def _expiry(answer: requests.Response, lifetime: Any) -> datetime | None:
    """By the vendor's clock; None where the vendor gives no time or no lifetime."""
    answered_at = wire.read_date(answer.headers.get("Date"))
    seconds = str(lifetime)
    if answered_at is None or not re.fullmatch(r"[0-9]{1,9}", seconds):
        return None
    return answered_at + timedelta(seconds=int(seconds))


def registered_application(
    access: Access,
    *,
    vendor: str,
    is_stand_in: bool,
    authorize_url: str,
    token_url: str,
    scopes: tuple[str, ...],
    wants_basic: bool,
) -> Application:
    """How the app that is registered with the vendor is known there: its client id and secret are
    login and password of the connection. A stand-in issues tokens below its own address. FatalError
    where the connection lacks one of them."""
    redirect_uri = access.options.get("redirect_uri", "")
    if not access.login or not access.secret or not redirect_uri:
        raise FatalError(
            f"{access.connection_id} needs the client id (login), the client secret (password) and"
            f" the redirect URI (redirect_uri) of an app registered with {vendor}:"
            f" {how_to_authorise(access.connection_id)}"
        )
    return Application(
        authorize_url=f"{access.base_url}/oauth/authorize" if is_stand_in else authorize_url,
        token_url=f"{access.base_url}/oauth/token" if is_stand_in else token_url,
        client_id=access.login,
        client_secret=access.secret,
        redirect_uri=redirect_uri,
        scopes=scopes,
        wants_basic=wants_basic,
    )


def renewed_token(access: Access, application: Application) -> RenewedToken:
    """FatalError where the connection was never authorised."""
    if access.tokens is None:
        raise FatalError(
            f"{access.connection_id} has no tokens: {how_to_authorise(access.connection_id)}"
        )
    return RenewedToken(access.connection_id, access.tokens, application)


class RenewedToken:
    """The Authorization header of a session, and its renewal: `headers` and `renew` of an
    ApiSession.

    `note` is told the moment of each answer: a token that dies by the vendor's own clock is renewed
    before it is sent, whatever this machine's clock says.
    """

    def __init__(self, connection_id: str, store: TokenStore, application: Application) -> None:
        self._connection_id = connection_id
        self._store = store
        self._application = application
        self._tokens = store.read()
        self._answered_at: datetime | None = None

    def headers(self) -> Mapping[str, str]:
        tokens = self._tokens
        if self._answered_at is not None and _is_expiring(tokens, self._answered_at):
            tokens = self._renewed(tokens)
        return {"Authorization": f"Bearer {tokens.access_token}"}

    def note(self, answered_at: datetime | None) -> None:
        self._answered_at = answered_at or self._answered_at

    def renew(self) -> bool:
        self._renewed(self._tokens)
        return True

    def _renewed(self, spent: Tokens) -> Tokens:
        self._tokens = self._store.renew(spent, self._exchange)
        return self._tokens

    def _exchange(self, spent: Tokens) -> Tokens:
        return self._application.next_tokens(self._connection_id, spent)


def _is_expiring(tokens: Tokens, now: datetime) -> bool:
    """Whether the token dies within the margin."""
    return tokens.expires_at is not None and now + MARGIN >= tokens.expires_at
