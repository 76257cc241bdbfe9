"""A database that is read through SQLAlchemy: SELECT only, page by page, each page a short
transaction of its own that holds no lock once it is read.

The library of a database (its driver) is not installed with Encours: who connects one installs it,
and a missing one is told in a line. What a database says of an error quotes statements, values and
logins, so only its number is looked at and never its words.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from encours.clients.api import Access
from encours.clients.http import Patience
from encours.errors import EncoursError, FatalError, RetryableError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Select
    from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
T = TypeVar("T")

# What each driver calls the seconds that a login and a statement may take.
_TIMEOUTS: Mapping[str, Mapping[str, str]] = {
    "pymssql": {"login_timeout": "connect_seconds", "timeout": "read_seconds"},
    "pyodbc": {"timeout": "connect_seconds"},
    "pysqlite": {"timeout": "connect_seconds"},
}
_MISSING_TABLE = 208
# SQL Server's numbers: what is wrong, and how to mend it.
_REFUSALS: Mapping[int, tuple[str, str]] = {
    207: ("has not all columns that are read", "is it the database of this system?"),
    _MISSING_TABLE: ("is not there", "is it the database of this system?"),
    229: ("may not be read by this login", "grant it SELECT on the table"),
    230: ("may not be read whole by this login", "grant it SELECT on the table"),
    4060: ("cannot be read: the login may not open the database", "correct the connection's host"),
    18456: ("cannot be read: the login was refused", "correct login and password"),
}


class MissingTable(FatalError):
    """The database has no table of this name."""


class SqlSession:
    """One database. `dialects` are those that the source is known to be kept in."""

    def __init__(
        self, access: Access, *, dialects: Sequence[str], patience: Patience | None = None
    ) -> None:
        self.name = access.connection_id
        self._patience = patience or Patience()
        self._engine = _open_engine(access, dialects, self._patience)

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns. MissingTable where there is none."""
        from sqlalchemy import false, literal_column, select
        from sqlalchemy import table as named

        nothing: Select[Any] = select(literal_column("*")).select_from(named(table)).where(false())
        return self._tried(table, lambda connection: tuple(connection.execute(nothing).keys()))

    def rows(self, table: str, statement: Select[Any]) -> list[Row]:
        """All rows of one statement, as JSON can tell them: a moment as its ISO text, a Decimal as
        it is. `table` is what errors name."""
        return self._tried(
            table,
            lambda connection: [
                {name: _told(value) for name, value in row.items()}
                for row in connection.execute(statement).mappings()
            ],
        )

    def close(self) -> None:
        self._engine.dispose()

    def _tried(self, table: str, read: Callable[[Connection], T]) -> T:
        """A read that is lost with its connection is made again on another one."""
        patience = self._patience
        tries = 1
        while True:
            result, failure = self._once(table, read)
            if failure is None:
                assert result is not None
                return result
            if isinstance(failure, FatalError) or tries == patience.attempts:
                # Outside of the handler, whose exception quotes the statement.
                raise failure
            self._engine.dispose()
            seconds = patience.wait(tries)
            log.warning("%s: try %d failed, waiting %.1f s", self.name, tries, seconds)
            patience.sleep(seconds)
            tries += 1

    def _once(
        self, table: str, read: Callable[[Connection], T]
    ) -> tuple[T, None] | tuple[None, EncoursError]:
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            with self._engine.connect() as connection:
                return read(connection), None
        except DBAPIError as error:
            return None, self._judged(table, error)
        except (SQLAlchemyError, ValueError, OSError) as error:
            return None, FatalError(f"{self.name}: {table} cannot be read, {_kind_of(error)}")

    def _judged(self, table: str, error: DBAPIError) -> EncoursError:
        from sqlalchemy.exc import InterfaceError, OperationalError

        number = _number_of(error)
        if number is not None and number in _REFUSALS:
            what, mend = _REFUSALS[number]
            refused = MissingTable if number == _MISSING_TABLE else FatalError
            return refused(f"{self.name}: {table} {what} ({mend})")
        kind = _kind_of(error)
        if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
            return RetryableError(
                f"{self.name}: {table} cannot be read now: no connection to the database, or it"
                f" broke, {kind}{f' {number}' if number else ''} (run again; if it stays so, check"
                " the connection's host)"
            )
        return FatalError(
            f"{self.name}: {table} cannot be read, {kind}{f' {number}' if number else ''}"
        )


def _open_engine(access: Access, dialects: Sequence[str], patience: Patience) -> Engine:
    """The engine, which connects at its first use. FatalError where the address cannot be used."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import ArgumentError

    name = access.connection_id
    url = _address(access, dialects)
    driver = url.get_driver_name()
    timeouts = {
        argument: max(1, int(getattr(patience, seconds)))
        for argument, seconds in _TIMEOUTS.get(driver, {}).items()
    }
    try:
        engine = create_engine(url, connect_args=timeouts, hide_parameters=True)
    except ModuleNotFoundError:
        missing = True
    except (ArgumentError, TypeError, ValueError):
        missing = False
    else:
        if url.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _refuse_to_write)
        return engine
    if missing:
        raise FatalError(
            f"{name}: the driver {driver} is not installed"
            f" (install it beside Encours: .venv/bin/pip install {driver})"
        )
    raise FatalError(f"{name}: the address cannot be used (correct the connection's host)")


def _address(access: Access, dialects: Sequence[str]) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    name = access.connection_id
    try:
        url = make_url(access.base_url)
        backend = url.get_backend_name()
        url.get_driver_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
    if backend not in dialects:
        raise FatalError(
            f"{name}: the address must be a SQLAlchemy URL of {' or '.join(dialects)}"
            " (correct the connection's host)"
        )
    if url.username is not None or url.password is not None:
        raise FatalError(
            f"{name}: the address must hold no credentials (they are login and password)"
        )
    if access.login:
        url = url.set(username=access.login, password=access.secret)
    return url


def _refuse_to_write(connection: Any, _: Any) -> None:
    connection.execute("pragma query_only = on")


def _number_of(error: DBAPIError) -> int | None:
    """SQL Server's number of an error: pymssql tells it first, pyodbc at the end of its text."""
    arguments: Any = getattr(error.orig, "args", ())
    while isinstance(arguments, tuple) and arguments and isinstance(arguments[0], tuple):
        arguments = arguments[0]
    if arguments and isinstance(arguments[0], int):
        return arguments[0]
    text = str(error.orig)
    if text.startswith("no such table"):
        return _MISSING_TABLE
    found = re.search(r"\((\d{1,5})\) \(SQL", text)
    return int(found[1]) if found else None


def _kind_of(error: BaseException) -> str:
    return type(error).__name__


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if value is None or isinstance(value, int | str | Decimal | date):
        return value
    # A float's shortest digits are those that the database keeps.
    if isinstance(value, float) and isfinite(value):
        return Decimal(repr(value))
    return repr(value)
