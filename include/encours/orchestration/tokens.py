"""The pair of tokens of a connection, in Airflow's own encrypted store.

Every process renews in the one store of the home, under a lock on the connection's row, and the new
pair is committed before it is used: a refresh token that rotates is worth one renewal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from encours.clients.oauth import Tokens, how_to_authorise
from encours.errors import FatalError
from encours.settings import Settings
from encours.warehouse.connections import connect, open_warehouse

if TYPE_CHECKING:
    from airflow.models.crypto import FernetProtocol

TOKEN_FIELDS = frozenset({"access_token", "refresh_token", "expires_at"})
STORED = "select extra, is_extra_encrypted from connection where conn_id = %s"
LOCKED = "select extra, is_extra_encrypted from connection where conn_id = %s for update"


class StoredTokens:
    """The tokens of one stored connection. FatalError where it is not in the store."""

    def __init__(self, settings: Settings, connection_id: str) -> None:
        self._settings = settings
        self._connection_id = connection_id

    def read(self) -> Tokens:
        with self._store() as connection:
            return _tokens(self._connection_id, self._extra(connection, lock=False))

    def renew(self, spent: Tokens, exchange: Callable[[Tokens], Tokens]) -> Tokens:
        cipher = store_cipher(self._connection_id)
        with self._store() as connection, connection.transaction():
            extra = self._extra(connection, lock=True)
            stored = _tokens(self._connection_id, extra)
            if stored.access_token != spent.access_token:
                return stored
            renewed = exchange(stored)
            connection.execute(
                "update connection set extra = %s, is_extra_encrypted = true where conn_id = %s",
                [
                    cipher.encrypt(json.dumps({**extra, **as_fields(renewed)}).encode()).decode(),
                    self._connection_id,
                ],
            )
        return renewed

    def _store(self) -> psycopg.Connection:
        return connect(open_warehouse(self._settings).metadata_url)

    def _extra(self, connection: psycopg.Connection, *, lock: bool) -> dict[str, Any]:
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(LOCKED if lock else STORED, [self._connection_id]).fetchone()
        if row is None:
            raise FatalError(
                f"{self._connection_id} is not in Airflow's store, where its tokens are renewed:"
                f" {how_to_authorise(self._connection_id)}"
            )
        text = row["extra"] or "{}"
        if row["is_extra_encrypted"]:
            text = store_cipher(self._connection_id).decrypt(text.encode()).decode()
        return dict(json.loads(text))


@dataclass(frozen=True)
class GivenTokens:
    """The tokens of a connection that an environment variable defines: good for as long as the
    access token is, since what rotates cannot be kept there."""

    connection_id: str
    access_token: str = field(repr=False)

    def read(self) -> Tokens:
        return Tokens(self.access_token, refresh_token="")

    def renew(self, spent: Tokens, exchange: Callable[[Tokens], Tokens]) -> Tokens:
        raise FatalError(
            f"{self.connection_id} is defined by an environment variable, where its tokens cannot"
            f" be renewed: {how_to_authorise(self.connection_id)}"
        )


def as_fields(tokens: Tokens) -> dict[str, str | None]:
    """The pair as fields of the connection's extra."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_at": tokens.expires_at.isoformat() if tokens.expires_at else None,
    }


def _tokens(connection_id: str, extra: dict[str, Any]) -> Tokens:
    if not extra.get("refresh_token"):
        raise FatalError(f"{connection_id} was never authorised: {how_to_authorise(connection_id)}")
    expires_at = extra.get("expires_at")
    return Tokens(
        access_token=str(extra.get("access_token") or ""),
        refresh_token=str(extra["refresh_token"]),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )


def store_cipher(connection_id: str) -> FernetProtocol:
    """Airflow's own. FatalError without a key: it would then leave secrets readable."""
    from airflow.models.crypto import get_fernet

    cipher = get_fernet()
    if not cipher.is_encrypted:
        raise FatalError(
            f"{connection_id}: Airflow's store has no key (AIRFLOW__CORE__FERNET_KEY):"
            " secrets are not kept in plain"
        )
    return cipher
